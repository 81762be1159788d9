//! Limits from what a unit held over time.
//!
//! ```text
//! observations → runs (one a start) → what was seen → MemoryHigh, MemoryMax → rounded, each with its reason
//! ```
//!
//! The frame is the best-known recommender's, Kubernetes' Vertical Pod Autoscaler: one peak a day, in a histogram
//! whose weights halve every 24 hours, a high percentile of it, a margin, wider with little history, a step up after
//! an OOM kill. It recommends *requests*, which a scheduler reserves and a pod may exceed. A hard limit is another
//! thing: what exceeds it is killed, so `MemoryMax` stands on the greatest need that the history knows, however long
//! ago that was, and the percentile serves `MemoryHigh` alone. `docs/recommend.md` has the other differences, and what
//! all of it is worth on recorded services.

mod growth;
mod histogram;
mod points;
mod round;
mod seen;

use jiff::Timestamp;

use crate::sample::Limit;

pub use growth::Growth;
pub use histogram::Histogram;
pub use points::observations;
pub use round::round_up;
pub use seen::{DAY, Peak, Seen, daily_peaks};

/// What one unit held over a span of time; readings of an hour may be one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// When the span began.
    pub time: Timestamp,
    /// How many seconds it stands for.
    pub seconds: f64,
    /// How many readings it is made of.
    pub readings: u64,
    /// How many times the unit was found started anew, against what was observed before.
    pub starts: u64,
    /// What could not be reclaimed.
    pub need: Option<Held>,
    /// `memory.current`.
    pub current: Option<Held>,
    /// What was held beyond need, at one moment of the span.
    pub cache: Option<u64>,
    /// `memory.high` in force.
    pub high: Option<Limit>,
    /// `memory.max` in force.
    pub max: Option<Limit>,
    /// How often it was throttled at `memory.high`.
    pub throttled: u64,
    /// How often it came up against `memory.max`.
    pub at_max: u64,
    /// How many of its processes were killed for want of memory.
    pub oom_kills: u64,
    /// The share of the time in which some task waited for memory.
    pub stalled: Option<f64>,
}

/// How much memory, over the readings of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The least.
    pub least: u64,
    /// The greatest.
    pub most: u64,
    /// At the end.
    pub last: u64,
}

impl Observation {
    /// One reading, of nothing.
    #[must_use]
    pub fn blank(time: Timestamp, seconds: f64) -> Self {
        Self {
            time,
            seconds,
            readings: 1,
            starts: 0,
            need: None,
            current: None,
            cache: None,
            high: None,
            max: None,
            throttled: 0,
            at_max: 0,
            oom_kills: 0,
            stalled: None,
        }
    }

    /// Need; where that is unknown `memory.current`, which has page cache in it and so is no less.
    fn held(&self) -> Option<Held> {
        self.need.or(self.current)
    }
}

/// The figures that were chosen rather than measured; `docs/recommend.md` shows what others would have done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margins {
    /// What `MemoryMax` has over the greatest need, with a long history of a unit that hardly varies.
    pub rest: f64,
    /// How much of the distance between a usual and the greatest day's peak is added to that.
    pub spread: f64,
    /// With so many days of history the factor `(1 + days/history)^exponent` widens both limits.
    pub days: f64,
    /// See `days`.
    pub exponent: f64,
    /// Widens both limits while no start of the unit has been seen: a fresh start may need more.
    pub unseen_start: f64,
}

impl Default for Margins {
    fn default() -> Self {
        Self {
            rest: 0.2,
            spread: 0.5,
            days: 1.0,
            exponent: 1.0,
            unseen_start: 1.05,
        }
    }
}

/// No history is so short that a limit would be more than so many times as wide: a larger one would limit nothing.
const WIDEST: f64 = 3.0;
/// Fewer readings say nothing.
pub const FEWEST: u64 = 10;
/// Of the usual peaks' percentile, as VPA's upper bound has it.
const PERCENTILE: f64 = 0.95;
/// The part of the margin that is `MemoryHigh`'s over the usual peaks and over what a fresh start needs.
const HIGH_OVER_USUAL: f64 = 0.5;
/// And over the greatest need ever: being throttled at a rare peak may be a standstill (FACTS 25).
const HIGH_OVER_MOST: f64 = 0.25;
/// `MemoryMax` has this over `MemoryHigh`: a throttled unit needs room to be slow in.
const OVER_HIGH: f64 = 1.08;
/// Room that a small unit needs whatever the percentages say: one more process, one more page table.
const LEAST_ROOM: u64 = 8 << 20;
/// VPA's step after an OOM kill: a fifth, and at least so much; here at most a doubling.
const BUMP: f64 = 1.2;
const LEAST_BUMP: u64 = 100 << 20;
/// A unit whose limits are far from its need still gets so much page cache.
const LEAST_CACHE: u64 = 32 << 20;

/// Why there is no recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// So few readings.
    Few(u64),
    /// Readings, but no memory in them: accounting is off, or nothing could be read.
    NoMemory,
}

/// What the limits of one unit should be, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// `MemoryHigh`; none where need is unknown: page cache would be throttled as if it were need.
    pub high: Option<u64>,
    /// `MemoryMax`.
    pub max: u64,
    /// What both stand on.
    pub seen: Seen,
    /// What `MemoryMax` has over the greatest need, as a share of it; all reasons together, before rounding.
    pub margin: f64,
    /// The part of `MemoryHigh` that is room for page cache.
    pub cache: u64,
    /// What raised `MemoryMax` or kept it from being raised.
    pub max_by: MaxBy,
    /// `MemoryHigh` in force throttled the unit's need, or made it wait: it is raised above that.
    pub throttled_at: Option<u64>,
}

/// What `MemoryMax` follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxBy {
    /// The greatest need and a margin.
    Need,
    /// Room over `MemoryHigh`, which has page cache in it.
    High,
    /// Need came up against the limit in force, which so is no measure of it: a step above.
    Bump {
        /// That limit.
        limit: u64,
    },
    /// It grows until its limit kills it: the limit stays.
    Held {
        /// That limit.
        limit: u64,
    },
}

/// Recommends limits from what was observed, in the order of time.
///
/// # Errors
/// Too little is known.
pub fn recommend(observations: &[Observation], margins: &Margins) -> Result<Advice, Unknown> {
    Ok(advise(Seen::of(observations)?, margins))
}

/// The limits that follow from what was seen.
#[must_use]
pub fn advise(seen: Seen, margins: &Margins) -> Advice {
    let most = seen.most.bytes;
    let wide = widening(&seen, margins);
    let over_most = margins.rest + margins.spread * seen.spread();
    let plain = scale(most, (1.0 + over_most) * wide).max(most.saturating_add(2 * LEAST_ROOM));
    let margin = plain as f64 / most.max(1) as f64 - 1.0;

    let cache = seen.cache.unwrap_or(0).min(most.max(LEAST_CACHE));
    let leaks = seen.growth.is_some();
    let throttled_at = seen.throttled_at.filter(|_| !leaks);
    let high = seen.exact.then(|| {
        let often = seen.usual.max(seen.fresh.map_or(0, |fresh| fresh.bytes));
        let often = scale(often, 1.0 + HIGH_OVER_USUAL * over_most);
        let need = often.max(scale(most, 1.0 + HIGH_OVER_MOST * over_most));
        let room = scale(need, wide).max(most.saturating_add(LEAST_ROOM));
        let high = room.saturating_add(cache);
        high.max(throttled_at.map_or(0, |limit| scale(limit, BUMP)))
    });
    let over_high = high.map_or(0, |high| scale(high, OVER_HIGH));

    let mut max_by = MaxBy::Need;
    let mut max = plain;
    if over_high > max {
        (max, max_by) = (over_high, MaxBy::High);
    }
    match seen.hit {
        // A limit that need has left behind since was raised by somebody: it is no measure any more.
        Some(limit) if limit < most => {}
        Some(limit) if leaks && limit < max => (max, max_by) = (limit, MaxBy::Held { limit }),
        Some(_) if leaks => {}
        Some(limit) if bump(limit) > max => (max, max_by) = (bump(limit), MaxBy::Bump { limit }),
        _ => {}
    }
    let mut high = high;
    let max = match max_by {
        MaxBy::Held { limit } => {
            // What was kept is not rounded either.
            high = high.map(|high| high.min(scale(limit, 1.0 / OVER_HIGH)));
            limit
        }
        _ => round_up(max),
    };
    let high = high.map(round_up).filter(|high| *high < max);
    Advice {
        high,
        max,
        margin,
        cache,
        max_by,
        throttled_at,
        seen,
    }
}

/// How much wider the limits are for want of history.
fn widening(seen: &Seen, margins: &Margins) -> f64 {
    let history = (1.0 + margins.days / seen.known.max(f64::EPSILON)).powf(margins.exponent);
    let starts = if seen.starts == 0 {
        margins.unseen_start
    } else {
        1.0
    };
    (history * starts).min(WIDEST)
}

/// The step up from a limit that was no measure of need.
fn bump(limit: u64) -> u64 {
    let step = limit.saturating_add(LEAST_BUMP.min(limit));
    step.max(scale(limit, BUMP))
}

fn scale(bytes: u64, factor: f64) -> u64 {
    (bytes as f64 * factor) as u64
}

#[cfg(test)]
mod tests;
