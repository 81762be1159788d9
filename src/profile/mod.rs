//! Profiles: what the administrator wrote, read whole and checked.
//!
//! ```text
//! load → Source → raw (TOML with positions; salvage after syntax errors) → check → Profile + every Fault → diagnose
//! ```
//!
//! Everything but `load` is pure, and `load` reads through a trait: a profile is checked the same on the
//! command line, in the generator at boot, and in a test.

pub mod check;
pub mod diagnose;
pub mod fault;
mod grammar;
pub mod known;
pub mod load;
mod raw;
pub mod restart;
pub mod rule;
mod salvage;
pub mod source;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::limits::key::{Key, Value};
use crate::systemd::names::UnitName;
use crate::units::Memory;

pub use check::{Checked, Options, check, check_all, check_named};
pub use fault::{Concerns, Fault, Severity};
pub use restart::Restart;
pub use rule::Rule;
pub use source::Source;

/// A profile that was read; after an error-free check, all of it, otherwise what was usable.
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
    /// The rules, in the order of the file; those of `[defaults]` where the unit has no `rules` of its own.
    pub rules: Vec<Rule>,
    /// How the unit is restarted.
    pub restart: Restart,
    /// The pattern whose matches in the unit's journal count as finished tasks.
    pub task_match: Option<String>,
}

/// One directive of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// What it means.
    pub value: Value,
    /// What goes into the drop-in: the text as written, trimmed; never a control character in it.
    pub text: String,
    /// Where the value stands in the file, in bytes.
    pub at: Range<usize>,
}
