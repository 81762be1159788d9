//! What limits add up to, against RAM and against the profiles' budgets.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::kernel::cgroup::Cgroup;
use crate::limits::dropin::Installed;
use crate::limits::key::Key;
use crate::limits::plan::{Plan, Row};
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

/// Adds up what `plan` gives the units of `profiles`.
#[must_use]
pub fn totals(plan: &Plan, profiles: &[Installed], cgroups: &[Cgroup], ram: u64) -> Totals {
    let budgets = profiles.iter().filter_map(|installed| {
        let own: Vec<&Row> = rows_of(plan, std::slice::from_ref(installed));
        Some(Budget {
            profile: installed.profile.name.clone(),
            committed: committed(&own, cgroups),
            budget: installed.profile.budget?.resolve(ram)?,
        })
    });
    Totals {
        committed: committed(&rows_of(plan, profiles), cgroups),
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
fn committed(rows: &[&Row], cgroups: &[Cgroup]) -> u64 {
    let max: BTreeMap<&UnitName, u64> = rows
        .iter()
        .filter(|row| row.ours && row.key == Key::MemoryMax)
        .filter(|row| !matches!(row.unit.kind(), NameKind::Template | NameKind::Prefix))
        .filter_map(|row| Some((&row.unit, row.after.as_ref()?.level?.bytes())))
        .filter(|(_, bytes)| *bytes != u64::MAX)
        .collect();
    let slices: BTreeSet<&UnitName> = max
        .keys()
        .copied()
        .filter(|unit| unit.unit_type() == UnitType::Slice)
        .collect();
    max.iter()
        .filter(|(unit, _)| {
            !above(unit, cgroups)
                .iter()
                .any(|slice| slices.contains(slice))
        })
        .fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
}

/// The slices a unit lies in, as far as that is known: a service's slice only while it runs.
fn above(unit: &UnitName, cgroups: &[Cgroup]) -> Vec<UnitName> {
    let running = cgroups.iter().find(|c| &c.unit == unit);
    let mut next = match running {
        Some(cgroup) => cgroup.slice.clone(),
        None => unit.parent_slice(),
    };
    let mut slices = Vec::new();
    while let Some(slice) = next {
        next = slice.parent_slice();
        slices.push(slice);
    }
    slices
}

impl Totals {
    /// The budgets hold with the instances that run now: the check of a profile alone cannot know those.
    ///
    /// # Errors
    /// Every budget that does not hold.
    pub fn check_budgets(&self) -> Result<()> {
        let over: Vec<String> = self
            .budgets
            .iter()
            .filter(|b| b.committed > b.budget)
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
