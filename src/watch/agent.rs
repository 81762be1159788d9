//! The acting half of the watch: rules are judged on each reading, what they want goes through the gates, and what a
//! restart's machine says is carried out. Deciding is `policy`'s and `restart`'s; this holds the threads together.

mod carry;
mod unit;

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::apply::lock::Lock;
use crate::journal::alerts::Alerts;
use crate::journal::{Event, Journal, Kind};
use crate::kernel::process::processes;
use crate::kernel::root::Root;
use crate::limits::dropin::Installed;
use crate::policy::{self, BuiltIn, Change, News, Seen, Standing, Want};
use crate::profile::rule::{Action, Condition, Metric, Pressure};
use crate::restart::gate::Gate;
use crate::restart::machine::{Input, Run};
use crate::restart::{Deed, Wish};
use crate::sample::{Reading, Sample};
use crate::scope::Scope;
use crate::state::Store;
use crate::systemd::manager::{Job, JobEnd};
use crate::systemd::names::UnitName;
use crate::watch::charge::{Charge, Charges};
use crate::watch::hands::{Ask, Hands, Reply};
use crate::watch::notices::Listen;

pub use unit::Unit;

/// How much is done of what rules want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As the rules say.
    Act,
    /// It is only told: not one call that changes something (`act = false`).
    Tell,
    /// Nor is anything remembered (`--dry-run`).
    Dry,
}

/// What the agent is told to keep to.
#[derive(Debug, Clone)]
pub struct Orders {
    /// How much is done.
    pub mode: Mode,
    /// Units that are never restarted, beside the built-in ones.
    pub protect: Vec<UnitName>,
    /// The unit to start for each alert.
    pub alert_unit: Option<UnitName>,
    /// `/etc/machine-id`.
    pub machine: u128,
    /// Local time.
    pub local: TimeZone,
}

/// Judges, and has carried out.
pub struct Agent<'a> {
    root: &'a Root,
    scope: &'a Scope,
    store: Store<'a>,
    orders: Orders,
    journal: Box<dyn Journal + 'a>,
    hands: Box<dyn Hands + 'a>,
    /// Alerts are not to wait for a restart to end.
    messenger: Box<dyn Hands + 'a>,
    alerts: Alerts,
    profiles: Vec<Installed>,
    units: BTreeMap<UnitName, Unit>,
    /// One restart at a time a host: the lock of whoever makes one.
    slot: Option<Lock>,
    /// When anything was read last, be it by an earlier process.
    last: Option<Timestamp>,
    /// What was wrong and was told, by unit: said once until it has gone.
    faults: BTreeMap<String, String>,
    /// Units of which the machine wants a reading at once.
    wanted: BTreeSet<UnitName>,
}

/// What an agent works with.
pub struct Tools<'a> {
    /// Where events go.
    pub journal: Box<dyn Journal + 'a>,
    /// Who asks the manager.
    pub hands: Box<dyn Hands + 'a>,
    /// Who starts the units of alerts.
    pub messenger: Box<dyn Hands + 'a>,
}

impl<'a> Agent<'a> {
    /// An agent that knows of no unit yet. `last`: when anything was read last, be it by an earlier process.
    #[must_use]
    pub fn new(
        root: &'a Root,
        scope: &'a Scope,
        orders: Orders,
        tools: Tools<'a>,
        last: Option<Timestamp>,
    ) -> Self {
        Self {
            root,
            scope,
            store: Store::new(root, scope),
            orders,
            journal: tools.journal,
            hands: tools.hands,
            messenger: tools.messenger,
            alerts: Alerts::default(),
            profiles: Vec::new(),
            units: BTreeMap::new(),
            slot: None,
            last,
            faults: BTreeMap::new(),
            wanted: BTreeSet::new(),
        }
    }

    /// From now on by these orders.
    pub fn obey(&mut self, orders: Orders) {
        self.orders = orders;
    }

    /// From now on by these profiles. What rules of the same name remember stays.
    pub fn follow(&mut self, profiles: Vec<Installed>) {
        self.profiles = profiles;
        self.units.values_mut().for_each(|unit| unit.charge = None);
    }

    /// Takes up what an earlier process left behind: what rules remember, and restarts under way.
    pub fn take_up(&mut self, now: Timestamp) {
        let units = match self.store.units() {
            Ok(units) => units,
            Err(e) => {
                self.fault("state", e.to_string());
                return;
            }
        };
        match self.store.host() {
            Ok(host) => self.alerts = host.alerts,
            Err(e) => self.fault("state", e.to_string()),
        }
        for name in units {
            match self.store.unit(&name) {
                Ok(state) => {
                    let unit = self.units.entry(name.clone()).or_default();
                    unit.remember(state.rules);
                    match state.run {
                        Some(run) if self.orders.mode == Mode::Dry => unit.run = Some(run),
                        Some(run) => self.resume(&name, run, now),
                        None => {}
                    }
                }
                Err(e) => self.fault(name.as_str(), e.to_string()),
            }
        }
    }

    /// Goes on with a restart that another process began: nobody is at it if the slot is free, or it only judges.
    fn resume(&mut self, name: &UnitName, run: Run, now: Timestamp) {
        if run.is_busy() && !self.take_slot() {
            return;
        }
        self.units.entry(name.clone()).or_default().run = Some(run);
        self.advance(name, Input::Resumed, now);
    }

    /// Judges a tick's reading: of all units that run.
    pub fn judge_all(
        &mut self,
        reading: &Reading,
        crossed: &[(UnitName, Pressure)],
        now: Timestamp,
    ) {
        self.judge(reading, crossed, now);
        let is_gone =
            |name: &UnitName, unit: &Unit| unit.is_latched() && reading.get(name).is_none();
        let gone: Vec<UnitName> = self
            .units
            .iter()
            .filter(|(name, unit)| is_gone(name, unit))
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            let Some(unit) = self.units.get_mut(&name) else {
                continue;
            };
            let rules = unit.charge.as_ref().and_then(|charge| charge.as_ref());
            let rules = rules.map_or_else(Vec::new, |charge| charge.rules.clone());
            let verdict = policy::gone(&rules, &mut unit.rules);
            unit.wish(verdict.want, now);
            for news in &verdict.news {
                self.tell_news(&name, news, None, None, now);
            }
            self.save_rules(&name);
        }
        for (name, unit) in &mut self.units {
            unit.count(name, reading);
        }
    }

    /// Judges a reading; `crossed` are the thresholds of pressure that the kernel told of since the last one.
    pub fn judge(&mut self, reading: &Reading, crossed: &[(UnitName, Pressure)], now: Timestamp) {
        let profiles = std::mem::take(&mut self.profiles);
        let charges = Charges::new(&profiles);
        for sample in &reading.samples {
            let known = self.units.get(&sample.unit);
            if known.is_none_or(|unit| unit.charge.is_none()) {
                let charge = charges.of(&sample.unit);
                if charge.is_none() && known.is_none_or(|unit| unit.run.is_none()) {
                    continue;
                }
                let unit = self.units.entry(sample.unit.clone()).or_default();
                unit.charge = Some(charge.map(Into::into));
            }
            self.wanted.remove(&sample.unit);
            self.judge_one(reading, sample, crossed, now);
        }
        drop(charges);
        self.profiles = profiles;
        self.last = Some(now);
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

    /// How each rule of a unit stands by a reading; nothing is remembered or told. `None` where no profile names it.
    pub fn standing(
        &mut self,
        reading: &Reading,
        sample: &Sample,
        now: Timestamp,
    ) -> Option<(Rc<Charge>, Vec<Standing>)> {
        let unit = self.units.get_mut(&sample.unit)?;
        let charge = unit.charge.clone().flatten()?;
        let seen = Seen {
            since: unit.since(sample, self.root, self.scope, now),
            before: self.last,
            ..seen(self.root, reading, sample, &charge)
        };
        let standing = policy::standing(&charge.rules, &unit.rules, &seen, now);
        Some((charge, standing))
    }

    /// A restart of it that is under way.
    #[must_use]
    pub fn run(&self, unit: &UnitName) -> Option<&Run> {
        self.units.get(unit)?.run.as_ref()
    }

    fn judge_one(
        &mut self,
        reading: &Reading,
        sample: &Sample,
        crossed: &[(UnitName, Pressure)],
        now: Timestamp,
    ) {
        let name = &sample.unit;
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        let charge = unit.charge.clone().flatten();
        if let Some(charge) = &charge {
            let crossed: Vec<Pressure> = crossed
                .iter()
                .filter(|(unit, _)| unit == name)
                .map(|(_, pressure)| *pressure)
                .collect();
            let seen = Seen {
                since: unit.since(sample, self.root, self.scope, now),
                before: self.last,
                oom_killed: unit.was_oom_killed(reading, sample),
                crossed: &crossed,
                ..seen(self.root, reading, sample, charge)
            };
            let limit = seen.ceiling.as_ref().map(|ceiling| ceiling.bytes);
            let verdict = policy::decide(&charge.rules, &mut unit.rules, &seen, now);
            unit.see(sample);
            unit.wish(verdict.want, now);
            for news in &verdict.news {
                self.tell_news(name, news, sample.memory.need(), limit, now);
                if news.action == Action::Reclaim && news.change != Change::Cleared {
                    self.reclaim(sample, news, now);
                }
            }
            self.save_rules(name);
        }
        let need = sample.memory.need();
        let start = sample.start;
        self.advance(name, Input::Reading { need, start }, now);
        self.consider(name, now);
    }

    /// What a clock alone brings about: waits of the machine that are over, alerts that were held back.
    pub fn pass_time(&mut self, now: Timestamp) {
        let due: Vec<UnitName> = self
            .units
            .iter()
            .filter(|(_, unit)| unit.is_due(now))
            .map(|(name, _)| name.clone())
            .collect();
        for name in due {
            self.advance(&name, Input::Tick, now);
        }
        if let Some(event) = self.alerts.overdue(now) {
            self.tell(&event, now);
        }
        // Nobody waits for the end of an alert's unit; that it could not be started is told.
        while let Some((_, ask, reply)) = self.messenger.answer(Duration::ZERO) {
            if let (Ask::Job(_, unit), Reply::Job(JobEnd::Refused(e) | JobEnd::Unknown(e))) =
                (ask, reply)
            {
                self.fault("alerts", format!("alert {unit}: {e}"));
            }
        }
    }

    /// When something is to be done next, beside the ticks.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        self.units.values().filter_map(|unit| unit.due(now)).min()
    }

    /// Takes the answers of the manager; waits for the first one at most so long.
    pub fn hear(&mut self, patience: Duration, now: impl Fn() -> Timestamp) {
        let mut patience = patience;
        while let Some((unit, ask, reply)) = self.hands.answer(patience) {
            self.answered(&unit, ask, reply, now());
            patience = Duration::ZERO;
        }
    }

    /// What can be read when the manager has answered.
    #[must_use]
    pub fn bell(&self) -> Option<BorrowedFd<'_>> {
        self.hands.bell()
    }

    /// What is to be said of the agent in a few words: what it restarts, what holds.
    #[must_use]
    pub fn in_short(&self) -> Vec<String> {
        let mut parts = Vec::new();
        match self.orders.mode {
            Mode::Act => {}
            Mode::Tell | Mode::Dry => parts.push("acting on nothing".to_owned()),
        }
        let holds = |unit: &Unit| unit.rules.values().filter(|m| m.latched.is_some()).count();
        match self.units.values().map(holds).sum::<usize>() {
            0 => {}
            1 => parts.push("1 rule holds".to_owned()),
            n => parts.push(format!("{n} rules hold")),
        }
        let busy = |(_, unit): &(&UnitName, &Unit)| unit.run.as_ref().is_some_and(Run::is_busy);
        parts.extend(
            self.units
                .iter()
                .find(busy)
                .map(|(name, _)| format!("restarting {name}")),
        );
        parts
    }

    /// Writes an event that concerns the whole host.
    pub fn say(&mut self, event: &Event, now: Timestamp) {
        self.tell(event, now);
    }

    /// Units of which a reading is wanted before the next tick.
    #[must_use]
    pub fn wants_reading(&self) -> &BTreeSet<UnitName> {
        &self.wanted
    }

    /// Whether a unit is being restarted, and not only judged.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let mut units = self.units.values();
        units.any(|unit| unit.asking || unit.run.as_ref().is_some_and(Run::is_busy))
    }

    /// What the kernel is to tell of by itself.
    #[must_use]
    pub fn listens(&self, reading: &Reading) -> Vec<Listen> {
        let listen = |sample: &Sample| {
            let unit = self.units.get(&sample.unit)?;
            let charge = unit.charge.as_ref()?.as_ref()?;
            let conditions = || charge.rules.iter().flat_map(|rule| &rule.conditions);
            let events = conditions().any(|c| matches!(c, Condition::Event(_)));
            let mut pressures: Vec<Pressure> = conditions()
                .filter_map(|c| match c {
                    Condition::Pressure(pressure) => Some(*pressure),
                    _ => None,
                })
                .collect();
            pressures.dedup();
            Some(Listen {
                unit: sample.unit.clone(),
                cgroup: sample.cgroup.clone()?,
                inode: sample.start.inode?,
                events,
                pressures,
            })
        };
        let samples = reading.samples.iter();
        samples
            .filter_map(listen)
            .filter(|listen| listen.events || !listen.pressures.is_empty())
            .collect()
    }

    /// The units that were given up, whose restarts do not help.
    #[must_use]
    pub fn ineffective(&self) -> Vec<UnitName> {
        let units = self.store.units().unwrap_or_default();
        let given_up = |name: &UnitName| {
            let state = self.store.unit(name);
            state.is_ok_and(|state| state.ineffective.is_some())
        };
        units.into_iter().filter(given_up).collect()
    }

    /// What is wrong and was not told before.
    fn fault(&mut self, of: &str, fault: String) {
        if self.faults.get(of) == Some(&fault) {
            return;
        }
        crate::view::out::tell(&format!("warning: {fault}"));
        self.faults.insert(of.to_owned(), fault);
    }

    fn acts(&self) -> bool {
        self.orders.mode == Mode::Act
    }

    /// Writes an event, and has its alert sent.
    fn tell(&mut self, event: &Event, now: Timestamp) {
        let id = self.journal.write(event);
        if !self.acts() {
            return;
        }
        let Some((unit, id)) = self.orders.alert_unit.clone().zip(id) else {
            return;
        };
        let start = self.alerts.offer(&unit, event, &id, now);
        let alerts = self.alerts.clone();
        if let Err(e) = self.store.change_host(|host| host.alerts = alerts) {
            self.fault("state", e.to_string());
        }
        if let Some(start) = start {
            let ask = Ask::Job(Job::Start, start.to_string());
            self.messenger.ask(&start, ask);
        }
    }

    fn tell_news(
        &mut self,
        unit: &UnitName,
        news: &News,
        need: Option<u64>,
        limit: Option<u64>,
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
            self.hands.ask(&sample.unit, Ask::Reclaim(cgroup, bytes));
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

/// What rules want to be done to the unit as a whole.
fn deed(want: &Want) -> Option<Deed> {
    match want.action {
        Action::Restart => Some(Deed::Restart),
        Action::Reload => Some(Deed::Reload),
        Action::Alert | Action::Reclaim | Action::Signal { .. } => None,
    }
}

fn wish(want: Want, deed: Deed) -> Wish {
    Wish {
        deed,
        rules: want.rules,
        why: want.why,
        ignores_window: want.ignores_window,
        ignores_idle: want.ignores_idle,
    }
}

/// What a reading itself shows of a unit.
fn seen<'s>(root: &Root, reading: &Reading, sample: &'s Sample, charge: &Charge) -> Seen<'s> {
    let asks_pss = charge.rules.iter().any(|rule| rule.metric == Metric::Pss);
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

/// Names of gates are told once each.
pub(crate) type Told = BTreeSet<Gate>;
