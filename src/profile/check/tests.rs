mod corrupted;

use std::ops::Range;

use super::*;
use crate::limits::key::Key;
use crate::profile::raw;
use crate::profile::rule::{Action, Condition, Holds, Scope, Signal};
use crate::profile::{Restart, UnitProfile};
use crate::units::{Span, is_unsafe};

const EXAMPLE: &str = include_str!("../../../examples/homework.toml");

fn source(text: impl Into<Vec<u8>>) -> Source {
    Source::new("x", "x.toml", text.into())
}

fn read(text: &str) -> Checked {
    check(&source(text), &Options::default())
}

/// Unit, directive, text and place of a limit.
type Placed = (String, Key, String, Range<usize>);

/// Every limit of a profile.
fn limits(profile: &Profile) -> Vec<Placed> {
    let of = |unit: &UnitProfile| {
        let name = unit.name.to_string();
        let each = |(key, s): (&Key, &super::super::Setting)| {
            (name.clone(), *key, s.text.clone(), s.at.clone())
        };
        unit.limits.iter().map(each).collect::<Vec<_>>()
    };
    profile.units.iter().flat_map(of).collect()
}

#[test]
fn the_example_is_read_whole() {
    let checked = read(EXAMPLE);
    assert_eq!(checked.faults, []);
    let profile = checked.profile;
    assert_eq!(profile.budget, Some(Memory::Bytes(850 << 20)));
    let shown: Vec<String> = limits(&profile)
        .into_iter()
        .map(|(unit, key, text, _)| format!("{unit} {key}={text}"))
        .collect();
    assert_eq!(
        shown,
        [
            "homework-scraper.service MemoryHigh=350M",
            "homework-scraper.service MemoryMax=400M",
            "homework-scraper.service CPUQuota=80%",
            "homework-scraper.service TimeoutStopSec=5min",
            "homework-celery.service MemoryHigh=200M",
            "homework-celery.service MemoryMax=250M",
            "homework-celery.service CPUQuota=50%",
            "homework-celery.service TimeoutStopSec=5min",
            "homework-beat.service MemoryHigh=120M",
            "homework-beat.service MemoryMax=150M",
            "homework-beat.service CPUQuota=30%",
            "homework-beat.service TimeoutStopSec=5min",
        ]
    );
    let [scraper, celery, beat] = profile.units.as_slice() else {
        panic!("three units");
    };
    assert_eq!(scraper.restart.cooldown(), Span::seconds(3600));
    assert_eq!(scraper.rules[0].holds, Holds::For(Span::seconds(300)));
    assert_eq!(scraper.rules[1].name, "leak+grown");
    assert!(scraper.restart.window.is_none());
    assert!(
        celery.restart.window.is_some() && celery.restart.limit.is_some(),
        "merged key by key"
    );
    assert!(celery.rules[2].ignores_window && !celery.rules[2].ignores_idle);
    assert_eq!(beat.rules[0].action, Action::Restart);
    assert_eq!(
        beat.restart,
        Restart {
            idle: None,
            wait: None,
            window: None,
            ..celery.restart.clone()
        }
    );
}

#[test]
fn a_units_rules_replace_the_defaults() {
    let text = "[[defaults.rules]]\nleak = true\naction = \"alert\"\n[unit.\"a.service\"]\n[unit.\"b.service\"]\nrules = []\n";
    let checked = read(text);
    assert_eq!(checked.faults, []);
    let counts: Vec<usize> = checked
        .profile
        .units
        .iter()
        .map(|u| u.rules.len())
        .collect();
    assert_eq!(counts, [1, 0]);
}

#[test]
fn rules_are_typed() {
    let text = "[unit.\"a.service\"]\nrules = [ { total = \"2G\", scope = \"worker\", action = \"signal\", signal = \"SIGINT\", grace = \"1min\" } ]\n";
    let checked = read(text);
    assert_eq!(checked.faults, []);
    let rule = &checked.profile.units[0].rules[0];
    assert_eq!((rule.name.as_str(), rule.scope), ("total", Scope::Worker));
    assert!(matches!(rule.conditions.as_slice(), [Condition::Total(_)]));
    let Action::Signal { signal, grace } = rule.action else {
        panic!("{:?}", rule.action);
    };
    assert_eq!((signal.name(), grace), ("SIGINT", Some(Span::seconds(60))));
    assert_ne!(signal, Signal::TERM);
}

#[test]
fn what_is_wrong_costs_only_itself() {
    let text = "[defaults]\nTasksMax = \"many\"\n[unit.\"a.service\"]\nMemoryMax = \"400MB\"\nMemoryHigh = \"300M\"\nrules = [ { leek = true } ]\n[unit.\"b\"]\nMemoryMax = \"1G\"\n[unit.\"c.service\"]\nMemoryMax = \"2G\"\n";
    let checked = read(text);
    let kept: Vec<String> = limits(&checked.profile)
        .into_iter()
        .map(|(unit, key, text, _)| format!("{unit} {key}={text}"))
        .collect();
    assert_eq!(
        kept,
        ["a.service MemoryHigh=300M", "c.service MemoryMax=2G"]
    );
    let concerning: Vec<bool> = checked.faults.iter().map(|f| f.concerns.limits()).collect();
    assert_eq!(
        concerning,
        [true, true, false, false, true],
        "{:#?}",
        checked.faults
    );
}

#[test]
fn ceilings_are_looked_for_in_the_whole_profile() {
    let rule = "rules = [ { above = \"80%\", action = \"alert\" } ]\n";
    for (text, faults) in [
        (format!("[unit.\"a-b.service\"]\n{rule}"), 1),
        (
            format!("[unit.\"a-b.service\"]\nMemoryHigh = \"1G\"\n{rule}"),
            0,
        ),
        (
            format!("[unit.\"a-b.service\"]\nMemoryMax = \"infinity\"\n{rule}"),
            1,
        ),
        (
            format!("[defaults]\nMemoryMax = \"1G\"\n[unit.\"a-b.service\"]\n{rule}"),
            0,
        ),
        (
            format!("[unit.\"a-.service\"]\nMemoryMax = \"1G\"\n[unit.\"a-b.service\"]\n{rule}"),
            0,
        ),
        (
            format!("[unit.\"x-.service\"]\nMemoryMax = \"1G\"\n[unit.\"a-b.service\"]\n{rule}"),
            1,
        ),
        (
            format!("[unit.\"w@.service\"]\nMemoryMax = \"1G\"\n[unit.\"w@1.service\"]\n{rule}"),
            0,
        ),
        (
            format!("[unit.\"web.slice\"]\nMemoryMax = \"1G\"\n[unit.\"a-b.service\"]\n{rule}"),
            0,
        ),
    ] {
        assert_eq!(read(&text).faults.len(), faults, "{text}");
    }
}

#[test]
fn budgets_count_what_is_certain() {
    let unit = |name: &str, max: &str| format!("[unit.\"{name}\"]\nMemoryMax = \"{max}\"\n");
    for (budget, units, faults) in [
        ("1G", vec![("a.service", "512M"), ("b.service", "512M")], 0),
        ("1G", vec![("a.service", "512M"), ("b.service", "513M")], 1),
        ("1G", vec![("a.service", "90%"), ("b.service", "1G")], 0),
        ("50%", vec![("a.service", "30%"), ("b.service", "30%")], 1),
        (
            "1G",
            vec![("a.slice", "1G"), ("a-b.slice", "1G"), ("b.service", "1G")],
            0,
        ),
        (
            "1G",
            vec![("w@.service", "800M"), ("w@1.service", "800M")],
            0,
        ),
        ("1G", vec![("w@.service", "800M"), ("x.service", "800M")], 1),
    ] {
        let text: String = units.iter().map(|(name, max)| unit(name, max)).collect();
        let text = format!("budget = \"{budget}\"\n{text}");
        assert_eq!(read(&text).faults.len(), faults, "{text}");
    }
}

#[test]
fn profiles_are_checked_together() {
    let sources = [
        Source::new("a", "a.toml", b"[unit.\"x.service\"]\n".to_vec()),
        Source::new(
            "b",
            "b.toml",
            b"[unit.\"y.service\"]\n[unit.\"x.service\"]\n".to_vec(),
        ),
        Source::new("a", "other/a.toml", b"[unit.\"z.service\"]\n".to_vec()),
    ];
    let counts: Vec<usize> = check_all(&sources, &Options::default())
        .iter()
        .map(|c| c.faults.len())
        .collect();
    assert_eq!(counts, [0, 1, 1]);
}

#[test]
fn what_is_wrong_between_two_is_a_fault_of_the_named_one() {
    let source = |name: &str| {
        let text = b"\n[unit.\"x.service\"]\n".to_vec();
        Source::new(name, format!("{name}.toml"), text)
    };
    let sources = ["a", "b", "c"].map(source);
    let all: Vec<&Source> = sources.iter().collect();
    for (named, counts, note) in [
        ("a", [2, 0, 0], "the other is b.toml:2"),
        ("b", [0, 1, 1], "the first is a.toml:2"),
        ("c", [0, 1, 1], "the first is a.toml:2"),
        ("abc", [0, 1, 1], "the first is a.toml:2"),
        ("", [0, 1, 1], "the first is a.toml:2"),
    ] {
        let is_named = |source: &Source| named.contains(&source.name);
        let checked = check_named(&all, &Options::default(), &is_named);
        let found: Vec<usize> = checked.iter().map(|c| c.faults.len()).collect();
        assert_eq!(found, counts, "{named}");
        let notes = checked.iter().flat_map(|c| &c.faults).map(|f| &f.notes[0]);
        let first = notes.map(|note| format!("{note:?}")).next();
        assert_eq!(first, Some(format!("Note({note:?})")), "{named}");
    }
}
