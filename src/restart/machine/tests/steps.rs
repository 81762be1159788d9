//! From asking PID 1 to being alive.

use super::*;

#[test]
fn a_restart_that_helps() {
    let mut walk = Walk::simple(Deed::Restart);
    assert_eq!(
        walk.feed(Input::Begin),
        [
            format!("Begun: restarting web.service: {WHY}"),
            "restart".to_owned()
        ]
    );
    assert!(walk.run.is_busy());
    walk.later(3);
    walk.answer(Answer::Done);
    assert_eq!(walk.look(restarted()), ["count"]);
    assert_eq!(
        walk.state.done.first().map(|done| done.time),
        Some(time("2026-11-24T10:00:00Z")),
        "when PID 1 was asked"
    );
    assert_eq!(walk.reading(12, NEW), [""; 0], "hardly begun");
    walk.later(9);
    assert_eq!(walk.feed(Input::Tick), [""; 0], "not yet");
    assert_eq!(walk.run.due(walk.now), Some(time("2026-11-24T10:00:13Z")));
    walk.later(1);
    assert_eq!(walk.feed(Input::Tick), ["read", "look"]);
    assert_eq!(walk.reading(181, NEW), [""; 0]);
    assert_eq!(
        walk.look(restarted()),
        [format!(
            "Done: restarted web.service in 2.1 s: freed 231M (need 412M → 181M); {WHY}"
        )]
    );
    assert!(!walk.run.is_busy(), "judging is watching only");
    for _ in 0..28 {
        walk.later(10);
        assert_eq!(walk.reading(190, NEW), [""; 0]);
        assert_eq!(walk.feed(Input::Tick), [""; 0]);
    }
    walk.state.useless = 1;
    assert_eq!(walk.run.due(walk.now), Some(time("2026-11-24T10:05:03Z")));
    walk.later(10);
    assert_eq!(walk.feed(Input::Tick), ["end"]);
    assert_eq!(walk.state.useless, 0, "it helped");
}

#[test]
fn what_the_journal_gets() {
    let mut walk = Walk::settling(Deed::Restart, restarted());
    walk.reading(181, NEW);
    let input = Input::Looked(Box::new(restarted()));
    let (_, effects) = step(walk.run.clone(), input, &walk.unit, walk.now);
    let Some(Effect::Tell(event)) = effects.first() else {
        panic!("nothing is told: {effects:?}");
    };
    assert_eq!(event.unit.as_ref(), Some(&walk.unit));
    assert_eq!(event.rule.as_deref(), Some("grown"));
    assert_eq!(event.action.as_deref(), Some("restart"));
    assert_eq!(event.need, Some(181 * MIB), "the need now");
    assert_eq!(event.freed, Some(231 * MIB));
    assert_eq!(event.downtime_usec, Some(2_100_000));
}

#[test]
fn figures_that_nobody_knows_are_not_told() {
    let mut walk = Walk::settling(Deed::Restart, look("active", "running", "success", NEW));
    assert_eq!(
        walk.look(look("active", "running", "success", NEW)),
        [format!("Done: restarted web.service; {WHY}")]
    );
    let mut walk = Walk::asked(Deed::Restart);
    walk.run.need = None;
    walk.answer(Answer::Done);
    walk.look(restarted());
    walk.later(10);
    walk.feed(Input::Tick);
    walk.reading(181, NEW);
    assert_eq!(
        walk.look(restarted()),
        [
            format!("Done: restarted web.service in 2.1 s; {WHY}"),
            "end".to_owned()
        ],
        "nothing to judge by"
    );
}

#[test]
fn a_job_that_goes_on_is_waited_for() {
    // A service that hangs in stopping until its time limit.
    let mut walk = Walk::asked(Deed::Restart);
    walk.answer(Answer::Unknown("the wait ended before the job".to_owned()));
    let mut hangs = look("deactivating", "stop-sigterm", "success", OLD);
    hangs.job = true;
    for _ in 0..300 {
        assert_eq!(walk.look(hangs.clone()), [""; 0]);
        assert_eq!(
            walk.run.due(walk.now),
            Some(walk.now + SignedDuration::from_secs(1))
        );
        walk.later(10);
        assert_eq!(walk.feed(Input::Tick), ["look"]);
    }
    let mut done = walk;
    assert_eq!(done.look(restarted()), ["count"], "in the end");
    assert!(matches!(done.run.step, Step::Settling { .. }));
}

#[test]
fn systemd_restarts_it_by_itself_and_that_ends() {
    let auto = || look("activating", "auto-restart", "exit-code", NEW);
    let mut walk = Walk::asked(Deed::Restart);
    walk.answer(Answer::Done);
    for _ in 0..12 {
        assert_eq!(walk.look(auto()), [""; 0]);
        walk.later(10);
    }
    assert_eq!(
        walk.look(auto()),
        [
            format!(
                "Failed [activating]: restarting web.service failed: not done after 2min; \
                 it is activating (auto-restart, exit-code); {WHY}"
            ),
            "count".to_owned(),
            "end".to_owned()
        ]
    );
    // A clock that jumps ahead by a day is no time that has passed.
    let mut walk = Walk::asked(Deed::Restart);
    walk.answer(Answer::Done);
    walk.look(auto());
    walk.later(86400);
    assert_eq!(walk.look(auto()), [""; 0]);
    assert_eq!(walk.look(restarted()), ["count"]);
    // One that is stepped back makes nobody wait longer.
    walk.later(-86400);
    assert_eq!(walk.feed(Input::Tick), [""; 0]);
    walk.later(10);
    assert_eq!(walk.feed(Input::Tick), ["read", "look"]);
}

#[test]
fn alive_and_then_not() {
    let mut walk = Walk::settling(Deed::Restart, restarted());
    assert_eq!(
        walk.look(look("failed", "failed", "exit-code", NEW)),
        [
            format!(
                "Failed [exit-code]: restarting web.service failed: it did not stay alive; \
                 it is failed (failed, exit-code); {WHY}"
            ),
            "end".to_owned()
        ],
        "counted already"
    );
    // Another invocation must live for its 10 s, too; not for ever.
    let mut walk = Walk::settling(Deed::Restart, restarted());
    let mut newest = look("active", "running", "success", NEWER);
    assert_eq!(walk.look(newest.clone()), [""; 0]);
    walk.later(9);
    assert_eq!(walk.look(newest.clone()), [""; 0]);
    walk.later(1);
    assert_eq!(walk.look(newest.clone()).len(), 1, "done");
    let mut walk = Walk::settling(Deed::Restart, restarted());
    let mut lines = Vec::new();
    for n in 0..12 {
        newest.invocation = format!("{:032x}", 100 + n);
        lines = walk.look(newest.clone());
        walk.later(10);
    }
    assert_eq!(
        lines,
        [
            format!(
                "Failed [unsteady]: restarting web.service failed: not done after 2min; \
                 it is active (running); {WHY}"
            ),
            "end".to_owned()
        ]
    );
    // Down with the machine is no failure.
    let mut walk = Walk::settling(Deed::Restart, restarted());
    let mut down = look("deactivating", "stop-sigterm", "success", NEW);
    down.system = "stopping".to_owned();
    assert_eq!(walk.look(down), ["end"]);
}
