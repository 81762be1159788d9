//! The watch as a service: its loop, what systemd is told of it, and what it is told by signals.

use std::collections::BTreeSet;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sd_notify::NotifyState;

use super::outputs::Sink;
use super::{orders, told, warn};
use crate::command::Context;
use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::profile::rule::Pressure;
use crate::sample::Source;
use crate::signals::{Waiter, Woken};
use crate::systemd::names::UnitName;
use crate::view::out::tell;
use crate::watch::agent::Agent;
use crate::watch::notices::Notices;
use crate::watch::{Tick, Watch, until_next};

/// So many ticks in a row may yield nothing at all before the watch gives up, and systemd begins it anew.
const LOST_TICKS: u32 = 30;

/// By D-Bus a reading costs PID 1 a call or two for each unit (FACTS 8): no more often than this, and no more than
/// a twentieth of the time.
const BUS_PAUSE: Duration = Duration::from_secs(60);
const BUS_SHARE: u32 = 20;

/// Between two readings out of turn: the kernel tells of a change in `memory.events` a hundred times a second
/// (FACTS 22), and once is enough.
const OUT_OF_TURN: Duration = Duration::from_secs(1);

/// The watch as a service.
pub(super) struct Daemon<'c> {
    context: &'c Context,
    config: Config,
    dry_run: bool,
    /// The status that systemd shows.
    told: Option<String>,
    /// When the watchdog heard of us.
    pinged: Instant,
    /// What the kernel told of, and is not judged yet.
    events: BTreeSet<UnitName>,
    crossed: Vec<(UnitName, Pressure)>,
    /// When a reading out of turn was taken last.
    looked: Option<Instant>,
}

impl<'c> Daemon<'c> {
    pub fn new(context: &'c Context, config: Config, dry_run: bool) -> Self {
        Self {
            context,
            config,
            dry_run,
            told: None,
            pinged: Instant::now(),
            events: BTreeSet::new(),
            crossed: Vec::new(),
            looked: None,
        }
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn run(
        mut self,
        watch: &mut Watch<'_>,
        agent: &mut Agent<'_>,
        outputs: &mut dyn Sink,
        waiter: &Waiter,
    ) -> Result<()> {
        let root = &self.context.root;
        let failed = |e| Error::failed(format!("cannot listen to the kernel: {e}"));
        let mut notices = Notices::new(root).map_err(failed)?;
        let (mut first, mut lost) = (true, 0);
        loop {
            let begun = Instant::now();
            let now = Timestamp::now();
            let crossed = std::mem::take(&mut self.crossed);
            self.events.clear();
            let tick = watch.tick(now, outputs.record(), &mut |reading, profiles| {
                if let Some(profiles) = profiles {
                    agent.follow(profiles.to_vec());
                }
                agent.judge_all(reading, &crossed, now);
                notices.follow(agent.listens(reading));
            });
            match tick {
                Ok(tick) => {
                    told(&tick, agent, now);
                    self.notify(&tick, agent, first);
                    (first, lost) = (false, 0);
                }
                // The first shows whether anything can be read here; later ones may fail for a while.
                Err(error) if first || lost >= LOST_TICKS => return Err(error),
                Err(error) => {
                    if lost == 0 {
                        warn(&error.to_string());
                    }
                    lost += 1;
                }
            }
            if let Some(fault) = notices.fault() {
                warn(&fault);
            }
            if outputs.has_ended() {
                return Err(Error::failed(
                    "the thread that writes the history has ended",
                ));
            }
            let pause = match watch.source() {
                Source::Cgroup => until_next(Timestamp::now(), self.config.interval),
                Source::Bus => BUS_PAUSE.max(begun.elapsed() * BUS_SHARE),
            };
            let next = Instant::now() + pause;
            if self.between(next, watch, agent, outputs, &mut notices, waiter)? {
                notify(&[NotifyState::Stopping]);
                return Ok(());
            }
        }
    }

    /// The time until the next tick; whether it is over for good.
    fn between(
        &mut self,
        next: Instant,
        watch: &mut Watch<'_>,
        agent: &mut Agent<'_>,
        outputs: &mut dyn Sink,
        notices: &mut Notices<'_>,
        waiter: &Waiter,
    ) -> Result<bool> {
        loop {
            let wait = |until: Instant| until.saturating_duration_since(Instant::now());
            let now = Timestamp::now();
            let due = agent.due(now).map(|due| {
                let left = due.duration_since(now);
                Duration::try_from(left).unwrap_or(Duration::ZERO)
            });
            let is_resting = self.looked.filter(|at| at.elapsed() < OUT_OF_TURN);
            let mut pause = wait(next);
            pause = due.map_or(pause, |due| pause.min(due));
            if let Some(at) = is_resting {
                pause = pause.min(wait(at + OUT_OF_TURN));
            }
            let mut ears: Vec<BorrowedFd<'_>> = agent.bell().into_iter().collect();
            if is_resting.is_none() {
                ears.push(notices.as_fd());
            }
            match waiter.wait(pause, &ears) {
                Woken::Stop => return Ok(true),
                Woken::Again => self.reload(agent, outputs)?,
                Woken::Time | Woken::Other => {}
            }
            agent.hear(Duration::ZERO, Timestamp::now);
            if is_resting.is_none() {
                let told = notices.take();
                self.events.extend(told.events);
                self.crossed.extend(told.crossed);
            }
            if wait(next).is_zero() {
                return Ok(false);
            }
            self.out_of_turn(watch, agent);
        }
    }

    /// A reading of the units that somebody told something of.
    fn out_of_turn(&mut self, watch: &mut Watch<'_>, agent: &mut Agent<'_>) {
        let now = Timestamp::now();
        // What the clock brings about may want a reading, and that before PID 1's answer is heard.
        agent.pass_time(now);
        let mut units = std::mem::take(&mut self.events);
        units.extend(self.crossed.iter().map(|(unit, _)| unit.clone()));
        units.extend(agent.wants_reading().iter().cloned());
        if units.is_empty() {
            return;
        }
        self.looked = Some(Instant::now());
        match watch.look_at(now, &|unit| units.contains(unit)) {
            Ok(reading) => {
                let crossed = std::mem::take(&mut self.crossed);
                agent.judge(&reading, &crossed, now);
            }
            // The next tick tells of it.
            Err(_) => agent.pass_time(now),
        }
    }

    /// Tells systemd what it shows, and the watchdog that all is well: only what is new, and seldom. PID 1 reads
    /// each message.
    fn notify(&mut self, tick: &Tick, agent: &Agent<'_>, first: bool) {
        let mut states = Vec::new();
        if first {
            states.push(NotifyState::Ready);
        }
        let status = status(tick, &self.config, agent);
        if self.told.as_ref() != Some(&status) {
            states.push(NotifyState::Status(&status));
        }
        let patience = sd_notify::watchdog_enabled();
        if patience.is_some_and(|limit| first || self.pinged.elapsed() >= limit / 3) {
            states.push(NotifyState::Watchdog);
            self.pinged = Instant::now();
        }
        if !states.is_empty() {
            notify(&states);
        }
        self.told = Some(status);
    }

    /// SIGHUP: the settings anew. Faulty ones are told, and those that count go on counting.
    fn reload(&mut self, agent: &mut Agent<'_>, outputs: &mut dyn Sink) -> Result<()> {
        let Context { root, scope, .. } = self.context;
        match config::read(root, scope).checked() {
            Ok(config) => {
                outputs.follow(&config)?;
                agent.obey(orders(self.context, &config, self.dry_run));
                self.config = config;
                tell("settings read again");
            }
            Err(error) => tell(&format!("{error}\nthe settings before go on counting")),
        }
        Ok(())
    }
}

fn status(tick: &Tick, config: &Config, agent: &Agent<'_>) -> String {
    let units = match tick.units {
        1 => "1 unit".to_owned(),
        n => format!("{n} units"),
    };
    let mut parts = vec![format!("Watching {units} every {}", config.interval.span())];
    parts.extend(agent.in_short());
    parts.join("; ")
}

/// systemd may have been replaced by something that does not listen: no reason to stop watching.
fn notify(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(states);
}
