//! Where readings come from: cgroupfs, or the service manager where that cannot be read.

pub mod bus;
pub mod cgroup;
pub mod compare;

use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::kernel::root::Root;
use crate::readings::bus::BusReadings;
use crate::readings::cgroup::CgroupReadings;
use crate::sample::{Reading, Source};
use crate::scope::Scope;
use crate::systemd::manager::Manager;
use crate::systemd::names::UnitName;

/// Which units are to be read.
pub type Wanted<'a> = &'a dyn Fn(&UnitName) -> bool;

/// A source of readings.
pub trait Readings {
    /// Which one it is; every sample says so, too.
    fn source(&self) -> Source;

    /// Reads all units that run and are wanted, and the slices above them. What is wrong with one unit is told among
    /// the reading's faults and keeps no other from being read.
    ///
    /// # Errors
    /// Nothing at all can be read here.
    fn read(&mut self, now: Timestamp, wanted: Wanted<'_>) -> Result<Reading>;
}

/// A source of readings that was chosen.
pub struct Opened<'a> {
    /// The source.
    pub readings: Box<dyn Readings + 'a>,
    /// Why it is D-Bus although nobody asked for that: what is wrong with cgroupfs.
    pub why: Option<Error>,
}

/// Opens cgroupfs where it can be read, else the manager; or the one that is asked for.
///
/// `connect` is called only where the manager is needed.
///
/// # Errors
/// The source that is asked for cannot be read, or none can; what is told then is what is wrong with cgroupfs.
pub fn open<'a>(
    root: &'a Root,
    scope: &Scope,
    connect: impl FnOnce() -> Result<Box<dyn Manager + 'a>>,
    choice: Option<Source>,
) -> Result<Opened<'a>> {
    let over_bus = |manager, why| Opened {
        readings: Box::new(BusReadings::new(root, manager)),
        why,
    };
    if choice == Some(Source::Bus) {
        return Ok(over_bus(connect()?, None));
    }
    match CgroupReadings::new(root, scope) {
        Ok(readings) => Ok(Opened {
            readings: Box::new(readings),
            why: None,
        }),
        Err(e) if choice == Some(Source::Cgroup) => Err(e),
        Err(e) => match connect() {
            Ok(manager) => Ok(over_bus(manager, Some(e))),
            Err(_) => Err(e),
        },
    }
}
