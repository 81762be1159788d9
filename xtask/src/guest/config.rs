//! What guest to boot.

use std::path::PathBuf;

use super::Suite;

/// What guest to boot.
#[derive(Clone, Debug)]
pub struct GuestConfig {
    pub(super) suite: Suite,
    pub(super) memory_mib: u32,
    pub(super) cpus: u32,
    pub(super) swap_mib: Option<u32>,
    pub(super) payload: Vec<(PathBuf, PathBuf)>,
    pub(super) cold: bool,
}

impl GuestConfig {
    /// A guest of 1 GiB with one processor and no swap.
    pub fn new(suite: Suite) -> GuestConfig {
        GuestConfig {
            suite,
            memory_mib: 1024,
            cpus: 1,
            swap_mib: None,
            payload: Vec::new(),
            cold: false,
        }
    }

    /// How much memory it has; its kernel keeps some of that for itself.
    pub fn memory_mib(mut self, mib: u32) -> GuestConfig {
        self.memory_mib = mib;
        self
    }

    /// How many processors it has. Emulated ones are no faster for being many.
    pub fn cpus(mut self, cpus: u32) -> GuestConfig {
        self.cpus = cpus;
        self
    }

    /// Gives it swap space.
    pub fn swap_mib(mut self, mib: u32) -> GuestConfig {
        self.swap_mib = Some(mib);
        self
    }

    /// Really boots it, where else it starts from the state after an earlier
    /// boot: for what depends on the boot itself.
    pub fn cold(mut self) -> GuestConfig {
        self.cold = true;
        self
    }

    /// Puts a file or a folder of the host into the guest before anything
    /// else is run in it. Whether a file may be executed goes with it.
    pub fn file(mut self, host: impl Into<PathBuf>, guest: impl Into<PathBuf>) -> GuestConfig {
        self.payload.push((host.into(), guest.into()));
        self
    }
}
