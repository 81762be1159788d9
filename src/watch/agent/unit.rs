//! What the agent keeps of one unit.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use crate::kernel::root::Root;
use crate::policy::{Memory, Want};
use crate::restart::machine::Run;
use crate::sample::{Reading, Sample, Start};
use crate::scope::Scope;
use crate::systemd::names::UnitName;
use crate::watch::charge::Charge;

use super::Told;

/// One unit.
#[derive(Debug, Default)]
pub struct Unit {
    /// What the profiles say of it; the outer `None`: not looked up yet.
    pub charge: Option<Option<Rc<Charge>>>,
    /// What its rules remember.
    pub rules: BTreeMap<String, Memory>,
    /// The same as it is saved.
    pub saved: String,
    /// What its rules want, and since when.
    pub want: Option<(Want, Timestamp)>,
    /// A restart by hand that is wanted.
    pub by_hand: bool,
    /// The gates whose no was told.
    pub told: Told,
    /// PID 1 is being asked, for the gates.
    pub asking: bool,
    /// When PID 1 was asked last, for the gates.
    pub asked: Option<Timestamp>,
    /// The restart under way.
    pub run: Option<Run>,
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
    /// Takes up what rules remembered.
    pub fn remember(&mut self, rules: BTreeMap<String, Memory>) {
        self.saved = written(&rules);
        self.rules = rules;
    }

    /// What its rules remember, if that is not what is saved.
    pub fn unsaved(&mut self) -> Option<BTreeMap<String, Memory>> {
        let text = written(&self.rules);
        if text == self.saved {
            return None;
        }
        self.saved = text;
        Some(self.rules.clone())
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

    /// Whether any of its rules holds and was told.
    pub fn is_latched(&self) -> bool {
        self.rules.values().any(|memory| memory.latched.is_some())
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
        let since = match (&self.want, &want) {
            (Some((old, since)), Some(new)) if old.action == new.action => *since,
            _ => {
                self.told.clear();
                self.asked = None;
                now
            }
        };
        self.want = want.map(|want| (want, since));
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

fn written(rules: &BTreeMap<String, Memory>) -> String {
    // What rules remember are plain figures, which JSON takes.
    serde_json::to_string(rules).unwrap_or_default()
}
