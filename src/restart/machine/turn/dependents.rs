//! The units that went down with it: none stays dead.

use jiff::Timestamp;

use super::Turn;
use crate::restart::machine::{Effect, Glance, Input, Step};
use crate::restart::tell;
use crate::units::Span;

/// How long a dependent may go on starting or stopping by itself.
const DEPENDENT: Span = Span::seconds(60);

impl Turn<'_> {
    pub(super) fn dependents(&mut self, left: Vec<String>) {
        let Some(first) = left.first().cloned() else {
            let done = tell::done(&self.run, self.unit);
            self.effects.push(Effect::Tell(done));
            return self.after(0);
        };
        self.run.step = Step::Dependents {
            left,
            since: self.now,
            started: false,
        };
        self.effects.push(Effect::Glance(first));
    }

    pub(super) fn dependent(
        &mut self,
        mut left: Vec<String>,
        since: Timestamp,
        started: bool,
        input: Input,
    ) {
        let Some(first) = left.first().cloned() else {
            return self.dependents(left);
        };
        let failed = match input {
            Input::Resumed => return self.dependents(left),
            Input::Tick if !started && self.is_past(since, DEPENDENT) => {
                Some(format!("how it is could not be found out for {DEPENDENT}"))
            }
            Input::Tick if !started => return self.effects.push(Effect::Glance(first)),
            Input::Glanced { unit, glance } if !started && unit == first => match glance {
                Glance { active, result, .. } if active == "failed" => {
                    Some(format!("it has failed ({result})"))
                }
                glance if is_under_way(&glance) => {
                    if !self.is_past(since, DEPENDENT) {
                        return;
                    }
                    Some(format!("it is still {} after {DEPENDENT}", glance.active))
                }
                glance if glance.active != "inactive" => None,
                _ => {
                    self.run.step = Step::Dependents {
                        left,
                        since,
                        started: true,
                    };
                    return self.effects.push(Effect::Start(first));
                }
            },
            Input::Started { unit, result } if started && unit == first => {
                if let (Ok(()), Some(alive)) = (&result, &mut self.run.alive) {
                    alive.again.push(unit);
                }
                result
                    .err()
                    .map(|why| format!("it could not be started again: {why}"))
            }
            _ => return,
        };
        if let Some(why) = failed {
            let event = tell::dependent_failed(&self.run, self.unit, &first, &why);
            self.effects.push(Effect::Tell(event));
        }
        left.remove(0);
        self.dependents(left);
    }
}

fn is_under_way(glance: &Glance) -> bool {
    glance.job || matches!(glance.active.as_str(), "activating" | "deactivating")
}
