//! Several profiles: one unit belongs to one of them.

use std::collections::BTreeMap;

use super::super::fault::{Concerns, Fault};
use super::super::source::Source;
use super::{Checked, Options, check};
use crate::systemd::names::UnitName;
use crate::units::quote;

/// Checks profiles together, in their order: a unit or a profile's name that stands in two is a fault of
/// the later one.
#[must_use]
pub fn check_all(sources: &[Source], options: &Options) -> Vec<Checked> {
    let mut results: Vec<Checked> = sources
        .iter()
        .map(|source| check(source, options))
        .collect();
    let mut owners: BTreeMap<UnitName, usize> = BTreeMap::new();
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, source) in sources.iter().enumerate() {
        let shown = |at: usize| quote_path(&sources[at]);
        let mut found = Vec::new();
        if let Some(first) = names.get(source.name.as_str()) {
            let message = format!("two profiles are called {}", quote(&source.name));
            found.push(
                Fault::error(0..0, Concerns::File, message)
                    .note(format!("the other one is {}", shown(*first))),
            );
        }
        names.entry(&source.name).or_insert(index);
        for unit in &results[index].profile.units {
            match owners.get(&unit.name) {
                Some(first) => found.push(
                    Fault::error(
                        unit.at.clone(),
                        Concerns::Unit(unit.name.to_string()),
                        format!("{} stands in two profiles", unit.name),
                    )
                    .label("the second time")
                    .note(format!("the first is {}", shown(*first)))
                    .help("one unit belongs to one profile: remove it from one of them"),
                ),
                None => {
                    owners.insert(unit.name.clone(), index);
                }
            }
        }
        let faults = &mut results[index].faults;
        faults.extend(found);
        faults.sort_by_key(|fault| (fault.at.start, fault.at.end));
    }
    results
}

fn quote_path(source: &Source) -> String {
    source
        .path
        .to_string_lossy()
        .chars()
        .flat_map(crate::units::visible)
        .collect()
}
