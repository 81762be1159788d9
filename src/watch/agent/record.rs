//! What is saved of a unit: each step of a restart before its effects are carried out, what is owed where that could not
//! be, and what rules remember.

use jiff::Timestamp;

use crate::restart::gate::{Gate, Withheld};
use crate::restart::machine::{Effect, Run, absorb};
use crate::restart::tidy::tidy;
use crate::state::UnitState;
use crate::systemd::names::UnitName;

use super::{Agent, Mode};

impl Agent<'_> {
    /// Saves a step; answers what is to be carried out, and the run as it stands. `None`: it goes no further.
    pub(super) fn record(
        &mut self,
        name: &UnitName,
        begun: bool,
        next: Run,
        effects: Vec<Effect>,
        now: Timestamp,
    ) -> Option<(Vec<Effect>, Option<Run>)> {
        let fingerprint = self.fingerprint(name);
        let owed = self.units.get_mut(name).and_then(|unit| unit.owed.take());
        let owed = owed.map_or_else(Vec::new, |(_, owed)| owed);
        let all: Vec<Effect> = owed.into_iter().chain(effects.clone()).collect();
        let fold = |state: &mut UnitState| {
            // Somebody has begun another one by hand, while this one was being judged.
            let other = state.run.as_ref();
            if other.is_some_and(|other| other.begun != next.begun && other.is_busy()) {
                return (Vec::new(), None);
            }
            tidy(state, &fingerprint, now);
            let left = absorb(state, next.clone(), all.clone(), &fingerprint, now);
            (left, state.run.clone())
        };
        let error = match self.store.change(name, fold) {
            Ok(done) => {
                self.unwritable = false;
                return Some(done);
            }
            Err(e) => e,
        };
        self.fault(error.to_string(), now);
        self.is_unwritable(name);
        // What cannot be remembered is not begun; what was begun goes on.
        if !begun && effects.iter().any(begins) {
            let wish = next.wish;
            if let Some(unit) = self.units.get_mut(name) {
                unit.run = None;
            }
            self.let_go();
            let withheld = Withheld {
                gate: Gate::Unwritable,
                why: error.message().to_owned(),
                until: None,
            };
            self.withhold(name, &wish, &withheld, now);
            return None;
        }
        let mut state = UnitState::default();
        let left = absorb(&mut state, next.clone(), effects, &fingerprint, now);
        let counts = |e: &Effect| {
            matches!(
                e,
                Effect::Count(_) | Effect::Helped | Effect::Useless(_) | Effect::End
            )
        };
        let owed = all.into_iter().filter(counts).collect();
        if let Some(unit) = self.units.get_mut(name) {
            unit.owed = Some((next, owed));
        }
        Some((left, state.run))
    }

    /// Saves what is owed of a restart that is over.
    pub(super) fn settle(&mut self, name: &UnitName, now: Timestamp) {
        let Some(unit) = self.units.get_mut(name).filter(|unit| unit.run.is_none()) else {
            return;
        };
        let Some((run, owed)) = unit.owed.take() else {
            return;
        };
        // It was done long ago, whatever becomes of this.
        let left = self.record(name, true, run, owed, now);
        for effect in left.map_or_else(Vec::new, |(left, _)| left) {
            self.carry_out(name, effect, now);
        }
    }

    /// What is done to a unit could not be remembered: tried again at its next reading.
    fn is_unwritable(&mut self, name: &UnitName) {
        self.unwritable = true;
        if let Some(unit) = self.units.get_mut(name) {
            unit.saved.clear();
        }
    }

    /// Saves what rules remember and want, where that has changed.
    pub(super) fn save(&mut self, name: &UnitName, now: Timestamp) {
        if self.orders.mode == Mode::Dry {
            return;
        }
        let Some(unit) = self.units.get_mut(name).filter(|u| u.charge.is_some()) else {
            return;
        };
        if !unit.is_unsaved() {
            return;
        }
        let (rules, wish) = (unit.rules.clone(), unit.wished.clone());
        let keep = |state: &mut UnitState| {
            state.rules = rules;
            state.wish = wish;
        };
        match self.store.change(name, keep) {
            Ok(()) => self.unwritable = false,
            Err(e) => {
                self.fault(e.to_string(), now);
                self.is_unwritable(name);
            }
        }
    }
}

/// Whether something is begun by it that must be remembered first.
pub(super) fn begins(effect: &Effect) -> bool {
    matches!(effect, Effect::Restart | Effect::Reload | Effect::Start(_))
}
