//! What memctl asks of a service manager: as little as it can, PID 1 has other work (FACTS 8).

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::error::{Error, Result};
use crate::kernel::root::Root;
use crate::restart::Look;
use crate::scope::Scope;
use crate::systemd::client::Client;
pub use crate::systemd::figures::Figures;
use crate::systemd::lasting::{Bus, Lasting};
use crate::systemd::names::{UnitName, UnitType};
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

    /// Restarts a unit if it is running, gracefully, by its own stop settings, and waits for the job: as long as
    /// the unit's own time limits allow, and until an interrupt. Never clobbers a queued stop or shutdown (job mode
    /// `fail`, FACTS 18), never restarts twice.
    ///
    /// # Errors
    /// The call was refused; the job had another result than `done`, or none yet when the wait ended.
    fn try_restart(&mut self, unit: &UnitName) -> Result<()>;

    /// The units of these types that are loaded, running or not, in no order; one call, whatever their number.
    ///
    /// # Errors
    /// The bus's.
    fn units(&mut self, types: &[UnitType]) -> Result<Vec<UnitInfo>>;

    /// What it knows of a unit's memory; `None` for one that is not loaded, and is not loaded for it.
    ///
    /// # Errors
    /// The bus's.
    fn figures(&mut self, unit: &UnitName) -> Result<Option<Figures>>;

    /// How a unit of any type is, and what a restart of it would take along.
    ///
    /// One that is not loaded is `inactive`.
    ///
    /// # Errors
    /// The bus's.
    fn look(&mut self, unit: &str) -> Result<Look>;

    /// Has a job made for a unit of any type, in mode `fail`: it never takes the place of a queued stop or shutdown
    /// (FACTS 18). Waits for its end as [`Manager::try_restart`] does, and never asks twice.
    fn job(&mut self, job: Job, unit: &str) -> JobEnd;
}

/// What a unit can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// `StartUnit`.
    Start,
    /// `TryRestartUnit`: nothing, for a unit that does not run.
    Restart,
    /// `ReloadUnit`: its `ExecReload=`.
    Reload,
}

impl Job {
    /// What is done: `restarting`.
    #[must_use]
    pub fn doing(self) -> &'static str {
        match self {
            Self::Start => "starting",
            Self::Restart => "restarting",
            Self::Reload => "reloading",
        }
    }
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// `done`; for `Type=simple` it means forked, nothing more (FACTS 19).
    Done,
    /// Another result: `failed`, `timeout`, `canceled`, `dependency`, `skipped`.
    Ended(String),
    /// The call was refused, and nothing was queued.
    Refused(Error),
    /// Nobody knows: the connection was lost, or the wait ended before the job.
    Unknown(Error),
}

/// A loaded unit as the manager lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitInfo {
    /// Its name.
    pub name: UnitName,
    /// `loaded`, `not-found` (others name it, and there is no such unit), `masked`…
    pub load: String,
    /// `active`, `activating`, `inactive`, `failed`…
    pub active: String,
    /// `running`, `exited`, `dead`…
    pub sub: String,
    /// `Description=`.
    pub description: String,
}

impl UnitInfo {
    /// Whether there is such a unit, and it is not only named by others.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.load != "not-found"
    }
}

/// How a unit is, as far as a restart goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitState {
    /// `active`, `activating`, `inactive`, `failed`…
    pub active: String,
    /// `InvocationID`: another one after a restart (FACTS 19); empty if never started.
    pub invocation: Vec<u8>,
    /// A job is queued or running for it.
    pub job: bool,
}

/// `257.7-1` → 257.
#[must_use]
pub fn major(version: &str) -> Option<u32> {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The running manager's major version, as far as it tells: what only informs goes on without.
#[must_use]
pub fn running_version(root: &Root, scope: &Scope) -> Option<u32> {
    if !root.is_running_system() {
        return None;
    }
    major(&connect(scope, &Arc::default()).ok()?.version().ok()?)
}

/// Reaches the manager: over the bus, or, where D-Bus is down, through `systemctl`, which has a private way to
/// PID 1 for root (FACTS 20a). D-Bus may go away and come back meanwhile.
///
/// `interrupted` ends the wait for a restart.
///
/// # Errors
/// Neither way works.
pub fn connect(scope: &Scope, interrupted: &Arc<AtomicBool>) -> Result<Box<dyn Manager>> {
    let mut other = Systemctl::new(scope, interrupted);
    let (scope, flag) = (scope.clone(), Arc::clone(interrupted));
    let dial = move || -> Result<Box<dyn Bus>> { Ok(Box::new(Client::connect(&scope, &flag)?)) };
    let bus = match dial() {
        Ok(bus) => Some(bus),
        Err(error) => match other.version() {
            Ok(_) => None,
            Err(_) => return Err(error),
        },
    };
    let (dial, other) = (Box::new(dial), Box::new(other));
    Ok(Box::new(Lasting::new(
        bus,
        dial,
        other,
        Arc::clone(interrupted),
    )))
}
