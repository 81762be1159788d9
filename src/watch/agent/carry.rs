//! From a wish to its end: the gates are asked, PID 1 is, and the machine's effects are carried out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::apply::lock::Lock;
use crate::error::Error;
use crate::journal::{Event, Kind};
use crate::restart::gate::{Circumstances, Gate, Withheld, gates, gates_of_look};
use crate::restart::machine::{Answer, Effect, Glance, Input, Run, absorb, step};
use crate::restart::{Deed, Look, Wish, tell, tidy, window};
use crate::state::{Hold, UnitState};
use crate::systemd::manager::{Job, JobEnd};
use crate::systemd::names::UnitName;
use crate::units::show_bytes;
use crate::watch::hands::{Ask, Reply};

use super::{Agent, Mode, deed, wish};

/// How often PID 1 is asked for the sake of a wish that it forbade.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(60);

impl Agent<'_> {
    /// A restart or reload by hand; what becomes of it is told.
    pub fn by_hand(&mut self, name: &UnitName, now: Timestamp) {
        self.units.entry(name.clone()).or_default().by_hand = true;
        self.consider(name, now);
    }

    /// What is wished for a unit now.
    fn wish_of(&self, name: &UnitName) -> Option<(Wish, Option<Timestamp>)> {
        let unit = self.units.get(name)?;
        if unit.by_hand {
            let wish = Wish {
                deed: Deed::Restart,
                rules: Vec::new(),
                why: "by hand".to_owned(),
                ignores_window: true,
                ignores_idle: true,
            };
            return Some((wish, None));
        }
        let (want, since) = unit.want.clone()?;
        let deed = deed(&want)?;
        Some((wish(want, deed), Some(since)))
    }

    /// Looks whether what is wished may go ahead; if nothing that memctl knows forbids it, PID 1 is asked.
    pub(super) fn consider(&mut self, name: &UnitName, now: Timestamp) {
        let Some((wish, _)) = self.wish_of(name) else {
            return;
        };
        let unit = self.units.entry(name.clone()).or_default();
        let is_open = match &unit.run {
            None => true,
            // Whoever types it need not wait for the judgement of the last one.
            Some(run) => wish.is_by_hand() && !run.is_busy(),
        };
        if unit.asking || !is_open {
            return;
        }
        let asked = unit.asked;
        match self.forbids(name, &wish, None, now) {
            Ok(None) => {}
            Ok(Some(withheld)) => return self.withhold(name, &wish, &withheld, now),
            Err(e) => return self.fault(name.as_str(), e.to_string()),
        }
        let is_early = |asked: Timestamp| {
            (SignedDuration::ZERO..ASK_AGAIN).contains(&now.duration_since(asked))
        };
        if asked.is_some_and(is_early) {
            return;
        }
        let unit = self.units.entry(name.clone()).or_default();
        unit.asking = true;
        unit.asked = Some(now);
        self.hands.ask(name, Ask::Look(name.to_string()));
    }

    /// What forbids a wish: by what memctl knows, and by PID 1's answer, where there is one.
    pub fn forbids(
        &self,
        name: &UnitName,
        wish: &Wish,
        look: Option<&Look>,
        now: Timestamp,
    ) -> Result<Option<Withheld>, Error> {
        Ok(self
            .all_that_forbids(name, wish, look, now)?
            .into_iter()
            .next())
    }

    /// All of it, the one to be told first.
    ///
    /// # Errors
    /// What is remembered of the unit cannot be read.
    pub fn all_that_forbids(
        &self,
        name: &UnitName,
        wish: &Wish,
        look: Option<&Look>,
        now: Timestamp,
    ) -> Result<Vec<Withheld>, Error> {
        let fingerprint = self.fingerprint(name);
        let mut state = self.store.unit(name)?;
        tidy::tidy(&mut state, &fingerprint, now);
        let charge = self.units.get(name).and_then(|unit| unit.charge.clone());
        let settings = charge.flatten().map(|charge| charge.restart.clone());
        let settings = settings.unwrap_or_default();
        let host_hold = self.host_hold(now)?;
        let holds = match look {
            Some(look) => self.holds(look, now)?,
            None => BTreeMap::new(),
        };
        let zone = window::zone(settings.window.as_ref(), &self.orders.local);
        let busy = self.busy(name);
        let wished = self.units.get(name).and_then(|unit| unit.want.as_ref());
        let circumstances = Circumstances {
            settings: &settings,
            state: &state,
            fingerprint: &fingerprint,
            host_hold: host_hold.as_ref(),
            holds: &holds,
            protect: &self.orders.protect,
            busy: busy.as_deref(),
            machine: self.orders.machine,
            writable: true,
            local: &self.orders.local,
            zone: zone.as_ref(),
            wished: wished.map(|(_, since)| *since),
        };
        Ok(match look {
            None => gates(wish, name, &circumstances, now),
            Some(look) => gates_of_look(wish, name, look, &circumstances, now),
        })
    }

    /// The fingerprint of a unit's profile and files.
    pub(super) fn fingerprint(&self, name: &UnitName) -> String {
        let charge = self.units.get(name).and_then(|unit| unit.charge.clone());
        charge
            .flatten()
            .map_or_else(String::new, |c| c.fingerprint(self.root, self.scope, name))
    }

    /// The hold of the whole host: by a verb, or by the fleet's switch.
    fn host_hold(&self, now: Timestamp) -> Result<Option<Hold>, Error> {
        if let Some(path) = self.store.switch() {
            return Ok(Some(Hold {
                since: now,
                until: None,
                by: Some(path.display().to_string()),
            }));
        }
        let hold = self.store.host()?.hold;
        Ok(hold.filter(|hold| hold.counts(now)))
    }

    /// The holds of the units that would go down along.
    fn holds(&self, look: &Look, now: Timestamp) -> Result<BTreeMap<String, Hold>, Error> {
        let mut holds = BTreeMap::new();
        for dependent in &look.dependents {
            let Ok(name) = UnitName::parse(&dependent.unit) else {
                continue;
            };
            if let Some(hold) = self.store.unit(&name)?.held(now) {
                holds.insert(dependent.unit.clone(), hold.clone());
            }
        }
        Ok(holds)
    }

    /// Whether a hold forbids to touch a unit; where nobody can tell, it does.
    pub(super) fn is_held(&self, name: &UnitName, now: Timestamp) -> bool {
        let own = self.store.unit(name).map(|state| state.held(now).is_some());
        let host = self.host_hold(now).map(|hold| hold.is_some());
        own.unwrap_or(true) || host.unwrap_or(true)
    }

    /// Who else is being restarted on this host.
    fn busy(&self, name: &UnitName) -> Option<String> {
        let mut others = self.units.iter().filter(|(other, _)| *other != name);
        let other = others.find(|(_, unit)| unit.run.as_ref().is_some_and(Run::is_busy));
        other.map(|(other, _)| other.to_string())
    }

    /// Takes the slot of whoever restarts a unit on this host; true if this process has it.
    pub(super) fn take_slot(&mut self) -> bool {
        if self.slot.is_none() && self.orders.mode == Mode::Act {
            let folder = self.scope.runtime_dir().join("restart");
            match Lock::of_folder(self.root, &folder, std::time::Duration::ZERO) {
                Ok(lock) => self.slot = lock,
                Err(e) => self.fault("slot", e.to_string()),
            }
        }
        self.slot.is_some()
    }

    /// Says that a wish is withheld: once a reason, as long as it is wished.
    fn withhold(&mut self, name: &UnitName, wish: &Wish, withheld: &Withheld, now: Timestamp) {
        let unit = self.units.entry(name.clone()).or_default();
        let first = unit.told.insert(withheld.gate);
        unit.by_hand = false;
        if first || wish.is_by_hand() {
            let event = tell::withheld(wish, name, withheld);
            self.tell(&event, now);
        }
    }

    /// An answer has come.
    pub(super) fn answered(&mut self, name: &UnitName, ask: Ask, reply: Reply, now: Timestamp) {
        let unit = self.units.entry(name.clone()).or_default();
        match (ask, reply) {
            (Ask::Look(_), Reply::Look(look)) if unit.asking => {
                unit.asking = false;
                match look {
                    Ok(look) if unit.run.as_ref().is_some_and(Run::is_busy) => {
                        self.again(name, look, now);
                    }
                    Ok(look) => self.begin(name, *look, now),
                    Err(e) => {
                        unit.by_hand = false;
                        self.fault(name.as_str(), e.to_string());
                    }
                }
            }
            (Ask::Look(of), Reply::Look(Ok(look))) if of == name.as_str() => {
                self.advance(name, Input::Looked(look), now);
            }
            (Ask::Look(unit), reply) => {
                let glance = match reply {
                    Reply::Look(Ok(look)) => Some(Glance {
                        active: look.active.clone(),
                        result: look.result.clone(),
                        job: look.job.is_some(),
                    }),
                    _ => None,
                };
                // Of the unit itself there is no answer yet: the next tick asks again.
                if unit != name.as_str() {
                    self.advance(name, Input::Glanced { unit, glance }, now);
                }
            }
            (Ask::Job(Job::Start, unit), Reply::Job(end)) => {
                let result = match end {
                    JobEnd::Done => Ok(()),
                    JobEnd::Ended(result) => Err(format!("job {result}")),
                    JobEnd::Refused(e) | JobEnd::Unknown(e) => Err(e.message().to_owned()),
                };
                self.advance(name, Input::Started { unit, result }, now);
            }
            (Ask::Job(..), Reply::Job(end)) => {
                let answer = match end {
                    JobEnd::Done => Answer::Done,
                    JobEnd::Ended(result) => Answer::Job(result),
                    JobEnd::Refused(e) => Answer::Refused(e.message().to_owned()),
                    JobEnd::Unknown(e) => Answer::Unknown(e.message().to_owned()),
                };
                self.advance(name, Input::Answer(answer), now);
            }
            (Ask::Reclaim(..), Reply::Reclaim(result)) => self.reclaimed(name, result, now),
            // No ask has an answer of another kind.
            (Ask::Job(..) | Ask::Reclaim(..), _) => {}
        }
    }

    fn reclaimed(&mut self, name: &UnitName, result: Result<u64, Error>, now: Timestamp) {
        match result {
            Ok(bytes) => {
                let message = format!("{name}: {} reclaimed", show_bytes(bytes));
                let mut event = Event::new(Kind::Reclaimed, Some(name), message);
                event.action = Some("reclaim".to_owned());
                event.freed = Some(bytes);
                self.tell(&event, now);
            }
            Err(e) => self.fault(name.as_str(), e.to_string()),
        }
    }

    /// PID 1 has said how the unit is: begins, if that forbids nothing.
    fn begin(&mut self, name: &UnitName, look: Look, now: Timestamp) {
        // The rule may have cleared meanwhile.
        let Some((wish, _)) = self.wish_of(name) else {
            return;
        };
        match self.forbids(name, &wish, Some(&look), now) {
            Ok(None) => {}
            Ok(Some(withheld)) => return self.withhold(name, &wish, &withheld, now),
            Err(e) => return self.fault(name.as_str(), e.to_string()),
        }
        if !self.acts() {
            let unit = self.units.entry(name.clone()).or_default();
            if unit.told.insert(Gate::Interrupted) {
                let event = tell::would(&wish, name, &look);
                self.tell(&event, now);
            }
            return;
        }
        if !self.take_slot() {
            let withheld = Withheld {
                gate: Gate::Busy,
                why: "another memctl restarts a unit".to_owned(),
                until: None,
            };
            return self.withhold(name, &wish, &withheld, now);
        }
        let charge = self.units.get(name).and_then(|unit| unit.charge.clone());
        let settings = charge.flatten().map(|charge| charge.restart.clone());
        let unit = self.units.entry(name.clone()).or_default();
        unit.by_hand = false;
        let settings = settings.unwrap_or_default();
        unit.run = Some(Run::new(wish, &settings, look, unit.need, now));
        self.advance(name, Input::Begin, now);
    }

    /// The `before` services took their time: the gates and PID 1 are asked again.
    fn again(&mut self, name: &UnitName, look: Box<Look>, now: Timestamp) {
        let Some(run) = self.units.get(name).and_then(|unit| unit.run.clone()) else {
            return;
        };
        let known = self.forbids(name, &run.wish, None, now);
        let asked = self.forbids(name, &run.wish, Some(&look), now);
        let answer = match (known, asked) {
            (Ok(None), Ok(None)) => Ok(look),
            (Ok(Some(withheld)), _) | (_, Ok(Some(withheld))) => Err(withheld),
            (Err(e), _) | (_, Err(e)) => Err(Withheld {
                gate: Gate::Unwritable,
                why: e.message().to_owned(),
                until: None,
            }),
        };
        self.advance(name, Input::Gated(answer), now);
    }

    /// One step of the machine: saved before its effects are carried out.
    pub(super) fn advance(&mut self, name: &UnitName, input: Input, now: Timestamp) {
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        let Some(run) = unit.run.clone() else {
            return;
        };
        // Whoever only looks leaves it to the one that acts.
        if self.orders.mode == Mode::Dry {
            return;
        }
        let (next, effects) = step(run.clone(), input, name, now);
        if next == run && effects.is_empty() {
            unit.tick = run.due(now);
            return;
        }
        let fingerprint = self.fingerprint(name);
        let fold = |state: &mut UnitState| {
            let left = absorb(state, next.clone(), effects.clone(), &fingerprint, now);
            (left, state.run.clone())
        };
        let (left, run) = match self.store.change(name, fold) {
            Ok(done) => done,
            Err(e) => {
                let changes =
                    |e: &Effect| matches!(e, Effect::Restart | Effect::Reload | Effect::Start(_));
                self.fault(name.as_str(), e.to_string());
                // What cannot be remembered is not begun; what was begun goes on.
                if effects.iter().any(changes) {
                    let wish = next.wish;
                    self.end(name);
                    let withheld = Withheld {
                        gate: Gate::Unwritable,
                        why: e.message().to_owned(),
                        until: None,
                    };
                    return self.withhold(name, &wish, &withheld, now);
                }
                fold(&mut UnitState::default())
            }
        };
        if let Some(unit) = self.units.get_mut(name) {
            unit.tick = run.as_ref().and_then(|run| run.due(now));
            unit.run = run;
        }
        if !self
            .units
            .values()
            .any(|u| u.run.as_ref().is_some_and(Run::is_busy))
        {
            self.slot = None;
        }
        for effect in left {
            self.carry_out(name, effect, now);
        }
    }

    /// A run is over that cannot go on.
    fn end(&mut self, name: &UnitName) {
        if let Some(unit) = self.units.get_mut(name) {
            unit.run = None;
        }
        self.slot = None;
    }

    fn carry_out(&mut self, name: &UnitName, effect: Effect, now: Timestamp) {
        let unit = name.to_string();
        match effect {
            Effect::Look => self.hands.ask(name, Ask::Look(unit)),
            Effect::Glance(other) => self.hands.ask(name, Ask::Look(other)),
            Effect::Read => {
                self.wanted.insert(name.clone());
            }
            Effect::Again => {
                self.units.entry(name.clone()).or_default().asking = true;
                self.hands.ask(name, Ask::Look(unit));
            }
            Effect::Start(other) => self.hands.ask(name, Ask::Job(Job::Start, other)),
            Effect::Restart => self.hands.ask(name, Ask::Job(Job::Restart, unit)),
            Effect::Reload => self.hands.ask(name, Ask::Job(Job::Reload, unit)),
            Effect::Tell(event) => self.tell(&event, now),
            // These are in the state already.
            Effect::Count(_) | Effect::Helped | Effect::Useless(_) | Effect::End => {}
        }
    }

    /// Saves what rules remember, where that has changed.
    pub(super) fn save_rules(&mut self, name: &UnitName) {
        if self.orders.mode == Mode::Dry {
            return;
        }
        let unsaved = self.units.get_mut(name).and_then(|unit| unit.unsaved());
        let Some(rules) = unsaved else {
            return;
        };
        if let Err(e) = self.store.change(name, |state| state.rules = rules) {
            self.fault(name.as_str(), e.to_string());
            // Tried again at the next reading.
            if let Some(unit) = self.units.get_mut(name) {
                unit.saved.clear();
            }
        }
    }
}
