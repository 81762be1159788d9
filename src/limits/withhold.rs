//! The generator's promise that no reload kills: limits that a running unit could not live under wait for its
//! next start.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::kernel::cgroup::{Cgroup, Tree};
use crate::kernel::host::Host;
use crate::limits::dropin::{DropIn, file_name};
use crate::limits::fit::{Bounds, Misfit, fit};
use crate::limits::keep::as_directive;
use crate::limits::key::Key;
use crate::limits::level::{Level, expected, in_force};
use crate::systemd::names::UnitName;
use crate::systemd::reach::Reach;

/// A unit whose new limits wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// The unit.
    pub unit: UnitName,
    /// What it holds and what does not fit.
    pub misfit: Misfit,
    /// The directives and what the profile says.
    pub settings: BTreeMap<Key, String>,
}

/// Replaces, unit by unit, what would kill or stall by the kernel's present value.
///
/// A template's or prefix's drop-in stays as it is; the instance that cannot follow gets one of its own, which
/// sorts behind it.
///
/// Answers what is withheld, and the units that could not be looked at because a file of theirs says something
/// strange: those are not protected.
pub fn withhold(
    dropins: &mut Vec<DropIn>,
    tree: &Tree<'_>,
    cgroups: &[Cgroup],
    host: &Host,
) -> (Vec<Withheld>, Vec<Error>) {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    let mut changed = Vec::new();
    let by_name = Reach::new(dropins.iter().map(|d| (&d.unit, d)));
    for cgroup in cgroups {
        match look(&by_name, tree, cgroup, host) {
            Ok(Some((withheld, own))) => {
                changed.push(own);
                found.push(withheld);
            }
            Ok(None) => {}
            Err(error) => errors.push(error),
        }
    }
    for own in changed {
        dropins.retain(|d| (&d.unit, d.overrides) != (&own.unit, own.overrides));
        dropins.push(own);
    }
    (found, errors)
}

/// The memory keys that can kill or stall, with the field of [`Bounds`] each is.
const BOUNDING: [Key; 3] = [Key::MemoryHigh, Key::MemoryMax, Key::MemorySwapMax];

fn look(
    dropins: &Reach<'_, &DropIn>,
    tree: &Tree<'_>,
    cgroup: &Cgroup,
    host: &Host,
) -> Result<Option<(Withheld, DropIn)>> {
    let mut covering = dropins.covering(&cgroup.unit);
    covering.sort_by_key(|d| file_name(&d.unit, d.overrides));
    // The last file that sets a directive has the last word among ours.
    let mut words: BTreeMap<Key, (&str, &DropIn)> = BTreeMap::new();
    for dropin in &covering {
        for key in BOUNDING {
            if let Some(text) = dropin.settings.get(&key) {
                words.insert(key, (text, dropin));
            }
        }
    }
    if words.is_empty() {
        return Ok(None);
    }
    let before = bounds_in_force(tree, cgroup)?;
    let level = |key: Key| -> Option<Level> {
        let value = key.parse_value(words.get(&key)?.0).ok()?;
        expected(key, &value, host)
    };
    let after = Bounds {
        high: level(Key::MemoryHigh).map_or(before.high, Level::bytes),
        max: level(Key::MemoryMax).map_or(before.max, Level::bytes),
        swap: level(Key::MemorySwapMax).map_or(before.swap, Level::bytes),
    };
    if !before.lowers(after) {
        return Ok(None);
    }
    let Some(held) = tree.held(cgroup)? else {
        return Ok(None);
    };
    let Err(misfit) = fit(&held, before, after, host.swap > 0) else {
        return Ok(None);
    };
    let held_back = [
        (misfit.max, Key::MemoryMax, before.max),
        (misfit.high, Key::MemoryHigh, before.high),
        (misfit.swap, Key::MemorySwapMax, before.swap),
    ];
    // All of them come from drop-ins for this unit; the strongest of those decides the file.
    let Some((_, strongest)) = words.values().max_by_key(|(_, d)| d.overrides) else {
        return Ok(None);
    };
    let mut own = own_dropin(&covering, cgroup, strongest);
    let mut settings = BTreeMap::new();
    for (_, key, present) in held_back.into_iter().filter(|(held, ..)| *held) {
        if let Some((text, _)) = words.get(&key) {
            settings.insert(key, (*text).to_owned());
            own.settings.insert(key, as_directive(present));
        }
    }
    own.withheld.clone_from(&settings);
    let unit = cgroup.unit.clone();
    Ok(Some((
        Withheld {
            unit,
            misfit,
            settings,
        },
        own,
    )))
}

/// The unit's own drop-in, to be changed; an empty one where only its template or prefix has any.
fn own_dropin(covering: &[&&DropIn], cgroup: &Cgroup, like: &DropIn) -> DropIn {
    let mine = covering
        .iter()
        .find(|d| d.unit == cgroup.unit && d.overrides == like.overrides);
    match mine {
        Some(mine) => DropIn::clone(mine),
        None => DropIn {
            unit: cgroup.unit.clone(),
            overrides: like.overrides,
            source: like.source.clone(),
            hash: like.hash.clone(),
            settings: BTreeMap::new(),
            withheld: BTreeMap::new(),
        },
    }
}

/// The bounds the kernel has in force for a cgroup.
///
/// # Errors
/// A file says something that cannot be understood; with its path.
pub fn bounds_in_force(tree: &Tree<'_>, cgroup: &Cgroup) -> Result<Bounds> {
    let read = |key| -> Result<u64> {
        let level = in_force(key, |file| tree.file(cgroup, file))
            .map_err(|e| e.context(&cgroup.path.display().to_string()))?;
        Ok(level.map_or(u64::MAX, Level::bytes))
    };
    Ok(Bounds {
        high: read(Key::MemoryHigh)?,
        max: read(Key::MemoryMax)?,
        swap: read(Key::MemorySwapMax)?,
    })
}
