//! What is found in the facts: one subject a file, each check a function of the facts.

mod accounting;
mod cgroups;
mod force;
mod generator;
mod neighbours;
mod oom;
mod profiles;
mod protection;
mod room;
mod surroundings;
mod swap;
mod version;
mod watching;

#[cfg(test)]
mod bench;

pub(super) use neighbours::KNOWN as KNOWN_NEIGHBOURS;

use crate::doctor::facts::Facts;
use crate::doctor::{Area, Finding};

/// A check.
pub type Check = fn(&Facts) -> Vec<Finding>;

/// Every check, by its subject.
pub const ALL: [(&str, Check); 13] = [
    ("surroundings", surroundings::check),
    ("cgroups", cgroups::check),
    ("version", version::check),
    ("generator", generator::check),
    ("profiles", profiles::check),
    ("force", force::check),
    ("room", room::check),
    ("oom", oom::check),
    ("protection", protection::check),
    ("accounting", accounting::check),
    ("swap", swap::check),
    ("watching", watching::check),
    ("neighbours", neighbours::check),
];

/// What was seen of an area, in a line; `None`: it was not looked at.
#[must_use]
pub fn saw(area: Area, facts: &Facts) -> Option<String> {
    match area {
        Area::System => cgroups::saw(facts),
        Area::Generator => generator::saw(facts),
        Area::Profiles => profiles::saw(facts),
        Area::Limits => force::saw(facts),
        Area::Memory => swap::saw(facts),
        Area::Watching => watching::saw(facts),
        Area::Neighbours => neighbours::saw(facts),
    }
}

/// "1 unit", "2 units".
fn count(n: usize, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{s}")
}
