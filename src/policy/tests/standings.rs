//! How far rules are, and what a unit has by itself.

use super::*;
use crate::profile::rule::Action;

fn missing(unit: &Line) -> Vec<String> {
    let all = unit.standing().into_iter();
    all.map(|s| s.missing.unwrap_or_default()).collect()
}

#[test]
fn what_is_missing() {
    let mut unit = line(&[
        r#"above = "80%", age = "1h", action = "restart""#,
        r#"grown = "+50M""#,
        r#"event = "high > 10/1min""#,
        r#"pressure = "some 40% 10s""#,
        "stalled = true",
        r#"name = "long", above = "100M", for = "5min""#,
        r#"name = "often", above = "100M", for = "3 of 5""#,
        r#"name = "late", above = "1M", settle = "10min""#,
    ]);
    unit.sample.events.high = Some(0);
    unit.pressure(10, 0, 0).need(383);
    assert_eq!(
        missing(&unit),
        [
            "above: 17M more, age: in 1h",
            "grown: a baseline, in 3min",
            "event: 11 more high within 1min",
            "pressure: 30% more",
            "stalled: there is no MemoryHigh",
            "for: 5min longer",
            "for: 2 more one-minute readings",
            "above: in 10min (settle)",
        ]
    );
    unit.wait(60).need(383);
    let all = unit.standing();
    assert_eq!(all[5].lasting.as_deref(), Some("1min of 5min"));
    assert_eq!(all[5].missing.as_deref(), Some("for: 4min longer"));
    assert_eq!(
        all[6].lasting.as_deref(),
        Some("2 of the last 5 readings, 3 needed")
    );
    let above = &all[0].terms[0];
    assert_eq!(above.figure.as_deref(), Some("need 383M"));
    assert_eq!(above.threshold, "80% (400M of MemoryMax=500M)");
    assert_eq!(above.holds, Some(false));
    assert_eq!(all[0].terms[1].figure.as_deref(), Some("age 1min"));
    assert_eq!(
        (all[0].holds, all[0].action),
        (Some(false), Action::Restart)
    );
}

#[test]
fn what_was_told_misses_nothing_and_looking_changes_nothing() {
    let mut unit = line(&[r#"above = "100M", for = "3 of 5""#]);
    unit.minutes(&[150, 150]);
    let before = unit.memory.clone();
    for _ in 0..3 {
        unit.sample.memory.stat.anon = Some(150 * M);
        let standing = &unit.standing()[0];
        assert_eq!(
            (standing.holds, &standing.missing),
            (Some(true), &None),
            "it would fire now"
        );
        assert_eq!(standing.latched, None, "and was not told yet");
    }
    assert!(unit.memory == before);
    unit.need(150);
    let standing = &unit.standing()[0];
    assert_eq!(standing.latched.expect("told").since, unit.now);
    assert_eq!((standing.holds, &standing.missing), (Some(true), &None));
}

fn names(limited: bool, own: &[&str]) -> Vec<String> {
    let own = if own.is_empty() {
        Vec::new()
    } else {
        rules(own)
    };
    built_in(limited, &own)
        .into_iter()
        .map(|r| r.name)
        .collect()
}

#[test]
fn what_a_unit_has_by_itself() {
    let all = [
        "built-in:oom_kill",
        "built-in:stalled",
        "built-in:near_limit",
    ];
    assert_eq!(names(true, &[]), all);
    assert_eq!(names(false, &[]), all[..2]);
    assert_eq!(names(true, &[r#"above = "80%""#]), all[..2]);
    assert_eq!(names(true, &[r#"event = "oom_kill > 3/1h""#]), all[1..]);
    assert_eq!(names(true, &[r#"event = "oom""#]), all);
    assert_eq!(names(true, &["stalled = true"]), [all[0], all[2]]);
    let never = r#"stalled = true, tasks = 1"#;
    assert_eq!(
        names(true, &[never]),
        all,
        "a rule that never fires minds nothing"
    );
    for rule in BuiltIn::ALL {
        assert_eq!(BuiltIn::named(rule.name()), Some(rule));
    }
}

#[test]
fn what_a_unit_has_by_itself_works() {
    let mut unit = line(&["stalled = true"]);
    unit.rules = built_in(true, &[]);
    unit.sample.events.oom_kill = Some(0);
    assert_eq!(unit.minutes(&[450, 451, 451]), ["", "", ""]);
    unit.sample.events.oom_kill = Some(1);
    assert_eq!(unit.need(451), "+built-in:oom_kill +built-in:near_limit");
    assert_eq!(unit.last.want, None);
    assert_eq!(
        unit.wait(60).need(100),
        "-built-in:oom_kill -built-in:near_limit"
    );
}
