//! What memctl did to units and what it is about to do, for those who show it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Hold, Store, UnitState};
use crate::restart::machine::Run;
use crate::systemd::names::UnitName;

/// What memctl did to a unit, and how it stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Acts {
    /// Restarts and reloads in the last 31 days.
    pub done: u64,
    /// The last one.
    pub last: Option<Timestamp>,
    /// Nothing is done to it.
    pub held: Option<Hold>,
    /// Restarts do not help, and there will be none.
    pub ineffective: bool,
    /// It is being restarted.
    pub restarting: bool,
    /// The rules that hold and were told.
    pub holding: Vec<String>,
}

impl Acts {
    /// By what is remembered.
    #[must_use]
    pub fn of(state: &UnitState, now: Timestamp) -> Self {
        let holding = state.rules.iter().filter(|(_, m)| m.latched.is_some());
        Self {
            done: state.done.len() as u64,
            last: state.done.last().map(|done| done.time),
            held: state.held(now).cloned(),
            ineffective: state.ineffective.is_some(),
            restarting: state.run.as_ref().is_some_and(Run::is_busy),
            holding: holding.map(|(name, _)| name.clone()).collect(),
        }
    }
}

/// Of all units of which anything is remembered; and what could not be read, in words.
#[must_use]
pub fn acts(store: &Store<'_>, now: Timestamp) -> (BTreeMap<UnitName, Acts>, Vec<String>) {
    let mut faults = Vec::new();
    let units = store.units().unwrap_or_else(|e| {
        faults.push(e.message().to_owned());
        Vec::new()
    });
    let mut all = BTreeMap::new();
    for unit in units {
        match store.unit(&unit) {
            Ok(state) => {
                all.insert(unit, Acts::of(&state, now));
            }
            Err(e) => faults.push(e.message().to_owned()),
        }
    }
    (all, faults)
}
