//! Standard output and standard error. A closed pipe is no error: whoever reads has seen enough.

use std::io::{self, IsTerminal as _, Write as _};

use crate::error::{Error, Result};

/// Prints a text and a newline.
///
/// # Errors
/// Standard output cannot be written, for another reason than that nobody reads it.
pub fn print(text: &str) -> Result<()> {
    print_on(text).map(|_| ())
}

/// The same; answers whether somebody still reads, for those who would print for long.
///
/// # Errors
/// As [`print`]'s.
pub fn print_on(text: &str) -> Result<bool> {
    let mut out = io::stdout().lock();
    let text = text.trim_end_matches('\n');
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(Error::failed(format!(
            "cannot write to standard output: {e}"
        ))),
    }
}

/// Tells something on standard error.
pub fn tell(text: &str) {
    // There is nowhere left to complain to.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether colour is wanted on standard error: on a terminal, unless `NO_COLOR` is set.
#[must_use]
pub fn colour_on_stderr() -> bool {
    io::stderr().is_terminal() && !no_colour()
}

/// Whether colour is wanted on standard output.
#[must_use]
pub fn colour_on_stdout() -> bool {
    io::stdout().is_terminal() && !no_colour()
}

/// Columns and rows of the terminal on standard output; `None` where that is no terminal.
#[must_use]
pub fn terminal() -> Option<(usize, usize)> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    // A serial line says 0 × 0.
    let size = rustix::termios::tcgetwinsize(&out).ok();
    let (columns, rows) = size.map_or((0, 0), |size| (size.ws_col, size.ws_row));
    let or = |n: u16, usual| if n == 0 { usual } else { usize::from(n) };
    Some((or(columns, 80), or(rows, 24)))
}

fn no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
        || std::env::var_os("TERM").is_some_and(|t| t == "dumb")
}
