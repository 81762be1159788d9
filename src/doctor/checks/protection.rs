//! MemoryMin and MemoryLow hold only as far as every slice above has them too (FACTS 9c).

use crate::doctor::facts::{Facts, Unit};
use crate::doctor::{Area, Finding, Severity};
use crate::limits::key::Key;
use crate::systemd::names::{NameKind, UnitName};

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let ours = facts
        .units
        .iter()
        .filter(|u| u.name.kind() != NameKind::Prefix);
    for unit in ours {
        for key in [Key::MemoryMin, Key::MemoryLow] {
            if unit.asked.contains(&key)
                && unit.bytes(key).is_some_and(|bytes| bytes > 0)
                && let Some(slice) = without(facts, unit, key)
            {
                found.push(finding(unit, key, &slice));
            }
        }
    }
    found
}

/// The innermost slice above a unit that does not pass a protection on.
fn without(facts: &Facts, unit: &Unit, key: Key) -> Option<UnitName> {
    let mut next = unit.slice.clone();
    while let Some(slice) = next.filter(|slice| slice.as_str() != "-.slice") {
        let passes_on = facts
            .unit(&slice)
            .and_then(|s| s.bytes(key))
            .is_some_and(|b| b > 0);
        if !passes_on {
            return Some(slice);
        }
        next = slice.parent_slice();
    }
    None
}

fn finding(unit: &Unit, key: Key, slice: &UnitName) -> Finding {
    let text = unit.limits.get(&key).map_or("", |word| word.text.as_str());
    Finding::new(
        Severity::Warning,
        Area::Memory,
        "protection-lost",
        format!("{}: {key}={text}, and {slice} has no {key}", unit.name),
        "a protection holds only as far as every slice above has it too: under pressure this one gives way",
    )
    .unit(&unit.name)
    .profile(unit.profile.as_deref())
    .advise(format!(
        "in the profile give the slice as much as its protected units have together: [unit.\"{slice}\"] {key} = \"{text}\""
    ))
}

#[cfg(test)]
mod tests {
    use super::super::bench::{healthy, ids, name, unit};
    use super::*;

    #[test]
    fn every_slice_above_must_have_it() {
        let mut facts = healthy();
        let mut db = unit("db.service", &[(Key::MemoryLow, 100)]);
        db.slice = Some(name("shop-data.slice"));
        facts.units = vec![db, unit("shop-data.slice", &[(Key::MemoryLow, 100)])];
        let found = check(&facts);
        assert_eq!(ids(&found), ["protection-lost"]);
        assert!(
            found[0].what.contains("shop.slice has no MemoryLow"),
            "{found:?}"
        );
        facts
            .units
            .push(unit("shop.slice", &[(Key::MemoryLow, 100)]));
        assert!(check(&facts).is_empty());
        facts.units[1].limits.clear();
        let found = check(&facts);
        assert!(
            found[0].what.contains("shop-data.slice has"),
            "the innermost: {found:?}"
        );
    }

    #[test]
    fn what_no_profile_asks_for_is_somebody_else_s() {
        let mut facts = healthy();
        let mut db = unit("db.service", &[(Key::MemoryLow, 100)]);
        db.slice = Some(name("system.slice"));
        db.asked.clear();
        facts.units = vec![db];
        assert!(check(&facts).is_empty());
    }
}
