//! The machine is walked through each step with each outcome.

mod answers;
mod format;
mod helpers;
mod judged;
mod killed;
mod orders;
mod steps;

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
