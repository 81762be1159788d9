//! From a reading to a restart, a reload or a reclaim, and to what came of it.

use super::host::{ABOVE, profile};
use super::*;
use crate::journal::Kind;
use crate::restart::machine::Step;

#[test]
fn a_leak_is_restarted_looked_at_and_judged() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:00"));
    line.pass(30);
    assert_eq!((line.told(), line.jobs()), (vec![], vec![]), "all is well");

    line.need("web.service", 400).pass(1);
    assert_eq!(host.last().kind, Kind::Begun);
    assert_eq!(host.last().need, Some(400 * M));
    assert_eq!(
        line.told(),
        ["rule-fired web.service", "restart-begun web.service"]
    );
    assert_eq!(line.jobs(), ["restarting web.service"]);
    assert!(matches!(
        host.state().run.map(|run| run.step),
        Some(Step::Settling { .. })
    ));

    // Alive after ten seconds; the new start clears the rule.
    line.pass(9);
    assert_eq!(line.told(), [""; 0]);
    line.pass(11);
    let done = host.journal.borrow().last().cloned().expect("an event");
    assert_eq!(done.kind, Kind::Done);
    assert_eq!((done.need, done.freed), (Some(50 * M), Some(350 * M)));
    assert_eq!(done.downtime_usec, Some(250_000));
    assert_eq!(
        line.told(),
        ["rule-cleared web.service", "restart-done web.service"]
    );
    assert!(!line.agent.is_busy(), "it is only judged now");
    assert!(matches!(
        host.state().run.map(|run| run.step),
        Some(Step::Judging { .. })
    ));

    line.pass(400);
    let state = host.state();
    assert_eq!((state.run, state.useless, state.done.len()), (None, 0, 1));
    assert_eq!((line.told(), line.jobs()), (vec![], vec![]));
}

/// With `interval = "1s"`: that readings come does not keep it from looking.
#[test]
fn readings_every_second() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(1);
    host.pid1.borrow_mut().unit("web.service").job = Some("start");
    for second in 1..30 {
        if second == 5 {
            host.pid1.borrow_mut().unit("web.service").job = None;
        }
        line.tick();
        line.pass(1);
    }
    assert_eq!(
        line.told().last().map(String::as_str),
        Some("restart-done web.service")
    );
}

/// With `interval = "1s"`, or while the kernel tells of one event after the other.
#[test]
fn readings_that_come_each_second_hold_nothing_up() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:01"));
    line.need("web.service", 400);
    for _ in 0..13 {
        line.tick();
        line.pass(1);
        host.pid1.borrow_mut().unit("web.service").need += M;
    }
    assert_eq!(
        line.told(),
        [
            "rule-fired web.service",
            "restart-begun web.service",
            "rule-cleared web.service",
            "restart-done web.service",
        ]
    );
}

#[test]
fn a_reload_and_a_reclaim() {
    let host = Host::new(r#"{ name = "big", above = "300M", action = "reload" }"#, "");
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(1);
    assert_eq!(line.jobs(), ["reloading web.service"]);
    drop(line);

    let host = Host::new(
        r#"{ name = "cache", above = "80M", action = "reclaim", repeat = "10m" }"#,
        "",
    );
    host.pid1.borrow_mut().unit("web.service").cache = 200 * M;
    let mut line = host.start(Host::at("10:00:00"));
    line.pass(30);
    assert_eq!(
        line.jobs(),
        ["reclaim /sys/fs/cgroup/system.slice/web.service 200M"]
    );
    assert_eq!(
        line.told(),
        ["rule-fired web.service", "memory-reclaimed web.service"]
    );
    line.pass(600);
    assert_eq!(line.jobs().len(), 1, "again after `repeat`");
}

#[test]
fn one_unit_at_a_time() {
    let mut host = Host::new(ABOVE, "");
    host.pid1
        .borrow_mut()
        .units
        .insert("api.service".to_owned(), Default::default());
    host.profiles
        .push(host::installed("api", &profile("api.service", ABOVE, "")));
    let mut line = host.start(Host::at("10:00:00"));
    line.pass(10)
        .need("web.service", 400)
        .need("api.service", 400);
    line.pass(1);
    assert_eq!(line.jobs(), ["restarting api.service"]);
    let told = line.told();
    assert!(
        told.contains(&"restart-withheld web.service busy".to_owned()),
        "{told:?}"
    );
    line.pass(9);
    assert_eq!(line.jobs(), [""; 0]);
    // As soon as the first one lives.
    line.pass(21);
    assert_eq!(line.jobs(), ["restarting web.service"]);
    let told = line.told();
    assert!(!told.contains(&"restart-withheld web.service busy".to_owned()));
}

#[test]
fn units_that_went_down_with_it_and_stay_down_are_started_again() {
    let host = Host::new(ABOVE, "");
    let side = pid1::Model {
        start: 9,
        ..pid1::Model::default()
    };
    let mut pid1 = host.pid1.borrow_mut();
    pid1.units.insert("side.service".to_owned(), side);
    pid1.unit("web.service").dependents = vec!["side.service"];
    drop(pid1);
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(1);
    host.pid1.borrow_mut().unit("side.service").active = "inactive";
    line.pass(30);
    assert_eq!(
        line.jobs(),
        ["restarting web.service", "starting side.service"]
    );
    assert_eq!(
        line.told(),
        [
            "rule-fired web.service",
            "restart-begun web.service",
            "rule-cleared web.service",
            "restart-done web.service"
        ]
    );
}

#[test]
fn a_wish_that_clears_before_pid_1_answers() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:00"));
    host.pid1.borrow_mut().is_deaf = true;
    line.need("web.service", 400).pass(10);
    line.need("web.service", 100).pass(10);
    host.pid1.borrow_mut().is_deaf = false;
    line.pass(30);
    assert_eq!(line.jobs(), [""; 0]);
    assert_eq!(
        line.told(),
        ["rule-fired web.service", "rule-cleared web.service"]
    );
}

#[test]
fn pid_1_that_takes_its_time_is_asked_once() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(1);
    host.pid1.borrow_mut().asked.clear();
    // It settles, and the bus hangs.
    host.pid1.borrow_mut().is_deaf = true;
    line.pass(120);
    assert_eq!(host.pid1.borrow().asked, ["look web.service"]);
    host.pid1.borrow_mut().is_deaf = false;
    line.pass(2);
    assert_eq!(
        line.told().last().map(String::as_str),
        Some("restart-done web.service")
    );
}

#[test]
fn a_hold_that_comes_while_pid_1_is_asked() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:00"));
    host.pid1.borrow_mut().is_deaf = true;
    line.need("web.service", 400).pass(5);
    host.write("etc/memctl/hold", "");
    host.pid1.borrow_mut().is_deaf = false;
    line.pass(5);
    assert_eq!(line.jobs(), [""; 0]);
    assert_eq!(
        line.told(),
        [
            "rule-fired web.service",
            "restart-withheld web.service host-hold"
        ]
    );
}

#[test]
fn stopped_by_hand_between_the_decision_and_the_call() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:00"));
    host.pid1.borrow_mut().is_deaf = true;
    line.need("web.service", 400).pass(5);
    host.pid1.borrow_mut().unit("web.service").active = "inactive";
    host.pid1.borrow_mut().is_deaf = false;
    line.pass(30);
    assert_eq!(line.jobs(), [""; 0]);
    assert_eq!(
        line.told(),
        [
            "rule-fired web.service",
            "restart-withheld web.service not-active",
            "rule-cleared web.service"
        ]
    );
    assert_eq!(host.pid1.borrow().units["web.service"].active, "inactive");
}

#[test]
fn two_that_do_not_help_are_enough() {
    let host = Host::new(
        ABOVE,
        "[unit.\"web.service\".restart]\ncooldown = \"1min\"\n",
    );
    host.pid1.borrow_mut().unit("web.service").fresh = 390 * M;
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(600);
    assert_eq!(
        line.jobs(),
        ["restarting web.service", "restarting web.service"]
    );
    let told = line.told();
    let count = |word: &str| told.iter().filter(|t| t.starts_with(word)).count();
    assert_eq!(count("restart-begun"), 2, "{told:?}");
    assert_eq!(count("restart-ineffective"), 1, "{told:?}");
    assert_eq!(count("restart-withheld web.service ineffective"), 1);
    let state = host.store().unit(&unit("web.service")).expect("read");
    assert!(state.ineffective.is_some());
    line.pass(3600);
    assert_eq!((line.jobs(), line.told()), (vec![], vec![]));

    // `memctl release`.
    let release = |state: &mut crate::state::UnitState| {
        state.ineffective = None;
        state.useless = 0;
    };
    host.store()
        .change(&unit("web.service"), release)
        .expect("written");
    line.pass(60);
    assert_eq!(line.jobs(), ["restarting web.service"]);
}

#[test]
fn by_hand_it_does_not_wait_for_a_judgement_and_takes_its_place() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(60);
    line.jobs();
    line.told();
    // Another memctl, as `memctl restart` is one.
    let mut other = host.start(line.now);
    other.agent.by_hand(&unit("web.service"), other.now);
    other.agent.hear(std::time::Duration::ZERO, || line.now);
    assert_eq!(other.jobs(), ["restarting web.service"]);
    let begun = host.state().run.expect("a run").begun;
    line.pass(20);
    assert_eq!(
        host.state().run.map(|run| run.begun),
        Some(begun),
        "the one that judged leaves it alone"
    );
}

/// A reading out of turn is of one unit: the kills of those beside it are not its own.
#[test]
fn kills_of_others_are_not_its_own() {
    let host = Host::new(
        &format!("{ABOVE}, {{ name = \"killed\", event = \"oom_kill\", action = \"alert\" }}"),
        "",
    );
    let mut pid1 = host.pid1.borrow_mut();
    pid1.kills = 5;
    let api = pid1::Model {
        kills: 5,
        ..pid1::Model::default()
    };
    pid1.units.insert("api.service".to_owned(), api);
    drop(pid1);
    let mut line = host.start(Host::at("10:00:05"));
    line.pass(10);
    // It is started anew, and the kernel tells something of it before the next tick.
    host.pid1.borrow_mut().unit("web.service").begin(50_000_000);
    let reading = host.reading(line.now, |name| *name == unit("web.service"));
    line.agent.judge(&reading, &[], line.now);
    line.pass(60);
    let rules = |event: &crate::journal::Event| event.rule.clone().unwrap_or_default();
    assert!(
        !host
            .journal
            .borrow()
            .iter()
            .any(|event| rules(event) == "killed")
    );

    // Its own is: the cgroup that had counted is gone.
    let mut pid1 = host.pid1.borrow_mut();
    pid1.kills += 1;
    pid1.unit("web.service").begin(99_000_000);
    drop(pid1);
    line.pass(20);
    assert!(
        host.journal
            .borrow()
            .iter()
            .any(|event| rules(event) == "killed")
    );
}
