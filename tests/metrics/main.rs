//! The metrics: their text, frozen; what is found out for them; and what `examples/` makes of them.

mod examples;
mod facts;
#[expect(dead_code, reason = "the engine's tests use the rest")]
#[path = "../world/mod.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use memctl::kernel::meminfo::MemInfo;
use memctl::kernel::psi::{Pressure, Stall};
use memctl::kernel::stat::{CpuStat, MemoryEvents, MemoryStat};
use memctl::limits::standing::Standing;
use memctl::sample::{Limit, Reading, Sample, Source};
use memctl::state::acts::Acts;
use memctl::systemd::names::UnitName;
use memctl::view::metrics::{Facts, Profiles, metrics};

use world::M;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect(text)
}

fn time(text: &str) -> Timestamp {
    text.parse().expect(text)
}

/// A service of which everything is known, with a name that must be escaped.
fn known() -> Sample {
    let mut sample = Sample::blank(name(r"a\x2db.service"), now(), Source::Cgroup);
    sample.slice = Some(name("system.slice"));
    sample.memory.current = Some(900 * M);
    sample.memory.peak = Some(950 * M);
    sample.memory.swap = Some(M);
    sample.memory.stat = MemoryStat {
        anon: Some(100),
        file: Some(500),
        file_dirty: Some(6),
        shmem: Some(20),
        slab_reclaimable: Some(7),
        slab_unreclaimable: Some(3),
        kernel_stack: Some(4),
        pagetables: Some(5),
        percpu: Some(0),
        sock: Some(1),
    };
    sample.limits.high = Some(Limit::Bytes(1000));
    sample.limits.max = Some(Limit::Bytes(2000));
    sample.limits.swap_max = Some(Limit::Bytes(0));
    sample.events = MemoryEvents {
        low: Some(0),
        high: Some(12),
        max: Some(3),
        oom: Some(2),
        oom_kill: Some(1),
        oom_group_kill: Some(1),
    };
    let total = |total| Stall {
        total,
        ..Stall::default()
    };
    sample.pressure = Some(Pressure {
        some: total(2_500_000),
        full: Some(total(1)),
    });
    sample.cpu = CpuStat {
        usage_usec: Some(61_000_001),
        nr_throttled: Some(2),
        throttled_usec: Some(200_000),
    };
    sample.tasks = Some(7);
    sample
}

/// One of which D-Bus told little, and that has no limit.
fn unknown() -> Sample {
    let mut sample = Sample::blank(name("b.service"), now(), Source::Bus);
    sample.memory.current = Some(42);
    sample.limits.max = Some(Limit::Infinity);
    sample
}

fn now() -> Timestamp {
    time("2026-11-24T06:00:10.25Z")
}

fn whole() -> (Reading, Facts) {
    let mut slice = Sample::blank(name("system.slice"), now(), Source::Cgroup);
    slice.memory.stat.anon = Some(800);
    slice.limits.max = Some(Limit::Bytes(900));
    let reading = Reading {
        time: now(),
        host: Some(MemInfo {
            total: 925_000 * 1024,
            available: Some(300_000 * 1024),
            swap_total: Some(0),
            swap_free: Some(0),
            ..MemInfo::default()
        }),
        samples: vec![known(), unknown(), slice],
        faults: vec!["a file".to_owned()],
    };
    let facts = Facts {
        last_tick: Some(time("2026-11-24T06:00:00Z")),
        standing: Some(Standing {
            pending: BTreeSet::from([name("b.service")]),
            withheld: 2,
            overridden: 3,
        }),
        profiles: Some(Profiles {
            count: 4,
            faults: 5,
        }),
        starts: BTreeMap::from([
            (name(r"a\x2db.service"), time("2026-11-20T01:02:03.000004Z")),
            (name("not-read.service"), now()),
        ]),
        acts: Some(BTreeMap::from([(
            name(r"a\x2db.service"),
            Acts {
                done: 3,
                ineffective: true,
                holding: vec!["grown".to_owned()],
                ..Acts::default()
            },
        )])),
        faults: 1,
    };
    (reading, facts)
}

#[test]
fn the_text_is_frozen() {
    let (reading, facts) = whole();
    let shown = metrics(&reading, &facts);
    let shown = shown.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let path = repository().join("tests/formats/metrics.prom");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &shown).expect("write");
    }
    assert_eq!(shown, fs::read_to_string(&path).unwrap_or_default());
}

#[test]
fn names_are_as_prometheus_wants_them() {
    let (reading, facts) = whole();
    let text = metrics(&reading, &facts);
    let mut seen = BTreeSet::new();
    let (mut family, mut series) = ("", BTreeSet::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            (family, _) = help.split_once(' ').expect("a sentence");
            assert!(family.starts_with("memctl_"), "{line}");
            assert!(seen.insert(family), "{family} comes twice");
            assert!(help.ends_with('.'), "{line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let counter = family.ends_with("_total");
            let kind = kind.strip_prefix(family).expect("the same name");
            assert_eq!(kind, if counter { " counter" } else { " gauge" }, "{line}");
        } else {
            let (one, _) = line.rsplit_once(' ').expect("a figure");
            assert_eq!(one.split('{').next(), Some(family), "not with its family");
            assert!(series.insert(one), "{one} comes twice");
        }
    }
    // Nothing is known: what is told is memctl's own, and no unit's.
    let nothing = Reading {
        host: None,
        samples: Vec::new(),
        faults: Vec::new(),
        ..reading
    };
    let text = metrics(&nothing, &Facts::default());
    let names: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split([' ', '{']).next())
        .collect();
    assert_eq!(
        names,
        [
            "memctl_build_info",
            "memctl_reading_timestamp_seconds",
            "memctl_read_faults"
        ]
    );
}
