//! The promise that no reload kills: a limit that a running unit could not live under waits for its next start,
//! whoever wrote it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::kernel::cgroup::Cgroup;
use crate::limits::dropin::{DropIn, Rank};
use crate::limits::lowering::Lowering;
use crate::systemd::names::{UnitName, UnitType};

/// The drop-in that keeps a running unit at what the kernel has for it now; `None` if it can follow.
///
/// It sorts behind all others, so it holds against a profile's and an administrator's drop-ins alike, and against
/// the unit's own file where a profile that had raised a limit is gone.
#[must_use]
pub fn withhold(lowering: &Lowering) -> Option<DropIn> {
    let mut settings = BTreeMap::new();
    let mut withheld = BTreeMap::new();
    for key in lowering.at_fault() {
        settings.insert(key, as_directive(lowering.before.of(key)));
        let word = lowering.words.get(&key).map(|word| word.text.clone());
        withheld.insert(key, word.unwrap_or_default());
    }
    (!settings.is_empty()).then(|| DropIn {
        unit: lowering.cgroup.unit.clone(),
        rank: Rank::Holds,
        source: PathBuf::new(),
        hash: String::new(),
        settings,
        withheld,
        slices: Vec::new(),
    })
}

/// Drop-ins for the running members of withheld slices. A slice stops when its last member does, which may be never;
/// it is a member's new start that makes room in it.
#[must_use]
pub fn recalls(held: &[DropIn], cgroups: &[Cgroup]) -> Vec<DropIn> {
    let is_slice = |unit: &UnitName| unit.unit_type() == UnitType::Slice;
    let slices: BTreeSet<&UnitName> = held
        .iter()
        .map(|d| &d.unit)
        .filter(|u| is_slice(u))
        .collect();
    let members = cgroups
        .iter()
        .filter(|c| c.unit.unit_type() == UnitType::Service);
    members
        .filter_map(|member| {
            let mut above = Vec::new();
            let mut next = member.slice.clone();
            while let Some(slice) = next {
                next = slice.parent_slice();
                above.extend(slices.contains(&slice).then_some(slice));
            }
            (!above.is_empty()).then(|| DropIn {
                unit: member.unit.clone(),
                rank: Rank::Recalls,
                source: PathBuf::new(),
                hash: String::new(),
                settings: BTreeMap::new(),
                withheld: BTreeMap::new(),
                slices: above,
            })
        })
        .collect()
}

/// A bound as a directive's value.
fn as_directive(bytes: u64) -> String {
    match bytes {
        u64::MAX => "infinity".to_owned(),
        bytes => bytes.to_string(),
    }
}
