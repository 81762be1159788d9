//! Whether limits leave room: all of them in RAM and budgets, each for a fresh start of its unit.

use crate::doctor::facts::Facts;
use crate::doctor::{Area, Finding, Severity};
use crate::limits::key::Key;
use crate::units::show_bytes;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let totals = &facts.limits.totals;
    if totals.ram > 0 && totals.committed > totals.ram {
        let what = format!(
            "the MemoryMax of the profiles' units add up to {}, more than the {} of RAM",
            show_bytes(totals.committed),
            show_bytes(totals.ram)
        );
        found.push(
            Finding::new(
                Severity::Warning,
                Area::Limits,
                "more-than-ram",
                what,
                "if all of them fill up, the machine runs out before any of them reaches its limit, and the kernel \
                 chooses whom to kill",
            )
            .advise("lower the limits, or put the units into a slice with a MemoryMax of its own"),
        );
    }
    for budget in totals.over() {
        let what = format!(
            "profile {}: the MemoryMax of its units add up to {}, over its budget of {}",
            budget.profile,
            show_bytes(budget.committed),
            show_bytes(budget.budget)
        );
        found.push(
            Finding::new(
                Severity::Error,
                Area::Limits,
                "over-budget",
                what,
                "`memctl apply` refuses the profile as it is",
            )
            .profile(Some(&budget.profile))
            .advise(
                "raise the budget or lower the limits; a template counts once per running instance",
            ),
        );
    }
    found.extend(starts(facts));
    found
}

/// Limits that a fresh start would run into.
fn starts(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for start in &facts.limits.starts {
        let Some(unit) = facts.unit(&start.unit) else {
            continue;
        };
        // MemoryMax kills; MemoryHigh alone throttles, which swap may ease.
        for (key, severity) in [
            (Key::MemoryMax, Severity::Error),
            (Key::MemoryHigh, Severity::Warning),
        ] {
            let Some(limit) = unit.bytes(key).filter(|limit| *limit < start.need) else {
                continue;
            };
            let what = format!(
                "{}: {key}={} is under the {} that it needed soon after its start on {}",
                start.unit,
                show_bytes(limit),
                show_bytes(start.need),
                start.time.strftime("%Y-%m-%d %H:%M UTC")
            );
            found.push(
                Finding::new(
                    severity,
                    Area::Limits,
                    "under-fresh-start",
                    what,
                    match key {
                        Key::MemoryMax => "the unit may be killed each time it starts",
                        _ => "the unit may be throttled each time it starts",
                    },
                )
                .unit(&start.unit)
                .profile(unit.profile.as_deref())
                .advise(format!(
                    "raise {key}; `memctl recommend {}` proposes limits from the history",
                    start.unit
                )),
            );
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::bench::{M, healthy, ids, name, unit};
    use super::*;
    use crate::doctor::facts::FreshStart;
    use crate::limits::totals::{Budget, Totals};

    #[test]
    fn ram_and_budgets() {
        let mut facts = healthy();
        let totals = |committed, budget| Totals {
            committed: committed * M,
            ram: 1000 * M,
            budgets: vec![Budget {
                profile: "web".to_owned(),
                committed: committed * M,
                budget: budget * M,
            }],
        };
        facts.limits.totals = totals(1000, 1000);
        assert!(check(&facts).is_empty());
        facts.limits.totals = totals(1001, 2000);
        assert_eq!(ids(&check(&facts)), ["more-than-ram"]);
        facts.limits.totals = totals(500, 499);
        let found = check(&facts);
        assert_eq!(ids(&found), ["over-budget"]);
        assert_eq!(found[0].profile.as_deref(), Some("web"));
    }

    #[test]
    fn a_limit_must_leave_room_for_a_fresh_start() {
        let mut facts = healthy();
        facts.limits.starts = vec![FreshStart {
            unit: name("a.service"),
            need: 100 * M,
            time: facts.now,
        }];
        assert!(check(&facts).is_empty(), "no such unit any more");
        facts.units = vec![unit(
            "a.service",
            &[(Key::MemoryHigh, 100), (Key::MemoryMax, 120)],
        )];
        assert!(check(&facts).is_empty());
        facts.limits.starts[0].need += 1;
        let found = check(&facts);
        assert_eq!(
            (ids(&found), found[0].severity),
            (vec!["under-fresh-start"], Severity::Warning)
        );
        facts.limits.starts[0].need = 121 * M;
        let found = check(&facts);
        assert_eq!(
            (ids(&found), found[0].severity),
            (vec!["under-fresh-start"], Severity::Error)
        );
    }
}
