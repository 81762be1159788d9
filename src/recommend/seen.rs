//! What the history of one unit comes to.

use jiff::Timestamp;

use super::growth::{Growth, growth};
use super::{FEWEST, Histogram, Observation, PERCENTILE, Unknown};
use crate::sample::Limit;

/// A day, in seconds.
pub const DAY: f64 = 86400.0;
/// How long a start is fresh: what it needs so long is needed at the next start, too.
pub(super) const FRESH: f64 = 600.0;
/// Need so near a limit is kept down by it: the limit is no measure of need.
const PRESSED: f64 = 0.9;
/// What a start says, in days of watching.
const WORTH_OF_A_START: f64 = 0.5;
/// A unit that waits for memory in more than this share of the time suffers from its `MemoryHigh`.
const STALLED: f64 = 0.1;

/// A size and when it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    /// How much.
    pub bytes: u64,
    /// When.
    pub time: Timestamp,
}

/// What is known of one unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Need was known; otherwise everything here is of `memory.current`.
    pub exact: bool,
    /// How many days were watched; gaps do not count.
    pub days: f64,
    /// How many days that is worth: a job that runs for a minute every night is known after a month, though hardly
    /// watched for an hour.
    pub known: f64,
    /// When the first reading was, and the last one.
    pub from: Timestamp,
    /// See `from`.
    pub until: Timestamp,
    /// How many times the unit was seen to start.
    pub starts: u64,
    /// The greatest need ever.
    pub most: Peak,
    /// The most that one of the seen starts needed in its first minutes.
    pub fresh: Option<Peak>,
    /// The high percentile of the days' peaks, recent ones counting more.
    pub usual: u64,
    /// The middle of the days' peaks.
    pub middle: u64,
    /// Page cache: held beyond need half of the time.
    pub cache: Option<u64>,
    /// Steady growth within the last start.
    pub growth: Option<Growth>,
    /// The greatest `MemoryMax` in force that need came up against.
    pub hit: Option<u64>,
    /// The greatest `MemoryHigh` in force that kept need down or made the unit wait.
    pub throttled_at: Option<u64>,
    /// Processes killed for want of memory while the unit was at its own limit.
    pub kills: u64,
    /// And those killed otherwise: the machine's memory, or a slice's.
    pub other_kills: u64,
}

impl Seen {
    /// Sums up observations in the order of time.
    ///
    /// # Errors
    /// Too few of them.
    pub fn of(observations: &[Observation]) -> Result<Self, Unknown> {
        let exact = observations.iter().any(|o| o.need.is_some());
        let known: Vec<Observation> = observations
            .iter()
            .filter(|o| o.need.is_some() || (!exact && o.current.is_some()))
            .copied()
            .collect();
        let (Some(first), Some(last)) = (known.first(), known.last()) else {
            return Err(match observations.len() {
                0 => Unknown::Few(0),
                _ => Unknown::NoMemory,
            });
        };
        let readings = known.iter().map(|o| o.readings).sum();
        if readings < FEWEST {
            return Err(Unknown::Few(readings));
        }
        let runs: Vec<&[Observation]> = known.chunk_by(|_, next| next.starts == 0).collect();
        let peaks = daily_peaks(&known);
        let most = greatest(known.iter()).ok_or(Unknown::NoMemory)?;
        let until = last.time.as_second() as f64 + last.seconds;
        let lifespan = (until - first.time.as_second() as f64) / DAY;
        let days = known.iter().map(|o| o.seconds).sum::<f64>() / DAY;
        let starts: u64 = known.iter().map(|o| o.starts).sum();
        let mut histogram = Histogram::new(DAY);
        for peak in &peaks {
            histogram.add(peak.bytes, until - peak.time.as_second() as f64);
        }
        let pressed = pressed(&known);
        Ok(Self {
            exact,
            days,
            known: lifespan.min(days + starts as f64 * WORTH_OF_A_START),
            from: first.time,
            until: last.time,
            starts,
            most,
            fresh: fresh(&runs),
            // A bucket's end may lie above everything that was seen.
            usual: histogram.percentile(PERCENTILE).min(most.bytes),
            middle: middle(peaks.iter().map(|peak| (peak.bytes, 1.0))).unwrap_or(most.bytes),
            cache: middle(known.iter().filter_map(|o| Some((o.cache?, o.seconds))))
                .filter(|_| exact),
            growth: growth(&runs),
            hit: pressed.max,
            throttled_at: pressed.high,
            kills: pressed.kills,
            other_kills: pressed.other_kills,
        })
    }

    /// How far the greatest need lies over a usual day's peak, as a share of the greatest.
    #[must_use]
    pub fn spread(&self) -> f64 {
        1.0 - self.middle as f64 / self.most.bytes.max(1) as f64
    }
}

/// The greatest need of each 24 hours, the first of which begin with the first observation.
#[must_use]
pub fn daily_peaks(observations: &[Observation]) -> Vec<Peak> {
    let Some(first) = observations.first() else {
        return Vec::new();
    };
    let day = |o: &Observation| (o.time.as_second() - first.time.as_second()) / DAY as i64;
    observations
        .chunk_by(|a, b| day(a) == day(b))
        .filter_map(|day| greatest(day.iter()))
        .collect()
}

fn greatest<'a>(observations: impl Iterator<Item = &'a Observation>) -> Option<Peak> {
    let peaks = observations.filter_map(|o| {
        Some(Peak {
            bytes: o.held()?.most,
            time: o.time,
        })
    });
    // Of equal ones the first.
    peaks.reduce(|a, b| if b.bytes > a.bytes { b } else { a })
}

/// The most that a start needed in its first minutes; the one that was under way when somebody first looked does not
/// count. An observation that saw a start has the end of the one before in it: only its last reading is sure.
fn fresh(runs: &[&[Observation]]) -> Option<Peak> {
    let mut most: Option<Peak> = None;
    for run in runs.iter().filter(|run| run[0].starts > 0) {
        let begin = run[0].time.as_second() as f64;
        let young = run
            .iter()
            .take_while(|o| (o.time.as_second() as f64) < begin + FRESH);
        for observation in young {
            let Some(held) = observation.held() else {
                continue;
            };
            let bytes = match observation.starts {
                0 => held.most,
                _ => held.last,
            };
            if most.is_none_or(|most| bytes > most.bytes) {
                most = Some(Peak {
                    bytes,
                    time: observation.time,
                });
            }
        }
    }
    most
}

/// The middle of sizes, each counted by its weight.
pub(super) fn middle(sizes: impl Iterator<Item = (u64, f64)>) -> Option<u64> {
    let mut sizes: Vec<(u64, f64)> = sizes.collect();
    sizes.sort_by_key(|(bytes, _)| *bytes);
    let half = sizes.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut sum = 0.0;
    let found = sizes.iter().find(|(_, weight)| {
        sum += weight;
        sum >= half
    });
    found.map(|(bytes, _)| *bytes)
}

#[derive(Default)]
struct Pressed {
    max: Option<u64>,
    high: Option<u64>,
    kills: u64,
    other_kills: u64,
}

/// Where limits in force kept need down. A page cache that fills its limit and is dropped there also counts as
/// events (FACTS 24), so events alone say nothing: need must have been near.
fn pressed(observations: &[Observation]) -> Pressed {
    let mut found = Pressed::default();
    for observation in observations {
        let need = observation.held().map_or(0, |held| held.most) as f64;
        let near = |limit: u64| need >= PRESSED * limit as f64;
        let max = observation.max.and_then(Limit::bytes);
        let killed = observation.oom_kills > 0;
        // After a kill the readings have missed the peak: that the limit was reached in the same span is enough.
        let hit = max.filter(|max| {
            (observation.at_max > 0 && (killed || near(*max))) || (killed && near(*max))
        });
        found.max = found.max.max(hit);
        match hit {
            Some(_) => found.kills += observation.oom_kills,
            None => found.other_kills += observation.oom_kills,
        }
        let high = observation.high.and_then(Limit::bytes);
        let waits = observation.stalled.is_some_and(|share| share >= STALLED);
        let throttled = high.filter(|high| observation.throttled > 0 && (near(*high) || waits));
        found.high = found.high.max(throttled);
    }
    found
}
