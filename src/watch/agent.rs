//! The acting half of the watch: rules are judged on each reading, what they want goes through the gates, and what a
//! restart's machine says is carried out. Deciding is `policy`'s and `restart`'s; this holds the threads together.

mod carry;
mod gates;
mod judging;
mod record;
mod trends;
mod unit;

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::apply::lock::Lock;
use crate::journal::alerts::Alerts;
use crate::journal::{Event, Journal};
use crate::kernel::root::Root;
use crate::limits::dropin::Installed;
use crate::profile::rule::{Condition, Pressure};
use crate::restart::machine::{Input, Run};
use crate::sample::{Reading, Sample};
use crate::scope::Scope;
use crate::state::Store;
use crate::state::detectors::{self, Trends};
use crate::systemd::manager::{Job, JobEnd};
use crate::systemd::names::UnitName;
use crate::watch::hands::{Ask, Hands, Reply};
use crate::watch::notices::Listen;

pub use trends::Detected;
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
    /// The boot, as the kernel numbers them.
    pub boot: String,
    /// Local time.
    pub local: TimeZone,
}

/// How often it is looked for restarts that nobody is at any more: it reads a small file a unit.
const SEEK: SignedDuration = SignedDuration::from_secs(60);

/// How long something must not have been wrong before it is told again.
const GONE: SignedDuration = SignedDuration::from_secs(600);

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
    /// What the leak detector knows of them.
    trends: Trends,
    /// When that was written last.
    kept: Option<Timestamp>,
    /// One restart at a time a host: the lock of whoever makes one.
    slot: Option<Lock>,
    /// When anything was read last, be it by an earlier process.
    last: Option<Timestamp>,
    /// What is wrong and was told, and when it was so last: said once until it has gone.
    faults: BTreeMap<String, Timestamp>,
    /// What is done cannot be remembered: the last time that was tried, it failed.
    unwritable: bool,
    /// Restarts that an earlier process left under way, until profiles are known.
    found: Vec<(UnitName, Run)>,
    /// When it was looked for restarts that nobody is at any more.
    sought: Option<Timestamp>,
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
            trends: Trends::new(),
            kept: None,
            slot: None,
            last,
            faults: BTreeMap::new(),
            unwritable: false,
            found: Vec::new(),
            sought: None,
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

    /// Takes up what an earlier process left behind: what rules remember, and restarts under way. Those go on with
    /// the first reading, when the profiles are known.
    pub fn take_up(&mut self, now: Timestamp) {
        self.kept = Some(now);
        match detectors::read(self.root, self.scope) {
            Ok(trends) => self.trends = trends,
            Err(e) => self.fault(e.to_string(), now),
        }
        match self.store.host() {
            Ok(host) => self.alerts = host.alerts,
            Err(e) => self.fault(e.to_string(), now),
        }
        let units = match self.store.units() {
            Ok(units) => units,
            Err(e) => return self.fault(e.to_string(), now),
        };
        let is_dry = self.orders.mode == Mode::Dry;
        for name in units {
            match self.store.unit(&name) {
                Ok(mut state) => {
                    if let Some(wish) = state.wish.as_mut().filter(|_| is_dry) {
                        // That another one has told it, does not help whoever looks on.
                        wish.told.clear();
                    }
                    let unit = self.units.entry(name.clone()).or_default();
                    unit.remember(state.rules, state.wish);
                    // Whoever only looks leaves it to the one that acts.
                    self.found
                        .extend(state.run.filter(|_| !is_dry).map(|run| (name, run)));
                }
                Err(e) => self.fault(e.to_string(), now),
            }
        }
    }

    /// Goes on with what [`Agent::take_up`] has found.
    fn go_on(&mut self, now: Timestamp) {
        for (name, run) in std::mem::take(&mut self.found) {
            self.resume(&name, run, now);
        }
    }

    /// Goes on with a restart that another process began: nobody is at it if the slot is free, or it only judges.
    fn resume(&mut self, name: &UnitName, run: Run, now: Timestamp) {
        if run.is_busy() && (self.slot.is_some() || !self.take_slot(now)) {
            return;
        }
        let input = match run.boot == self.orders.boot {
            true => Input::Resumed,
            false => Input::Rebooted,
        };
        self.units.entry(name.clone()).or_default().run = Some(run);
        self.advance(name, input, now);
    }

    /// Looks for restarts whose process was killed: `memctl restart` leaves none behind.
    fn seek(&mut self, now: Timestamp) {
        let is_early =
            |last: Timestamp| (SignedDuration::ZERO..SEEK).contains(&now.duration_since(last));
        if !self.acts() || self.slot.is_some() || self.sought.is_some_and(is_early) {
            return;
        }
        self.sought = Some(now);
        for name in self.store.units().unwrap_or_default() {
            self.adopt(&name, now);
        }
    }

    /// Goes on with a unit's restart, if nobody is at it; whether this memctl is now.
    fn adopt(&mut self, name: &UnitName, now: Timestamp) -> bool {
        let is_known = |unit: &Unit| unit.run.is_some() || unit.owed.is_some();
        if !self.acts() || self.units.get(name).is_some_and(is_known) {
            return false;
        }
        // What cannot be read was told when it was taken up.
        let run = self.store.unit(name).ok().and_then(|state| state.run);
        if let Some(run) = run.filter(Run::is_busy) {
            self.resume(name, run, now);
        }
        self.units.get(name).is_some_and(|unit| unit.run.is_some())
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
                self.fault(format!("alert {unit}: {e}"), now);
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

    /// What is wrong, told if it was not so before.
    fn fault(&mut self, fault: String, now: Timestamp) {
        if !self.faults.contains_key(&fault) {
            crate::view::out::tell(&format!("warning: {fault}"));
        }
        self.faults.insert(fault, now);
    }

    /// What was not wrong for a while is not wrong any more.
    fn forget_faults(&mut self, now: Timestamp) {
        let is_young = |last: &Timestamp| now.duration_since(*last) < GONE && *last <= now;
        self.faults.retain(|_, last| is_young(last));
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
            self.fault(e.to_string(), now);
        }
        if let Some(start) = start {
            let ask = Ask::Job(Job::Start, start.to_string());
            self.messenger.ask(&start, ask);
        }
    }
}

#[cfg(test)]
mod tests;
