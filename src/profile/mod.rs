//! Profiles: what the administrator wrote, read whole and checked.
//!
//! `load` finds the files, `raw` reads TOML with positions, `check` turns it into a [`Profile`] and a list
//! of every fault, `diagnose` shows those.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::limits::key::{Key, Value};
use crate::systemd::names::UnitName;
use crate::units::Memory;

/// The largest profile that is read, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;

/// A profile that was read; after an error-free check, all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The file's stem.
    pub name: String,
    /// One line for people.
    pub description: Option<String>,
    /// What the MemoryMax of the units may add up to.
    pub budget: Option<Memory>,
    /// In the order of the file.
    pub units: Vec<UnitProfile>,
}

/// What a profile says of one unit, template, instance or prefix; `[defaults]` already merged in.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitProfile {
    /// The name as written.
    pub name: UnitName,
    /// Where the name stands in the file, in bytes.
    pub at: Range<usize>,
    /// Its limits win over the administrator's drop-ins.
    pub overrides: bool,
    /// The limits by directive.
    pub limits: BTreeMap<Key, Setting>,
}

/// One directive of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// What it means.
    pub value: Value,
    /// What goes into the drop-in: the text as written, trimmed.
    pub text: String,
    /// Where the value stands in the file, in bytes.
    pub at: Range<usize>,
}
