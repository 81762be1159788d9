//! What becomes of a service in a judge's hands.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::families::{Family, Label};
use crate::judges::{Alarm, Judge, Kind};
use crate::load::{DAY, HOUR};
use crate::service::Service;
use crate::stats::quantile;
use crate::trace::Trace;

/// After a restart nobody restarts again for so long.
const COOL_DOWN: f64 = HOUR;
/// A stop takes up to so many seconds (systemd's DefaultTimeoutStopSec=): an alarm that comes later is none.
const STOP: f64 = 90.0;
/// The room that must be left below the limit for a restart to be in good time.
const ROOM: f64 = 0.2;

/// What became of one service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// When it was restarted though it lost nothing, in seconds since the watch began, and why.
    pub mistakes: Vec<(f64, Alarm)>,
    /// How long it was watched while it lost nothing, in seconds.
    pub healthy: f64,
    /// How its leak was caught.
    pub caught: Option<Caught>,
    /// The limit was hit.
    pub hit: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Caught {
    pub alarm: Alarm,
    /// The part that had passed of the time from the onset to the limit.
    pub delay: f64,
    /// The part of the limit that was left.
    pub room: f64,
}

/// Lets a judge watch a service: each alarm restarts it; the first one that is right ends the trace.
pub fn watch(trace: &Trace, judge: &mut dyn Judge) -> Outcome {
    let mut outcome = Outcome::default();
    let mut service = trace.service();
    let mut quiet_until = 0.0;
    let leaks = trace.family.label == Label::Leak;
    while let Some(sample) = service.next() {
        if trace.is_hit(&sample) {
            outcome.hit = true;
            break;
        }
        let right = leaks && sample.since >= trace.onset;
        if !right {
            outcome.healthy = sample.since;
        }
        let Some(alarm) = judge.take(&sample.point) else {
            continue;
        };
        if right {
            outcome.hit = hits_within(trace, &mut service, sample.since + STOP);
            if outcome.hit {
                break;
            }
            let whole = trace.time_to_limit().unwrap_or(f64::INFINITY);
            outcome.caught = Some(Caught {
                alarm,
                delay: (sample.since - trace.onset) / whole,
                room: 1.0 - sample.need as f64 / trace.limit as f64,
            });
            break;
        }
        if sample.since >= quiet_until {
            outcome.mistakes.push((sample.since, alarm));
            quiet_until = sample.since + COOL_DOWN;
            service.restart();
            judge.restarted();
        }
    }
    outcome
}

/// Whether it hits its limit before it can be stopped.
fn hits_within(trace: &Trace, service: &mut Service, until: f64) -> bool {
    let later = std::iter::from_fn(|| service.next());
    later
        .take_while(|sample| sample.since <= until)
        .any(|sample| trace.is_hit(&sample))
}

/// A trace, and what became of it in each judge's hands.
pub struct Record {
    pub trace: Trace,
    pub outcomes: Vec<Outcome>,
}

/// All services of these families and seeds before all judges, on all processors.
pub fn run(families: &[&'static Family], seeds: &[u64], kinds: &[Kind]) -> Vec<Record> {
    let jobs: Vec<(&'static Family, u64)> = families
        .iter()
        .flat_map(|family| seeds.iter().map(|seed| (*family, *seed)))
        .collect();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((family, seed)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let trace = Trace::new(family, *seed);
                    let outcomes = kinds.iter().map(|kind| watch(&trace, &mut *(kind.make)()));
                    let record = Record {
                        outcomes: outcomes.collect(),
                        trace,
                    };
                    if let Ok(mut done) = done.lock() {
                        done.push(record);
                    }
                }
            });
        }
    });
    let mut records = done.into_inner().unwrap_or_default();
    // In the order of the families, whichever thread was faster.
    let place = |record: &Record| {
        let name = record.trace.family.name;
        (
            families.iter().position(|f| f.name == name),
            record.trace.seed,
        )
    };
    records.sort_by_key(place);
    records
}

/// What adds up over services.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Services.
    pub units: usize,
    /// Services that leak.
    pub leaking: usize,
    /// Restarts of services that lost nothing,
    pub mistakes: usize,
    /// and how many services had any.
    pub mistaken: usize,
    /// Seconds watched while nothing was lost.
    pub healthy: f64,
    /// Leaks caught,
    pub caught: usize,
    /// how many of them only because little was left, and
    pub by_net: usize,
    /// how many while 20 % of the limit was left.
    pub in_time: usize,
    /// Limits hit.
    pub hits: usize,
    delays: Vec<f64>,
}

impl Tally {
    pub fn add(&mut self, label: Label, outcome: &Outcome) {
        self.units += 1;
        self.leaking += usize::from(label == Label::Leak);
        self.mistakes += outcome.mistakes.len();
        self.mistaken += usize::from(!outcome.mistakes.is_empty());
        self.healthy += outcome.healthy;
        self.hits += usize::from(outcome.hit);
        if let Some(caught) = outcome.caught {
            self.caught += 1;
            self.by_net += usize::from(caught.alarm == Alarm::NearLimit);
            self.in_time += usize::from(caught.room >= ROOM);
            self.delays.push(caught.delay);
        }
    }

    /// Of the services that were restarted, how many lost memory. One that was restarted too early and then rightly
    /// counts on both sides.
    pub fn precision(&self) -> f64 {
        self.caught as f64 / (self.caught + self.mistaken) as f64
    }

    /// Of the leaks, how many were caught before the limit.
    pub fn recall(&self) -> f64 {
        self.caught as f64 / self.leaking as f64
    }

    pub fn f1(&self) -> f64 {
        let (p, r) = (self.precision(), self.recall());
        2.0 * p * r / (p + r)
    }

    pub fn in_time(&self) -> f64 {
        self.in_time as f64 / self.leaking as f64
    }

    /// Restarts of healthy services + `hit` × limits hit, for a hundred services.
    pub fn cost(&self, hit: f64) -> f64 {
        (self.mistakes as f64 + hit * self.hits as f64) * 100.0 / self.units as f64
    }

    pub fn years(&self) -> f64 {
        self.healthy / (365.25 * DAY)
    }

    /// The delay below which such a part of the caught leaks lie.
    pub fn delay(&self, part: f64) -> f64 {
        quantile(&self.delays, part)
    }
}
