//! The metrics: their text, frozen; what is found out for them; and what `examples/` makes of them.

#[expect(dead_code, reason = "the engine's tests use the rest")]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use memctl::exporter;
use memctl::kernel::meminfo::MemInfo;
use memctl::kernel::psi::{Pressure, Stall};
use memctl::kernel::stat::{CpuStat, MemoryEvents, MemoryStat};
use memctl::limits::standing::Standing;
use memctl::profiles::Set;
use memctl::readings::Readings as _;
use memctl::readings::cgroup::CgroupReadings;
use memctl::sample::{Limit, Reading, Sample, Source};
use memctl::scope::Scope;
use memctl::systemd::names::UnitName;
use memctl::view::metrics::{Facts, Profiles, metrics};

use world::{Fake, M, World, install, unit};

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

/// The figures of `memctl_…` families without labels.
fn own(text: &str) -> BTreeMap<&str, &str> {
    let figures = text.lines().filter(|l| !l.starts_with('#'));
    figures.filter_map(|line| line.split_once(' ')).collect()
}

#[test]
fn how_the_limits_stand_is_found_out() {
    let world = World::new();
    for (service, need) in [("web", 50), ("db", 10), ("full", 300), ("odd", 1)] {
        world.cgroup(&format!("system.slice/{service}.service"), need, 0);
        world.write(
            &format!("etc/systemd/system/{service}.service"),
            "[Service]\nExecStart=/bin/true\n",
        );
    }
    world.write(
        "etc/systemd/system/db.service.d/10.conf",
        "[Service]\nMemoryMax=1G\n",
    );
    let scope = Scope::System;
    let look = || {
        let set = Set::read(&world.root, &scope, &[]).expect("profiles");
        let mut readings = CgroupReadings::new(&world.root, &scope).expect("a source");
        let reading = readings.read(now(), &|_| true).expect("a reading");
        let (facts, told) = exporter::facts(&world.root, &scope, &set, &reading, Some(257));
        assert_eq!(told, Vec::<String>::new());
        facts
    };
    let limits =
        |text: &str| unit("web.service", text) + &unit("db.service", "MemoryMax = \"100M\"");
    world.profile("a", &limits("MemoryMax = \"400M\""));
    let mut fake = Fake::boot(&world, false);
    let facts = look();
    assert_eq!(
        facts.standing,
        Some(Standing {
            overridden: 1,
            ..Standing::default()
        }),
    );
    assert_eq!(
        facts.profiles,
        Some(Profiles {
            count: 1,
            faults: 0
        })
    );

    // By hand, without a reload; and a limit under what a unit holds, which the generator will withhold.
    world.profile("a", &limits("MemoryMax = \"300M\"\nCPUQuota = \"50%\""));
    world.profile("b", &unit("full.service", "MemoryMax = \"100M\""));
    world.profile("c", "x = 1\ny = 2\n");
    world.write("etc/memctl/profiles.d/d.toml/x", "");
    let facts = look();
    let standing = facts.standing.expect("known");
    assert_eq!(standing.pending, BTreeSet::from([name("web.service")]));
    assert_eq!((standing.withheld, standing.overridden), (1, 1));
    // d.toml is a folder, which is one fault more.
    assert_eq!(
        facts.profiles,
        Some(Profiles {
            count: 3,
            faults: 3
        })
    );

    fs::remove_file(world.path().join("etc/memctl/profiles.d/c.toml")).expect("rm");
    fs::remove_dir_all(world.path().join("etc/memctl/profiles.d/d.toml")).expect("rm");
    let tight = memctl::apply::Tight {
        next_start: true,
        ..Default::default()
    };
    let edits = [install("e", &unit("odd.service", "TasksMax = 5"))];
    fake.apply(&edits, tight).expect("applied");
    let standing = look().standing.expect("known");
    assert_eq!(standing.pending, BTreeSet::new());
    assert_eq!((standing.withheld, standing.overridden), (1, 1));
}

#[test]
fn a_start_is_when_systemd_noted_it() {
    let world = World::new();
    world.cgroup("system.slice/web.service", 50, 0);
    world.cgroup("system.slice/db.service", 50, 0);
    let notes = world.path().join("run/systemd/units");
    fs::create_dir_all(&notes).expect("mkdir");
    let link = notes.join("invocation:web.service");
    std::os::unix::fs::symlink("0123456789abcdef0123456789abcdef", &link).expect("a link");
    let at = rustix::fs::Timespec {
        tv_sec: 1_764_000_000,
        tv_nsec: 250_000_000,
    };
    let times = rustix::fs::Timestamps {
        last_access: at,
        last_modification: at,
    };
    let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
    rustix::fs::utimensat(rustix::fs::CWD, &link, &times, flags).expect("a time");
    let scope = Scope::System;
    let set = Set::read(&world.root, &scope, &[]).expect("profiles");
    let mut readings = CgroupReadings::new(&world.root, &scope).expect("a source");
    let reading = readings.read(now(), &|_| true).expect("a reading");
    let (facts, _) = exporter::facts(&world.root, &scope, &set, &reading, None);
    let text = metrics(&reading, &facts);
    let starts: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("memctl_unit_start_time_seconds"))
        .collect();
    assert_eq!(
        starts,
        ["memctl_unit_start_time_seconds{unit=\"web.service\"} 1764000000.250000"]
    );
    assert_eq!(own(&text).get("memctl_profiles"), Some(&"0"));
}
