//! What withholds a restart: each once, told once.

use super::host::ABOVE;
use super::pid1::Model;
use super::*;
use crate::state::Hold;
use crate::watch::agent::Mode;

/// A leak with something in its way: what is told within ten minutes.
fn withheld(host: &Host, begin: &str) -> Vec<String> {
    let mut line = host.start(Host::at(begin));
    line.need("web.service", 400).pass(600);
    assert_eq!(line.jobs(), [""; 0]);
    let told = line.told();
    assert_eq!(
        told.first().map(String::as_str),
        Some("rule-fired web.service")
    );
    let told: Vec<String> = told.into_iter().skip(1).collect();
    drop(line);

    // Nor does a memctl that is begun anew, as the timer's is each minute, say it again.
    let mut line = host.start(Host::at(begin) + jiff::SignedDuration::from_secs(600));
    line.pass(60);
    assert_eq!((line.told(), line.jobs()), (vec![], vec![]));
    told
}

fn hold() -> Hold {
    Hold {
        since: Host::at("09:00:00"),
        until: None,
        by: None,
    }
}

const RESTART: &str = "[unit.\"web.service\".restart]\n";

#[test]
fn by_holds() {
    let host = Host::new(ABOVE, "");
    let change = |state: &mut crate::state::UnitState| state.hold = Some(hold());
    host.store()
        .change(&unit("web.service"), change)
        .expect("written");
    assert_eq!(
        withheld(&host, "10:00:00"),
        ["restart-withheld web.service hold"]
    );

    let host = Host::new(ABOVE, "");
    let change = |state: &mut crate::state::HostState| state.hold = Some(hold());
    host.store().change_host(change).expect("written");
    assert_eq!(
        withheld(&host, "10:00:00"),
        ["restart-withheld web.service host-hold"]
    );

    let host = Host::new(ABOVE, "");
    host.write("etc/memctl/hold", "");
    assert_eq!(
        withheld(&host, "10:00:00"),
        ["restart-withheld web.service host-hold"]
    );
    std::fs::remove_file(host.dir.path().join("etc/memctl/hold")).expect("removed");
    let mut line = host.start(Host::at("10:20:00"));
    line.pass(1);
    assert_eq!(
        line.jobs(),
        ["restarting web.service"],
        "the fleet's switch is off"
    );
}

#[test]
fn by_window_and_turn() {
    let host = Host::new(
        ABOVE,
        &format!("{RESTART}window = \"02:00-05:00\"\njitter = \"0\"\n"),
    );
    assert_eq!(
        withheld(&host, "10:00:00"),
        ["restart-withheld web.service window"]
    );
    let mut line = host.start(Host::at("02:00:00"));
    line.pass(1);
    assert_eq!(line.jobs(), ["restarting web.service"]);
    drop(line);

    let host = Host::new(ABOVE, &format!("{RESTART}jitter = \"10h\"\n"));
    assert_eq!(
        withheld(&host, "10:00:00"),
        ["restart-withheld web.service jitter"]
    );
    // Its turn comes, and not later for a memctl that is begun anew each minute.
    let until = host.state().wish.expect("a wish").since;
    assert_eq!(until, Host::at("10:00:00"));
    let mut now = Host::at("10:30:00");
    let mut jobs = Vec::new();
    while now < Host::at("20:10:00") && jobs.is_empty() {
        let mut line = host.start(now);
        line.pass(1);
        jobs = line.jobs();
        now += jiff::SignedDuration::from_mins(1);
    }
    assert_eq!(jobs, ["restarting web.service"]);
}

/// What was done in a future that the clock was set back from forbids as much as if it were done now, and no more.
#[test]
fn by_a_clock_that_was_set_back() {
    use crate::restart::{Deed, Done};

    let host = Host::new(ABOVE, "");
    let done = Done {
        time: Host::at("23:00:00"),
        deed: Deed::Restart,
    };
    let change = |state: &mut crate::state::UnitState| state.done = vec![done];
    host.store()
        .change(&unit("web.service"), change)
        .expect("written");
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(29 * 60);
    assert_eq!(line.jobs(), [""; 0]);
    line.pass(2 * 60);
    assert_eq!(line.jobs(), ["restarting web.service"]);
}

#[test]
fn by_cooldown_and_limit() {
    use crate::restart::{Deed, Done};

    let done = |time: &str| Done {
        time: Host::at(time),
        deed: Deed::Restart,
    };
    let host = Host::new(ABOVE, "");
    let change = |state: &mut crate::state::UnitState| state.done = vec![done("09:50:00")];
    host.store()
        .change(&unit("web.service"), change)
        .expect("written");
    assert_eq!(
        withheld(&host, "10:00:00"),
        ["restart-withheld web.service cooldown"]
    );

    let host = Host::new(ABOVE, "");
    let times = ["01:00:00", "02:00:00", "03:00:00"];
    let change = |state: &mut crate::state::UnitState| state.done = times.map(done).to_vec();
    host.store()
        .change(&unit("web.service"), change)
        .expect("written");
    assert_eq!(
        withheld(&host, "10:00:00"),
        ["restart-withheld web.service limit"]
    );
}

#[test]
fn by_what_it_is() {
    let mut host = Host::new(ABOVE, "");
    host.orders.protect = vec![unit("web.service")];
    assert_eq!(
        withheld(&host, "10:00:00"),
        ["restart-withheld web.service protected"]
    );

    for (job, kind, word) in [
        (Some("stop"), "simple", "job-queued"),
        (None, "oneshot", "oneshot"),
    ] {
        let host = Host::new(ABOVE, "");
        let mut pid1 = host.pid1.borrow_mut();
        pid1.unit("web.service").job = job;
        pid1.unit("web.service").kind = kind;
        drop(pid1);
        assert_eq!(
            withheld(&host, "10:00:00"),
            [format!("restart-withheld web.service {word}")]
        );
    }
    let host = Host::new(ABOVE, "");
    host.pid1.borrow_mut().is_stopping = true;
    assert_eq!(
        withheld(&host, "10:00:00"),
        ["restart-withheld web.service shutdown"]
    );
}

#[test]
fn by_a_unit_that_would_go_down_with_it() {
    let mut host = Host::new(ABOVE, "");
    let mut pid1 = host.pid1.borrow_mut();
    pid1.units.insert("db.service".to_owned(), Model::default());
    pid1.unit("web.service").dependents = vec!["db.service"];
    drop(pid1);
    host.orders.protect = vec![unit("db.service")];
    assert_eq!(
        withheld(&host, "10:00:00"),
        ["restart-withheld web.service dependent-protected"]
    );
    host.orders.protect = Vec::new();
    let change = |state: &mut crate::state::UnitState| state.hold = Some(hold());
    host.store()
        .change(&unit("db.service"), change)
        .expect("written");
    let mut line = host.start(Host::at("11:00:00"));
    line.pass(600);
    assert_eq!(line.told(), ["restart-withheld web.service dependent-held"]);
}

/// As a full disk does.
#[test]
fn by_a_state_that_cannot_be_written() {
    let host = Host::new(ABOVE, "");
    host.write("var/lib/memctl/state", "a file where the folder should be");
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(600);
    assert_eq!(line.jobs(), [""; 0]);
    assert_eq!(
        line.told(),
        [
            "rule-fired web.service",
            "restart-withheld web.service unwritable"
        ]
    );
    std::fs::remove_file(host.dir.path().join("var/lib/memctl/state")).expect("removed");
    line.pass(20);
    assert_eq!(
        line.jobs(),
        ["restarting web.service"],
        "as soon as there is room"
    );
}

#[test]
fn by_another_memctl() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:00"));
    let other = crate::apply::lock::Lock::of_folder(
        &crate::kernel::root::Root::open_running(host.dir.path()).expect("open"),
        "/run/memctl/restart".as_ref(),
        std::time::Duration::ZERO,
    );
    line.need("web.service", 400).pass(100);
    assert_eq!(line.jobs(), [""; 0]);
    assert_eq!(
        line.told(),
        [
            "rule-fired web.service",
            "restart-withheld web.service busy"
        ]
    );
    drop(other);
    line.pass(60);
    assert_eq!(line.jobs(), ["restarting web.service"]);
}

/// oomd's dry run: the verdict is told, and not one call made.
#[test]
fn by_settings() {
    let rules = format!("{ABOVE}, {{ name = \"cache\", above = \"80M\", action = \"reclaim\" }}");
    for mode in [Mode::Tell, Mode::Dry] {
        let mut host = Host::new(&rules, "");
        host.orders.mode = mode;
        host.orders.alert_unit = Some(unit("memctl-alert@.service"));
        host.pid1.borrow_mut().unit("web.service").cache = 100 * M;
        let mut line = host.start(Host::at("10:00:00"));
        line.need("web.service", 400).pass(1200);
        assert_eq!(line.jobs(), [""; 0]);
        assert_eq!(
            line.told(),
            [
                "rule-fired web.service",
                "rule-fired web.service",
                "memory-reclaimed web.service (dry)",
                "restart-begun web.service (dry)"
            ]
        );
        assert!(host.alerts.borrow().is_empty());
        drop(line);
        let is_there = |path: &str| host.dir.path().join(path).exists();
        assert_eq!(
            is_there("var"),
            mode == Mode::Tell,
            "a dry run leaves no trace"
        );
        assert!(!is_there("run"), "nobody else is kept from restarting");
    }
}

#[test]
fn a_dry_run_beside_the_daemon_says_what_that_would_do() {
    let mut host = Host::new(
        ABOVE,
        &format!("{RESTART}window = \"02:00-05:00\"\njitter = \"0\"\n"),
    );
    withheld(&host, "10:00:00");
    let before = std::fs::read(host.file()).expect("a state");
    host.orders.mode = Mode::Dry;
    let mut line = host.start(Host::at("11:00:00"));
    line.pass(600);
    assert_eq!(line.told(), ["restart-withheld web.service window"]);
    assert_eq!(std::fs::read(host.file()).expect("a state"), before);
}
