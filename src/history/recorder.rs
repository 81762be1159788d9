//! The thread that writes, behind a queue that never makes the watch wait.

use crate::error::Result;
use crate::history::Settings;
use crate::kernel::root::Root;
use crate::sample::Reading;
use crate::scope::Scope;

/// Writes readings to the history, from a thread of its own.
#[derive(Debug)]
pub struct Recorder {}

/// What a recorder did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Readings that are in the history.
    pub written: u64,
    /// Readings that are not: the queue was full, or the database could not be written.
    pub lost: u64,
    /// What went wrong and was not drained yet.
    pub faults: Vec<String>,
}

impl Recorder {
    /// Starts the thread.
    ///
    /// # Errors
    /// No thread can be started. What is wrong with the database is no error but a fault: the watch goes on.
    pub fn start(_root: &Root, _scope: &Scope, _settings: Settings) -> Result<Self> {
        Ok(Self {})
    }

    /// Hands over a reading; never waits. `false`: the queue was full, and the reading is lost and counted.
    pub fn offer(&self, _reading: Reading) -> bool {
        true
    }

    /// What went wrong since this was asked last, in words.
    pub fn faults(&self) -> Vec<String> {
        Vec::new()
    }

    /// Writes what is in the queue, and ends the thread.
    ///
    /// # Errors
    /// The thread panicked.
    pub fn close(self) -> Result<Report> {
        Ok(Report::default())
    }
}
