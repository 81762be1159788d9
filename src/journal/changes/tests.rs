use super::*;
use crate::limits::key::Key;
use crate::limits::plan::Plan;
use crate::profile::{Options, Source, check};

fn row(unit: &str, key: Key, when: When, before: &str, after: &str) -> Row {
    let shown = |text: &str| {
        Some(Shown {
            text: text.to_owned(),
            level: None,
        })
    };
    Row {
        unit: UnitName::parse(unit).expect(unit),
        key,
        before: shown(before),
        after: shown(after),
        when,
        overridden: None,
        withheld: None,
        ours: true,
    }
}

fn outcome(rows: Vec<Row>) -> Outcome {
    Outcome {
        plan: Plan {
            rows,
            lowerings: Vec::new(),
        },
        changed: true,
        ..Outcome::default()
    }
}

fn installed(name: &str, text: &str) -> Installed {
    let path = format!("/etc/memctl/profiles.d/{name}.toml");
    let source = Source::new(name, path.clone(), text.as_bytes().to_vec());
    let checked = check(&source, &Options::default());
    Installed {
        profile: checked.profile,
        path: path.into(),
        hash: String::new(),
    }
}

fn edit(name: &str) -> Edit {
    Edit {
        path: format!("/etc/memctl/profiles.d/{name}.toml").into(),
        new: None,
    }
}

fn told(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| {
        let unit = event.unit.as_ref().map_or("-", |unit| unit.as_str());
        let profile = event.profile.as_deref().unwrap_or("-");
        format!("{} {unit} {profile}: {}", event.kind.name(), event.message)
    };
    events.iter().map(line).collect()
}

#[test]
fn each_unit_is_told_of_what_has_changed_for_it() {
    let now = When::Now;
    let mut withheld = row("db.service", Key::MemoryMax, When::NextStart, "2G", "2G");
    withheld.withheld = Some("1G".to_owned());
    let mut strange = row("other.service", Key::MemoryMax, now, "1G", "2G");
    strange.ours = false;
    let outcome = outcome(vec![
        row("db.service", Key::CPUQuota, now, "infinity", "80%"),
        withheld,
        row("db.service", Key::OOMScoreAdjust, When::NextStart, "0", "5"),
        row("old.service", Key::MemoryMax, now, "400M", "infinity"),
        row(
            "old.service",
            Key::OOMScoreAdjust,
            When::NextStart,
            "5",
            "0",
        ),
        strange,
        row("off.service", Key::TasksMax, When::NotRunning, "100", "5"),
        row("web.service", Key::MemoryHigh, now, "infinity", "350M"),
        row("web.service", Key::MemoryMax, now, "1G", "400M"),
        row("same.service", Key::MemoryMax, When::Unchanged, "1G", "1G"),
    ]);
    let shop = "[unit.\"web.service\"]\nMemoryMax = \"400M\"\n[unit.\"off.service\"]\nTasksMax = 5\n\
                [unit.\"db.service\"]\nMemoryMax = \"1G\"\n[unit.\"same.service\"]\nMemoryMax = \"1G\"\n";
    let counted = [installed("shop", shop)];
    assert_eq!(
        told(&changes(&outcome, &counted, &[edit("shop"), edit("old")])),
        [
            "applied db.service shop: db.service has new limits: CPUQuota infinity → 80%",
            "pending db.service shop: db.service holds too much for its new limits, which wait for its next start: \
             MemoryMax 2G → 1G",
            "pending db.service shop: db.service has new values from its next start on: OOMScoreAdjust 0 → 5",
            "applied off.service shop: off.service does not run; when it starts: TasksMax 100 → 5",
            "removed old.service -: old.service has its own limits again: MemoryMax 400M → infinity",
            "pending old.service -: old.service has its own values again from its next start on: OOMScoreAdjust 5 → 0",
            "applied web.service shop: web.service has new limits: MemoryHigh infinity → 350M, MemoryMax 1G → 400M",
            "removed - old: profile old was removed",
        ]
    );
}

#[test]
fn a_profile_of_rules_alone_is_told_by_its_name() {
    let rules = "[unit.\"web.service\"]\nrules = [{ above = \"1G\", action = \"alert\" }]\n";
    let events = changes(&outcome(vec![]), &[installed("web", rules)], &[edit("web")]);
    assert_eq!(
        told(&events),
        ["applied - web: profile web is installed: 1 unit, 1 rule; no limit changed"]
    );
}

#[test]
fn nothing_changed_is_nothing_told_but_for_restarts() {
    let unchanged = Outcome {
        changed: false,
        restarted: vec![UnitName::parse("web.service").expect("a name")],
        ..outcome(vec![row(
            "web.service",
            Key::MemoryMax,
            When::NextStart,
            "1G",
            "1G",
        )])
    };
    assert_eq!(
        told(&changes(&unchanged, &[], &[])),
        ["restart-done web.service -: web.service was restarted to make room for its new limits"]
    );
}

#[test]
fn what_was_taken_back_is_told_with_its_cause() {
    let error = Error::failed("rolled back: the reload was refused\nsecond line");
    assert_eq!(
        told(&rolled_back(&error, &[edit("web"), edit("db")])),
        [
            "rolled-back - db: the change of profile db failed and was taken back: the reload was refused; second line",
            "rolled-back - web: the change of profile web failed and was taken back: the reload was refused; second line",
        ]
    );
    let partly = Error::new(error::Kind::Partial, "x");
    let events = rolled_back(&partly, &[]);
    assert_eq!(
        told(&events),
        ["rolled-back - -: the change of limits failed: x"]
    );
    assert_eq!(events[0].why.as_deref(), Some("partial"));
}
