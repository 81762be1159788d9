//! What stays quiet: no write, no word and no question on a steady tick, whatever the clock does.

use super::host::ABOVE;
use super::*;
use crate::watch::agent::Mode;

const MANY: &str = r#"
  { name = "big", above = "300M", for = "5m", action = "restart" },
  { name = "grown", grown = "+80%", action = "alert" },
  { name = "high", event = "high > 10000/1min", action = "alert" },
  { name = "old", age = "30d", action = "restart" },
"#;

#[test]
fn a_steady_unit_costs_nothing() {
    let host = Host::new(MANY, "");
    let mut line = host.start(Host::at("10:00:00"));
    line.pass(600);
    line.told();
    host.pid1.borrow_mut().asked.clear();
    let stamp = || {
        std::fs::metadata(host.file())
            .expect("a state")
            .modified()
            .expect("a time")
    };
    let before = stamp();
    line.pass(1800);
    assert_eq!(stamp(), before, "nothing is written");
    assert_eq!(line.told(), [""; 0]);
    assert!(host.pid1.borrow().asked.is_empty());

    // A cache at its limit gains `high` with every reading.
    let mut writes = 0;
    for _ in 0..60 {
        host.pid1.borrow_mut().unit("web.service").high_events += 100;
        let before = stamp();
        line.pass(10);
        writes += usize::from(stamp() != before);
    }
    assert!((1..=11).contains(&writes), "once a minute: {writes}");
    assert_eq!(line.told(), [""; 0]);
}

#[test]
fn a_judgement_is_not_written_at_each_reading() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(100);
    let before = std::fs::metadata(host.file())
        .expect("a state")
        .modified()
        .expect("a time");
    line.pass(180);
    assert!(host.state().run.is_some(), "it is judged still");
    let after = std::fs::metadata(host.file())
        .expect("a state")
        .modified()
        .expect("a time");
    assert_eq!(after, before);
}

#[test]
fn nobody_waits_for_a_clock_that_was_set() {
    for step in [-86_400, 86_400] {
        let host = Host::new(ABOVE, "");
        let mut line = host.start(Host::at("10:00:00"));
        line.need("web.service", 400).pass(5);
        line.now += jiff::SignedDuration::from_secs(step);
        line.pass(60);
        let told = line.told();
        assert!(
            told.contains(&"restart-done web.service".to_owned()),
            "{step}: {told:?}"
        );
        line.pass(600);
        let told = line.told();
        assert_eq!(told, [""; 0], "{step}");
        assert!(host.state().run.is_none());
        assert_eq!(line.jobs(), ["restarting web.service"]);
    }
}

#[test]
fn a_wish_is_asked_for_once_a_minute_and_told_once() {
    let mut host = Host::new(ABOVE, "");
    host.orders.mode = Mode::Tell;
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(600);
    assert_eq!(host.pid1.borrow().asked.len(), 10);
    assert_eq!(line.told().len(), 2);
}

/// A reading that is wanted of a unit that is gone is not asked for again and again.
#[test]
fn a_unit_that_dies_while_it_settles() {
    let host = Host::new(ABOVE, "");
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(5);
    host.pid1.borrow_mut().unit("web.service").active = "failed";
    line.pass(8);
    assert!(line.agent.wants_reading().is_empty());
    line.pass(20);
    assert!(line.agent.due(line.now).is_none());
    let told = line.told();
    assert_eq!(
        told[2..],
        [
            "restart-failed web.service failed",
            "rule-cleared web.service"
        ]
    );
    line.pass(3600);
    let told = line.told();
    assert_eq!(
        (told, line.jobs().len()),
        (vec![], 1),
        "not repeated blindly"
    );
}
