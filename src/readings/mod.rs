//! Where readings come from: cgroupfs, or the service manager where that cannot be read.

pub mod cgroup;

use jiff::Timestamp;

use crate::error::Result;
use crate::sample::{Reading, Source};
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
