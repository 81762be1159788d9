//! The budget: whether what the units may have can fit at all.
//!
//! What is known here is a lower bound. Which slice a unit lies in and how many instances of a template run
//! is known where the machine is; `apply` asks there.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::UnitProfile;
use super::super::fault::{Concerns, Fault};
use super::Checker;
use super::unit::{covers_many, is_covered, is_finite};
use crate::limits::key::{Key, Value};
use crate::systemd::names::{UnitName, UnitType};
use crate::units::Memory;

impl Checker<'_> {
    pub(super) fn budget_holds(
        &mut self,
        budget: Memory,
        at: &Range<usize>,
        units: &[UnitProfile],
    ) {
        let maximum = |unit: &UnitProfile| match unit.limits.get(&Key::MemoryMax) {
            Some(setting) if is_finite(&setting.value) => match setting.value {
                Value::Memory(memory) => Some(memory),
                _ => None,
            },
            _ => None,
        };
        let named = |wanted: &dyn Fn(&UnitName) -> bool| -> BTreeSet<&str> {
            units
                .iter()
                .filter(|unit| wanted(&unit.name) && maximum(unit).is_some())
                .map(|unit| unit.name.as_str())
                .collect()
        };
        let slices = named(&|name| name.unit_type() == UnitType::Slice);
        let wide = named(&covers_many);
        if slices.is_empty() {
            for unit in units {
                if maximum(unit).is_none() && !is_covered(&unit.name, &wide) {
                    self.without_maximum(unit, at);
                }
            }
        }
        let instanced: BTreeSet<UnitName> = units
            .iter()
            .filter_map(|unit| unit.name.template())
            .collect();
        let counts = |name: &UnitName| {
            if slices.is_empty() {
                // What instances have, their own entries say.
                !instanced.contains(name)
            } else {
                // A slice counts once for its members: with slices only the outermost of them are certain.
                slices.contains(name.as_str()) && !lies_in_one_of(name, &slices)
            }
        };
        let counted: Vec<(&UnitName, Memory)> = units
            .iter()
            .filter(|unit| counts(&unit.name))
            .filter_map(|unit| Some((&unit.name, maximum(unit)?)))
            .collect();
        self.sum_fits(budget, at, &counted);
    }

    fn without_maximum(&mut self, unit: &UnitProfile, budget_at: &Range<usize>) {
        let message = format!(
            "{} has no MemoryMax, and the profile has a budget",
            unit.name
        );
        self.push(
            Fault::error(unit.at.clone(), Concerns::Budget, message)
                .label("may take more than the budget")
                .related(budget_at.clone(), "the budget")
                .help("give it a MemoryMax, or move it to a profile without budget"),
        );
    }

    /// Sizes against a size, shares against a share: one cannot be told from the other without the machine.
    fn sum_fits(&mut self, budget: Memory, at: &Range<usize>, counted: &[(&UnitName, Memory)]) {
        let (limit, amounts): (u64, Vec<u64>) = match budget {
            Memory::Bytes(limit) => {
                let bytes = |memory: &Memory| match memory {
                    Memory::Bytes(n) => Some(*n),
                    _ => None,
                };
                (
                    limit,
                    counted.iter().filter_map(|(_, m)| bytes(m)).collect(),
                )
            }
            Memory::Share(limit) => {
                let share = |memory: &Memory| match memory {
                    Memory::Share(n) => Some(u64::from(*n)),
                    _ => None,
                };
                (
                    u64::from(limit),
                    counted.iter().filter_map(|(_, m)| share(m)).collect(),
                )
            }
            Memory::Infinity => return,
        };
        let sum = amounts.iter().fold(0u64, |sum, n| sum.saturating_add(*n));
        if sum <= limit {
            return;
        }
        let shown = |n: u64| match budget {
            Memory::Share(_) => crate::units::CpuQuota(Some(n)).to_string(),
            _ => Memory::Bytes(n).to_string(),
        };
        let mut largest: Vec<(&UnitName, Memory)> = counted.to_vec();
        largest.sort_by_key(|(_, memory)| std::cmp::Reverse(*memory));
        let more = largest.len().saturating_sub(4);
        let mut parts: Vec<String> = largest
            .iter()
            .take(4)
            .map(|(name, memory)| format!("{name} {memory}"))
            .collect();
        if more > 0 {
            parts.push(format!("{more} more"));
        }
        let message = format!(
            "the units may take {}, the budget is {}",
            shown(sum),
            shown(limit)
        );
        self.push(
            Fault::error(at.clone(), Concerns::Budget, message)
                .label(format!("{} too little", shown(sum - limit)))
                .note(format!("MemoryMax: {}", parts.join(", "))),
        );
    }
}

/// Slice names spell their parents.
fn lies_in_one_of(slice: &UnitName, slices: &BTreeSet<&str>) -> bool {
    let mut parent = slice.parent_slice();
    while let Some(name) = parent {
        if slices.contains(name.as_str()) {
            return true;
        }
        parent = name.parent_slice();
    }
    false
}
