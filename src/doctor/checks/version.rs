//! What the running systemd is too old for (FACTS 9a, 16).

use std::collections::BTreeMap;

use crate::doctor::facts::Facts;
use crate::doctor::{Area, Finding, Severity};
use crate::limits::key::Key;
use crate::systemd::names::UnitType;

/// The oldest that memctl is made for.
const OLDEST: u32 = 252;

/// Readings over D-Bus, by the version that brought them (FACTS 16).
const READINGS: [(&str, u32); 4] = [
    ("MemoryPeak", 255),
    ("MemorySwapCurrent", 255),
    ("EffectiveMemoryMax", 256),
    ("OOMKills", 259),
];

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let Some(running) = facts.system.major else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if running < OLDEST {
        found.push(
            Finding::new(
                Severity::Warning,
                Area::System,
                "systemd-old",
                format!("systemd {running} is older than {OLDEST}, the oldest that memctl is tested with"),
                "what it does with limits is not known",
            )
            .advise("upgrade the distribution"),
        );
    }
    found.extend(too_old(facts, running));
    let lacks: Vec<&str> = READINGS
        .iter()
        .filter(|(_, since)| running < *since)
        .map(|(reading, _)| *reading)
        .collect();
    // cgroupfs has them all; over the bus alone they are missing.
    if !lacks.is_empty() && !facts.readable() {
        found.push(Finding::new(
            Severity::Note,
            Area::System,
            "systemd-lacks",
            format!("systemd {running} does not tell {}", lacks.join(", ")),
            "where the kernel's files cannot be read these figures are missing",
        ));
    }
    found
}

/// Directives of profiles that came later, one finding a directive.
fn too_old(facts: &Facts, running: u32) -> Vec<Finding> {
    let mut late: BTreeMap<(Key, u32), Vec<&str>> = BTreeMap::new();
    for unit in &facts.units {
        for key in &unit.asked {
            if let Some(since) = key
                .since_for(unit.name.unit_type())
                .filter(|s| running < *s)
            {
                late.entry((*key, since))
                    .or_default()
                    .push(unit.name.as_str());
            }
        }
    }
    let finding = |((key, since), units): ((Key, u32), Vec<&str>)| {
        let of = match key {
            Key::OOMPolicy => format!(" for .{} units", UnitType::Scope.suffix()),
            _ => String::new(),
        };
        Finding::new(
            Severity::Warning,
            Area::System,
            "systemd-too-old",
            format!(
                "{key} came with systemd {since}{of}, this is {running}: {}",
                units.join(", ")
            ),
            "systemd ignores the line; the other limits are in force",
        )
        .advise(format!(
            "upgrade systemd to {since} or newer, or take {key} from the profile"
        ))
    };
    late.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::bench::{healthy, ids, unit};
    use super::*;

    #[test]
    fn only_what_a_profile_asks_for_is_missed() {
        let mut facts = healthy();
        facts.system.major = Some(252);
        facts.units = vec![unit("a.service", &[(Key::MemoryMax, 1)])];
        assert!(check(&facts).is_empty(), "cgroupfs has the readings");
        facts
            .units
            .push(unit("b.service", &[(Key::MemoryZSwapMax, 1)]));
        facts
            .units
            .push(unit("c.service", &[(Key::MemoryZSwapMax, 1)]));
        let found = check(&facts);
        assert_eq!(ids(&found), ["systemd-too-old"]);
        assert!(
            found[0].what.ends_with("252: b.service, c.service"),
            "{found:?}"
        );
        facts.system.major = Some(253);
        assert!(check(&facts).is_empty());
    }

    #[test]
    fn readings_are_missed_where_there_is_the_bus_alone() {
        let mut facts = healthy();
        facts.system.cgroups = None;
        let found = check(&facts);
        assert_eq!(ids(&found), ["systemd-lacks"]);
        assert!(found[0].what.ends_with("OOMKills"), "{found:?}");
        facts.system.major = Some(262);
        assert!(check(&facts).is_empty());
    }

    #[test]
    fn older_than_the_oldest_is_told() {
        let mut facts = healthy();
        facts.system.major = Some(247);
        assert_eq!(ids(&check(&facts)), ["systemd-old"]);
    }
}
