//! Several profiles: one unit belongs to one of them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::fault::{Concerns, Fault};
use super::super::source::Source;
use super::{Checked, Options, check};
use crate::systemd::names::UnitName;
use crate::units::quote;

/// Checks profiles together, in their order: a unit or a profile's name that stands in two is a fault of
/// the later one.
#[must_use]
pub fn check_all(sources: &[Source], options: &Options) -> Vec<Checked> {
    let sources: Vec<&Source> = sources.iter().collect();
    check_named(&sources, options, &|_| true)
}

/// The same for profiles some of which were `named`, the others being there already: what is wrong between two is
/// a fault of the named one, whichever comes first; somebody is about to change that one and no other.
#[must_use]
pub fn check_named(
    sources: &[&Source],
    options: &Options,
    named: &dyn Fn(&Source) -> bool,
) -> Vec<Checked> {
    let mut results: Vec<Checked> = sources
        .iter()
        .map(|source| check(source, options))
        .collect();
    let mut found = Vec::new();
    let mut owners: BTreeMap<&UnitName, (usize, Range<usize>)> = BTreeMap::new();
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, source) in sources.iter().enumerate() {
        if let Some(first) = names.get(source.name.as_str()) {
            let message = format!("two profiles are called {}", quote(&source.name));
            let fault = Fault::error(0..0, Concerns::File, message)
                .note(format!("the other one is {}", shown(sources[*first])));
            found.push((index, fault));
        }
        names.entry(&source.name).or_insert(index);
        for unit in &results[index].profile.units {
            let Some((first, at)) = owners.get(&unit.name) else {
                owners.insert(&unit.name, (index, unit.at.clone()));
                continue;
            };
            let turned = named(sources[*first]) && !named(source);
            let (owner, at, label, note) = if turned {
                let other = place(source, unit.at.start);
                (*first, at, "", format!("the other is {other}"))
            } else {
                let other = place(sources[*first], at.start);
                let label = "the second time";
                (index, &unit.at, label, format!("the first is {other}"))
            };
            let message = format!("{} stands in two profiles", unit.name);
            let concerns = Concerns::Unit(unit.name.to_string());
            let fault = Fault::error(at.clone(), concerns, message)
                .label(label)
                .note(note)
                .help("one unit belongs to one profile: remove it from one of them");
            found.push((owner, fault));
        }
    }
    for (index, fault) in found {
        results[index].faults.push(fault);
    }
    for checked in &mut results {
        checked
            .faults
            .sort_by_key(|fault| (fault.at.start, fault.at.end));
    }
    results
}

/// `web.toml:3`.
fn place(source: &Source, at: usize) -> String {
    let before = source.text().get(..at).unwrap_or_default();
    format!("{}:{}", shown(source), 1 + before.matches('\n').count())
}

fn shown(source: &Source) -> String {
    source
        .path
        .to_string_lossy()
        .chars()
        .flat_map(crate::units::visible)
        .collect()
}
