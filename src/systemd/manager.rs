//! What memctl asks of a service manager: as little as it can, PID 1 has other work (FACTS 8).

use crate::error::Result;
use crate::scope::Scope;
use crate::systemd::client::Client;
use crate::systemd::names::UnitName;
use crate::systemd::systemctl::Systemctl;

/// A service manager.
///
/// Everything else memctl knows of units it reads from cgroupfs and from the unit files.
pub trait Manager {
    /// The version as systemd tells it: `257.7-1`.
    ///
    /// # Errors
    /// The bus's, in an administrator's words; so for all calls.
    fn version(&mut self) -> Result<String>;

    /// `daemon-reload`; comes back when generators have run and all units are loaded.
    ///
    /// # Errors
    /// No permission; a rate limit (`ReloadLimitIntervalSec=`); no room in `/run` (FACTS 9).
    fn reload(&mut self) -> Result<()>;

    /// Makes the manager write a unit's limits, and with them those of its whole slice, into the kernel,
    /// leaving no file behind (FACTS 2). Only for units that have a cgroup: others would get one.
    ///
    /// # Errors
    /// No such unit; no permission.
    fn nudge(&mut self, unit: &UnitName) -> Result<()>;

    /// How a unit is.
    ///
    /// # Errors
    /// The bus's.
    fn state(&mut self, unit: &UnitName) -> Result<UnitState>;

    /// Restarts a unit if it is running, gracefully, by its own stop settings, and waits for the job.
    /// Never clobbers a queued stop or shutdown (job mode `fail`, FACTS 18).
    ///
    /// # Errors
    /// The call was refused, or the job had another result than `done`.
    fn try_restart(&mut self, unit: &UnitName) -> Result<()>;
}

/// How a unit is, as far as a restart goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitState {
    /// `active`, `activating`, `inactive`, `failed`…
    pub active: String,
    /// `InvocationID`: another one after a restart (FACTS 19); empty if never started.
    pub invocation: Vec<u8>,
}

/// Reaches the manager: over the bus, or, where D-Bus is down, through `systemctl`, which has a private way to
/// PID 1 for root (FACTS 20a).
///
/// # Errors
/// Neither way works.
pub fn connect(scope: &Scope) -> Result<Box<dyn Manager>> {
    match Client::connect(scope) {
        Ok(client) => Ok(Box::new(client)),
        Err(error) => {
            let mut other = Systemctl::new(scope);
            match other.version() {
                Ok(_) => Ok(Box::new(other)),
                Err(_) => Err(error),
            }
        }
    }
}
