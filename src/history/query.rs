//! Reading the history, also while it is written.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::error::Result;
use crate::history::{Grain, Point};
use crate::kernel::root::Root;
use crate::scope::Scope;
use crate::systemd::names::UnitName;

/// The history, open for reading.
#[derive(Debug)]
pub struct History {}

impl History {
    /// Opens the history; `None` where nothing was recorded yet.
    ///
    /// # Errors
    /// It cannot be read, or another version of memctl wrote it.
    pub fn open(_root: &Root, _scope: &Scope) -> Result<Option<Self>> {
        Ok(None)
    }

    /// When the last reading was recorded.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn last_tick(&self) -> Result<Option<Timestamp>> {
        Ok(None)
    }

    /// The units it knows, sorted by name.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn units(&self) -> Result<Vec<UnitName>> {
        Ok(Vec::new())
    }

    /// A unit's points from a time until another, both included, the oldest first. Without a grain: by the length of
    /// the time, and coarser where the finer points are not kept any more. A minute or an hour that only in part lies
    /// in the time is among them, whole.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn series(
        &self,
        _unit: &UnitName,
        _from: Timestamp,
        _until: Timestamp,
        _grain: Option<Grain>,
    ) -> Result<Vec<Point>> {
        Ok(Vec::new())
    }

    /// For each unit the greatest need (`memory.current` where need is unknown) in each of so many equal parts of a
    /// time; `None` where nothing was recorded.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn sparks(
        &self,
        _from: Timestamp,
        _until: Timestamp,
        _buckets: usize,
    ) -> Result<BTreeMap<UnitName, Vec<Option<u64>>>> {
        Ok(BTreeMap::new())
    }
}
