//! Whether it helped: whether the need stays down.

use super::{Turn, is_of};
use crate::restart::machine::{Effect, JUDGE, Step};
use crate::restart::window::later;
use crate::restart::{judge, tell};
use crate::sample::Start;
use crate::units::Span;

/// How long after [`JUDGE`] a late reading still tells something.
const LATE: Span = Span::seconds(60);

/// So many readings in time make a judgement: a tick a minute gives four, a clock that jumps ahead fewer.
const ENOUGH: u32 = 3;

impl Turn<'_> {
    pub(super) fn judge(&mut self, seen: u32, need: Option<u64>, start: Start) {
        let (Some(before), Some(alive)) = (self.run.need, &self.run.alive) else {
            return self.finish();
        };
        if !is_of(&start, &alive.invocation) {
            return self.finish();
        }
        let late = self.is_past(alive.since, JUDGE);
        match need.map(|need| judge::is_back(before, need)) {
            Some(true) if !late => self.useless(need),
            Some(false) if !late => {
                self.run.step = Step::Judging {
                    // No more than is of use: it is saved each time that it changes.
                    seen: seen.saturating_add(1).min(ENOUGH),
                }
            }
            // Back, but who knows when: memctl was not there, or the clock was set.
            Some(true) if seen < ENOUGH => self.finish(),
            // Down, and more than the time has passed.
            Some(_) => self.helped(),
            None => {}
        }
    }

    pub(super) fn judge_late(&mut self, seen: u32) {
        let Some(alive) = &self.run.alive else {
            return self.finish();
        };
        let since = alive.since;
        if seen >= ENOUGH && self.is_past(since, JUDGE) {
            self.helped();
        } else if self.is_past(later(since, JUDGE), LATE) {
            self.finish();
        }
    }

    pub(super) fn useless(&mut self, need: Option<u64>) {
        let event = tell::ineffective(&self.run, self.unit, need);
        self.effects.push(Effect::Useless(event));
        self.finish();
    }

    pub(super) fn helped(&mut self) {
        self.effects.push(Effect::Helped);
        self.finish();
    }
}
