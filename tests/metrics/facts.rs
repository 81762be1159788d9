//! What is found out beside a reading.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use jiff::Timestamp;
use memctl::exporter::{self, Textfile};
use memctl::limits::standing::Standing;
use memctl::profiles::Set;
use memctl::readings::Readings as _;
use memctl::readings::cgroup::CgroupReadings;
use memctl::scope::Scope;
use memctl::view::metrics::{Profiles, metrics};

use crate::world::{Fake, World, install, unit};
use crate::{name, now};

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

/// What systemd leaves behind when it starts a unit.
fn note(link: &Path, second: i64) {
    let _ = fs::remove_file(link);
    symlink("0123456789abcdef0123456789abcdef", link).expect("a link");
    let at = rustix::fs::Timespec {
        tv_sec: second,
        tv_nsec: 250_000_000,
    };
    let times = rustix::fs::Timestamps {
        last_access: at,
        last_modification: at,
    };
    let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
    rustix::fs::utimensat(rustix::fs::CWD, link, &times, flags).expect("a time");
}

#[test]
fn the_watchs_file_knows_a_new_start_at_once_and_profiles_after_a_minute() {
    let world = World::new();
    world.cgroup("system.slice/web.service", 50, 0);
    let notes = world.path().join("run/systemd/units");
    fs::create_dir_all(&notes).expect("mkdir");
    let file = world.path().join("memctl.prom");
    let textfile = Textfile::start(&world.root, &Scope::System, file.clone()).expect("a thread");
    let mut readings = CgroupReadings::new(&world.root, &Scope::System).expect("a source");
    let mut written = |second: i64| {
        let now = Timestamp::from_second(second).expect("a time");
        let reading = readings.read(now, &|_| true).expect("a reading");
        let faults = textfile.offer(reading, Some(now));
        assert_eq!(faults, Vec::<String>::new());
        // A thread of its own writes it.
        let this = format!("memctl_last_tick_timestamp_seconds {second}.000000\n");
        let text = loop {
            match fs::read_to_string(&file) {
                Ok(text) if text.contains(&this) => break text,
                _ => std::thread::sleep(std::time::Duration::from_millis(1)),
            }
        };
        let figure = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.map(str::to_owned)
        };
        let start = figure("memctl_unit_start_time_seconds{unit=\"web.service\"} ");
        (start, figure("memctl_profiles "))
    };
    let link = notes.join("invocation:web.service");
    let expected =
        |start: &str, profiles: &str| (Some(start.to_owned()), Some(profiles.to_owned()));
    note(&link, 1_000);
    assert_eq!(written(2_000), expected("1000.250000", "0"));
    note(&link, 2_005);
    world.profile("a", &unit("web.service", "MemoryMax = \"400M\""));
    assert_eq!(written(2_010), expected("2005.250000", "0"));
    assert_eq!(written(2_060), expected("2005.250000", "1"));
}

#[test]
fn a_start_is_when_systemd_noted_it() {
    let world = World::new();
    world.cgroup("system.slice/web.service", 50, 0);
    world.cgroup("system.slice/db.service", 50, 0);
    let notes = world.path().join("run/systemd/units");
    fs::create_dir_all(&notes).expect("mkdir");
    note(&notes.join("invocation:web.service"), 1_764_000_000);
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
