//! The JSON forms, frozen: `tests/formats/*.json`. A change here is a change of `"v"`, unless something is only added.
//!
//! `BLESS=1 cargo test --test formats` writes them anew.

#[path = "history/past.rs"]
mod past;
#[expect(dead_code, reason = "the engine's tests use the rest")]
mod world;

use std::fs;
use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use memctl::apply::Tight;
use memctl::kernel::process::processes;
use memctl::kernel::psi::Pressure;
use memctl::limits::plan::Plan;
use memctl::limits::slices::slices;
use memctl::limits::totals::totals;
use memctl::policy::leak::{Finding, Forecast, Verdict};
use memctl::profiles::Set;
use memctl::readings::open;
use memctl::sample::{Invocation, Source};
use memctl::scope::Scope;
use memctl::state::Hold;
use memctl::state::acts::Acts;
use memctl::status::{Status, rows};
use memctl::systemd::manager::{Figures, Manager};
use memctl::systemd::names::{UnitName, UnitType};
use memctl::view::json;
use memctl::view::status::{self, Detail};
use memctl::watched::Watched;
use serde_json::Value;

use world::{Fake, World, install, unit};

fn assert_frozen(name: &str, document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/formats/{name}.json"));
    let shown = serde_json::to_string_pretty(document).expect("JSON") + "\n";
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        fs::write(&path, &shown).expect("write");
    }
    let frozen = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(shown, frozen, "{name}");
    assert_eq!(document["v"], 1, "{name}");
}

/// The real binary's answer, on one line.
fn asked(folder: &Path, arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_memctl"))
        .current_dir(folder)
        .args(["--root", "image", "--json"])
        .args(arguments)
        .output()
        .expect("runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), 1, "one document: {text}");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn what_the_verbs_say_of_an_image() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        fs::write(path, text).expect("write");
    };
    let service = "[Service]\nExecStart=/bin/true\nMemoryHigh=infinity\n";
    write("image/usr/lib/systemd/system/web.service", service);
    write(
        "image/etc/systemd/system/web.service.d/override.conf",
        "[Service]\nTasksMax=50\n",
    );
    let old = unit("web.service", "MemoryMax = \"1G\"");
    write("image/usr/lib/memctl/profiles.d/web.toml", &old);
    write("image/etc/memctl/profiles.d/bad.toml", "x\n");
    write(
        "web.toml",
        &format!(
            "description = \"The web\"\nbudget = \"500M\"\n{}",
            unit(
                "web.service",
                "MemoryMax = \"400M\"\nMemoryHigh = \"50%\"\nCPUQuota = \"80%\"\nCPUWeight = \"idle\"\nTasksMax = 30\nOOMPolicy = \"kill\"\nTimeoutStopSec = \"5min\""
            )
        ),
    );
    write("wrong.toml", &unit("wbe.service", "MemoryMax = \"400MB\""));
    let ask = |arguments: &[&str]| asked(dir.path(), arguments);
    assert_frozen("verify", &ask(&["verify", "web.toml", "wrong.toml"]));
    assert_frozen("render", &ask(&["render", "web.toml", "-o", "out"]));
    assert_frozen("plan-image", &ask(&["plan", "web.toml"]));
    assert_frozen("apply-image", &ask(&["apply", "web.toml"]));
    assert_frozen("profiles", &ask(&["profiles"]));
    assert_frozen("doctor-image", &ask(&["doctor"]));
    assert_frozen("remove-image", &ask(&["remove", "web"]));
}

#[test]
fn what_history_says() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let image = dir.path().join("image");
    fs::create_dir(&image).expect("mkdir");
    past::record(&image);
    let ask = |from: &str, until: &str, resolution: &str| {
        let range = ["--since", from, "--until", until];
        let unit = ["history", "web.service", "--resolution", resolution];
        asked(dir.path(), &[&unit[..], &range].concat())
    };
    let (before, after) = ("2026-11-24T10:58:00Z", "2026-11-24T11:01:00Z");
    assert_frozen("history-raw", &ask(before, after, "raw"));
    assert_frozen("history-hours", &ask(before, after, "hours"));
    let (from, until) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    assert_frozen("history-nothing", &ask(from, until, "minutes"));
}

/// An event of which everything is known, and one of which nothing is.
#[test]
fn what_log_says() {
    use memctl::journal::read::Entry;
    use memctl::journal::{Event, Kind};

    let time: Timestamp = "2026-11-24T03:00:00Z".parse().expect("a time");
    let web = UnitName::parse("web.service").expect("a name");
    let full = Event {
        profile: Some("web".to_owned()),
        rule: Some("leak".to_owned()),
        action: Some("restart".to_owned()),
        need: Some(412 * world::M),
        limit: Some(500 * world::M),
        freed: Some(300 * world::M),
        downtime_usec: Some(1_234_567),
        why: Some("window".to_owned()),
        until: Some(time),
        count: Some(3),
        dry_run: true,
        ..Event::new(Kind::Withheld, Some(&web), "web.service is not restarted")
    };
    let bare = Event::new(Kind::Suppressed, None, "3 alerts were not sent");
    for (name, event, id) in [
        ("log", full, Some("0123456789abcdef")),
        ("log-bare", bare, None),
    ] {
        let mut line = serde_json::json!({
            "__REALTIME_TIMESTAMP": time.as_microsecond().to_string(),
            "PRIORITY": event.kind.priority().to_string(),
            "MESSAGE": event.message,
        });
        if id.is_some() {
            line["_BOOT_ID"] = "000102030405060708090a0b0c0d0e0f".into();
        }
        for (field, value) in event.fields(&Scope::System, id) {
            line[field] = value.into();
        }
        let entry = Entry::parse(&line.to_string()).expect("an entry");
        assert_frozen(name, &memctl::view::log::json(&entry));
    }
}

/// What the leak detector says of a unit that leaks.
fn leaking(now: Timestamp) -> Verdict {
    Verdict {
        finding: Finding::Leak,
        is_cautious: false,
        slope: Some(1000.0),
        forecast: Some(Forecast {
            early: now.as_second() + 3600,
            likely: now.as_second() + 7200,
            late: None,
        }),
        window: Some(21_600),
    }
}

/// A line a verdict: of a restart everything is known, of an alert as little as can be.
#[test]
fn what_replay_says() {
    use memctl::profile::rule::Action;
    use memctl::replay::{Line, Played, Told, What};
    use memctl::restart::gate::{Gate, Withheld};
    use memctl::view::replay::{Replayed, Run, json};

    let time: Timestamp = "2026-11-24T03:00:00Z".parse().expect("a time");
    let full = Told {
        time,
        rule: "leak".to_owned(),
        action: Action::Restart,
        what: What::Fired,
        why: "leak: it grows".to_owned(),
        is_done: false,
        withheld: Some(Withheld {
            gate: Gate::Window,
            why: "outside of window".to_owned(),
            until: Some(time),
        }),
        need: Some(300 * world::M),
        current: Some(350 * world::M),
        limit: Some(400 * world::M),
        trend: leaking(time),
    };
    let bare = Told {
        action: Action::Alert,
        withheld: None,
        need: None,
        current: None,
        limit: None,
        trend: Verdict {
            finding: Finding::Learning,
            slope: None,
            forecast: None,
            window: None,
            ..leaking(time)
        },
        ..full.clone()
    };
    let line = |time: &str, side, told: &Told| Line {
        side,
        time: time.to_owned(),
        told: told.clone(),
        times: 1,
    };
    let web = UnitName::parse("web.service").expect("a name");
    let said = |profiles: &[&str], trace: Option<&str>, lines| {
        let run = Run {
            unit: &web,
            profiles: profiles.iter().map(|p| (*p).to_owned()).collect(),
            zone: jiff::tz::TimeZone::UTC,
        };
        let replayed = Replayed {
            trace: trace.map(str::to_owned),
            played: Played {
                lines,
                ..Played::default()
            },
        };
        json(&run, &replayed)
    };
    // The time is written as it stands in the trace, to the last nought.
    let lines = said(
        &["a.toml"],
        Some("t/a.csv"),
        vec![line("1700000000.50", 0, &full), line("007", 0, &bare)],
    );
    assert!(lines[0].contains("\"time\":1700000000.50,"), "{}", lines[0]);
    assert!(lines[1].contains("\"time\":\"007\","), "{}", lines[1]);
    assert!(
        lines[0].starts_with("{\"v\":1,\"trace\":\"t/a.csv\",\"unit\":\"web.service\",\"time\":"),
        "{}",
        lines[0]
    );
    let parse = |text: &String| serde_json::from_str::<Value>(text).expect("JSON");
    assert_frozen("replay", &parse(&lines[0]));
    assert_frozen("replay-bare", &parse(&lines[1]));
    let compared = said(
        &["a.toml", "b.toml"],
        None,
        vec![line("2026-11-24T03:00:00Z", 1, &full)],
    );
    assert_frozen("replay-compared", &parse(&compared[0]));
}

#[test]
fn what_replay_explains() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir(dir.path().join("image")).expect("mkdir");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("write");
    let rules =
        "rules = [{ above = \"50%\", action = \"restart\" }, { leak = true, action = \"alert\" }]";
    write(
        "web.toml",
        &format!("[unit.\"web.service\"]\nMemoryMax = \"400M\"\n{rules}\n"),
    );
    let rows = (0..20).map(|n| format!("{},{}\n", n * 60, (100 + 10 * n) * world::M));
    let text = format!("time,anon\n{}", rows.collect::<String>());
    write("a.csv", &text);
    let arguments = ["replay", "-p", "web.toml", "--explain", "900", "a.csv"];
    assert_frozen("replay-explain", &asked(dir.path(), &arguments));
}

/// Of a unit everything is known, and of another one nothing.
#[test]
fn what_explain_says() {
    use memctl::policy::leak::Reason;
    use memctl::policy::{Latch, Standing, Term};
    use memctl::profile::rule::Action;
    use memctl::restart::gate::{Gate, Withheld};
    use memctl::restart::{Deed, Dependent, Done, Look};
    use memctl::sample::{Bound, Ceiling, Sample};
    use memctl::state::UnitState;
    use memctl::view::explain::{Explained, json};
    use memctl::watch::agent::Detected;

    let time: Timestamp = "2026-11-24T03:00:00Z".parse().expect("a time");
    let web = UnitName::parse("web.service").expect("a name");
    let mut sample = Sample::blank(web.clone(), time, Source::Cgroup);
    sample.memory.stat.anon = Some(412 * world::M);
    let term = |known: bool| Term {
        key: "above",
        figure: known.then(|| "need 412M".to_owned()),
        threshold: "80% (400M of MemoryHigh=500M)".to_owned(),
        holds: known.then_some(true),
        missing: known.then(|| "17M more".to_owned()),
    };
    let rules = [true, false].map(|known| Standing {
        rule: "big".to_owned(),
        action: Action::Restart,
        latched: known.then_some(Latch {
            since: time,
            told: time,
        }),
        terms: vec![term(known)],
        holds: known.then_some(true),
        lasting: known.then(|| "2min of 5min".to_owned()),
        missing: known.then(|| "for: 3min more".to_owned()),
    });
    let withheld = [Some(time), None].map(|until| Withheld {
        gate: Gate::StartLimit,
        why: "it started 4 times".to_owned(),
        until,
    });
    let withheld = withheld.to_vec();
    let look = Look {
        dependents: vec![Dependent {
            unit: "worker.service".to_owned(),
            by: "PartOf".to_owned(),
            invocation: String::new(),
        }],
        ..Look::default()
    };
    let done = |deed| Done { time, deed };
    let state = UnitState {
        done: vec![done(Deed::Restart), done(Deed::Reload)],
        ..UnitState::default()
    };
    let reason = |known: bool| Reason {
        name: "rise",
        figure: "120M".to_owned(),
        threshold: "8M".to_owned(),
        holds: known.then_some(true),
    };
    let detected = Detected {
        verdict: leaking(time),
        reasons: vec![reason(true), reason(false)],
    };
    let full = Explained {
        unit: &web,
        sample: Some(&sample),
        ceiling: Some(Ceiling {
            bytes: 500 * world::M,
            unit: web.clone(),
            bound: Bound::High,
        }),
        profile: Some(Path::new("/etc/memctl/profiles.d/web.toml")),
        rules: &rules,
        detected: Some(&detected),
        now: time,
        withheld: Some(&withheld),
        look: Some(&look),
        run: None,
        state: &state,
        act: true,
    };
    assert_frozen("explain", &json(&full));
    let nothing = UnitState::default();
    let bare = Explained {
        sample: None,
        ceiling: None,
        profile: None,
        rules: &[],
        detected: None,
        withheld: None,
        look: None,
        state: &nothing,
        ..full
    };
    assert_frozen("explain-bare", &json(&bare));
}

#[test]
fn what_apply_and_plan_say_of_a_running_system() {
    let world = World::new();
    world.cgroup("system.slice/web.service", 380, 0);
    world.cgroup("system.slice/db.service", 10, 0);
    world.write(
        "etc/systemd/system/db.service.d/10.conf",
        "[Service]\nMemoryMax=1G\n",
    );
    let text = unit("web.service", "MemoryMax = \"400M\"\nCPUQuota = \"50%\"")
        + &unit("db.service", "MemoryMax = \"100M\"\nOOMScoreAdjust = 5")
        + &unit("gone.service", "MemoryMax = \"100M\"");
    let edits = [install("web", &text)];
    let scope = Scope::System;
    let set = Set::read(&world.root, &scope, &edits).expect("readable");
    let survey = memctl::apply::survey::Survey::take(&world.root, &scope).expect("a look");
    let installed = set.installed();
    let prepared = survey.prepare(&installed).expect("a plan");
    let planned = Plan {
        lowerings: prepared.refused(),
        ..prepared.plan
    };
    let lies_in = slices(&planned, &survey.cgroups, &survey.files, &scope).expect("slices");
    let sums = totals(&planned, &installed, &lies_in, survey.host.ram);
    let warnings = ["a warning".to_owned()];
    let document = json::plan(&planned, &sums, true, &warnings);
    assert_frozen("plan-running", &document);
    let mut fake = Fake::boot(&world, false);
    let next_start = Tight {
        next_start: true,
        ..Tight::default()
    };
    let mut outcome = fake.apply(&edits, next_start).expect("applied");
    outcome.restarted = vec![planned.rows[0].unit.clone()];
    let sums = totals(&outcome.plan, &installed, &lies_in, survey.host.ram);
    let document = json::applied(&outcome, &sums, &warnings);
    assert_frozen("apply-running", &document);
}

#[test]
fn what_recommend_says() {
    use jiff::{SignedDuration, Timestamp};
    use memctl::recommend::{Held, Margins, Observation, recommend};
    use memctl::sample::Limit;
    use memctl::systemd::names::UnitName;
    use memctl::view::recommend::{Recommended, json};

    const M: u64 = world::M;
    let begin: Timestamp = "2026-11-01T00:00:00Z".parse().expect("a time");
    let watched = |count: i64, need: &dyn Fn(u64) -> u64| -> Vec<Observation> {
        let observation = |at: i64| {
            let time = begin + SignedDuration::from_secs(at * 600);
            let bytes = need(at as u64);
            Observation {
                need: Some(Held {
                    least: bytes,
                    most: bytes,
                    last: bytes,
                }),
                cache: Some(20 * M),
                ..Observation::blank(time, 600.0)
            }
        };
        (0..count).map(observation).collect()
    };
    let mut web = watched(2000, &|_| 300 * M);
    web[900].starts = 1;
    web[1500].max = Some(Limit::Bytes(400 * M));
    web[1500].at_max = 1;
    web[1500].oom_kills = 1;
    let leak = watched(1000, &|at| (100 + at / 10) * M);
    let mut bus = watched(1000, &|_| 300 * M);
    for observation in &mut bus {
        observation.current = observation.need.take();
        observation.cache = None;
    }
    let mut none = bus.clone();
    none.iter_mut().for_each(|o| o.current = None);
    let few = watched(4, &|_| M);
    let units = [
        ("bus.service", &bus),
        ("few.service", &few),
        ("leak.service", &leak),
        ("none.service", &none),
        ("web.service", &web),
    ];
    let recommended = Recommended {
        now: "2026-11-24T06:00:00Z".parse().expect("a time"),
        ram: Some(2048 * M),
        units: units
            .into_iter()
            .map(|(unit, seen)| {
                let unit = UnitName::parse(unit).expect("a unit");
                (unit, recommend(seen, &Margins::default()))
            })
            .collect(),
    };
    assert_frozen("recommend", &json(&recommended));
}
/// A unit of which everything is known, one of which little is, a slice with the ceiling of both.
#[test]
fn what_status_says() {
    let world = World::new();
    world.cgroup("web.slice", 250, 0);
    world.cgroup("web.slice/web.service", 200, 40);
    world.cgroup("web.slice/bare.service", 50, 0);
    world.write("proc/pressure/memory", PRESSURE);
    let folder = "sys/fs/cgroup/web.slice";
    for (file, text) in [("memory.high", "419430400"), ("memory.max", "536870912")] {
        world.write(&format!("{folder}/{file}"), text);
    }
    for (file, text) in [
        ("memory.stat", STAT),
        ("memory.current", "252706816"),
        ("memory.peak", "262144000"),
        ("memory.swap.current", "1048576"),
        ("memory.swap.max", "0"),
        ("memory.events", EVENTS),
        ("memory.events.local", EVENTS),
        ("memory.pressure", PRESSURE),
        (
            "cpu.stat",
            "usage_usec 1234567\nnr_throttled 2\nthrottled_usec 300\n",
        ),
        ("pids.current", "3"),
    ] {
        world.write(&format!("{folder}/web.service/{file}"), text);
    }
    for file in ["current", "stat", "swap.current", "high", "max", "swap.max"] {
        let path = world.path().join(folder);
        fs::remove_file(path.join(format!("bare.service/memory.{file}"))).expect("rm");
    }
    world.write("proc/77/comm", "web\n");
    world.write("proc/77/cmdline", "/usr/bin/web\0--port\x0080\0");
    world.write(&format!("{folder}/web.service/cgroup.procs"), "77\n");

    let name = |text: &str| UnitName::parse(text).expect(text);
    let time: Timestamp = "2026-11-24T03:00:00Z".parse().expect("a time");
    let choice = Watched::Names(vec![
        name("web.slice"),
        name("web.service"),
        name("bare.service"),
        name("gone.service"),
    ]);
    let look = |source: Source| {
        let manager = || Ok(Box::new(Fake::boot_as_is(&world, false)) as Box<dyn Manager>);
        let mut opened =
            open(&world.root, &Scope::System, manager, Some(source)).expect("a source");
        let mut reading = opened.readings.read(time, &*choice.test()).expect("read");
        for sample in &mut reading.samples {
            // The test's own file system numbers as it likes.
            sample.start.inode = sample.start.inode.map(|_| 4711);
            sample.start.invocation = Invocation::parse("000102030405060708090a0b0c0d0e0f");
        }
        let listed = Fake::boot_as_is(&world, false)
            .units(&UnitType::ALL)
            .expect("listed");
        let sparks = [(name("web.service"), vec![None, Some(200 * world::M)])];
        Status {
            time,
            source,
            why: None,
            host: reading.host,
            pressure: Pressure::parse(PRESSURE).ok(),
            rows: rows(
                &reading,
                Some(&listed),
                &choice,
                &sparks.into(),
                &[],
                &acts(),
            ),
            notes: vec!["a note".to_owned()],
            faults: reading.faults,
        }
    };
    assert_frozen("status", &status::json(&look(Source::Cgroup), None));
    assert_frozen("status-dbus", &status::json(&look(Source::Bus), None));
    let mut one = look(Source::Cgroup);
    one.rows.retain(|row| row.unit.as_str() == "web.service");
    one.rows[0].trend = Some(leaking(time));
    let detail = Detail {
        figures: Some(Figures {
            since: Some(time),
            restarts: Some(1),
            ..Figures::default()
        }),
        cgroup: Some(format!("/{folder}/web.service").into()),
        processes: processes(&world.root, Path::new(&format!("/{folder}/web.service"))),
    };
    assert_frozen("status-one", &status::json(&one, Some(&detail)));
}

const STAT: &str = "anon 209715200\nfile 41943040\nkernel_stack 65536\npagetables 131072\npercpu 4096\nsock 8192\n\
    shmem 1048576\nfile_dirty 0\nslab_reclaimable 500000\nslab_unreclaimable 300000\n";
const EVENTS: &str = "low 0\nhigh 12\nmax 1\noom 1\noom_kill 1\noom_group_kill 0\n";
const PRESSURE: &str = "some avg10=12.34 avg60=1.50 avg300=0.03 total=98765\n\
    full avg10=1.00 avg60=0.00 avg300=0.00 total=4321\n";

/// What memctl did to one of the units.
fn acts() -> std::collections::BTreeMap<UnitName, Acts> {
    let acts = Acts {
        done: 2,
        last: Some(Timestamp::UNIX_EPOCH),
        held: Some(Hold {
            since: Timestamp::UNIX_EPOCH,
            until: None,
            by: None,
        }),
        holding: vec!["grown".to_owned()],
        ..Acts::default()
    };
    std::collections::BTreeMap::from([(UnitName::parse("web.service").expect("a name"), acts)])
}
