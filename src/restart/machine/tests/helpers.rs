//! Services before and after, and units that went down with it.

use super::*;
use crate::restart::gate::Gate;

#[test]
fn services_before() {
    let settings = profile::Restart {
        before: Some(vec![
            UnitName::parse("drain.service").expect("a name"),
            UnitName::parse("dump.service").expect("a name"),
        ]),
        ..profile::Restart::default()
    };
    let started = |unit: &str, result: Result<(), &str>| Input::Started {
        unit: unit.to_owned(),
        result: result.map_err(str::to_owned),
    };
    let begin = || {
        let mut walk = Walk::new(Deed::Restart, &settings, running());
        assert_eq!(walk.feed(Input::Begin), ["start drain.service"]);
        walk
    };
    let mut walk = begin();
    assert_eq!(
        walk.feed(started("other.service", Ok(()))),
        [""; 0],
        "nobody's"
    );
    assert_eq!(
        walk.feed(started("drain.service", Ok(()))),
        ["start dump.service"]
    );
    assert_eq!(
        walk.feed(started("dump.service", Err("job failed"))),
        [
            "Withheld [before]: web.service is not restarted: dump.service, which is to run before, failed: job failed",
            "end"
        ]
    );

    // They took their time: what forbids it now counts.
    let gated = |result| {
        let mut walk = begin();
        walk.feed(started("drain.service", Ok(())));
        assert_eq!(walk.feed(started("dump.service", Ok(()))), ["again"]);
        walk.feed(Input::Gated(result))
    };
    let held = Withheld {
        gate: Gate::Hold,
        why: "it is held until it is released".to_owned(),
        until: None,
    };
    assert_eq!(
        gated(Err(held)),
        [
            "Withheld [hold]: web.service is not restarted: it is held until it is released",
            "end"
        ]
    );
    assert_eq!(
        gated(Ok(Box::new(restarted()))),
        [
            "Withheld [overtaken]: web.service is not restarted: it was started anew while the services before it ran",
            "end"
        ]
    );
    assert_eq!(
        gated(Ok(Box::new(running()))).last().map(String::as_str),
        Some("restart")
    );
}

#[test]
fn services_after() {
    let settings = profile::Restart {
        after: Some(vec![
            UnitName::parse("warm.service").expect("a name"),
            UnitName::parse("undrain.service").expect("a name"),
        ]),
        ..profile::Restart::default()
    };
    let mut walk = Walk::new(Deed::Restart, &settings, running());
    walk.feed(Input::Begin);
    walk.answer(Answer::Done);
    walk.look(restarted());
    walk.later(10);
    assert_eq!(
        walk.look(restarted()),
        [
            format!("Done: restarted web.service in 2.1 s; {WHY}"),
            "start warm.service".to_owned()
        ]
    );
    assert!(walk.run.is_busy());
    let failed = Input::Started {
        unit: "warm.service".to_owned(),
        result: Err("job failed".to_owned()),
    };
    assert_eq!(
        walk.feed(failed),
        [
            "Failed [after]: web.service is restarted, but warm.service, which is to run after, failed: job failed",
            "start undrain.service"
        ]
    );
    let done = Input::Started {
        unit: "undrain.service".to_owned(),
        result: Ok(()),
    };
    assert_eq!(walk.feed(done), [""; 0]);
    assert!(!walk.run.is_busy());
}

#[test]
fn no_dependent_stays_dead() {
    let glance = |active: &str, job| Glance {
        active: active.to_owned(),
        result: "exit-code".to_owned(),
        job,
    };
    let settled = || {
        let mut walk = Walk::new(
            Deed::Restart,
            &profile::Restart::default(),
            with_dependent(running()),
        );
        assert_eq!(
            walk.feed(Input::Begin).first(),
            Some(&format!(
                "Begun: restarting web.service: {WHY}; with it queue.service"
            ))
        );
        walk.answer(Answer::Done);
        walk.look(restarted());
        walk.later(10);
        assert_eq!(walk.look(restarted()), ["glance queue.service"]);
        walk
    };
    let glanced = |glance| Input::Glanced {
        unit: "queue.service".to_owned(),
        glance,
    };
    let started = |result: Result<(), &str>| Input::Started {
        unit: "queue.service".to_owned(),
        result: result.map_err(str::to_owned),
    };
    let done = format!("Done: restarted web.service in 2.1 s; {WHY}");
    let not_up =
        "Failed [dependent]: queue.service, which went down with web.service, is not up again";

    let mut walk = settled();
    let stopped = || glanced(glance("inactive", false));
    assert_eq!(walk.feed(stopped()), ["start queue.service"]);
    assert_eq!(walk.feed(Input::Tick), [""; 0], "once");
    assert_eq!(
        walk.feed(started(Ok(()))),
        [format!("{done}; started again: queue.service")]
    );
    let mut walk = settled();
    walk.feed(glanced(glance("inactive", false)));
    assert_eq!(
        walk.feed(started(Err("job failed"))),
        [
            format!("{not_up}: it could not be started again: job failed"),
            done.clone()
        ]
    );
    // One that failed has its own trouble.
    assert_eq!(
        settled().feed(glanced(glance("failed", false))),
        [format!("{not_up}: it has failed (exit-code)"), done.clone()]
    );
    assert_eq!(
        settled().feed(glanced(glance("active", false))),
        std::slice::from_ref(&done)
    );
    // One that is under way is waited for, not for ever.
    let mut walk = settled();
    assert_eq!(walk.feed(glanced(glance("activating", true))), [""; 0]);
    walk.later(10);
    assert_eq!(walk.feed(Input::Tick), ["glance queue.service"]);
    walk.later(50);
    assert_eq!(
        walk.feed(glanced(glance("activating", true))),
        [
            format!("{not_up}: it is still activating after 1min"),
            done.clone()
        ]
    );
    // One that is up again by itself is not asked after; one that failed with it is named.
    let mut walk = Walk::new(
        Deed::Restart,
        &profile::Restart::default(),
        with_dependent(running()),
    );
    walk.feed(Input::Begin);
    walk.answer(Answer::Done);
    walk.look(with_dependent(restarted()));
    walk.later(10);
    assert_eq!(walk.look(with_dependent(restarted())), [done]);
    let mut walk = Walk::new(
        Deed::Restart,
        &profile::Restart::default(),
        with_dependent(running()),
    );
    walk.feed(Input::Begin);
    walk.answer(Answer::Job("failed".to_owned()));
    let lines = walk.look(look("failed", "failed", "exit-code", NEW));
    let down = "; it is failed (failed, exit-code); down with it: queue.service; rule";
    assert!(lines.iter().any(|line| line.contains(down)), "{lines:?}");
    // A reload takes nobody along.
    let mut walk = Walk::new(
        Deed::Reload,
        &profile::Restart::default(),
        with_dependent(running()),
    );
    walk.feed(Input::Begin);
    walk.answer(Answer::Done);
    walk.look(running());
    walk.later(10);
    assert_eq!(
        walk.look(running()),
        [format!("Done: reloaded web.service; {WHY}")]
    );
}
