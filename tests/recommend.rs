//! `memctl recommend` from a history as the watch writes it: `verify` takes its profile, `plan` compares it with what
//! is in force.

#[expect(dead_code, unused_imports, reason = "the engine's tests use the rest")]
mod world;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use memctl::apply::survey::Survey;
use memctl::history::{Recorder, Settings};
use memctl::kernel::root::Root;
use memctl::limits::level::Level;
use memctl::profiles::Set;
use memctl::sample::{Invocation, Reading, Sample, Source};
use memctl::scope::Scope;
use memctl::systemd::names::UnitName;

use world::{M, World, install};

/// A reading of a unit that needs and caches so many mebibytes, in its nth start.
fn sample(unit: &str, time: Timestamp, start: u128, need: u64, cache: u64) -> Sample {
    let unit = UnitName::parse(unit).expect(unit);
    let mut sample = Sample::blank(unit, time, Source::Cgroup);
    sample.start.invocation = Some(Invocation(start));
    sample.memory.stat.anon = Some(need * M);
    sample.memory.current = Some((need + cache) * M);
    sample
}

/// Three days of history, a reading every ten minutes: `web.service`, started anew after the second day, and
/// `new.service`, which began half an hour ago.
fn record(path: &Path) {
    const READINGS: i64 = 3 * 144;
    let root = Root::open(path).expect("a root");
    let recorder = Recorder::start(&root, &Scope::System, Settings::default()).expect("a recorder");
    for nth in 0..READINGS {
        let ago = SignedDuration::from_secs((READINGS - nth) * 600);
        let time = Timestamp::now() - ago;
        let start = if nth < 288 { 1 } else { 2 };
        let need = match nth {
            288 => 350,
            _ => 300,
        };
        let mut samples = vec![
            sample("user.slice", time, 0, 100, 0),
            sample("web.service", time, start, need, 15),
        ];
        if nth >= READINGS - 3 {
            samples.insert(0, sample("new.service", time, 1, 50, 0));
        }
        let reading = Reading {
            time,
            host: None,
            samples,
            faults: Vec::new(),
        };
        while !recorder.offer(reading.clone()) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let report = recorder.close().expect("closed");
    assert_eq!(report.written, READINGS as u64, "{report:?}");
}

fn memctl(root: &Path, arguments: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_memctl"))
        .arg("--root")
        .arg(root)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(stdin.as_bytes()).expect("written");
    drop(pipe);
    child.wait_with_output().expect("ends")
}

/// What was printed, if that is how it ended.
fn printed(output: &Output, code: i32) -> String {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

#[test]
fn a_recommendation_is_a_profile_for_verify_and_plan() {
    let world = World::new();
    world.cgroup("system.slice/web.service", 300, 15);
    world.write(
        "sys/fs/cgroup/system.slice/web.service/memory.max",
        "1073741824\n",
    );
    let service = "[Service]\nExecStart=/bin/true\nMemoryMax=1G\n";
    world.write("usr/lib/systemd/system/web.service", service);
    record(world.path());

    let profile = printed(&memctl(world.path(), &["recommend"], ""), 0);
    assert!(
        profile.contains("1 start seen; most need: 350M"),
        "{profile}"
    );
    assert!(
        profile.contains("the 350M that a fresh start needs"),
        "{profile}"
    );
    assert!(profile.contains("room for 15M of page cache"), "{profile}");
    assert!(
        profile.contains("# new.service: 3 readings so far"),
        "{profile}"
    );
    assert!(!profile.contains("user.slice"), "{profile}");

    let verified = memctl(world.path(), &["verify", "-", "--name", "web"], &profile);
    let verified = printed(&verified, 0);
    assert_eq!(verified, "<stdin>: good (1 unit, 2 limits, 0 rules)\n");

    // Against an image by the verb, against what runs by the engine.
    let planned = memctl(world.path(), &["plan", "-", "--name", "web"], &profile);
    let planned = printed(&planned, 0);
    assert!(planned.contains("MemoryHigh  infinity"), "{planned}");
    assert!(planned.contains("MemoryMax         1G"), "{planned}");
    let scope = Scope::System;
    let set = Set::read(&world.root, &scope, &[install("web", &profile)]).expect("readable");
    let survey = Survey::take(&world.root, &scope).expect("a look");
    let prepared = survey.prepare(&set.installed()).expect("a plan");
    assert!(prepared.refused().is_empty(), "what it holds fits");
    let row = |limit: &str| {
        let row = prepared
            .plan
            .rows
            .iter()
            .find(|row| row.key.name() == limit);
        let row = row.unwrap_or_else(|| panic!("{limit} is not planned"));
        (
            row.before.as_ref().and_then(|s| s.level),
            row.after.as_ref().and_then(|s| s.level),
        )
    };
    let (before, after) = row("MemoryMax");
    assert_eq!(before, Some(Level::Bytes(1024 * M)));
    assert!(
        matches!(after, Some(Level::Bytes(n)) if n > 350 * M && n < 1024 * M),
        "{after:?}"
    );
    assert_eq!(row("MemoryHigh").0, Some(Level::Unlimited));

    // By name, and for programs.
    let json = printed(
        &memctl(world.path(), &["recommend", "user.slice", "--json"], ""),
        0,
    );
    let document: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(document["units"][0]["unit"], "user.slice");
    assert_eq!(document["units"][0]["most"]["bytes"], 100 * M);
    assert_eq!(document["ram"], 2048 * M);
}

#[test]
fn what_cannot_be_recommended_is_told() {
    let world = World::new();
    let none = memctl(world.path(), &["recommend"], "");
    printed(&none, 1);
    let told = String::from_utf8_lossy(&none.stderr);
    assert!(told.contains("there is no history yet"), "{told}");

    record(world.path());
    let mistyped = memctl(
        world.path(),
        &["recommend", "wbe.service", "new.service"],
        "",
    );
    assert_eq!(printed(&mistyped, 2), "");
    let told = String::from_utf8_lossy(&mistyped.stderr);
    assert!(
        told.contains("no unit `wbe.service`; perhaps web.service?"),
        "{told}"
    );

    let few = memctl(world.path(), &["recommend", "new.service"], "");
    assert_eq!(printed(&few, 1), "");
    let told = String::from_utf8_lossy(&few.stderr);
    assert!(told.contains("new.service: 3 readings so far"), "{told}");
    let few = memctl(world.path(), &["recommend", "new.service", "--json"], "");
    let document: serde_json::Value = serde_json::from_str(&printed(&few, 1)).expect("JSON");
    assert_eq!(document["units"][0]["unknown"], "few-readings");
}
