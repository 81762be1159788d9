//! Units of which the kernel keeps no count of memory.

use crate::doctor::commands::quoted;
use crate::doctor::facts::{Facts, Said, Unit};
use crate::doctor::{Area, Finding, Severity};

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let units = facts.units.iter().filter(|unit| unit.unaccounted);
    units.map(|unit| finding(facts, unit)).collect()
}

/// systemd's own "no", in any of its words.
fn is_off(said: &Said) -> bool {
    let value = said.value.to_ascii_lowercase();
    matches!(value.as_str(), "no" | "n" | "false" | "f" | "off" | "0")
}

fn finding(facts: &Facts, unit: &Unit) -> Finding {
    let severity = match unit.profile {
        Some(_) => Severity::Error,
        None => Severity::Warning,
    };
    let name = &unit.name;
    let own = unit
        .said
        .get("MemoryAccounting")
        .filter(|said| is_off(said));
    let default = facts
        .system
        .default_accounting
        .as_ref()
        .filter(|said| is_off(said));
    let because = |said: &Said, word: &str| {
        let (path, line) = (said.origin.path.display(), said.origin.line);
        format!(", by {word}={} in {path}:{line}", said.value)
    };
    let why = match (own, default) {
        (Some(said), _) => because(said, "MemoryAccounting"),
        (None, Some(said)) => because(said, "DefaultMemoryAccounting"),
        (None, None) => String::new(),
    };
    let made = Finding::new(
        severity,
        Area::Memory,
        "no-accounting",
        format!("{name}: the kernel keeps no count of its memory{why}"),
        "nobody can tell what it holds: it is not watched, and no limit holds it",
    )
    .unit(name)
    .profile(unit.profile.as_deref());
    if own.is_none() && default.is_some() {
        let (kind, folder) = match facts.user {
            true => ("--user ", "~/.config/systemd/user.conf.d"),
            false => ("", "/etc/systemd/system.conf.d"),
        };
        return made.run(format!(
            "mkdir -p {folder} && {{ echo '[Manager]'; echo DefaultMemoryAccounting=yes; }} \
             >{folder}/zz-memctl-accounting.conf && systemctl {kind}daemon-reexec"
        ));
    }
    let name = quoted(name.as_str());
    made.run(facts.systemctl(&format!("set-property {name} MemoryAccounting=yes")))
}

#[cfg(test)]
mod tests {
    use super::super::bench::{healthy, ids, said, unit};
    use super::*;

    #[test]
    fn counted_units_are_nothing_to_tell() {
        let mut facts = healthy();
        let mut a = unit("a.service", &[]);
        a.said.insert("MemoryAccounting", said("no"));
        facts.units.push(a);
        facts.system.default_accounting = Some(said("no"));
        assert!(
            check(&facts).is_empty(),
            "a sibling has the controller switched on"
        );
    }

    #[test]
    fn the_line_that_switches_it_off_is_named() {
        let mut facts = healthy();
        let mut a = unit("a.service", &[]);
        a.unaccounted = true;
        facts.units.push(a);
        let told = |facts: &Facts| {
            let found = check(facts);
            assert_eq!(ids(&found), ["no-accounting"]);
            let mend = found[0].mend.clone().expect("a mend");
            (found[0].what.clone(), mend.text().to_owned())
        };
        assert!(told(&facts).0.ends_with("of its memory"));
        facts.system.default_accounting = Some(said("off"));
        let (what, mend) = told(&facts);
        assert!(
            what.contains("DefaultMemoryAccounting=off in /etc/systemd/system/x.conf:3"),
            "{what}"
        );
        assert!(mend.contains("daemon-reexec"), "{mend}");
        facts.units[0].said.insert("MemoryAccounting", said("no"));
        let (what, mend) = told(&facts);
        assert!(what.contains("by MemoryAccounting=no"), "{what}");
        assert_eq!(
            mend,
            "systemctl set-property a.service MemoryAccounting=yes"
        );
    }

    #[test]
    fn of_a_profile_s_unit_it_is_an_error() {
        let mut facts = healthy();
        let mut a = unit("a.service", &[]);
        a.unaccounted = true;
        facts.units.push(a);
        assert_eq!(check(&facts)[0].severity, Severity::Error);
        facts.units[0].profile = None;
        assert_eq!(check(&facts)[0].severity, Severity::Warning);
    }
}
