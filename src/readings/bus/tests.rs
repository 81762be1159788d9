use std::fs;

use super::*;
use crate::error::Error;
use crate::readings::open;
use crate::restart::Look;
use crate::sample::Bound;
use crate::scope::Scope;
use crate::systemd::manager::{Job, JobEnd, UnitInfo, UnitState};

const RAM: u64 = 1 << 30;

/// A manager that knows these units: name, active state, figures.
struct Fake(Vec<(&'static str, &'static str, Option<Figures>)>);

impl Manager for Fake {
    fn version(&mut self) -> Result<String> {
        Ok("257".to_owned())
    }

    fn reload(&mut self) -> Result<()> {
        panic!("readings change nothing")
    }

    fn nudge(&mut self, _: &UnitName) -> Result<()> {
        panic!("readings change nothing")
    }

    fn state(&mut self, _: &UnitName) -> Result<UnitState> {
        panic!("this would load the unit")
    }

    fn try_restart(&mut self, _: &UnitName) -> Result<()> {
        panic!("readings change nothing")
    }

    fn look(&mut self, _: &str) -> Result<Look> {
        panic!("readings are of memory")
    }

    fn job(&mut self, _: Job, _: &str) -> JobEnd {
        panic!("readings change nothing")
    }

    fn units(&mut self, _: &[UnitType]) -> Result<Vec<UnitInfo>> {
        let unit = |(unit, active, _): &(&str, &str, _)| UnitInfo {
            name: name(unit),
            load: "loaded".to_owned(),
            active: (*active).to_owned(),
            sub: String::new(),
            description: String::new(),
        };
        Ok(self.0.iter().map(unit).collect())
    }

    fn figures(&mut self, unit: &UnitName) -> Result<Option<Figures>> {
        match self.0.iter().find(|(name, ..)| *name == unit.as_str()) {
            Some((.., figures)) => Ok(figures.clone()),
            None => Err(Error::failed("no answer")),
        }
    }
}

fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect(text)
}

fn figures(slice: &str, max: Option<u64>, effective: u64) -> Option<Figures> {
    Some(Figures {
        cgroup: Some("/somewhere".to_owned()),
        slice: Some(name(slice)),
        current: Some(5000),
        high: Some(Limit::Infinity),
        max: Some(max.into()),
        effective_max: Some(Limit::Bytes(effective)),
        oom_kills: Some(1),
        ..Figures::default()
    })
}

fn host() -> (tempfile::TempDir, Root) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir(dir.path().join("proc")).expect("mkdir");
    fs::write(dir.path().join("proc/meminfo"), "MemTotal: 1048576 kB\n").expect("write");
    let root = Root::open_running(dir.path()).expect("open");
    (dir, root)
}

fn fake() -> Box<dyn Manager> {
    Box::new(Fake(vec![
        ("-.slice", "active", figures("-.slice", None, RAM)),
        ("a.slice", "active", figures("-.slice", Some(9000), 9000)),
        ("dead.service", "failed", figures("a.slice", None, 1)),
        ("gone.service", "active", None),
        ("once.service", "active", Some(Figures::default())),
        ("web.service", "active", figures("a.slice", None, 9000)),
        ("free.service", "active", figures("system.slice", None, RAM)),
    ]))
}

#[test]
fn running_units_and_their_slices_are_read_and_nothing_is_guessed() {
    let (_dir, root) = host();
    let mut readings = BusReadings::new(&root, fake());
    let not_free = |unit: &UnitName| unit.as_str() != "free.service";
    let reading = readings
        .read(Timestamp::UNIX_EPOCH, &not_free)
        .expect("read");
    let units: Vec<&str> = reading.samples.iter().map(|s| s.unit.as_str()).collect();
    assert_eq!(units, ["a.slice", "web.service"]);
    assert_eq!(reading.faults, [""; 0]);
    let web = &reading.samples[1];
    assert_eq!(web.source, Source::Bus);
    assert_eq!(web.memory.current, Some(5000));
    assert_eq!(web.memory.need(), None, "page cache is in MemoryCurrent");
    assert_eq!(web.events.oom_kill, Some(1));
    assert_eq!(web.start.inode, None);
    let ceiling = reading.ceiling(web).expect("a ceiling");
    assert_eq!((ceiling.bytes, ceiling.bound), (9000, Bound::Max));
    assert_eq!(ceiling.unit, name("a.slice"));
}

#[test]
fn all_of_ram_is_no_ceiling_and_a_slice_that_does_not_answer_is_told() {
    let (_dir, root) = host();
    let mut readings = BusReadings::new(&root, fake());
    let free = |unit: &UnitName| unit.as_str() == "free.service";
    let reading = readings.read(Timestamp::UNIX_EPOCH, &free).expect("read");
    assert_eq!(reading.ceiling(&reading.samples[0]), None);
    assert_eq!(reading.faults, ["system.slice: no answer"]);
}

#[test]
fn the_bus_is_the_second_choice() {
    let (dir, root) = host();
    let scope = Scope::System;
    let opened = open(&root, &scope, || Ok(fake()), None).expect("the bus");
    assert_eq!(opened.readings.source(), Source::Bus);
    let why = opened.why.expect("a reason");
    assert!(why.message().contains("cgroup.controllers"), "{why}");
    let refused = open(&root, &scope, || Ok(fake()), Some(Source::Cgroup));
    assert!(refused.is_err());
    let neither = open(&root, &scope, || Err(Error::failed("no bus")), None);
    let told = neither.err().expect("nothing to read").to_string();
    assert!(told.contains("cgroup"), "{told}");

    let controllers = dir.path().join("sys/fs/cgroup/cgroup.controllers");
    fs::create_dir_all(controllers.parent().expect("a parent")).expect("mkdir");
    fs::write(controllers, "memory\n").expect("write");
    let opened = open(&root, &scope, || panic!("not needed"), None).expect("cgroupfs");
    assert_eq!(opened.readings.source(), Source::Cgroup);
    let opened = open(&root, &scope, || Ok(fake()), Some(Source::Bus)).expect("the bus");
    assert_eq!(opened.readings.source(), Source::Bus);
    assert!(opened.why.is_none());
}
