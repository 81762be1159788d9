//! What limits add up to, against RAM and against the profiles' budgets.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::limits::dropin::Installed;
use crate::limits::key::Key;
use crate::limits::plan::{Plan, Row};
use crate::limits::slices::Slices;
use crate::systemd::names::{NameKind, UnitName, UnitType};
use crate::systemd::reach::Reach;
use crate::units::show_bytes;

/// What the limits of a plan add up to, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// The sum of MemoryMax over the profiles' units.
    pub committed: u64,
    /// RAM; 0 where that is not known.
    pub ram: u64,
    /// The profiles' budgets.
    pub budgets: Vec<Budget>,
}

/// A profile's budget and what its units take of it, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// The profile.
    pub profile: String,
    /// The sum of MemoryMax over its units.
    pub committed: u64,
    /// What that may be.
    pub budget: u64,
}

/// Adds up what `plan` gives the units of `profiles`, by the slices that those lie in.
#[must_use]
pub fn totals(plan: &Plan, profiles: &[Installed], slices: &Slices, ram: u64) -> Totals {
    let budgets = profiles.iter().filter_map(|installed| {
        let own: Vec<&Row> = rows_of(plan, std::slice::from_ref(installed));
        Some(Budget {
            profile: installed.profile.name.clone(),
            committed: committed(&own, slices),
            budget: installed.profile.budget?.resolve(ram)?,
        })
    });
    Totals {
        committed: committed(&rows_of(plan, profiles), slices),
        ram,
        budgets: budgets.collect(),
    }
}

fn rows_of<'p>(plan: &'p Plan, profiles: &[Installed]) -> Vec<&'p Row> {
    let units = profiles.iter().flat_map(|p| &p.profile.units);
    let names = Reach::new(units.map(|unit| (&unit.name, ())));
    let rows = plan.rows.iter();
    rows.filter(|row| names.covers(&row.unit)).collect()
}

/// The sum of MemoryMax: a slice counts once for its members, a template per running instance.
fn committed(rows: &[&Row], slices: &Slices) -> u64 {
    let max: BTreeMap<&UnitName, u64> = rows
        .iter()
        .filter(|row| row.ours && row.key == Key::MemoryMax)
        .filter(|row| !matches!(row.unit.kind(), NameKind::Template | NameKind::Prefix))
        .filter_map(|row| Some((&row.unit, row.after.as_ref()?.level?.bytes())))
        .filter(|(_, bytes)| *bytes != u64::MAX)
        .collect();
    let limited: BTreeSet<&UnitName> = max
        .keys()
        .copied()
        .filter(|unit| unit.unit_type() == UnitType::Slice)
        .collect();
    max.iter()
        .filter(|(unit, _)| {
            let above = above(unit, slices);
            !above.iter().any(|slice| limited.contains(slice))
        })
        .fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
}

/// The slices a unit lies in, the innermost first.
fn above(unit: &UnitName, slices: &Slices) -> Vec<UnitName> {
    let mut next = slices.get(unit).cloned().or_else(|| unit.parent_slice());
    let mut above = Vec::new();
    while let Some(slice) = next {
        next = slice.parent_slice();
        above.push(slice);
    }
    above
}

impl Totals {
    /// The budgets that do not hold.
    pub fn over(&self) -> impl Iterator<Item = &Budget> {
        self.budgets.iter().filter(|b| b.committed > b.budget)
    }

    /// The budgets hold with the instances that run now: the check of a profile alone cannot know those.
    ///
    /// # Errors
    /// Every budget that does not hold.
    pub fn check_budgets(&self) -> Result<()> {
        let over: Vec<String> = self
            .over()
            .map(|b| {
                format!(
                    "{}: its units' MemoryMax add up to {}, over its budget of {}",
                    b.profile,
                    show_bytes(b.committed),
                    show_bytes(b.budget)
                )
            })
            .collect();
        if over.is_empty() {
            return Ok(());
        }
        Err(Error::usage(over.join("\n")).remedy(
            "raise the budget or lower the limits; a template counts once per running instance",
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::limits::level::Level;
    use crate::limits::plan::{Shown, When};
    use crate::profile::{Options, Source, check};

    fn name(text: &str) -> UnitName {
        UnitName::parse(text).expect(text)
    }

    fn installed(name: &str, text: &str) -> Installed {
        let source = Source::new(name, format!("{name}.toml"), text.as_bytes().to_vec());
        Installed {
            profile: check(&source, &Options::default()).profile,
            path: source.path,
            hash: String::new(),
        }
    }

    fn gives(unit: &str, bytes: u64) -> Row {
        Row {
            unit: name(unit),
            key: Key::MemoryMax,
            before: None,
            after: Some(Shown {
                text: String::new(),
                level: Some(Level::Bytes(bytes)),
            }),
            when: When::NotRunning,
            overridden: None,
            withheld: None,
            ours: true,
        }
    }

    #[test]
    fn a_slice_counts_once_for_members_that_do_not_run() {
        let text = "[unit.\"shop.slice\"]\n[unit.\"a.service\"]\n[unit.\"b.service\"]\n";
        let plan = Plan {
            rows: vec![
                gives("a.service", 30),
                gives("b.service", 20),
                gives("shop.slice", 100),
            ],
            lowerings: Vec::new(),
        };
        let slices: Slices = BTreeMap::from([
            (name("a.service"), name("shop-web.slice")),
            (name("b.service"), name("system.slice")),
        ]);
        let sums = totals(&plan, &[installed("shop", text)], &slices, 0);
        assert_eq!(sums.committed, 120);
    }

    #[test]
    fn every_budget_that_does_not_hold_is_told() {
        let budget = |profile: &str, committed| Budget {
            profile: profile.to_owned(),
            committed,
            budget: 100 << 20,
        };
        let sums = Totals {
            budgets: vec![budget("a", 101 << 20), budget("b", 100 << 20)],
            ..Totals::default()
        };
        let error = sums.check_budgets().expect_err("over");
        assert!(
            error
                .message()
                .contains("a: its units' MemoryMax add up to 101M")
        );
        assert!(!error.message().contains("b:"), "{error}");
    }
}
