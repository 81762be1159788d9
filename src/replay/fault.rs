//! What is wrong with a trace.

use std::fmt;

/// How many faults of one file are told; the rest is counted.
const MOST: usize = 20;

/// Something in a trace that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line in the file, from 1 on; 0: the file as a whole.
    pub line: u64,
    /// The column in that line, in bytes from 1 on; 0: the line as a whole.
    pub column: u64,
    /// What.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => f.write_str(&self.message),
            (line, 0) => write!(f, "{line}: {}", self.message),
            (line, column) => write!(f, "{line}:{column}: {}", self.message),
        }
    }
}

/// The faults of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// The first ones.
    pub told: Vec<Fault>,
    /// How many more there are.
    pub more: u64,
}

impl Faults {
    /// One more.
    pub fn push(&mut self, fault: Fault) {
        match self.told.len() < MOST {
            true => self.told.push(fault),
            false => self.more += 1,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }
}
