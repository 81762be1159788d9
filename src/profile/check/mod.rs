//! From text to a [`Profile`] and every fault, in one run.
//!
//! Nothing stops at the first fault: each part reports what is wrong with it and yields what is usable. The
//! generator takes the profile, the verbs refuse it while an error stands.

mod across;
mod budget;
mod limits;
mod name;
mod restart;
mod rule;
pub mod settings;
mod suggest;
mod unit;
mod value;

use super::fault::{Concerns, Fault, Severity};
use super::raw::{Entry, Raw};
use super::source::{Source, is_name};
use super::{Profile, salvage};
use crate::limits::key::Key;
use crate::units::{Memory, quote};

pub use across::{check_all, check_named};

/// What the check knows of the machine that the profile is for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The running systemd's version: directives it is too old for get a warning.
    pub systemd: Option<u32>,
}

/// A profile that was checked.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What was usable.
    pub profile: Profile,
    /// Every fault, by position.
    pub faults: Vec<Fault>,
}

impl Checked {
    /// Whether anything forbids to apply it.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.faults.iter().any(|f| f.severity == Severity::Error)
    }
}

/// Reads and checks a profile.
///
/// The profile that comes out holds only what was written for that unit in a readable place: no limit is
/// ever carried over from a broken section.
#[must_use]
pub fn check(source: &Source, options: &Options) -> Checked {
    let mut checker = Checker {
        text: source.text(),
        options,
        faults: Vec::new(),
    };
    let mut profile = Profile {
        name: source.name.clone(),
        description: None,
        budget: None,
        units: Vec::new(),
    };
    if !is_name(&source.name) {
        let message = format!("{} is no name for a profile", quote(&source.name));
        checker.push(
            Fault::error(0..0, Concerns::Other, message)
                .note("allowed: letters, digits and -_.@+:, not beginning with a dot")
                .help("rename the file"),
        );
    }
    match source.broken() {
        Some(fault) => checker.push(fault.clone()),
        None => checker.document(&mut profile),
    }
    let mut faults = checker.faults;
    faults.sort_by_key(|fault| (fault.at.start, fault.at.end));
    Checked { profile, faults }
}

/// The text being checked, and what was found.
struct Checker<'a> {
    text: &'a str,
    options: &'a Options,
    faults: Vec<Fault>,
}

impl Checker<'_> {
    fn push(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    fn document(&mut self, profile: &mut Profile) {
        const KEYS: [&str; 5] = ["format", "description", "budget", "defaults", "unit"];
        let (root, syntax) = salvage::read(self.text);
        let readable = syntax.is_empty();
        self.faults.extend(syntax);
        let mut defaults = unit::Defaults::default();
        let mut units = None;
        let mut budget_at = None;
        let mut foreign = false;
        for entry in &root.0 {
            match entry.key.as_str() {
                "format" => foreign = !self.format(entry),
                "description" => profile.description = self.description(entry),
                "budget" => {
                    profile.budget = self.budget(entry);
                    budget_at = Some(entry.node.at.clone());
                }
                "defaults" => defaults = self.defaults(entry),
                "unit" => units = Some(entry),
                _ => self.unknown_top_level(entry, &KEYS),
            }
        }
        match units {
            Some(entry) => profile.units = self.units(entry, &defaults),
            // After another fault its units may be what that fault is about.
            None if readable && self.faults.is_empty() => self.push(
                Fault::warning(0..0, Concerns::File, "the profile names no unit")
                    .help("a unit's limits stand under a header such as [unit.\"nginx.service\"]"),
            ),
            None => {}
        }
        self.unused_defaults(&defaults, &profile.units);
        self.ceilings(&profile.units);
        if let (Some(budget), Some(at)) = (profile.budget, budget_at) {
            self.budget_holds(budget, &at, &profile.units);
        }
        if foreign {
            // What its keys mean there is not known here.
            profile.units.clear();
        }
    }

    fn unknown_top_level(&mut self, entry: &Entry, keys: &[&str]) {
        if ["Unit", "Service", "Slice", "Scope", "Install"].contains(&entry.key.as_str()) {
            let message = format!("[{}] is a section of unit files", entry.key);
            self.push(
                Fault::error(entry.key_at.clone(), Concerns::File, message)
                    .help("a profile has headers such as [unit.\"nginx.service\"]"),
            );
        } else if Key::from_name(&entry.key).is_some() {
            let message = format!("{} stands under no unit", entry.key);
            self.push(
                Fault::error(entry.key_at.clone(), Concerns::File, message).help(
                    "put it under a header such as [unit.\"nginx.service\"], or under [defaults]",
                ),
            );
        } else {
            self.unknown_key(entry, keys, "a profile", Concerns::File);
        }
    }

    /// Whether the file is of the format that is read here, or at least of no other.
    fn format(&mut self, entry: &Entry) -> bool {
        let at = entry.node.at.clone();
        let other = matches!(&entry.node.value, Raw::Integer(n) if n != "1");
        match &entry.node.value {
            Raw::Integer(_) if !other => {}
            Raw::Integer(_) => self.push(
                Fault::error(at, Concerns::File, "this memctl reads format 1")
                    .label("another format")
                    .help("a newer memctl may read it; for this one write format = 1"),
            ),
            _ => {
                let fault = self.wrong_type(entry, "the number 1", Concerns::Other);
                self.push(fault.help("write format = 1, or leave it out"));
            }
        }
        !other
    }

    fn description(&mut self, entry: &Entry) -> Option<String> {
        self.text_of(entry, Concerns::Other)
            .map(|(text, _)| text.to_owned())
    }

    fn budget(&mut self, entry: &Entry) -> Option<Memory> {
        let (text, at) = self.text_of(entry, Concerns::Budget)?;
        match Memory::parse(text) {
            Ok(memory @ (Memory::Bytes(1..) | Memory::Share(1..))) => Some(memory),
            Ok(_) => {
                self.push(
                    Fault::error(at, Concerns::Budget, "a budget is an amount above zero")
                        .note("allowed: a size (850M) or a share of RAM (80%)"),
                );
                None
            }
            Err(error) => {
                let fault = self.bad_value(entry, text, error, Concerns::Budget);
                self.push(fault);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
