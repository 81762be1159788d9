//! What profiles give a unit whose recording is replayed: its rules, its restart settings, its limits.

use std::path::PathBuf;

use crate::limits::dropin::Installed;
use crate::limits::key::{Key, Value};
use crate::policy::{BuiltIn, is_judged};
use crate::profile::{Restart, Rule};
use crate::sample::Limit;
use crate::systemd::names::UnitName;
use crate::units::Memory;
use crate::watch::charge::Charges;

/// A unit's limits, where a recording does not tell them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// MemoryHigh.
    pub high: Option<Limit>,
    /// MemoryMax.
    pub max: Option<Limit>,
}

/// What a unit is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The unit.
    pub unit: UnitName,
    /// The profile's file.
    pub profile: PathBuf,
    /// The rules of the profile, without those that every unit has by itself.
    pub rules: Vec<Rule>,
    /// How it is restarted.
    pub restart: Restart,
    /// Its limits.
    pub limits: Limits,
    /// The limits that are a share of a RAM that nobody told.
    pub shares: Vec<Key>,
    /// The machine's memory, if it was told.
    pub ram: Option<u64>,
}

impl Given {
    /// What these profiles give a unit on a machine with so much memory; `None` where none names it.
    #[must_use]
    pub fn of(profiles: &[Installed], unit: &UnitName, ram: Option<u64>) -> Option<Self> {
        let charges = Charges::new(profiles);
        let charge = charges.of(unit)?;
        let mut given = Self {
            unit: unit.clone(),
            profile: charge.profile,
            rules: charge.rules,
            restart: charge.restart,
            limits: Limits::default(),
            shares: Vec::new(),
            ram,
        };
        // Of what those look at a recording tells nothing, or nothing that is a rule's verdict.
        given.rules.retain(|r| BuiltIn::named(&r.name).is_none());
        for key in [Key::MemoryHigh, Key::MemoryMax] {
            let Some(Value::Memory(memory)) = charges.limit(unit, key).map(|s| &s.value) else {
                continue;
            };
            let limit = match (memory, ram) {
                (Memory::Infinity, _) => Limit::Infinity,
                (Memory::Bytes(bytes), _) => Limit::Bytes(*bytes),
                (memory, Some(ram)) => Limit::from(memory.resolve(ram)),
                (_, None) => {
                    given.shares.push(key);
                    continue;
                }
            };
            match key {
                Key::MemoryHigh => given.limits.high = Some(limit),
                _ => given.limits.max = Some(limit),
            }
        }
        Some(given)
    }

    /// The rules that this version does not judge.
    pub fn unjudged(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| !is_judged(rule))
    }
}
