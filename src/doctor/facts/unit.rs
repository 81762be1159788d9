//! What doctor has seen of a unit.

use std::collections::BTreeMap;

use super::Said;
use crate::limits::key::Key;
use crate::limits::level::Level;
use crate::sample::Sample;
use crate::systemd::files::Origin;
use crate::systemd::names::UnitName;

/// A unit.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Its name.
    pub name: UnitName,
    /// The profile that reaches it.
    pub profile: Option<String>,
    /// What the profile asks for, of a unit that the profile names.
    pub asked: Vec<Key>,
    /// It has a rule for a standstill.
    pub minds_standstill: bool,
    /// It has a rule that restarts.
    pub restarts: bool,
    /// The slice that it lies in.
    pub slice: Option<UnitName>,
    /// The last words on its limits, with the profiles'.
    pub limits: BTreeMap<Key, Word>,
    /// The last words on directives that are no limits: `Restart`, `Type`, `StartLimitBurst`…
    pub said: BTreeMap<&'static str, Said>,
    /// The reading of what runs.
    pub reading: Option<Sample>,
    /// It runs, and its cgroup has no `memory.current`.
    pub unaccounted: bool,
    /// What the slices above it still let it swap out, in bytes.
    pub swap_room: Option<u64>,
}

/// The last word on a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// As written.
    pub text: String,
    /// What it comes to.
    pub level: Option<Level>,
    /// Where it stands.
    pub origin: Origin,
}

impl Unit {
    /// A unit of which nothing is known.
    #[must_use]
    pub fn new(name: UnitName) -> Self {
        Self {
            name,
            profile: None,
            asked: Vec::new(),
            minds_standstill: false,
            restarts: false,
            slice: None,
            limits: BTreeMap::new(),
            said: BTreeMap::new(),
            reading: None,
            unaccounted: false,
            swap_room: None,
        }
    }

    /// The last word on a directive that is no limit; an empty one takes back.
    #[must_use]
    pub fn says(&self, directive: &str) -> Option<&str> {
        let said = self.said.get(directive)?;
        Some(said.value.as_str()).filter(|value| !value.is_empty())
    }

    /// The bytes of a limit by the files, if it is a limit at all.
    #[must_use]
    pub fn bytes(&self, key: Key) -> Option<u64> {
        let bytes = self.limits.get(&key)?.level?.bytes();
        (bytes != u64::MAX).then_some(bytes)
    }
}
