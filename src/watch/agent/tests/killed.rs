//! memctl is killed, and begun anew: at every step of a restart it ends as it should.

use super::host::ABOVE;
use super::*;
use crate::journal::Kind;
use crate::systemd::manager::JobEnd;

/// What a restart that was made comes to, be it told by one memctl or by two.
fn assert_done(host: &Host, told: &[String]) {
    let count = |word: &str| told.iter().filter(|t| t.starts_with(word)).count();
    assert_eq!(count("restart-begun"), 1, "{told:?}");
    assert_eq!(count("restart-done"), 1, "{told:?}");
    let state = host.state();
    assert_eq!((state.run, state.done.len()), (None, 1), "{told:?}");
    assert_eq!(host.pid1.borrow().units["web.service"].start, 2);
}

#[test]
fn at_every_second() {
    for second in (1..25).chain((25..340).step_by(45)) {
        let host = Host::new(ABOVE, "");
        let mut line = host.start(Host::at("10:00:00"));
        line.need("web.service", 400).pass(second);
        let now = line.now;
        drop(line);
        let mut line = host.start(now);
        line.pass(700);
        let jobs = line.jobs();
        assert_eq!(jobs, ["restarting web.service"], "killed at {second}");
        assert_done(&host, &line.told());
    }
}

/// The machine is started anew, and the unit with it: nothing has failed, and nothing is made up for.
#[test]
fn with_the_machine() {
    for second in (1..25).chain([100]) {
        let mut host = Host::new(ABOVE, "");
        let mut line = host.start(Host::at("10:00:00"));
        line.need("web.service", 400).pass(second);
        let (now, jobs) = (line.now, line.jobs());
        drop(line);
        host.orders.boot = "another boot".to_owned();
        host.pid1.borrow_mut().unit("web.service").begin(1_000_000);
        let mut line = host.start(now);
        line.pass(700);
        assert_eq!(line.jobs(), [""; 0], "{second}");
        let told = line.told();
        assert!(
            !told.iter().any(|t| t.contains("failed")),
            "{second}: {told:?}"
        );
        let state = host.state();
        assert_eq!(
            (state.run, state.done.len()),
            (None, jobs.len()),
            "{second}"
        );
    }
}

/// Killed when it has something to tell: the one that is begun anew tells it.
#[test]
fn before_it_has_told_the_end() {
    let mut host = Host::new(ABOVE, "");
    host.dies_at = Some(Kind::Done);
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400);
    let pass = std::panic::AssertUnwindSafe(|| line.pass(60).now);
    assert!(std::panic::catch_unwind(pass).is_err(), "killed");
    let now = line.now;
    drop(line);
    host.dies_at = None;
    let mut line = host.start(now);
    line.pass(400);
    assert_eq!(line.jobs(), ["restarting web.service"]);
    assert_done(&host, &line.told());
}

#[test]
fn before_pid_1_has_made_the_job() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400);
    line.tick();
    let now = line.now;
    // The look is answered; the job is not any more.
    line.agent.hear(std::time::Duration::ZERO, || {
        host.pid1.borrow_mut().is_deaf = true;
        now
    });
    assert_eq!(line.jobs(), ["restarting web.service"]);
    drop(line);
    host.pid1.borrow_mut().is_deaf = false;
    let mut line = host.start(now);
    line.pass(60);
    // It is not made up for; but the rule holds, and that is a new decision.
    assert_eq!(line.jobs(), ["restarting web.service"]);
    assert_eq!(
        line.told(),
        [
            "rule-fired web.service",
            "restart-begun web.service",
            "restart-withheld web.service interrupted",
            "restart-begun web.service",
            "rule-cleared web.service",
            "restart-done web.service"
        ]
    );
    assert_eq!(host.state().done.len(), 1);
}

#[test]
fn the_bus_is_lost_with_the_job() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:00"));
    let lost = || JobEnd::Unknown(crate::error::Error::failed("the bus was lost"));
    host.pid1.borrow_mut().unit("web.service").end = Some(lost());
    line.need("web.service", 400).pass(5);
    // It was made all the same.
    assert_eq!(
        line.told(),
        [
            "rule-fired web.service",
            "restart-begun web.service",
            "restart-withheld web.service interrupted"
        ]
    );
}

/// `memctl restart` was killed: the daemon, which is there all the time, goes on with it.
#[test]
fn another_memctl_is_killed() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:00"));
    line.pass(5);
    let mut other = host.start(line.now);
    other.agent.by_hand(&unit("web.service"), other.now);
    let now = other.now;
    other.agent.hear(std::time::Duration::ZERO, || now);
    assert!(host.state().run.is_some());
    drop(other);
    line.pass(120);
    assert_eq!(
        line.told(),
        ["restart-begun web.service", "restart-done web.service"]
    );
    let state = host.state();
    assert_eq!((state.run, state.done.len()), (None, 1));
}

/// The disk is full from the job on: it goes on, and is remembered once there is room.
#[test]
fn the_disk_fills_up_meanwhile() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(1);
    let folder = host.dir.path().join("var/lib/memctl/state");
    let aside = host.dir.path().join("aside");
    std::fs::rename(&folder, &aside).expect("renamed");
    std::fs::write(&folder, "").expect("written");
    line.pass(600);
    let told = line.told();
    assert_eq!(
        told.last().map(String::as_str),
        Some("restart-done web.service")
    );
    std::fs::remove_file(&folder).expect("removed");
    std::fs::rename(&aside, &folder).expect("renamed");
    line.pass(20);
    let state = host.state();
    assert_eq!((state.run, state.done.len()), (None, 1));
    line.need("web.service", 400).pass(60);
    let told = line.told();
    assert!(
        told.contains(&"restart-withheld web.service cooldown".to_owned()),
        "{told:?}"
    );
}
