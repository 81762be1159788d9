//! What is going on, on one line of a terminal; nothing elsewhere.

use std::cell::Cell;
use std::io::{self, IsTerminal as _, Write as _};

/// The line.
#[derive(Debug)]
pub struct Progress {
    shown: bool,
    dirty: Cell<bool>,
}

impl Progress {
    /// A line on standard error, if that is a terminal.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shown: io::stderr().is_terminal(),
            dirty: Cell::new(false),
        }
    }

    /// Shows what is being done now.
    pub fn step(&self, text: &str) {
        if self.shown {
            self.dirty.set(true);
            let mut err = io::stderr().lock();
            // Progress is worth no error.
            let _ = write!(err, "\r\x1b[K{text} …").and_then(|()| err.flush());
        }
    }

    /// Wipes the line.
    pub fn done(&self) {
        if self.dirty.take() {
            let mut err = io::stderr().lock();
            let _ = write!(err, "\r\x1b[K").and_then(|()| err.flush());
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done();
    }
}
