//! Two hours of a service that leaks: recorded as the watch records them.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use memctl::history::{Recorder, Settings};
use memctl::kernel::psi::Pressure;
use memctl::kernel::root::Root;
use memctl::sample::{Invocation, Limit, Reading, Sample, Source};
use memctl::scope::Scope;
use memctl::systemd::names::UnitName;

/// 2026-11-24 10:00 UTC.
pub const TEN: i64 = 1_795_514_400;

/// A reading a minute: growth to an OOM kill and a new start after an hour.
pub fn record(root: &Path) {
    let root = Root::open(root).expect("a root");
    let recorder = Recorder::start(&root, &Scope::System, Settings::default()).expect("started");
    for minute in 0..120 {
        // Nothing is lost here for a slow disk: the queue is waited for.
        while !recorder.offer(reading(minute)) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let report = recorder.close().expect("closed");
    assert_eq!(report.written, 120, "{report:?}");
}

fn reading(minute: u64) -> Reading {
    let time = Timestamp::from_second(TEN + 60 * minute as i64).expect("a time");
    let unit = UnitName::parse("web.service").expect("a name");
    let mut sample = Sample::blank(unit, time, Source::Cgroup);
    let second = minute >= 60;
    let need = if second { minute } else { 50 + 5 * minute };
    sample.memory.stat.anon = Some(need << 20);
    sample.memory.stat.file = Some(60 << 20);
    sample.memory.stat.shmem = Some(0);
    sample.memory.current = Some((need + 60).min(400) << 20);
    sample.memory.swap = Some(0);
    sample.limits.high = Some(Limit::Bytes(350 << 20));
    sample.limits.max = Some(Limit::Bytes(400 << 20));
    sample.limits.swap_max = Some(Limit::Infinity);
    sample.start.invocation = Some(Invocation(1 + u128::from(second)));
    sample.start.inode = Some(40 + u64::from(second));
    sample.events.oom_kill = Some(u64::from(minute == 59));
    sample.events.high = Some(if second { 0 } else { minute.saturating_sub(52) });
    sample.cpu.usage_usec = Some(1000 * (minute % 60));
    sample.tasks = Some(3);
    sample.pressure = Some(Pressure::default());
    Reading {
        time,
        host: None,
        samples: vec![sample],
        faults: Vec::new(),
    }
}
