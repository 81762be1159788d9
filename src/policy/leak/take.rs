//! The detector's state, and what a reading does to it.

use serde::{Deserialize, Serialize};

use super::day::{Day, NOTED, PART};
use super::judge::{Around, Judged, judge};
use super::ring::{TIERS, Tiers};
use super::series::NONE;
use super::starts::Starts;
use super::{Finding, Forecast, Point, Verdict};

const PAGE: u64 = 4096;
/// The scales: those of the tiers, and the two of the day's mean.
pub(super) const SCALES: usize = TIERS + NOTED.len();
/// The longest that a reading is taken to stand for what comes after it, in seconds: a gap is no growth.
const WEEK: u64 = 7 * 86_400;
/// What is near the limit.
pub(super) const NEAR: f32 = 0.92;

/// What is remembered of a unit: about 2 kB, whatever its age.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Detector {
    /// The time of the last reading, as it was told.
    time: Option<i64>,
    /// Seconds of this start that have gone by, whatever was done to the clock.
    pub(super) age: u64,
    start: Option<u64>,
    /// In pages.
    pub(super) limit: Option<u32>,
    pub(super) is_need: bool,
    /// CPU time at the last reading, in microseconds.
    cpu: Option<u64>,
    pub(super) tiers: Tiers,
    pub(super) day: Day,
    pub(super) starts: Starts,
    /// The scales that grow, that leak, that did so at the close before, and that leak by the stricter measure.
    grows: u16,
    leaks: u16,
    twice: u16,
    strict: u16,
    near: u8,
    /// The longest time that need has stood still in this start, in seconds.
    stood: f32,
    /// Where need was when a leak was found, in pages, and when; gone when it has ended.
    found: Option<Found>,
    /// What is told of the scale that the verdict stands on.
    told: Option<Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Found {
    scale: usize,
    from: f32,
    to: f32,
    age: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    pub scale: usize,
    /// Bytes a second.
    pub slope: f32,
    pub window: u32,
    /// Seconds to the limit, as of `at`.
    pub early: i64,
    pub likely: i64,
    pub late: Option<i64>,
    pub at: i64,
}

impl Detector {
    pub(super) fn step(&mut self, point: &Point) {
        let begun = match (self.start, point.start) {
            (Some(old), Some(new)) => old != new,
            _ => matches!((self.cpu, point.cpu_usec), (Some(old), Some(new)) if new < old),
        };
        if begun {
            self.begin();
        }
        self.start = point.start.or(self.start);
        let past = self
            .time
            .map_or(0, |time| point.time.saturating_sub(time).max(0) as u64);
        let was = self.age;
        self.age = self.age.saturating_add(past);
        self.time = Some(point.time);
        if self.age / WEEK != was / WEEK {
            self.generation();
        }
        self.limit = point.limit.map(pages);
        self.is_need = point.is_need;
        let cpu = match (self.cpu, point.cpu_usec) {
            (Some(old), Some(new)) if past > 0 => u32::try_from(new.saturating_sub(old) / past)
                .unwrap_or(NONE - 1)
                .min(NONE - 1),
            _ => NONE,
        };
        self.cpu = point.cpu_usec;
        let need = pages(point.need);
        let done = self.tiers.take(self.age, need, cpu);
        if done != 0 {
            self.close(done);
        }
    }

    fn begin(&mut self) {
        self.starts
            .begin(self.tiers.0[3].low.released(), self.found.is_some());
        *self = Self {
            starts: self.starts,
            time: self.time,
            ..Self::default()
        };
    }

    fn generation(&mut self) {
        for tier in &mut self.tiers.0 {
            tier.low.age();
        }
        for mean in &mut self.day.means {
            mean.age();
        }
    }

    fn close(&mut self, done: u16) {
        if let Some(low) = self.tiers.0[0].low.last() {
            self.starts.take(self.age, low);
        }
        if done & (1 << PART) != 0 {
            let tier = &self.tiers.0[PART];
            let (low, cpu) = (tier.low.back(0), tier.low.load(0));
            self.day.take(self.age, low, cpu);
        }
        let mut scales = done;
        for (which, &tier) in NOTED.iter().enumerate() {
            if done & (1 << tier) != 0 {
                self.day.note(which, self.age);
                scales |= 1 << (TIERS + which);
            }
        }
        for scale in 0..SCALES {
            let bit = 1 << scale;
            if scales & bit == 0 {
                continue;
            }
            let judged = self.judged(scale);
            if let Some(judged) = &judged {
                self.stood = self.stood.max(judged.stood);
            }
            let (grows, leaks, strict, plainly) = judged
                .map_or((false, false, false, false), |j| {
                    (j.grows, j.leaks, j.strict, j.plainly)
                });
            set(
                &mut self.twice,
                bit,
                leaks && (plainly || self.leaks & bit != 0),
            );
            set(&mut self.leaks, bit, leaks);
            set(&mut self.grows, bit, grows);
            set(&mut self.strict, bit, strict);
        }
        if done & (1 << 3) != 0 {
            let is_near = matches!((self.tiers.0[3].low.last(), self.limit), (Some(low), Some(limit)) if low as f32 >= NEAR * limit as f32);
            self.near = if is_near { (self.near + 1).min(2) } else { 0 };
        }
        self.settle();
    }

    /// What is the case, by the scales.
    fn settle(&mut self) {
        let is_leak = self.twice != 0 || self.leaks.count_ones() >= 2;
        if is_leak && self.found.is_none() {
            let scale = if self.twice != 0 {
                self.twice
            } else {
                self.leaks
            }
            .trailing_zeros() as usize;
            if let Some(judged) = self.judged(scale) {
                self.found = Some(Found {
                    scale,
                    from: judged.trend.from,
                    to: judged.trend.to,
                    age: self.age,
                });
            }
        } else if !is_leak && let Some(found) = self.found {
            // Given back, or stopped: for as long as it was watched growing it has not grown by a tenth of that.
            let now = self.tiers.0[2].low.last().unwrap_or(0) as f32;
            let window = Tiers::window(found.scale.min(TIERS - 1));
            let rise = found.to - found.from;
            if now < found.to - 0.35 * rise
                || (self.leaks == 0
                    && self.age.saturating_sub(found.age) > window / 2
                    && self.grows & (1 << found.scale) == 0)
            {
                self.found = None;
            }
        }
        let which = if self.leaks != 0 {
            self.leaks
        } else {
            self.grows
        };
        let scale = match (which, self.found) {
            (0, Some(found)) => found.scale,
            (0, None) => {
                self.told = None;
                return;
            }
            (which, _) => which.trailing_zeros() as usize,
        };
        self.told = self
            .judged(scale)
            .and_then(|judged| self.tell(scale, &judged));
    }

    fn tell(&self, scale: usize, judged: &Judged) -> Option<Told> {
        let bucket = self.bucket(scale) as f32;
        let trend = judged.trend;
        let room = judged.room;
        let half = trend.span / 2.0;
        let slope = trend.rise() / trend.span;
        let fast = slope
            .max((trend.to - trend.middle) / half)
            .max((trend.middle - trend.from) / half);
        let secs = |buckets: f32| (f64::from(buckets) * f64::from(bucket)).min(1e15) as i64;
        let room = room?;
        Some(Told {
            scale,
            slope: slope * PAGE as f32 / bucket,
            window: (trend.span * bucket) as u32,
            early: if fast > 0.0 {
                secs(room / fast)
            } else {
                i64::MAX / 4
            },
            likely: if slope > 0.0 {
                secs(room / slope)
            } else {
                i64::MAX / 4
            },
            late: trend.time(room).map(secs),
            at: self.time.unwrap_or(0),
        })
    }

    pub(super) fn bucket(&self, scale: usize) -> u64 {
        Tiers::length(scale.checked_sub(TIERS).map_or(scale, |which| NOTED[which]))
    }

    /// A scale's figures against what is asked of them.
    pub(super) fn judged(&self, scale: usize) -> Option<Judged> {
        let (tier, low) = match scale.checked_sub(TIERS) {
            None => (scale, &self.tiers.0[scale].low),
            Some(which) => (NOTED[which], &self.day.means[which]),
        };
        let high = self.tiers.0[tier].high.iter().copied().max().unwrap_or(0);
        judge(
            low,
            &Around {
                limit: self.limit.map(|limit| limit as f32),
                high: high as f32,
                now: self.tiers.0[0].low.last().unwrap_or(0) as f32,
                is_need: self.is_need,
                age: self.age as f32,
                stood: self.stood,
                bucket: self.bucket(scale) as f32,
                is_mean: scale >= TIERS,
                worked: self.starts.worked(),
                tried: self.starts.tried,
                again: self.starts.again(),
            },
        )
    }

    /// The scale that the verdict stands on.
    pub(super) fn scale(&self) -> Option<usize> {
        self.found
            .map(|found| found.scale)
            .or(self.told.map(|told| told.scale))
    }

    /// The least need of the last bucket that near the limit is asked of, in pages.
    pub(super) fn near_low(&self) -> Option<u32> {
        self.tiers.0[3].low.last()
    }

    pub(super) fn say(&self) -> Verdict {
        let finding = if self.found.is_some() {
            Finding::Leak
        } else if self.near >= 2 {
            Finding::NearLimit
        } else if self.grows != 0 {
            Finding::Growing
        } else if self.age < 8 * Tiers::length(0) {
            Finding::Learning
        } else {
            Finding::Steady
        };
        let at = |told: &Told, secs: i64| told.at.saturating_add(secs);
        Verdict {
            finding,
            is_cautious: self.found.is_some() && self.strict != 0,
            slope: self.told.map(|told| f64::from(told.slope)),
            forecast: self.told.map(|told| Forecast {
                early: at(&told, told.early),
                likely: at(&told, told.likely),
                late: told.late.map(|late| at(&told, late.max(told.likely))),
            }),
            window: self.told.map(|told| told.window),
        }
    }
}

fn set(mask: &mut u16, bit: u16, on: bool) {
    if on { *mask |= bit } else { *mask &= !bit }
}

fn pages(bytes: u64) -> u32 {
    u32::try_from(bytes / PAGE)
        .unwrap_or(NONE - 1)
        .min(NONE - 1)
}
