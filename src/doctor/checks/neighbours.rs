//! Who else acts on memory here.

use crate::doctor::facts::Facts;
use crate::doctor::{Area, Finding, Severity};

/// Units that end processes or whole units for want of memory, or as a remedy for it.
pub(in crate::doctor) const KNOWN: [&str; 4] = [
    "systemd-oomd.service",
    "earlyoom.service",
    "nohang.service",
    "nohang-desktop.service",
];

pub(super) fn saw(facts: &Facts) -> Option<String> {
    let active = facts.neighbours.as_ref()?;
    Some(match active.as_slice() {
        [] => "none (systemd-oomd, earlyoom, nohang)".to_owned(),
        names => names.join(", "),
    })
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let active = facts.neighbours.iter().flatten();
    active.map(|name| finding(facts, name)).collect()
}

fn finding(facts: &Facts, name: &str) -> Finding {
    let stop = facts.systemctl(&format!("disable --now {name}"));
    let note = |why: &str| {
        let what = format!("{name} is active");
        Finding::new(Severity::Note, Area::Neighbours, "neighbour", what, why)
    };
    match name {
        "systemd-oomd.service" => note(
            "it kills whole units by pressure and swap where ManagedOOMSwap= or ManagedOOMMemoryPressure= say so",
        )
        .advise("ManagedOOMPreference=avoid or omit in a profile keeps it from a unit"),
        _ => note(
            "it kills processes when the machine runs short, without asking which unit they are of, and before a rule may have restarted it",
        )
        .run(stop),
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{healthy, ids};
    use super::*;

    #[test]
    fn who_is_active_is_named() {
        let mut facts = healthy();
        assert!(check(&facts).is_empty());
        facts.neighbours = Some(KNOWN.map(str::to_owned).to_vec());
        let found = check(&facts);
        assert_eq!(ids(&found), ["neighbour"; 4]);
        assert!(found.iter().all(|f| f.severity == Severity::Note));
        assert_eq!(
            found[1].mend.as_ref().expect("a mend").text(),
            "systemctl disable --now earlyoom.service"
        );
        facts.neighbours = None;
        assert_eq!(saw(&facts), None);
    }
}
