//! What the agent keeps of one unit.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use crate::kernel::root::Root;
use crate::policy::{Memory, Want};
use crate::profile::rule::Action;
use crate::restart::Deed;
use crate::restart::gate::Gate;
use crate::restart::machine::{Effect, Run};
use crate::sample::{Reading, Sample, Start};
use crate::scope::Scope;
use crate::state::Wished;
use crate::systemd::names::UnitName;
use crate::watch::charge::Charge;

/// One unit.
#[derive(Debug, Default)]
pub struct Unit {
    /// What the profiles say of it; the outer `None`: not looked up yet.
    pub charge: Option<Option<Rc<Charge>>>,
    /// What its rules remember.
    pub rules: BTreeMap<String, Memory>,
    /// The same as it is saved.
    pub saved: String,
    /// What its rules want.
    pub want: Option<Want>,
    /// Since when a restart or reload is among it, and what was told of that.
    pub wished: Option<Wished>,
    /// A restart by hand that is wanted.
    pub by_hand: bool,
    /// Since when it does not run.
    pub away: Option<Timestamp>,
    /// PID 1 is being asked, for the gates.
    pub asking: bool,
    /// The units after which PID 1 was asked for the sake of this one, and has not answered yet.
    pub looking: BTreeSet<String>,
    /// When PID 1 was asked last, for the gates.
    pub asked: Option<Timestamp>,
    /// When what PID 1 has told forbids it no more, where that is known.
    pub again: Option<Timestamp>,
    /// The restart under way.
    pub run: Option<Run>,
    /// What is to be remembered of a restart, and could not be saved yet.
    pub owed: Option<(Run, Vec<Effect>)>,
    /// When a clock alone brings it further.
    pub tick: Option<Timestamp>,
    /// Its need at the last reading.
    pub need: Option<u64>,
    /// When this start began, and the monotonic time and the time of the day at which that was found.
    age: Option<(Start, SignedDuration, Instant)>,
    /// OOM kills as they were counted at the last tick.
    before: Option<Kills>,
}

/// OOM kills as they were counted at a tick.
#[derive(Debug)]
struct Kills {
    start: Start,
    slice: Option<UnitName>,
    /// Of the unit.
    own: u64,
    /// Of the slice, and of none of its units that were read.
    nobodys: Option<u64>,
}

impl Unit {
    /// Takes up what was remembered.
    pub fn remember(&mut self, rules: BTreeMap<String, Memory>, wished: Option<Wished>) {
        self.saved = written(&rules, wished.as_ref());
        self.rules = rules;
        self.wished = wished;
    }

    /// Whether what is saved is not what its rules remember and want.
    pub fn is_unsaved(&mut self) -> bool {
        let text = written(&self.rules, self.wished.as_ref());
        let is_other = text != self.saved;
        self.saved = text;
        is_other
    }

    /// Notes when a clock alone brings the restart further. What comes before that does not put it off: readings may
    /// come every second.
    pub fn await_tick(&mut self, run: Option<&Run>, ticked: bool, now: Timestamp) {
        let next = run.and_then(|run| run.due(now));
        let awaited = self.tick.filter(|_| !ticked);
        self.tick = next.map(|next| awaited.map_or(next, |tick| tick.min(next)));
    }

    /// When a clock alone brings the restart further. A clock that was set back makes nobody wait for it.
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let by_now = self.run.as_ref()?.due(now)?;
        Some(self.tick.map_or(by_now, |tick| tick.min(by_now)))
    }

    /// Whether that is now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.due(now).is_some_and(|due| due <= now)
    }

    /// When this start of the unit began, by systemd's note of it and then by the monotonic clock: a clock that is
    /// set makes nobody older. Unknown where systemd leaves no note.
    pub fn since(
        &mut self,
        sample: &Sample,
        root: &Root,
        scope: &Scope,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let known = self.age.filter(|(start, ..)| start.same(&sample.start));
        let (_, age, seen) = match known {
            Some(known) => known,
            None => {
                let note = scope
                    .unit_notes()
                    .join(format!("invocation:{}", sample.unit));
                let began = root.modified(&note)?;
                let age = now.duration_since(began).max(SignedDuration::ZERO);
                *self.age.insert((sample.start, age, Instant::now()))
            }
        };
        let passed = SignedDuration::try_from(seen.elapsed()).ok()?;
        now.checked_sub(age.checked_add(passed)?).ok()
    }

    /// Keeps its need, for a restart to be held against.
    pub fn see(&mut self, sample: &Sample) {
        self.need = sample.memory.need();
    }

    /// Keeps of a tick's reading what the next one is held against.
    pub fn count(&mut self, name: &UnitName, reading: &Reading) {
        let Some(sample) = reading.get(name) else {
            return;
        };
        self.before = Some(Kills {
            start: sample.start,
            slice: sample.slice.clone(),
            own: sample.events.oom_kill.unwrap_or(0),
            nobodys: sample
                .slice
                .as_ref()
                .and_then(|slice| nobodys(reading, slice)),
        });
    }

    /// Whether an earlier start was ended by an OOM kill since the last tick: its cgroup went, and its counter with
    /// it, but the slice above has counted. More than what is of the units that are there, and was of this one.
    pub fn was_oom_killed(&self, reading: &Reading, sample: &Sample) -> bool {
        let Some(before) = &self.before else {
            return false;
        };
        let slice = before.slice.as_ref();
        let after = slice.and_then(|slice| nobodys(reading, slice));
        let gained = before.nobodys.zip(after).map(|(b, a)| a.saturating_sub(b));
        !before.start.same(&sample.start) && gained.is_some_and(|gained| gained > before.own)
    }

    /// What its rules want now; a wish that is new forgets why an older one was withheld.
    pub fn wish(&mut self, want: Option<Want>, now: Timestamp) {
        let deed = want.as_ref().and_then(|want| deed(want.action));
        self.want = want;
        match (&mut self.wished, deed) {
            (Some(wished), Some(deed)) if wished.deed == deed => {
                wished.since = wished.since.min(now);
            }
            (wished, deed) => {
                self.asked = None;
                *wished = deed.map(|deed| Wished {
                    deed,
                    since: now,
                    told: BTreeSet::new(),
                });
            }
        }
    }

    /// Whether something about its wish is to be told: once, as long as it is wished.
    pub fn is_news(&mut self, gate: Gate) -> bool {
        self.wished
            .as_mut()
            .is_none_or(|wished| wished.told.insert(gate))
    }
}

/// What rules want to be done to the unit as a whole.
pub(super) fn deed(action: Action) -> Option<Deed> {
    match action {
        Action::Restart => Some(Deed::Restart),
        Action::Reload => Some(Deed::Reload),
        Action::Alert | Action::Reclaim | Action::Signal { .. } => None,
    }
}

/// Kills that a slice has counted, and that are of none of its units that were read.
fn nobodys(reading: &Reading, slice: &UnitName) -> Option<u64> {
    let all = reading.get(slice)?.events.oom_kill?;
    let members = reading
        .samples
        .iter()
        .filter(|s| s.slice.as_ref() == Some(slice));
    let known: u64 = members.filter_map(|s| s.events.oom_kill).sum();
    Some(all.saturating_sub(known))
}

fn written(rules: &BTreeMap<String, Memory>, wished: Option<&Wished>) -> String {
    // What rules remember are plain figures, which JSON takes.
    serde_json::to_string(&(rules, wished)).unwrap_or_default()
}
