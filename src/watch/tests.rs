use std::fs;

use super::*;
use crate::readings::Wanted;
use crate::sample::{Sample, Source};
use crate::systemd::names::UnitName;
use crate::units::Span;

/// Two services and their slice, whatever is asked.
struct Two;

impl Readings for Two {
    fn source(&self) -> Source {
        Source::Cgroup
    }

    fn read(&mut self, now: Timestamp, wanted: Wanted<'_>) -> Result<Reading> {
        let units = ["a.service", "b.service"].map(|n| UnitName::parse(n).expect(n));
        let units = units.into_iter().filter(|u| wanted(u));
        let mut samples: Vec<Sample> = units
            .map(|unit| Sample::blank(unit, now, Source::Cgroup))
            .collect();
        let slice = UnitName::parse("system.slice").expect("a name");
        samples.push(Sample::blank(slice, now, Source::Cgroup));
        Ok(Reading {
            time: now,
            host: None,
            samples,
            faults: vec!["a.service/memory.stat: strange".to_owned()],
        })
    }
}

#[derive(Default)]
struct Kept {
    readings: Vec<Reading>,
    full: bool,
}

impl Record for Kept {
    fn offer(&mut self, reading: Reading) {
        self.readings.push(reading);
    }

    fn faults(&mut self) -> Vec<String> {
        self.full
            .then(|| "the disk is full".to_owned())
            .into_iter()
            .collect()
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

#[test]
fn profiles_that_come_and_go_are_seen_at_the_next_tick() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = Root::open_running(dir.path()).expect("open");
    let folder = dir.path().join("etc/memctl/profiles.d");
    fs::create_dir_all(&folder).expect("mkdir");
    let mut watch = Watch::new(&root, &Scope::System, Box::new(Two), false);
    let mut kept = Kept::default();
    let mut tick = |second| {
        let tick = watch
            .tick(at(second), &mut kept, &mut |_, _| {})
            .expect("a tick");
        (tick.units, tick.changed)
    };
    assert_eq!(tick(0), (2, false), "no profile: every service");
    fs::write(
        folder.join("a.toml"),
        "[unit.\"a.service\"]\nMemoryMax = \"1G\"\n",
    )
    .expect("write");
    assert_eq!(tick(10), (1, true));
    assert_eq!(tick(20), (1, false));
    fs::write(
        folder.join("a.toml"),
        "[unit.\"ab.service\"]\nMemoryMax = \"1G\"\n",
    )
    .expect("write");
    assert_eq!(tick(30), (0, true));
    fs::remove_file(folder.join("a.toml")).expect("remove");
    assert_eq!(tick(40), (2, true));
    assert_eq!(kept.readings.len(), 5);
}

/// An editor's temporary file beside it, or another profile: no reason to tell of it again.
#[test]
fn a_faulty_profile_is_told_once() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = Root::open_running(dir.path()).expect("open");
    let folder = dir.path().join("etc/memctl/profiles.d");
    fs::create_dir_all(&folder).expect("mkdir");
    let mut watch = Watch::new(&root, &Scope::System, Box::new(Two), false);
    let mut kept = Kept::default();
    let mut faulty = |name: &str, text: &str| {
        fs::write(folder.join(name), text).expect("write");
        let tick = watch
            .tick(at(0), &mut kept, &mut |_, _| {})
            .expect("a tick");
        tick.faulty.len()
    };
    let bad = |key: &str| format!("[unit.\"a.service\"]\n{key} = \"1G\"\n");
    assert_eq!(faulty("a.toml", &bad("MemoryMaxx")), 1);
    assert_eq!(faulty("sedQ1w2e3", ""), 0);
    assert_eq!(
        faulty("b.toml", "[unit.\"b.service\"]\nMemoryMax = \"1G\"\n"),
        0
    );
    assert_eq!(faulty("a.toml", &bad("MemoryMaxxx")), 1, "another fault");
    assert_eq!(faulty("a.toml", &bad("MemoryMax")), 0);
    assert_eq!(faulty("a.toml", &bad("MemoryMaxx")), 1, "it had gone");
}

#[test]
fn what_is_wrong_is_told_once() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = Root::open_running(dir.path()).expect("open");
    let mut watch = Watch::new(&root, &Scope::System, Box::new(Two), true);
    let mut kept = Kept::default();
    let news = |watch: &mut Watch<'_>, kept: &mut Kept| {
        watch
            .tick(at(0), kept, &mut |_, _| {})
            .expect("a tick")
            .news
    };
    assert_eq!(
        news(&mut watch, &mut kept),
        ["a.service/memory.stat: strange"]
    );
    assert_eq!(news(&mut watch, &mut kept), [""; 0]);
    kept.full = true;
    assert_eq!(news(&mut watch, &mut kept).len(), 1);
}

#[test]
fn ticks_fall_on_whole_multiples_of_the_interval() {
    let interval = Interval::new(Span(10_000_000)).expect("an interval");
    let left = |millisecond| {
        let now = Timestamp::from_millisecond(millisecond).expect("a time");
        until_next(now, interval).as_millis()
    };
    assert_eq!(left(1_700_000_000_000), 10_000);
    assert_eq!(left(1_700_000_000_001), 9_999);
    assert_eq!(left(1_700_000_009_999), 1);
    assert_eq!(left(-1), 1, "before 1970, by a dead clock battery");
}
