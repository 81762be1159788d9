//! What each step makes of what comes.

mod dependents;
mod judging;
mod outcome;

use jiff::Timestamp;

use super::{Answer, Effect, Input, Run, Step};
use crate::restart::gate::{Gate, Withheld};
use crate::restart::window::later;
use crate::restart::{Deed, Done, Look, judge, tell};
use crate::sample::{Invocation, Start};
use crate::systemd::names::UnitName;
use crate::units::Span;

/// One input's worth of a run.
pub(super) struct Turn<'a> {
    run: Run,
    unit: &'a UnitName,
    now: Timestamp,
    effects: Vec<Effect>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(mut run: Run, unit: &'a UnitName, now: Timestamp) -> Self {
        // A clock that was stepped back: nothing is awaited longer than it should be.
        let alive = run.alive.as_mut().map(|alive| &mut alive.since);
        let step = match &mut run.step {
            Step::Answered { since, .. }
            | Step::Settling { since, .. }
            | Step::Dependents { since, .. } => Some(since),
            _ => None,
        };
        for since in alive.into_iter().chain(step) {
            *since = now.min(*since);
        }
        Self {
            run,
            unit,
            now,
            effects: Vec::new(),
        }
    }

    pub(super) fn end(self) -> (Run, Vec<Effect>) {
        (self.run, self.effects)
    }

    pub(super) fn take(&mut self, input: Input) {
        match (self.run.step.clone(), input) {
            (Step::New, Input::Begin) => self.before(0),
            (Step::Before { nth }, Input::Started { unit, result })
                if self.run.before.get(nth) == Some(&unit) =>
            {
                match result {
                    Ok(()) => self.before(nth + 1),
                    Err(why) => self.withhold(
                        Gate::Before,
                        format!("{unit}, which is to run before, failed: {why}"),
                    ),
                }
            }
            (Step::Again, Input::Gated(result)) => self.gated(result),
            (_, Input::Rebooted) => self.rebooted(),
            (Step::New | Step::Before { .. } | Step::Again, Input::Resumed) => {
                let why = "memctl was ended before it came to it; nothing was done to the unit";
                self.withhold(Gate::Interrupted, why.to_owned());
            }

            (Step::Asked, Input::Answer(answer)) => self.answer(answer),
            (Step::Asked, Input::Resumed) => {
                self.answer(Answer::Unknown("memctl was ended meanwhile".to_owned()));
            }
            (Step::Answered { answer, .. }, Input::Looked(look)) => self.answered(answer, &look),
            (Step::Answered { .. }, Input::Tick | Input::Resumed) => {
                self.effects.push(Effect::Look)
            }

            (Step::Settling { .. }, input) => self.settling(input),
            (
                Step::Dependents {
                    left,
                    since,
                    started,
                },
                input,
            ) => self.dependent(left, since, started, input),

            (Step::After { nth }, Input::Started { unit, result })
                if self.run.after.get(nth) == Some(&unit) =>
            {
                if let Err(why) = result {
                    let event = tell::after_failed(&self.run, self.unit, &unit, &why);
                    self.effects.push(Effect::Tell(event));
                }
                self.after(nth + 1);
            }
            // What is to run after may be the other half of what ran before: better twice than not at all.
            (Step::After { nth }, Input::Resumed) => self.after(nth),

            (Step::Judging { seen }, Input::Reading { need, start }) => {
                self.judge(seen, need, start)
            }
            (Step::Judging { seen }, Input::Tick) => self.judge_late(seen),
            (Step::Ended, Input::Begin | Input::Resumed) => self.effects.push(Effect::End),
            // What comes late, or twice, or from elsewhere.
            _ => {}
        }
    }

    fn is_past(&self, since: Timestamp, span: Span) -> bool {
        later(since, span) <= self.now
    }

    // Before PID 1 is asked.

    fn before(&mut self, nth: usize) {
        if let Some(unit) = self.run.before.get(nth).cloned() {
            self.run.step = Step::Before { nth };
            self.effects.push(Effect::Start(unit));
        } else if nth > 0 {
            self.run.step = Step::Again;
            self.effects.push(Effect::Again);
        } else {
            self.ask();
        }
    }

    fn gated(&mut self, result: Result<Box<Look>, Withheld>) {
        match result {
            Err(by) => self.withheld(&by),
            Ok(look) if look.invocation != self.run.look.invocation => {
                let why = "it was started anew while the services before it ran";
                self.withhold(Gate::Overtaken, why.to_owned());
            }
            Ok(look) => {
                self.run.look = *look;
                self.ask();
            }
        }
    }

    fn ask(&mut self) {
        self.run.step = Step::Asked;
        self.run.asked = Some(self.now);
        let begun = tell::begun(&self.run, self.unit);
        self.effects.push(Effect::Tell(begun));
        self.effects.push(match self.run.wish.deed {
            Deed::Restart => Effect::Restart,
            Deed::Reload => Effect::Reload,
        });
    }

    fn after(&mut self, nth: usize) {
        if let Some(unit) = self.run.after.get(nth).cloned() {
            self.run.step = Step::After { nth };
            self.effects.push(Effect::Start(unit));
            return;
        }
        // An administrator sees what came of it, and need not be told that it is no cure.
        let (Some(before), Some(alive), false) =
            (self.run.need, &self.run.alive, self.run.wish.is_by_hand())
        else {
            return self.finish();
        };
        let need = alive.need;
        self.run.step = Step::Judging {
            seen: u32::from(need.is_some()),
        };
        if need.is_some_and(|need| judge::is_back(before, need)) {
            self.useless(need);
        }
    }

    // Ends.

    fn count(&mut self) {
        self.effects.push(Effect::Count(Done {
            time: self.run.asked.unwrap_or(self.run.begun),
            deed: self.run.wish.deed,
        }));
    }

    fn withhold(&mut self, gate: Gate, why: String) {
        let until = None;
        self.withheld(&Withheld { gate, why, until });
    }

    fn withheld(&mut self, by: &Withheld) {
        let event = tell::withheld(&self.run.wish, self.unit, by);
        self.effects.push(Effect::Tell(event));
        self.finish();
    }

    fn fail(&mut self, how: &str, look: Option<&Look>, why: String) {
        // It was counted already when it was seen alive.
        if !matches!(self.run.step, Step::Settling { .. }) {
            self.count();
        }
        let event = tell::failed(&self.run, self.unit, how, look, why);
        self.effects.push(Effect::Tell(event));
        self.finish();
    }

    /// The machine was started anew meanwhile: whatever was begun is over, and the unit begins afresh with it.
    fn rebooted(&mut self) {
        match self.run.step {
            Step::New | Step::Before { .. } | Step::Again | Step::Asked | Step::Answered { .. } => {
                if self.run.asked.is_some() {
                    self.count();
                }
                let why = "the machine was started anew meanwhile, and the unit with it";
                self.withhold(Gate::Interrupted, why.to_owned());
            }
            Step::Settling { .. } | Step::Dependents { .. } => {
                let done = tell::done(&self.run, self.unit);
                self.effects.push(Effect::Tell(done));
                self.finish();
            }
            // What was done was told.
            Step::After { .. } | Step::Judging { .. } | Step::Ended => self.finish(),
        }
    }

    fn finish(&mut self) {
        self.run.step = Step::Ended;
        self.effects.push(Effect::End);
    }
}

/// Whether a reading is of the start with this invocation; one that does not know is.
fn is_of(start: &Start, invocation: &str) -> bool {
    let expected = Invocation::parse(invocation);
    match (start.invocation, expected) {
        (Some(is), Some(expected)) => is == expected,
        _ => true,
    }
}
