//! A service that never was: what it is, and its need, sample by sample.

use memctl::policy::leak::Point;

use crate::leaking::Leak;
use crate::load::{DAY, HOUR, Load, MINUTE};
use crate::parts::{Now, Part};
use crate::random::Random;

/// A Monday's midnight in seconds since 1970 (29 September 2025).
pub const MONDAY: i64 = 1_759_104_000;

/// What a service is. Sizes are shares of what it needs at least.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Seconds between samples.
    pub tick: f64,
    /// How long it is watched.
    pub days: f64,
    /// What it needs at least, in bytes.
    pub bytes: f64,
    /// When the watch begins, in seconds since a Monday's midnight.
    pub began: f64,
    /// How old the service is by then.
    pub age: f64,
    pub load: Load,
    pub parts: Vec<Part>,
    pub leaks: Vec<Leak>,
    /// The deviation of noise from sample to sample.
    pub noise: f64,
    /// What need is a multiple of: pages of 4 KiB or 2 MiB.
    pub quantum: f64,
    pub restarts: Vec<Restarts>,
    /// From when on nothing is deployed any more, in seconds since the watch began.
    pub freeze: f64,
    /// Page cache: what a day of load 1 reads, and the most it becomes.
    pub cache: (f64, f64),
    /// Gaps in the record a day, and how many seconds they last on average.
    pub gaps: (f64, f64),
    /// How often a day the clock is set, by up to an hour either way.
    pub clock_set: f64,
    /// The source tells need; else `memory.current`, page cache included.
    pub is_need: bool,
    pub tells_cpu: bool,
    pub tells_start: bool,
    /// Processors that a load of 1 keeps busy.
    pub processors: f64,
    /// The limit, as a multiple of the most that it needs while healthy.
    pub room: f64,
    /// For a leak: about how many seconds from its onset to the limit.
    pub lasts: f64,
    /// Which column of a CSV what leaks is in.
    pub lost_in: usize,
}

/// Why and when it is started anew.
#[derive(Debug, Clone, Copy)]
pub enum Restarts {
    /// At this second of the day, each so many days.
    Nightly(f64, u64),
    /// On working days between 9 and 17, so many a day; the new version needs more or less by such a deviation.
    Deploys(f64, f64),
    /// At any time, so many a day.
    Crashes(f64),
}

/// One sample.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Seconds since the watch began, by a clock that nobody sets.
    pub since: f64,
    pub point: Point,
    /// Need, whatever the source tells.
    pub need: u64,
    /// Of that, what is lost.
    pub lost: u64,
    /// Page cache beside it.
    pub cache: u64,
    /// Memory is being lost, or was in this start.
    pub is_leaking: bool,
}

/// A service at work.
#[derive(Debug, Clone)]
pub struct Service {
    spec: Spec,
    limit: u64,
    random: Random,
    /// Of its own, so that a trace with a leak is the same trace but for the leak.
    leak_random: Random,
    since: f64,
    age: f64,
    start: u64,
    cpu: f64,
    level: f64,
    cached: f64,
    silent_until: f64,
    clock: f64,
}

impl Service {
    pub fn new(spec: &Spec, limit: u64, family: &str, seed: u64) -> Self {
        let mut service = Self {
            spec: spec.clone(),
            limit,
            random: Random::new(family, seed, 1),
            leak_random: Random::new(family, seed, 2),
            since: 0.0,
            age: 0.0,
            start: 1,
            cpu: 0.0,
            level: 1.0,
            cached: 0.0,
            silent_until: 0.0,
            clock: 0.0,
        };
        service.live_before();
        service
    }

    /// What it was before it was watched, in coarse steps.
    fn live_before(&mut self) {
        let tick = 10.0 * MINUTE;
        let steps = (self.spec.age / tick) as u64;
        for left in (0..steps).rev() {
            self.since = -(left as f64) * tick;
            self.age += tick;
            self.step(self.spec.began + self.since, tick);
        }
        self.since = 0.0;
    }

    /// The service is restarted by whoever watches it.
    pub fn restart(&mut self) {
        self.age = 0.0;
        self.cpu = 0.0;
        self.start += 1;
        for part in &mut self.spec.parts {
            part.restart();
        }
        for leak in &mut self.spec.leaks {
            leak.restart();
        }
    }

    /// What it holds, in shares of its least: healthy, and lost.
    fn step(&mut self, time: f64, tick: f64) -> (f64, f64) {
        let load = self
            .spec
            .load
            .at(time, self.spec.began, tick, &mut self.random);
        let mut held = self.level;
        let mut now = Now {
            time,
            tick,
            age: self.age,
            load,
            random: &mut self.random,
        };
        for part in &mut self.spec.parts {
            held += part.hold(&mut now);
        }
        held *= 1.0 + self.spec.noise * self.random.normal();
        let mut now = Now {
            time,
            tick,
            age: self.age,
            load,
            random: &mut self.leak_random,
        };
        let since = self.since;
        let leaks = self.spec.leaks.iter_mut();
        let lost = leaks.map(|leak| leak.lose(&mut now, since)).sum();
        self.cpu += 1e6 * self.spec.processors * tick * (load + 0.05);
        let (a_day, most) = self.spec.cache;
        self.cached = (self.cached + a_day * load * tick / DAY).min(most);
        if self.random.chance(0.3 * tick / DAY) {
            // The machine needed memory, or the files were deleted.
            self.cached *= self.random.uniform();
        }
        (held.max(0.05), lost)
    }

    /// Whether it is started anew in this tick.
    fn is_due(&mut self, time: f64) -> bool {
        let tick = self.spec.tick;
        let weekday = (time / DAY) as u64 % 7;
        let hour = time.rem_euclid(DAY) / HOUR;
        let mut due = false;
        for restarts in &self.spec.restarts {
            match *restarts {
                Restarts::Nightly(second, days) => {
                    due |= (time - second).rem_euclid(days as f64 * DAY) < tick;
                }
                Restarts::Deploys(a_day, deviation) => {
                    let working = weekday < 5 && (9.0..17.0).contains(&hour);
                    let open = working && self.since < self.spec.freeze;
                    if open && self.random.chance(a_day * 3.0 * tick / DAY) {
                        due = true;
                        let size = self.level * (1.0 + deviation * self.random.normal());
                        self.level = size.clamp(0.6, 2.0);
                    }
                }
                Restarts::Crashes(a_day) => due |= self.random.chance(a_day * tick / DAY),
            }
        }
        due
    }

    /// The next sample that is on the record.
    pub fn next(&mut self) -> Option<Sample> {
        loop {
            self.since += self.spec.tick;
            self.age += self.spec.tick;
            if self.since > self.spec.days * DAY {
                return None;
            }
            let time = self.spec.began + self.since;
            if self.is_due(time) {
                self.restart();
            }
            let (held, lost) = self.step(time, self.spec.tick);
            if self
                .random
                .chance(self.spec.clock_set * self.spec.tick / DAY)
            {
                self.clock += self.random.between(-HOUR, HOUR);
            }
            let (gaps, length) = self.spec.gaps;
            if self.random.chance(gaps * self.spec.tick / DAY) {
                self.silent_until = self.since + length * self.random.exponential();
            }
            // The limit does not wait for somebody to look.
            let need = self.bytes(held + lost);
            if self.since >= self.silent_until || need >= self.limit {
                return Some(self.sample(time, need, lost));
            }
        }
    }

    fn bytes(&self, share: f64) -> u64 {
        let bytes = share * self.spec.bytes;
        ((bytes / self.spec.quantum).round() * self.spec.quantum) as u64
    }

    fn sample(&self, time: f64, need: u64, lost: f64) -> Sample {
        let cache = self.bytes(self.cached);
        let cache = cache.min(self.limit.saturating_sub(need));
        let leaks = &self.spec.leaks;
        Sample {
            since: self.since,
            point: Point {
                time: MONDAY + (time + self.clock) as i64,
                need: if self.spec.is_need {
                    need
                } else {
                    need + cache
                },
                is_need: self.spec.is_need,
                limit: Some(self.limit),
                cpu_usec: self.spec.tells_cpu.then_some(self.cpu as u64),
                start: self.spec.tells_start.then_some(self.start),
            },
            need,
            lost: self.bytes(lost),
            cache,
            is_leaking: lost > 0.0 || leaks.iter().any(|leak| leak.is_on(self.since)),
        }
    }

    /// `usage_usec`.
    pub fn cpu_usec(&self) -> u64 {
        self.cpu as u64
    }
}
