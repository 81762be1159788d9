//! The machine is walked through each step with each outcome.

mod killed;
mod orders;

use jiff::SignedDuration;

use super::*;
use crate::restart::{Deed, Dependent};
use crate::sample::Invocation;

const OLD: &str = "11111111111111111111111111111111";
const NEW: &str = "22222222222222222222222222222222";
const NEWER: &str = "33333333333333333333333333333333";
const MIB: u64 = 1 << 20;

fn time(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn wish(deed: Deed) -> Wish {
    Wish {
        deed,
        rules: vec!["grown".to_owned()],
        why: "need 412M is 80 % over its baseline 229M".to_owned(),
        ignores_window: false,
        ignores_idle: false,
    }
}

/// A service that runs, started an hour ago.
fn running() -> Look {
    Look {
        active: "active".to_owned(),
        sub: "running".to_owned(),
        invocation: OLD.to_owned(),
        result: "success".to_owned(),
        kind: "simple".to_owned(),
        can_reload: true,
        start_limit_burst: 5,
        start_limit_usec: 10_000_000,
        started: Some(time("2026-11-24T09:00:00Z")),
        active_enter_usec: 100_000_000,
        system: "running".to_owned(),
        ..Look::default()
    }
}

/// It again, 2.1 s of downtime later.
fn restarted() -> Look {
    Look {
        invocation: NEW.to_owned(),
        active_exit_usec: 3_700_000_000,
        active_enter_usec: 3_702_100_000,
        ..running()
    }
}

fn look(active: &str, sub: &str, result: &str, invocation: &str) -> Look {
    Look {
        active: active.to_owned(),
        sub: sub.to_owned(),
        result: result.to_owned(),
        invocation: invocation.to_owned(),
        ..running()
    }
}

fn with_dependent(mut look: Look) -> Look {
    look.dependents.push(Dependent {
        unit: "queue.service".to_owned(),
        by: "StopPropagatedFrom".to_owned(),
        invocation: NEWER.to_owned(),
    });
    look
}

fn start(invocation: &str) -> Start {
    Start {
        invocation: Invocation::parse(invocation),
        inode: None,
    }
}

/// A run, its unit's state, and what is told and asked, one line each.
struct Walk {
    state: UnitState,
    run: Run,
    now: Timestamp,
    unit: UnitName,
}

impl Walk {
    fn new(deed: Deed, settings: &profile::Restart, look: Look) -> Self {
        let now = time("2026-11-24T10:00:00Z");
        Self {
            state: UnitState::default(),
            run: Run::new(wish(deed), settings, look, Some(412 * MIB), now),
            now,
            unit: UnitName::parse("web.service").expect("a name"),
        }
    }

    fn simple(deed: Deed) -> Self {
        Self::new(deed, &profile::Restart::default(), running())
    }

    /// One that PID 1 was asked for.
    fn asked(deed: Deed) -> Self {
        let mut walk = Self::simple(deed);
        walk.feed(Input::Begin);
        assert_eq!(walk.run.step, Step::Asked);
        walk
    }

    /// One that was done, 10 s ago.
    fn settling(deed: Deed, look: Look) -> Self {
        let mut walk = Self::asked(deed);
        walk.answer(Answer::Done);
        walk.look(look);
        walk.later(10);
        walk.feed(Input::Tick);
        walk
    }

    fn feed(&mut self, input: Input) -> Vec<String> {
        let (run, effects) = step(self.run.clone(), input, &self.unit, self.now);
        let counted = effects
            .iter()
            .filter(|e| matches!(e, Effect::Count(_)))
            .count();
        let before = self.state.done.len();
        let left = absorb(&mut self.state, run.clone(), effects, "a", self.now);
        assert_eq!(self.state.done.len(), before + counted);
        self.run = run;
        let mut lines: Vec<String> = left.iter().map(line).collect();
        lines.extend((counted > 0).then(|| "count".to_owned()));
        lines.extend(self.state.run.is_none().then(|| "end".to_owned()));
        lines
    }

    fn look(&mut self, look: Look) -> Vec<String> {
        self.feed(Input::Looked(Box::new(look)))
    }

    fn answer(&mut self, answer: Answer) {
        assert_eq!(self.feed(Input::Answer(answer)), ["look"]);
    }

    fn reading(&mut self, need: u64, invocation: &str) -> Vec<String> {
        self.feed(Input::Reading {
            need: Some(need * MIB),
            start: start(invocation),
        })
    }

    fn later(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }
}

fn line(effect: &Effect) -> String {
    match effect {
        Effect::Look => "look".to_owned(),
        Effect::Glance(unit) => format!("glance {unit}"),
        Effect::Read => "read".to_owned(),
        Effect::Again => "again".to_owned(),
        Effect::Start(unit) => format!("start {unit}"),
        Effect::Restart => "restart".to_owned(),
        Effect::Reload => "reload".to_owned(),
        Effect::Tell(event) => {
            let why = event.why.as_ref().map(|why| format!(" [{why}]"));
            format!(
                "{:?}{}: {}",
                event.kind,
                why.unwrap_or_default(),
                event.message
            )
        }
        Effect::Count(_) | Effect::Useless(_) | Effect::Helped | Effect::End => {
            unreachable!("absorbed")
        }
    }
}

const WHY: &str = "rule grown: need 412M is 80 % over its baseline 229M";

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
fn what_pid_1_answers_and_what_is_true_then() {
    let job = |result: &str| Answer::Job(result.to_owned());
    let unknown = || Answer::Unknown("memctl was ended meanwhile".to_owned());
    let refused = || Answer::Refused("the bus said no".to_owned());
    let runs = || running();
    let dead = |invocation| look("inactive", "dead", "success", invocation);
    let failed = |result, invocation| look("failed", "failed", result, invocation);
    let mut queued = running();
    queued.job = Some("stop".to_owned());
    let mut stopping = running();
    stopping.system = "stopping".to_owned();
    let mut stopped = dead(OLD);
    stopped.system = "stopping".to_owned();
    let (restart, reload) = (Deed::Restart, Deed::Reload);
    let rows: Vec<(Deed, Answer, Look, String)> = vec![
        // Stopped by hand between the decision and the call.
        (
            restart,
            Answer::Done,
            dead(OLD),
            w("overtaken", "it was stopped meanwhile, and stays stopped"),
        ),
        (
            restart,
            Answer::Done,
            failed("oom-kill", OLD),
            w("overtaken", "it had failed by itself (oom-kill)"),
        ),
        (
            restart,
            Answer::Done,
            runs(),
            w(
                "overtaken",
                "PID 1 had nothing to do, and it runs as before",
            ),
        ),
        (
            restart,
            job("canceled"),
            dead(OLD),
            w("overtaken", "it was stopped meanwhile, and stays stopped"),
        ),
        (
            restart,
            job("canceled"),
            dead(NEW),
            w("overtaken", "it was stopped meanwhile, and stays stopped"),
        ),
        (
            restart,
            job("canceled"),
            runs(),
            w(
                "overtaken",
                "the job ended with `canceled`, and it runs as before",
            ),
        ),
        (
            restart,
            refused(),
            queued,
            w(
                "job-queued",
                "a stop job of somebody else came first, and is not disturbed",
            ),
        ),
        (
            restart,
            refused(),
            stopping,
            w("shutdown", "the system is being shut down"),
        ),
        (
            restart,
            refused(),
            dead(OLD),
            w("overtaken", "it was stopped meanwhile, and stays stopped"),
        ),
        (
            restart,
            job("canceled"),
            stopped,
            w("shutdown", "the system is being shut down"),
        ),
        // It failed.
        (
            restart,
            job("failed"),
            failed("start-limit-hit", OLD),
            f(
                "start-limit-hit",
                "the job ended with `failed`; it is failed (failed, start-limit-hit)",
            ),
        ),
        (
            restart,
            Answer::Done,
            failed("exit-code", NEW),
            f(
                "exit-code",
                "it was started anew and did not stay alive; it is failed (failed, exit-code)",
            ),
        ),
        (
            restart,
            Answer::Done,
            dead(NEW),
            f(
                "inactive",
                "it was started anew and did not stay alive; it is inactive (dead)",
            ),
        ),
        (
            restart,
            job("timeout"),
            failed("timeout", NEW),
            f(
                "timeout",
                "the job ended with `timeout`; it is failed (failed, timeout)",
            ),
        ),
        (
            restart,
            job("dependency"),
            dead(OLD),
            f(
                "dependency",
                "the job ended with `dependency`; it is inactive (dead)",
            ),
        ),
        (
            restart,
            refused(),
            runs(),
            f("refused", "PID 1 refused it: the bus said no"),
        ),
        // Nobody knows, and it shows.
        (
            restart,
            unknown(),
            runs(),
            w(
                "interrupted",
                "memctl was ended meanwhile, and it runs as before; that is not made up for",
            ),
        ),
        (
            restart,
            unknown(),
            dead(OLD),
            w("overtaken", "it was stopped meanwhile, and stays stopped"),
        ),
        (
            restart,
            unknown(),
            failed("start-limit-hit", OLD),
            f(
                "start-limit-hit",
                "what PID 1 did is not known: memctl was ended meanwhile; it is failed (failed, start-limit-hit)",
            ),
        ),
        (
            reload,
            unknown(),
            runs(),
            r(
                "interrupted",
                "whether it was, nobody knows (memctl was ended meanwhile), and it is not repeated",
            ),
        ),
        // A reload.
        (
            reload,
            Answer::Done,
            restarted(),
            r("overtaken", "it was started anew meanwhile"),
        ),
        (
            reload,
            job("failed"),
            runs(),
            g(
                "failed",
                "the job ended with `failed`; it is active (running)",
            ),
        ),
        (
            reload,
            Answer::Done,
            failed("signal", OLD),
            g(
                "signal",
                "it did not survive that; it is failed (failed, signal)",
            ),
        ),
        (
            reload,
            job("canceled"),
            dead(OLD),
            r("overtaken", "it was stopped meanwhile, and stays stopped"),
        ),
    ];
    for (deed, answer, look, told) in rows {
        let what = format!("{deed:?}, {answer:?}, {look:?}");
        let mut walk = Walk::asked(deed);
        walk.answer(answer);
        let lines = walk.look(look);
        assert_eq!(lines.first(), Some(&told), "{what}");
        assert_eq!(lines.last().map(String::as_str), Some("end"), "{what}");
        let failed = told.starts_with("Failed") || told.contains("nobody knows");
        assert_eq!(
            lines.contains(&"count".to_owned()),
            failed,
            "what was done counts: {what}"
        );
        assert_eq!(lines.len(), if failed { 3 } else { 2 }, "{what}");
    }

    fn w(why: &str, text: &str) -> String {
        format!("Withheld [{why}]: web.service is not restarted: {text}")
    }
    fn r(why: &str, text: &str) -> String {
        format!("Withheld [{why}]: web.service is not reloaded: {text}")
    }
    fn f(why: &str, text: &str) -> String {
        format!("Failed [{why}]: restarting web.service failed: {text}; {WHY}")
    }
    fn g(why: &str, text: &str) -> String {
        format!("Failed [{why}]: reloading web.service failed: {text}; {WHY}")
    }
}

#[test]
fn a_job_that_goes_on_is_waited_for() {
    // A service that hangs in stopping until its time limit.
    let mut walk = Walk::asked(Deed::Restart);
    walk.answer(Answer::Unknown("the wait ended before the job".to_owned()));
    let mut hangs = look("deactivating", "stop-sigterm", "success", OLD);
    hangs.job = Some("restart".to_owned());
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
        gate: super::super::gate::Gate::Hold,
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
    let glance = |active: &str, job| {
        Some(Glance {
            active: active.to_owned(),
            result: "exit-code".to_owned(),
            job,
        })
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

    for how in [glance("inactive", false), None] {
        let mut walk = settled();
        assert_eq!(walk.feed(glanced(how)), ["start queue.service"]);
        assert_eq!(walk.feed(Input::Tick), [""; 0], "once");
        assert_eq!(
            walk.feed(started(Ok(()))),
            [format!("{done}; started again: queue.service")]
        );
    }
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

/// A run that is being judged, with this need at its end.
fn judging(need: u64) -> Walk {
    let mut walk = Walk::settling(Deed::Restart, restarted());
    walk.reading(need, NEW);
    walk.look(restarted());
    walk
}

#[test]
fn twice_in_a_row_it_does_not_help() {
    // Back at nine tenths (370.8M) after four minutes: once is told by nobody.
    let mut walk = judging(100);
    walk.later(240);
    assert_eq!(walk.reading(370, NEW), [""; 0]);
    assert_eq!(walk.reading(371, NEW), ["end"]);
    assert_eq!(
        (walk.state.useless, walk.state.ineffective.is_some()),
        (1, false)
    );
    // The second time, as soon as it is alive.
    let mut again = Walk::settling(Deed::Restart, restarted());
    again.state = walk.state;
    again.reading(405, NEW);
    let lines = again.look(restarted());
    assert_eq!(
        lines.get(1..),
        Some(
            &[
                format!(
                    "Ineffective: restarting web.service does not help: again its need was back within 5min \
                     (412M before, 405M now); it is not restarted any more for a day, until `memctl release web.service`, \
                     or until its profile or unit changes; {WHY}"
                ),
                "end".to_owned()
            ][..]
        ),
        "{lines:?}"
    );
    let ineffective = again.state.ineffective.as_ref();
    assert_eq!(ineffective.map(|i| i.of.as_str()), Some("a"));
}

#[test]
fn no_judgement_without_knowledge() {
    let unjudged = |walk: &mut Walk, input: Input| {
        walk.state.useless = 1;
        assert_eq!(walk.feed(input), ["end"]);
        assert_eq!(walk.state.useless, 1, "neither helped nor useless");
    };
    let reading = |need: Option<u64>, invocation| Input::Reading {
        need: need.map(|need| need * MIB),
        start: start(invocation),
    };
    // Another start in between.
    unjudged(&mut judging(100), reading(Some(400), NEWER));
    // Nobody looked for an hour.
    let mut walk = judging(100);
    walk.later(3600);
    unjudged(&mut walk, reading(Some(400), NEW));
    let mut walk = judging(100);
    walk.later(3600);
    unjudged(&mut walk, Input::Tick);
    // The need is not known.
    let mut walk = judging(100);
    assert_eq!(walk.feed(reading(None, NEW)), [""; 0]);
    // Down after more than the time is down.
    let mut walk = judging(100);
    walk.state.useless = 1;
    walk.later(310);
    assert_eq!(walk.reading(200, NEW), ["end"]);
    assert_eq!(walk.state.useless, 0);
    // Back, but later than that.
    let mut walk = judging(100);
    walk.state.useless = 1;
    for _ in 0..4 {
        walk.later(60);
        walk.reading(200, NEW);
    }
    walk.later(61);
    assert_eq!(walk.reading(400, NEW), ["end"]);
    assert_eq!(walk.state.useless, 0);
    // An administrator's is not judged.
    let mut walk = Walk::simple(Deed::Restart);
    walk.run.wish.rules.clear();
    walk.run.wish.why.clear();
    assert_eq!(
        walk.feed(Input::Begin).first().map(String::as_str),
        Some("Begun: restarting web.service: by hand")
    );
    walk.answer(Answer::Done);
    walk.look(restarted());
    walk.later(10);
    walk.reading(405, NEW);
    assert_eq!(
        walk.look(restarted()),
        [
            "Done: restarted web.service in 2.1 s: freed 7M (need 412M → 405M); by hand",
            "end"
        ]
    );
    assert_eq!(walk.state.useless, 0);
    // A reload is judged by the same measure.
    let mut walk = Walk::settling(Deed::Reload, running());
    walk.reading(405, OLD);
    walk.look(running());
    assert_eq!(walk.state.useless, 1);
}

#[test]
fn the_state_file_stays_readable() {
    let mut walk = Walk::settling(Deed::Restart, restarted());
    walk.reading(181, NEW);
    let json = serde_json::to_string_pretty(&walk.run).expect("JSON");
    assert_eq!(json, include_str!("tests/run.json").trim_end());
    // All steps, as they are spelled.
    let steps = [
        (Step::New, r#"{"at":"new"}"#),
        (Step::Before { nth: 1 }, r#"{"at":"before","nth":1}"#),
        (Step::Again, r#"{"at":"again"}"#),
        (Step::Asked, r#"{"at":"asked"}"#),
        (
            Step::Answered {
                answer: Answer::Job("timeout".to_owned()),
                since: walk.now,
                looks: 2,
            },
            r#"{"at":"answered","answer":{"is":"job","why":"timeout"},"since":"2026-11-24T10:00:10Z","looks":2}"#,
        ),
        (
            Step::Settling {
                since: walk.now,
                looks: 0,
            },
            r#"{"at":"settling","since":"2026-11-24T10:00:10Z","looks":0}"#,
        ),
        (
            Step::Dependents {
                left: vec!["queue.service".to_owned()],
                since: walk.now,
                started: true,
            },
            r#"{"at":"dependents","left":["queue.service"],"since":"2026-11-24T10:00:10Z","started":true}"#,
        ),
        (Step::After { nth: 0 }, r#"{"at":"after","nth":0}"#),
        (Step::Judging { seen: 3 }, r#"{"at":"judging","seen":3}"#),
        (Step::Ended, r#"{"at":"ended"}"#),
    ];
    for (step, json) in steps {
        assert_eq!(serde_json::to_string(&step).expect("JSON"), json);
        assert_eq!(serde_json::from_str::<Step>(json).expect(json), step);
    }
    let read: UnitState =
        serde_json::from_str(&serde_json::to_string(&walk.state).expect("JSON")).expect("a state");
    assert_eq!(read, walk.state);
}
