//! What is in force: pending, overridden, withheld limits; systemd and the kernel of two minds.

use super::count;
use crate::doctor::facts::{Facts, Overridden, Pending, Withheld};
use crate::doctor::{Area, Finding, Severity};

pub(super) fn saw(facts: &Facts) -> Option<String> {
    if !facts.limits.seen {
        return None;
    }
    let ours = facts.units.iter().filter(|u| !u.asked.is_empty());
    let running = facts.units.iter().filter(|u| u.reading.is_some());
    let (ours, running) = (ours.count(), running.count());
    Some(match &facts.image {
        Some(_) => format!("{} with limits by profiles", count(ours, "unit")),
        None => format!(
            "{running} running, {} with limits by profiles",
            count(ours, "unit")
        ),
    })
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let limits = &facts.limits;
    let mut found: Vec<Finding> = Vec::new();
    found.extend(limits.pending.iter().map(|p| pending(facts, p)));
    found.extend(limits.withheld.iter().map(|w| withheld(facts, w)));
    found.extend(limits.overridden.iter().map(|o| overridden(facts, o)));
    found.extend(limits.disagreements.iter().map(|d| {
        Finding::new(
            Severity::Warning,
            Area::Limits,
            "readings-differ",
            format!("{}: {}", d.unit, d.what),
            "systemd and the kernel tell different things of the same unit; memctl believes the kernel, \
             `systemctl status` shows systemd's",
        )
        .unit(&d.unit)
        .profile(of(facts, &d.unit))
        .advise(
            "where systemd's is unknown: `systemctl set-property UNIT MemoryAccounting=yes`; else look whether \
             somebody moves processes or cgroups behind systemd's back",
        )
    }));
    found
}

fn of<'f>(facts: &'f Facts, unit: &crate::systemd::names::UnitName) -> Option<&'f str> {
    facts.unit(unit)?.profile.as_deref()
}

fn pending(facts: &Facts, pending: &Pending) -> Finding {
    let Pending {
        unit,
        key,
        kernel,
        files,
        ours,
    } = pending;
    Finding::new(
        // What is none of memctl's is the administrator's to judge; the bomb is the same.
        if *ours { Severity::Error } else { Severity::Warning },
        Area::Limits,
        "pending",
        format!("{unit}: {key}={files} is on disk, the kernel has {kernel}"),
        "it is not in force, and the next start of any unit, or a stranger's reload, may bring it at any time",
    )
    .unit(unit)
    .profile(of(facts, unit))
    .run(facts.systemctl("daemon-reload"))
}

fn withheld(facts: &Facts, withheld: &Withheld) -> Finding {
    let Withheld {
        unit,
        key,
        wanted,
        kernel,
    } = withheld;
    let wanted = match wanted.as_str() {
        "" => "its default",
        text => text,
    };
    Finding::new(
        Severity::Warning,
        Area::Limits,
        "withheld",
        format!("{unit}: {key}={wanted} waits for the unit's next start, the kernel has {kernel}"),
        "the unit runs and holds more than that allows: it would be killed, or stand still",
    )
    .unit(unit)
    .profile(of(facts, unit))
    .run(facts.systemctl(&format!(
        "restart {}",
        crate::doctor::commands::quoted(unit.as_str())
    )))
}

fn overridden(facts: &Facts, overridden: &Overridden) -> Finding {
    let Overridden {
        unit,
        key,
        value,
        wanted,
        by,
    } = overridden;
    let finding = Finding::new(
        Severity::Warning,
        Area::Limits,
        "overridden",
        format!(
            "{unit}: {key} is {value}, not the profile's {wanted}, by {}:{}",
            by.path.display(),
            by.line
        ),
        "the administrator's drop-ins win over profiles; if that is meant, nothing is wrong",
    )
    .unit(unit)
    .profile(of(facts, unit));
    // `systemctl set-property` writes one file a property: that can go as a whole.
    let single = by.path.parent().and_then(|folder| folder.parent());
    let by_property =
        single.is_some_and(|dir| dir.ends_with("system.control") || dir.ends_with("user.control"));
    if by_property {
        let reload = match facts.image {
            Some(_) => String::new(),
            None => format!(" && {}", facts.systemctl("daemon-reload")),
        };
        finding.run(format!("rm {}{reload}", facts.path(&by.path)))
    } else {
        finding.advise(format!(
            "if the profile is to win: take the line from {}, or write `override = true` into the profile's [unit.\"{unit}\"]",
            by.path.display()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{healthy, ids, name, origin, unit};
    use super::*;
    use crate::limits::key::Key;
    use crate::systemd::files::Origin;

    #[test]
    fn what_is_in_force_is_nothing_to_tell() {
        let mut facts = healthy();
        facts
            .units
            .push(unit("a.service", &[(Key::MemoryMax, 100)]));
        assert!(check(&facts).is_empty());
        assert_eq!(
            saw(&facts).expect("seen"),
            "0 running, 1 unit with limits by profiles"
        );
        facts.limits.seen = false;
        assert_eq!(saw(&facts), None);
    }

    #[test]
    fn pending_is_wrong_where_a_profile_asked_for_it() {
        let mut facts = healthy();
        let pending = |ours| Pending {
            unit: name("a.service"),
            key: Key::MemoryMax,
            kernel: "infinity".to_owned(),
            files: "300M".to_owned(),
            ours,
        };
        facts.limits.pending = vec![pending(true), pending(false)];
        let found = check(&facts);
        assert_eq!(ids(&found), ["pending", "pending"]);
        assert_eq!(found[0].severity, Severity::Error);
        assert_eq!(found[1].severity, Severity::Warning);
        assert_eq!(
            found[0].what,
            "a.service: MemoryMax=300M is on disk, the kernel has infinity"
        );
    }

    #[test]
    fn an_override_is_named_with_its_line_and_how_to_take_it_back() {
        let mut facts = healthy();
        let overridden = |by| Overridden {
            unit: name("a.service"),
            key: Key::MemoryMax,
            value: "1G".to_owned(),
            wanted: "300M".to_owned(),
            by,
        };
        facts
            .units
            .push(unit("a.service", &[(Key::MemoryMax, 300)]));
        facts.limits.overridden = vec![overridden(Origin {
            path: "/etc/systemd/system.control/a.service.d/50-MemoryMax.conf".into(),
            line: 4,
        })];
        let found = check(&facts);
        assert_eq!(ids(&found), ["overridden"]);
        assert!(found[0].what.ends_with("50-MemoryMax.conf:4"), "{found:?}");
        assert_eq!(found[0].profile.as_deref(), Some("web"));
        assert_eq!(
            found[0].mend.as_ref().expect("a mend").text(),
            "rm /etc/systemd/system.control/a.service.d/50-MemoryMax.conf && systemctl daemon-reload"
        );
        facts.limits.overridden = vec![overridden(origin())];
        let mend = check(&facts)[0].mend.clone().expect("a mend");
        assert!(mend.text().contains("override = true"), "{mend:?}");
    }

    #[test]
    fn what_waits_comes_with_a_restart() {
        let mut facts = healthy();
        facts.limits.withheld = vec![Withheld {
            unit: name("a\\x2db.service"),
            key: Key::MemoryMax,
            wanted: String::new(),
            kernel: "400M".to_owned(),
        }];
        let found = check(&facts);
        assert_eq!(ids(&found), ["withheld"]);
        assert!(
            found[0].what.contains("MemoryMax=its default waits"),
            "{found:?}"
        );
        let mend = found[0].mend.as_ref().expect("a mend").text();
        assert_eq!(mend, "systemctl restart 'a\\x2db.service'");
    }

    #[test]
    fn two_minds_are_told() {
        let mut facts = healthy();
        facts.limits.disagreements = vec![crate::doctor::facts::Disagreement {
            unit: name("a.service"),
            what: "memory.current is 1M, and MemoryCurrent unknown".to_owned(),
        }];
        assert_eq!(ids(&check(&facts)), ["readings-differ"]);
    }
}
