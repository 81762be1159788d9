//! What came of asking PID 1: whether it was done, and whose doing it was if not.

use super::{Turn, is_of};
use crate::restart::gate::Gate;
use crate::restart::machine::{Alive, Answer, Effect, Input, SETTLE, Step};
use crate::restart::window::later;
use crate::restart::{Deed, Look, judge};
use crate::units::Span;

/// How long a unit may go on starting when the job is over: systemd restarts it by itself, again and again.
const STARTING: Span = Span::seconds(120);

/// How long a job may go on of which nobody has told the end; PID 1 itself ends most of them sooner.
const JOB: Span = Span::seconds(3600);

/// So many looks at least before it is given up: a clock that jumps ahead is no time that has passed.
const LOOKS: u32 = 6;

impl Turn<'_> {
    pub(super) fn answer(&mut self, answer: Answer) {
        self.run.step = Step::Answered {
            answer,
            since: self.now,
            looks: 0,
        };
        self.effects.push(Effect::Look);
    }

    pub(super) fn answered(&mut self, answer: Answer, look: &Look) {
        if let Answer::Refused(why) = answer {
            return self.refused(&why, look);
        }
        if look.system == "stopping" && look.active != "active" {
            return self.shut_down();
        }
        if is_moving(look) {
            return self.moving(look);
        }
        let anew = !look.invocation.is_empty() && look.invocation != self.run.look.invocation;
        let lives = look.active == "active";
        match (self.run.wish.deed, lives, anew) {
            (Deed::Restart, true, true) => self.alive(look),
            (Deed::Reload, true, true) => {
                self.withhold(Gate::Overtaken, "it was started anew meanwhile".to_owned());
            }
            (_, true, false) => self.unchanged(&answer, look),
            (_, false, _) => self.down(&answer, look, anew),
        }
    }

    /// It runs, and has not been started anew.
    fn unchanged(&mut self, answer: &Answer, look: &Look) {
        match (self.run.wish.deed, answer) {
            (Deed::Reload, Answer::Done) => self.alive(look),
            (Deed::Reload, Answer::Unknown(why)) => {
                // Nothing tells whether it was done: so it counts, and is not done again.
                self.count();
                let why = format!("whether it was, nobody knows ({why}), and it is not repeated");
                self.withhold(Gate::Interrupted, why);
            }
            (Deed::Restart, Answer::Unknown(why)) => {
                let why = format!("{why}, and it runs as before; that is not made up for");
                self.withhold(Gate::Interrupted, why);
            }
            (_, Answer::Job(result)) if result != CANCELED => {
                self.fail(&show(answer), Some(look), why_of(answer, look));
            }
            _ => {
                let why = format!("{}, and it runs as before", show(answer));
                self.withhold(Gate::Overtaken, why);
            }
        }
    }

    /// It does not run: by our doing, or by somebody else's?
    fn down(&mut self, answer: &Answer, look: &Look, anew: bool) {
        let others = match answer {
            // `TryRestartUnit` of a unit that does not run does nothing (FACTS 18).
            Answer::Done => self.run.wish.deed == Deed::Restart && !anew,
            Answer::Job(result) => result == CANCELED && look.active == "inactive",
            Answer::Refused(_) | Answer::Unknown(_) => !anew && look.active == "inactive",
        };
        if others && look.result != START_LIMIT {
            return self.overtaken(look);
        }
        let how = match answer {
            Answer::Done | Answer::Unknown(_) if anew => {
                "it was started anew and did not stay alive".to_owned()
            }
            Answer::Done => "it did not survive that".to_owned(),
            _ => show(answer),
        };
        self.fail(&how, Some(look), why_of(answer, look));
    }

    /// The call itself was refused; what stands in the way says whose affair that is.
    fn refused(&mut self, why: &str, look: &Look) {
        if look.system == "stopping" {
            self.shut_down();
        } else if look.job {
            let why = "a job of somebody else came first, and is not disturbed";
            self.withhold(Gate::JobQueued, why.to_owned());
        } else if look.active != "active" {
            self.overtaken(look);
        } else {
            let how = format!("PID 1 refused it: {why}");
            self.fail(&how, None, "refused".to_owned());
        }
    }

    fn shut_down(&mut self) {
        self.withhold(Gate::Shutdown, "the system is being shut down".to_owned());
    }

    /// Stopped by hand, or failed by itself, between the decision and the call: that is how it stays.
    fn overtaken(&mut self, look: &Look) {
        let why = if look.active == "failed" {
            format!("it had failed by itself ({})", look.result)
        } else {
            "it was stopped meanwhile, and stays stopped".to_owned()
        };
        self.withhold(Gate::Overtaken, why);
    }

    /// It is still on its way: the next tick looks again, up to a bound.
    fn moving(&mut self, look: &Look) {
        let (Step::Answered { since, looks, .. } | Step::Settling { since, looks }) =
            &mut self.run.step
        else {
            return;
        };
        *looks = looks.saturating_add(1).min(LOOKS);
        let most = if look.job { JOB } else { STARTING };
        if *looks >= LOOKS && later(*since, most) <= self.now {
            let how = format!("not done after {most}");
            // It lives, for a moment each time.
            let why = if look.active == "active" {
                "unsteady"
            } else {
                &look.active
            };
            self.fail(&how, Some(look), why.to_owned());
        }
    }

    /// Alive; for how long?
    fn alive(&mut self, look: &Look) {
        if let Step::Answered { since, .. } = self.run.step {
            self.count();
            self.run.step = Step::Settling { since, looks: 0 };
        }
        self.run.alive = Some(Alive {
            invocation: look.invocation.clone(),
            since: self.now,
            need: None,
            downtime_usec: None,
            again: Vec::new(),
        });
    }

    pub(super) fn settling(&mut self, input: Input) {
        let Some(alive) = &mut self.run.alive else {
            return self.finish();
        };
        let settled = later(alive.since, SETTLE) <= self.now;
        match input {
            Input::Reading { need, start } if is_of(&start, &alive.invocation) => {
                alive.need = need.or(alive.need);
            }
            Input::Tick if !settled => {}
            Input::Tick | Input::Resumed => self.effects.extend([Effect::Read, Effect::Look]),
            // It was alive, and goes down with the machine.
            Input::Looked(look) if look.system == "stopping" => self.finish(),
            Input::Looked(look) if is_moving(&look) => self.moving(&look),
            Input::Looked(look) if look.active != "active" => {
                let why = why_of(&Answer::Done, &look);
                self.fail("it did not stay alive", Some(&look), why);
            }
            Input::Looked(look) if look.invocation != alive.invocation => self.unsteady(&look),
            Input::Looked(look) if settled => self.settled(&look),
            _ => {}
        }
    }

    /// It has ended already, and was started anew by systemd.
    fn unsteady(&mut self, look: &Look) {
        self.alive(look);
        self.moving(look);
    }

    fn settled(&mut self, look: &Look) {
        if let Some(alive) = &mut self.run.alive {
            alive.downtime_usec = judge::downtime(&self.run.look, look);
        }
        let before = match self.run.wish.deed {
            Deed::Restart => self.run.look.dependents.as_slice(),
            Deed::Reload => &[],
        };
        let is_up = |unit: &str| look.dependents.iter().any(|d| d.unit == unit);
        let down = before.iter().filter(|d| !is_up(&d.unit));
        self.dependents(down.map(|d| d.unit.clone()).collect());
    }
}

/// `Result` of a service that PID 1 starts no more.
const START_LIMIT: &str = "start-limit-hit";

/// The result of a job that gave way to another one.
const CANCELED: &str = "canceled";

/// Whether PID 1 is at work on a unit, for whomever.
fn is_moving(look: &Look) -> bool {
    let moves = matches!(
        look.active.as_str(),
        "activating" | "deactivating" | "reloading" | "refreshing"
    );
    look.job || moves
}

/// The reason of a failure in one word: the unit's result, or the job's.
fn why_of(answer: &Answer, look: &Look) -> String {
    match answer {
        Answer::Job(result) if look.result == "success" || look.result.is_empty() => result.clone(),
        _ if look.result == "success" || look.result.is_empty() => look.active.clone(),
        _ => look.result.clone(),
    }
}

/// An answer as half a sentence.
fn show(answer: &Answer) -> String {
    match answer {
        Answer::Done => "PID 1 had nothing to do".to_owned(),
        Answer::Job(result) => format!("the job ended with `{result}`"),
        Answer::Refused(why) => format!("PID 1 refused it: {why}"),
        Answer::Unknown(why) => format!("what PID 1 did is not known: {why}"),
    }
}
