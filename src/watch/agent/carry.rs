//! From a wish to its end: the gates are asked, PID 1 is, and the machine's effects are carried out.

use jiff::{SignedDuration, Timestamp};

use crate::error::Error;
use crate::journal::{Event, Kind};
use crate::restart::gate::{Gate, Withheld};
use crate::restart::machine::{Answer, Effect, Glance, Input, Run, step};
use crate::restart::{Deed, Look, Wish, tell};
use crate::systemd::manager::{Job, JobEnd};
use crate::systemd::names::UnitName;
use crate::units::show_bytes;
use crate::watch::hands::{Ask, Reply};

use super::record::begins;
use super::unit::deed;
use super::{Agent, Mode};

/// How often PID 1 is asked for the sake of a wish that it forbade.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(60);

impl Agent<'_> {
    /// A restart or reload by hand; what becomes of it is told.
    pub fn by_hand(&mut self, name: &UnitName, now: Timestamp) {
        self.units.entry(name.clone()).or_default().by_hand = true;
        self.consider(name, now);
    }

    /// What is wished for a unit now.
    fn wish_of(&self, name: &UnitName) -> Option<Wish> {
        let unit = self.units.get(name)?;
        if unit.by_hand {
            return Some(Wish {
                deed: Deed::Restart,
                rules: Vec::new(),
                why: "by hand".to_owned(),
                ignores_window: true,
                ignores_idle: true,
            });
        }
        let want = unit.want.clone()?;
        Some(Wish {
            deed: deed(want.action)?,
            rules: want.rules,
            why: want.why,
            ignores_window: want.ignores_window,
            ignores_idle: want.ignores_idle,
        })
    }

    /// Looks whether what is wished may go ahead; if nothing that memctl knows forbids it, PID 1 is asked.
    pub(super) fn consider(&mut self, name: &UnitName, now: Timestamp) {
        let Some(wish) = self.wish_of(name) else {
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
        let (asked, again) = (unit.asked, unit.again);
        match self.forbids(name, &wish, None, now) {
            Ok(None) => {}
            Ok(Some(withheld)) => {
                // Its own restart is in the way, and perhaps nobody is at it any more.
                if withheld.gate == Gate::Busy && self.adopt(name, now) {
                    return;
                }
                // PID 1 has not forbidden it: as soon as nothing else does, it is asked.
                self.units.entry(name.clone()).or_default().asked = None;
                self.keep_tidy(name, now);
                return self.withhold(name, &wish, &withheld, now);
            }
            Err(e) => return self.fault(e.to_string(), now),
        }
        let is_early = |asked: Timestamp| {
            (SignedDuration::ZERO..ASK_AGAIN).contains(&now.duration_since(asked))
        };
        if asked.is_some_and(is_early) && again.is_none_or(|again| now < again) {
            return;
        }
        let unit = self.units.entry(name.clone()).or_default();
        unit.asking = true;
        unit.again = None;
        unit.asked = Some(now);
        self.look(name, name.to_string());
    }

    /// Asks how a unit is, for the sake of one; not again before PID 1 has answered: it may take its time, and is not
    /// to find a heap of questions then.
    fn look(&mut self, name: &UnitName, of: String) {
        let unit = self.units.entry(name.clone()).or_default();
        if unit.looking.insert(of.clone()) {
            self.hands.ask(name, Ask::Look(of));
        }
    }

    /// Says that a wish is withheld: once a reason, as long as it is wished.
    pub(super) fn withhold(
        &mut self,
        name: &UnitName,
        wish: &Wish,
        withheld: &Withheld,
        now: Timestamp,
    ) {
        let unit = self.units.entry(name.clone()).or_default();
        unit.by_hand = false;
        if wish.is_by_hand() || unit.is_news(withheld.gate) {
            let event = tell::withheld(wish, name, withheld);
            self.tell(&event, now);
            if !wish.is_by_hand() {
                self.save(name, now);
            }
        }
    }

    /// An answer has come.
    pub(super) fn answered(&mut self, name: &UnitName, ask: Ask, reply: Reply, now: Timestamp) {
        let unit = self.units.entry(name.clone()).or_default();
        if let Ask::Look(of) = &ask {
            unit.looking.remove(of);
        }
        match (ask, reply) {
            (Ask::Look(of), Reply::Look(look)) if unit.asking && of == name.as_str() => {
                unit.asking = false;
                match look {
                    Ok(look) if unit.run.as_ref().is_some_and(Run::is_busy) => {
                        self.again(name, look, now);
                    }
                    Ok(look) => self.begin(name, *look, now),
                    Err(e) => {
                        unit.by_hand = false;
                        self.fault(e.to_string(), now);
                        // Nobody would answer what the run waits for, and all others would wait for it.
                        let withheld = Withheld {
                            gate: Gate::Interrupted,
                            why: e.message().to_owned(),
                            until: None,
                        };
                        self.advance(name, Input::Gated(Err(withheld)), now);
                    }
                }
            }
            (Ask::Look(of), Reply::Look(Ok(look))) if of == name.as_str() => {
                self.advance(name, Input::Looked(look), now);
            }
            (Ask::Look(unit), Reply::Look(Ok(look))) => {
                let glance = Glance {
                    active: look.active,
                    result: look.result,
                    job: look.job,
                };
                self.advance(name, Input::Glanced { unit, glance }, now);
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
            (Ask::Reclaim { rule, .. }, Reply::Reclaim(result)) => {
                self.reclaimed(name, rule, result, now);
            }
            // What could not be looked at is not known: the next tick asks again. No ask has an answer of another kind.
            _ => {}
        }
    }

    fn reclaimed(
        &mut self,
        name: &UnitName,
        rule: String,
        result: Result<u64, Error>,
        now: Timestamp,
    ) {
        match result {
            Ok(bytes) => {
                let message = format!("{name}: {} reclaimed", show_bytes(bytes));
                let mut event = Event::new(Kind::Reclaimed, Some(name), message);
                event.rule = Some(rule);
                event.action = Some("reclaim".to_owned());
                event.freed = Some(bytes);
                self.tell(&event, now);
            }
            Err(e) => self.fault(e.to_string(), now),
        }
    }

    /// PID 1 has said how the unit is: begins, if that forbids nothing.
    fn begin(&mut self, name: &UnitName, look: Look, now: Timestamp) {
        // The rule may have cleared meanwhile.
        let Some(wish) = self.wish_of(name) else {
            return;
        };
        // A hold may have come while PID 1 was asked, or the restart of another unit.
        for look in [None, Some(&look)] {
            match self.forbids(name, &wish, look, now) {
                Ok(None) => {}
                Ok(Some(withheld)) => {
                    if let Some(unit) = self.units.get_mut(name).filter(|_| look.is_some()) {
                        unit.again = withheld.until;
                    }
                    return self.withhold(name, &wish, &withheld, now);
                }
                Err(e) => return self.fault(e.to_string(), now),
            }
        }
        if !self.acts() {
            let unit = self.units.entry(name.clone()).or_default();
            unit.by_hand = false;
            // Nothing withholds it: that is told once, too.
            if unit.is_news(Gate::Interrupted) {
                let event = tell::would(&wish, name, &look);
                self.tell(&event, now);
                self.save(name, now);
            }
            return;
        }
        if !self.take_slot(now) {
            let withheld = Withheld {
                gate: Gate::Busy,
                why: "another memctl restarts a unit".to_owned(),
                until: None,
            };
            return self.withhold(name, &wish, &withheld, now);
        }
        let settings = self.charge(name).map(|charge| charge.restart.clone());
        let unit = self.units.entry(name.clone()).or_default();
        unit.by_hand = false;
        let settings = settings.unwrap_or_default();
        unit.run = Some(Run {
            boot: self.orders.boot.clone(),
            ..Run::new(wish, &settings, look, unit.need, now)
        });
        self.advance(name, Input::Begin, now);
    }

    /// The `before` services took their time: the gates and PID 1 are asked again.
    fn again(&mut self, name: &UnitName, look: Box<Look>, now: Timestamp) {
        let Some(run) = self.units.get(name).and_then(|unit| unit.run.clone()) else {
            return;
        };
        if !self.acts() {
            let withheld = Withheld {
                gate: Gate::Interrupted,
                why: "memctl was told to act on nothing meanwhile; nothing was done to the unit"
                    .to_owned(),
                until: None,
            };
            return self.advance(name, Input::Gated(Err(withheld)), now);
        }
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
        let ticked = input == Input::Tick;
        let (next, effects) = step(run.clone(), input, name, now);
        if next == run && effects.is_empty() {
            unit.await_tick(Some(&run), ticked, now);
            return;
        }
        let begun = run.asked.is_some();
        let effects = self.report(effects, now);
        let Some((left, run)) = self.record(name, begun, next, effects, now) else {
            return;
        };
        if let Some(unit) = self.units.get_mut(name) {
            unit.await_tick(run.as_ref(), ticked, now);
            unit.run = run;
        }
        self.let_go();
        for effect in left {
            self.carry_out(name, effect, now);
        }
    }

    /// Tells what has come of a restart, where nothing else is to be begun; answers what is left. It is told before it
    /// is saved: killed in between, memctl tells it twice, and not never.
    fn report(&mut self, effects: Vec<Effect>, now: Timestamp) -> Vec<Effect> {
        if effects.iter().any(begins) {
            return effects;
        }
        let (told, left) = effects
            .into_iter()
            .partition(|effect| matches!(effect, Effect::Tell(_)));
        let told: Vec<Effect> = told;
        for effect in told {
            if let Effect::Tell(event) = effect {
                self.tell(&event, now);
            }
        }
        left
    }

    /// Lets other memctls restart units, if none is being restarted here.
    pub(super) fn let_go(&mut self) {
        let is_busy = |unit: &super::Unit| unit.run.as_ref().is_some_and(Run::is_busy);
        if !self.units.values().any(is_busy) {
            self.slot = None;
        }
    }

    pub(super) fn carry_out(&mut self, name: &UnitName, effect: Effect, now: Timestamp) {
        let unit = name.to_string();
        match effect {
            Effect::Look => self.look(name, unit),
            Effect::Glance(other) => self.look(name, other),
            Effect::Read => {
                self.wanted.insert(name.clone());
            }
            Effect::Again => {
                self.units.entry(name.clone()).or_default().asking = true;
                self.look(name, unit);
            }
            Effect::Start(other) => self.hands.ask(name, Ask::Job(Job::Start, other)),
            Effect::Restart => self.hands.ask(name, Ask::Job(Job::Restart, unit)),
            Effect::Reload => self.hands.ask(name, Ask::Job(Job::Reload, unit)),
            Effect::Tell(event) => self.tell(&event, now),
            // These are in the state already.
            Effect::Count(_) | Effect::Helped | Effect::Useless(_) | Effect::End => {}
        }
    }
}
