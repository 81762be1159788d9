//! The leak detector in the watch: fed, kept for the next process, told once.

use super::host::Line;
use super::*;
use jiff::SignedDuration;

use crate::journal::Kind;
use crate::policy::Trend;
use crate::state::detectors::{self, Trends};
use crate::watch::agent::Mode;

const LEAK: &str = r#"{ leak = true, action = "alert" }"#;
const FILE: &str = "var/lib/memctl/detectors.json";

fn trends(host: &Host) -> Trends {
    let root = crate::kernel::root::Root::open(host.dir.path()).expect("a root");
    detectors::read(&root, &crate::scope::Scope::System).expect("detectors")
}

fn web(host: &Host) -> Option<Trend> {
    trends(host).remove(&unit("web.service"))
}

/// A tick a minute, as the timer has it, with so much need; but in one process.
fn minutes(line: &mut Line<'_>, needs: impl IntoIterator<Item = u64>) {
    for need in needs {
        line.need("web.service", need).tick();
        line.now += SignedDuration::from_secs(60);
    }
}

/// It grows by a mebibyte every four minutes, from 100M towards the limit of 500M.
fn leak(minutes: std::ops::Range<u64>) -> impl Iterator<Item = u64> {
    minutes.map(|minute| 100 + minute / 4)
}

#[test]
fn what_was_learnt_is_written_every_five_minutes_and_at_the_end() {
    let host = Host::new(LEAK, "");
    let mut line = host.start(Host::at("10:00:00"));
    minutes(&mut line, [100; 5]);
    assert!(!host.dir.path().join(FILE).exists(), "not with each tick");
    minutes(&mut line, [100]);
    let written = web(&host).expect("it is written");
    assert_eq!(written.read(), Some(Host::at("10:05:00")));
    minutes(&mut line, [100; 2]);
    assert_eq!(web(&host).as_ref(), Some(&written));
    let now = line.now;
    line.agent.keep_trends(now);
    assert_eq!(
        web(&host).and_then(|trend| trend.read()),
        Some(Host::at("10:07:00"))
    );
}

#[test]
fn a_dry_run_learns_and_writes_nothing() {
    let mut host = Host::new(LEAK, "");
    host.orders.mode = Mode::Dry;
    let mut line = host.start(Host::at("10:00:00"));
    minutes(&mut line, [100; 20]);
    let now = line.now;
    line.agent.keep_trends(now);
    assert!(!host.dir.path().join(FILE).exists());
}

#[test]
fn a_timer_s_processes_find_what_a_daemon_finds_and_tell_it_once() {
    let run = |is_timer: bool| {
        let host = Host::new(LEAK, "");
        let mut now = Host::at("00:00:00");
        let mut told = Vec::new();
        let mut line = host.start(now);
        for need in leak(0..1200) {
            minutes(&mut line, [need]);
            now = line.now;
            for event in host.journal.take() {
                told.push((now.to_string(), event.kind, event.message));
            }
            if is_timer {
                line.agent.keep_trends(now);
                line = host.start(now);
            }
        }
        told
    };
    let (daemon, timer) = (run(false), run(true));
    assert_eq!(daemon, timer);
    let kinds: Vec<Kind> = daemon.iter().map(|(_, kind, _)| *kind).collect();
    assert!(kinds.contains(&Kind::Fired), "{daemon:?}");
    let suspects = kinds.iter().filter(|kind| **kind == Kind::Suspect).count();
    assert_eq!(suspects, 1, "it grows before it leaks: {daemon:?}");
}

#[test]
fn a_unit_without_such_a_rule_is_suspect_once() {
    let host = Host::new(r#"{ above = "490M", action = "alert" }"#, "");
    let mut line = host.start(Host::at("00:00:00"));
    minutes(&mut line, leak(0..1200));
    let events = host.journal.take();
    let suspects: Vec<_> = events.iter().filter(|e| e.kind == Kind::Suspect).collect();
    assert_eq!(suspects.len(), 1, "{events:?}");
    let message = &suspects[0].message;
    assert!(
        message.starts_with("web.service is suspect: it grows "),
        "{message}"
    );
    assert_eq!(suspects[0].limit, Some(500 * M));
    assert!(line.jobs().is_empty());
}

#[test]
fn what_cannot_be_read_or_written_is_told_and_stops_nothing() {
    let host = Host::new(r#"{ above = "300M", action = "alert" }"#, "");
    host.write(FILE, "{\"v\":7}");
    let mut line = host.start(Host::at("10:00:00"));
    minutes(&mut line, [400]);
    assert_eq!(line.told(), ["rule-fired web.service"]);
    let is_told = |line: &Line<'_>, what: &str| {
        let faults: Vec<&String> = line.agent.faults.keys().collect();
        assert!(faults.iter().any(|f| f.contains(what)), "{faults:?}");
    };
    is_told(&line, "detectors.json: of another version of memctl (v 7)");
    std::fs::remove_file(host.dir.path().join(FILE)).expect("remove");
    std::fs::create_dir(host.dir.path().join(FILE)).expect("mkdir");
    minutes(&mut line, [400; 10]);
    minutes(&mut line, [100]);
    assert_eq!(line.told(), ["rule-cleared web.service"]);
    is_told(&line, "cannot write");
}

#[test]
fn whoever_is_told_by_a_rule_is_not_suspect_too() {
    let told = |rule: &str| {
        let host = Host::new(rule, "");
        let mut line = host.start(Host::at("00:00:00"));
        minutes(&mut line, leak(0..1200));
        let events = host.journal.take();
        let count = |kind| events.iter().filter(|e| e.kind == kind).count();
        [Kind::Suspect, Kind::Fired].map(count)
    };
    // It grows, and that is told by a rule that does not wait for a leak.
    assert_eq!(told(r#"{ exhausts_in = "5d", action = "alert" }"#), [0, 1]);
    // A rule that asks for more, and one that asks for something else as well, tell nothing.
    let cautious = r#"{ leak = "cautious", action = "alert" }"#;
    assert_eq!(told(cautious)[0], 1);
    let both = r#"{ leak = true, above = "499M", action = "alert" }"#;
    assert_eq!(told(both), [1, 0]);
}
