//! Standard output and standard error. A closed pipe is no error: whoever reads has seen enough.

use std::io::{self, IsTerminal as _, Write as _};

use crate::error::{Error, Result};

/// Prints a text and a newline.
///
/// # Errors
/// Standard output cannot be written, for another reason than that nobody reads it.
pub fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    let text = text.trim_end_matches('\n');
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::failed(format!(
            "cannot write to standard output: {e}"
        ))),
        _ => Ok(()),
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

fn no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
        || std::env::var_os("TERM").is_some_and(|t| t == "dumb")
}
