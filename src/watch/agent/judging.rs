//! From a reading to what rules want.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use crate::journal::{Event, Kind};
use crate::kernel::process::processes;
use crate::kernel::root::Root;
use crate::policy::{self, BuiltIn, Change, News, Seen, Standing};
use crate::profile::Rule;
use crate::profile::rule::{Action, Metric, Pressure};
use crate::restart::machine::{Input, Run};
use crate::restart::tidy::tidy;
use crate::sample::{Reading, Sample};
use crate::systemd::names::UnitName;
use crate::watch::charge::Charges;
use crate::watch::hands::Ask;

use super::trends::{self, Detected};
use super::{Agent, Mode};

/// How long a unit must not have run before what its rules remember is forgotten.
const AWAY: SignedDuration = SignedDuration::from_hours(24);

/// The same where nobody watched it being away: nothing was written of it for so long.
const UNTOUCHED: SignedDuration = SignedDuration::from_hours(31 * 24);

impl Agent<'_> {
    /// Judges a reading of all units; `crossed` are the thresholds of pressure that the kernel told of since the
    /// last one.
    pub fn judge_all(
        &mut self,
        reading: &Reading,
        crossed: &[(UnitName, Pressure)],
        now: Timestamp,
    ) {
        self.judge_each(reading, crossed, true, now);
        self.miss(reading, now);
        for (name, unit) in &mut self.units {
            unit.count(name, reading);
        }
        self.last = Some(now);
        self.keep_trends_in_time(now);
        self.seek(now);
        self.forget_faults(now);
        self.pass_time(now);
    }

    /// Judges a reading of some units, between two of all: those of which the kernel told something, and all that
    /// [`Agent::wants_reading`].
    pub fn judge(&mut self, reading: &Reading, crossed: &[(UnitName, Pressure)], now: Timestamp) {
        // What is not in it cannot be read.
        self.wanted.clear();
        self.judge_each(reading, crossed, false, now);
        self.pass_time(now);
    }

    /// Takes a reading for the restart under way alone; rules do not judge it.
    pub fn feed(&mut self, reading: &Reading, now: Timestamp) {
        self.wanted.clear();
        for sample in &reading.samples {
            self.drive(sample, now);
        }
        self.pass_time(now);
    }

    /// Takes note of units and what the profiles say of them, and judges nothing.
    pub fn know(&mut self, reading: &Reading) {
        let charges = Charges::new(&self.profiles);
        for sample in &reading.samples {
            let unit = self.units.entry(sample.unit.clone()).or_default();
            unit.charge = Some(charges.of(&sample.unit).map(Into::into));
            unit.see(sample);
        }
    }

    /// How each rule of a unit stands by a reading, and what the leak detector says; nothing is remembered or told.
    /// `None` where no profile names it.
    pub fn standing(
        &mut self,
        reading: &Reading,
        sample: &Sample,
        now: Timestamp,
    ) -> Option<(Vec<Standing>, Detected)> {
        let detected = self.detect(reading, sample, now);
        let unit = self.units.get_mut(&sample.unit)?;
        let charge = unit.charge.clone().flatten()?;
        let seen = Seen {
            since: unit.since(sample, self.root, self.scope, now),
            before: self.last,
            trend: Some(&detected.verdict),
            ..seen(self.root, reading, sample, &charge.rules)
        };
        let standing = policy::standing(&charge.rules, &unit.rules, &seen, now);
        Some((standing, detected))
    }

    fn judge_each(
        &mut self,
        reading: &Reading,
        crossed: &[(UnitName, Pressure)],
        is_whole: bool,
        now: Timestamp,
    ) {
        let charges = Charges::new(&self.profiles);
        for sample in &reading.samples {
            let known = self.units.get(&sample.unit);
            if known.is_some_and(|unit| unit.charge.is_some()) {
                continue;
            }
            let charge = charges.of(&sample.unit);
            if charge.is_some() || known.is_some() {
                let unit = self.units.entry(sample.unit.clone()).or_default();
                unit.charge = Some(charge.map(Into::into));
            }
        }
        self.go_on(now);
        for sample in &reading.samples {
            self.wanted.remove(&sample.unit);
            self.judge_one(reading, sample, crossed, is_whole, now);
        }
    }

    fn judge_one(
        &mut self,
        reading: &Reading,
        sample: &Sample,
        crossed: &[(UnitName, Pressure)],
        is_whole: bool,
        now: Timestamp,
    ) {
        let name = &sample.unit;
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        unit.away = None;
        let charge = unit.charge.clone().flatten();
        let is_named = charge.is_some();
        // Of what no profile names any more nothing holds.
        let rules = charge.as_ref().map_or(&[][..], |charge| &charge.rules);
        let crossed: Vec<Pressure> = crossed
            .iter()
            .filter(|(unit, _)| unit == name)
            .map(|(_, pressure)| *pressure)
            .collect();
        let detector = is_named.then(|| self.trends.entry(name.clone()).or_default());
        let trend = detector.map(|trend| trends::take(trend, reading, sample, now));
        let seen = Seen {
            since: unit.since(sample, self.root, self.scope, now),
            before: self.last,
            trend: trend.as_ref(),
            // Kills of units that were not read would be taken for its own.
            oom_killed: is_whole && unit.was_oom_killed(reading, sample),
            crossed: &crossed,
            ..seen(self.root, reading, sample, rules)
        };
        let limit = seen.ceiling.as_ref().map(|ceiling| ceiling.bytes);
        let verdict = policy::decide(rules, &mut unit.rules, &seen, now);
        unit.see(sample);
        unit.wish(verdict.want, now);
        for news in &verdict.news {
            self.tell_news(name, news, (sample.memory.need(), limit), now);
            if news.action == Action::Reclaim && news.change != Change::Cleared {
                self.reclaim(sample, news, now);
            }
        }
        if let Some(found) = &trend {
            self.suspect(name, rules, found, (sample.memory.need(), limit), now);
        }
        self.settle(name, now);
        self.save(name, now);
        self.drive(sample, now);
        self.consider(name, now);
        let is_over =
            |unit: &super::Unit| unit.run.is_none() && unit.owed.is_none() && !unit.asking;
        if !is_named && !self.unwritable && self.units.get(name).is_some_and(is_over) {
            self.units.remove(name);
        }
    }

    /// Hands a reading to the restart under way.
    fn drive(&mut self, sample: &Sample, now: Timestamp) {
        let need = sample.memory.need();
        let start = sample.start;
        self.advance(&sample.unit, Input::Reading { need, start }, now);
    }

    /// Units that do not run any more: what was told of them is over, and after a while they are forgotten.
    fn miss(&mut self, reading: &Reading, now: Timestamp) {
        let is_away = |name: &UnitName| {
            // One that is there and cannot be read is among the faults.
            let unread = || reading.faults.iter().any(|f| f.contains(name.as_str()));
            reading.get(name).is_none() && !unread()
        };
        let away: Vec<UnitName> = self.units.keys().filter(|n| is_away(n)).cloned().collect();
        for name in away {
            self.miss_one(&name, now);
        }
    }

    fn miss_one(&mut self, name: &UnitName, now: Timestamp) {
        let charge = self.charge(name);
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        // It is on its way from one start to the next.
        if unit.run.as_ref().is_some_and(Run::is_busy) {
            return;
        }
        let away = unit.away.filter(|since| *since <= now);
        let since = *unit.away.insert(away.unwrap_or(now));
        let rules = charge.as_ref().map_or(&[][..], |charge| &charge.rules);
        let verdict = policy::gone(rules, &mut unit.rules);
        unit.wish(None, now);
        for news in &verdict.news {
            self.tell_news(name, news, (None, None), now);
        }
        self.settle(name, now);
        self.save(name, now);
        let Some(unit) = self.units.get(name) else {
            return;
        };
        let is_long = now.duration_since(since) >= AWAY || {
            let touched = self.store.touched(name);
            touched.is_some_and(|time| now.duration_since(time) >= UNTOUCHED)
        };
        if unit.run.is_some() || unit.owed.is_some() || unit.asking || !is_long {
            return;
        }
        if self.orders.mode != Mode::Dry {
            let fingerprint = self.fingerprint(name);
            let forget = |state: &mut crate::state::UnitState| {
                state.rules.clear();
                state.wish = None;
                tidy(state, &fingerprint, now);
            };
            if let Err(e) = self.store.change(name, forget) {
                return self.fault(e.to_string(), now);
            }
        }
        self.units.remove(name);
    }

    fn tell_news(
        &mut self,
        unit: &UnitName,
        news: &News,
        (need, limit): (Option<u64>, Option<u64>),
        now: Timestamp,
    ) {
        let (kind, message) = match (news.change, BuiltIn::named(&news.rule).map(kind)) {
            (Change::Cleared, _) => (
                Kind::Cleared,
                format!("{unit}: rule {} is over: {}", news.rule, news.why),
            ),
            (_, Some(kind)) => (kind, format!("{unit}: {}", news.why)),
            (Change::Fired, None) => (
                Kind::Fired,
                format!("{unit}: rule {} fires: {}", news.rule, news.why),
            ),
            (Change::Again, None) => (
                Kind::Fired,
                format!("{unit}: rule {} holds still: {}", news.rule, news.why),
            ),
        };
        let mut event = Event::new(kind, Some(unit), message);
        event.rule = Some(news.rule.clone());
        event.action = Some(news.action.name().to_owned());
        event.need = need;
        event.limit = limit;
        self.tell(&event, now);
    }

    /// Has reclaimed what the unit can do without. Nobody loses anything by it: only holds forbid it.
    fn reclaim(&mut self, sample: &Sample, news: &News, now: Timestamp) {
        let Some((cgroup, bytes)) = sample.cgroup.clone().zip(sample.memory.reclaimable()) else {
            return;
        };
        if self.is_held(&sample.unit, now) {
            return;
        }
        if self.acts() {
            let rule = news.rule.clone();
            let ask = Ask::Reclaim {
                rule,
                cgroup,
                bytes,
            };
            self.hands.ask(&sample.unit, ask);
            return;
        }
        let message = format!("{} would be reclaimed from", sample.unit);
        let mut event = Event::new(Kind::Reclaimed, Some(&sample.unit), message);
        event.rule = Some(news.rule.clone());
        event.dry_run = true;
        self.tell(&event, now);
    }
}

/// What is told of a rule that a unit has by itself.
fn kind(rule: BuiltIn) -> Kind {
    match rule {
        BuiltIn::OomKill => Kind::Killed,
        BuiltIn::Stalled => Kind::Stalled,
        BuiltIn::NearLimit => Kind::NearLimit,
    }
}

/// What a reading itself shows of a unit.
fn seen<'s>(root: &Root, reading: &Reading, sample: &'s Sample, rules: &[Rule]) -> Seen<'s> {
    let asks_pss = rules.iter().any(|rule| rule.metric == Metric::Pss);
    Seen {
        ceiling: reading.ceiling(sample),
        ram: reading.host.as_ref().map(|host| host.total),
        swap_free: swap_free(reading, sample),
        pss: asks_pss.then(|| pss(root, sample)).flatten(),
        ..Seen::new(sample)
    }
}

fn pss(root: &Root, sample: &Sample) -> Option<u64> {
    let cgroup: &PathBuf = sample.cgroup.as_ref()?;
    let all = processes(root, cgroup);
    all.iter()
        .map(|process| process.pss)
        .try_fold(0_u64, |sum, pss| Some(sum.saturating_add(pss?)))
}

/// The swap that a unit could use: the machine's free one, or what `memory.swap.max` of it or of its slices leaves.
fn swap_free(reading: &Reading, sample: &Sample) -> Option<u64> {
    let mut free = reading.host.as_ref()?.swap_free?;
    let mut next = Some(sample);
    while let Some(sample) = next {
        if let Some(max) = sample.limits.swap_max.and_then(crate::sample::Limit::bytes) {
            free = free.min(max.saturating_sub(sample.memory.swap.unwrap_or(0)));
        }
        next = sample.slice.as_ref().and_then(|slice| reading.get(slice));
    }
    Some(free)
}
