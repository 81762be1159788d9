//! What an OOM kill, or a restart by a rule, makes of a service: dead for good, or over its start limit.

use crate::doctor::facts::{Facts, Unit};
use crate::doctor::{Area, Finding, Severity};
use crate::limits::caution::stays_dead;
use crate::limits::key::Key;
use crate::systemd::names::{NameKind, UnitType};
use crate::units::Span;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let services = facts
        .units
        .iter()
        .filter(|u| u.name.unit_type() == UnitType::Service && u.name.kind() != NameKind::Prefix)
        .filter(|u| !is_told_by_instances(facts, u));
    let mut found = Vec::new();
    for unit in services {
        found.extend(dead(facts, unit));
        found.extend(start_limit(facts, unit));
    }
    found
}

/// A template's running instances tell for it.
fn is_told_by_instances(facts: &Facts, unit: &Unit) -> bool {
    unit.name.kind() == NameKind::Template
        && facts
            .units
            .iter()
            .any(|u| u.name != unit.name && unit.name.covers(&u.name))
}

fn dead(facts: &Facts, unit: &Unit) -> Option<Finding> {
    unit.bytes(Key::MemoryMax)?;
    // A unit without a file is somebody's to come; a job that has run is not to run again.
    if !unit.said.contains_key("ExecStart") || unit.says("Type") == Some("oneshot") {
        return None;
    }
    let policy = unit
        .limits
        .get(&Key::OOMPolicy)
        .map(|word| word.text.as_str());
    let restart = stays_dead(unit.says("Restart"), policy)?;
    Some(
        Finding::new(
            Severity::Warning,
            Area::Memory,
            "oom-stays-dead",
            format!(
                "{}: Restart={restart}, and MemoryMax={}",
                unit.name,
                unit.limits.get(&Key::MemoryMax)?.text
            ),
            "if the kernel kills it at MemoryMax, it stays dead until somebody starts it",
        )
        .unit(&unit.name)
        .profile(unit.profile.as_deref())
        .run(facts.drop_in(
            &unit.name,
            "50-memctl-restart",
            "Service",
            "Restart=on-failure",
        )),
    )
}

/// Every restart counts towards `StartLimitBurst=`: with one, the second is refused (FACTS 18).
fn start_limit(facts: &Facts, unit: &Unit) -> Option<Finding> {
    if !unit.restarts {
        return None;
    }
    let burst: u64 = unit.says("StartLimitBurst")?.parse().ok()?;
    let interval = unit
        .says("StartLimitIntervalSec")
        .or_else(|| unit.says("StartLimitInterval"));
    let off = |text: &str| Span::parse(text).is_ok_and(|span| span == Span::seconds(0));
    if burst != 1 || interval.is_some_and(off) {
        return None;
    }
    Some(
        Finding::new(
            Severity::Warning,
            Area::Memory,
            "start-limit",
            format!("{}: StartLimitBurst=1, and a rule that restarts it", unit.name),
            "the restart counts too: within the interval it ends the unit in `start-limit-hit`, and it stays down",
        )
        .unit(&unit.name)
        .profile(unit.profile.as_deref())
        .run(facts.drop_in(&unit.name, "50-memctl-start-limit", "Unit", "StartLimitBurst=5")),
    )
}

#[cfg(test)]
mod tests {
    use super::super::bench::{healthy, ids, said, unit};
    use super::*;
    use crate::doctor::facts::Word;

    fn service(restart: &str) -> Unit {
        let mut made = unit("a.service", &[(Key::MemoryMax, 100)]);
        made.said.insert("ExecStart", said("/bin/a"));
        made.said.insert("Restart", said(restart));
        made
    }

    fn found(units: &[Unit]) -> Vec<Finding> {
        let mut facts = healthy();
        facts.units = units.to_vec();
        check(&facts)
    }

    #[test]
    fn what_comes_back_is_nothing_to_tell() {
        assert!(found(&[service("on-failure")]).is_empty());
        assert!(
            found(&[unit("a.service", &[(Key::MemoryMax, 100)])]).is_empty(),
            "no such unit file"
        );
        let mut job = service("no");
        job.said.insert("Type", said("oneshot"));
        assert!(found(&[job]).is_empty());
        let mut free = service("no");
        free.limits.clear();
        assert!(found(&[free]).is_empty());
        let mut goes_on = service("no");
        let word = Word {
            text: "continue".to_owned(),
            level: None,
            origin: super::super::bench::origin(),
        };
        goes_on.limits.insert(Key::OOMPolicy, word);
        assert!(found(&[goes_on]).is_empty());
    }

    #[test]
    fn what_stays_dead_is() {
        let found = found(&[service("no")]);
        assert_eq!(ids(&found), ["oom-stays-dead"]);
        assert_eq!(found[0].what, "a.service: Restart=no, and MemoryMax=100M");
        assert_eq!(
            found[0].mend.as_ref().expect("a mend").text(),
            "mkdir -p /etc/systemd/system/a.service.d && \
             { echo '[Service]'; echo Restart=on-failure; } \
             >/etc/systemd/system/a.service.d/50-memctl-restart.conf && systemctl daemon-reload"
        );
    }

    #[test]
    fn instances_tell_for_their_template() {
        let mut template = service("no");
        template.name = super::super::bench::name("w@.service");
        assert_eq!(ids(&found(&[template.clone()])), ["oom-stays-dead"]);
        let mut instance = service("always");
        instance.name = super::super::bench::name("w@1.service");
        assert!(found(&[template, instance]).is_empty());
    }

    #[test]
    fn a_start_limit_of_one_and_a_rule_that_restarts() {
        let mut unit = service("always");
        unit.said.insert("StartLimitBurst", said("1"));
        assert!(found(&[unit.clone()]).is_empty());
        unit.restarts = true;
        assert_eq!(ids(&found(&[unit.clone()])), ["start-limit"]);
        unit.said.insert("StartLimitIntervalSec", said("0"));
        assert!(found(&[unit]).is_empty());
    }
}
