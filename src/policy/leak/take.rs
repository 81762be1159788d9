//! The detector's state, and what a reading does to it.

use serde::{Deserialize, Serialize};

use super::day::{Day, NOTED, PART};
use super::judge::{Around, Judged, judge};
use super::ring::{TIERS, Tiers};
use super::series::{LEN, NONE};
use super::starts::Starts;
use super::{Finding, Forecast, Point, Verdict};

/// What figures are kept in, in bytes.
pub(super) const PAGE: u64 = 4096;
/// The scales: those of the tiers, and the two of the day's mean.
pub(super) const SCALES: usize = TIERS + NOTED.len();
/// How often the highest that was given back begins to be forgotten, in seconds of this start.
const WEEK: u64 = 7 * 86_400;
/// How much finer the scale is that says whether it moves now: its window is an eighth.
const FINER: usize = 3;
/// How long readings of `memory.current` alone are passed over where need was known, in seconds: one of them between
/// others would be a peak.
const PATIENCE: i64 = 3600;
/// What is near the limit.
pub(super) const NEAR: f32 = 0.92;
/// The scale that is asked whether it is near: twelve minutes, twice in a row.
const NEAR_SCALE: usize = 3;
/// What is near it while it grows so fast that it is reached within three of the finest buckets.
pub(super) const SOON: f32 = 0.8;
/// A leak of whose rise this part is given back has ended.
pub(super) const GIVEN: f32 = 0.35;

/// What is remembered of a unit: less than 3 kB, whatever its age.
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
    /// Nothing grew when it was told last.
    is_calm: bool,
    /// The limit is minutes away.
    is_soon: bool,
    /// The longest time that need has stood still in this start, in seconds.
    stood: f32,
    /// Where need was when a leak was found, in pages, and when; gone when it has ended.
    pub(super) found: Option<Found>,
    /// What is told of the scale that the verdict stands on.
    told: Option<Told>,
}

/// A leak that was found, and has not ended. Levels are in pages.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Found {
    scale: usize,
    from: f32,
    pub to: f32,
    limit: u32,
    /// How old the start was.
    pub age: u64,
    /// And when it last grew.
    grew: u64,
    /// It is one by the stricter measure, too.
    strict: bool,
}

/// What is told of a scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Told {
    scale: usize,
    /// Bytes a second.
    slope: f32,
    window: u32,
    forecast: Option<Forecast>,
}

impl Detector {
    pub(super) fn step(&mut self, point: &Point) {
        let begun = match (self.start, point.start) {
            (Some(old), Some(new)) => old != new,
            _ => matches!((self.cpu, point.cpu_usec), (Some(old), Some(new)) if new < old),
        };
        if begun {
            self.begin();
        } else if self.time.is_some() && self.is_need != point.is_need {
            // What is told is another thing now.
            let waited = point.time.saturating_sub(self.time.unwrap_or(point.time));
            if self.is_need && (0..PATIENCE).contains(&waited) {
                return;
            }
            *self = Self::default();
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
        let low = &self.tiers.0[NEAR_SCALE].low;
        let stands = self.widest().and_then(|scale| self.judged(scale));
        let stood = match stands {
            // A quarter of an hour of standing still says nothing about a day of growth before.
            Some(judged) if judged.stood > self.age as f32 / 8.0 => low.last().unwrap_or(0),
            _ => 0,
        };
        // One that stands in the end was no leak, whatever it was found to be.
        let leaked = self.found.is_some() && stood == 0;
        self.starts.begin(low.released().max(stood), leaked);
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
            let bit = bit(scale);
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
        if done & (1 << NEAR_SCALE) != 0 {
            let is_near = self.is_over(NEAR_SCALE, NEAR);
            self.near = if is_near {
                self.near.saturating_add(1).min(2)
            } else {
                0
            };
        }
        self.is_soon = self.soon();
        self.settle(done);
    }

    /// The least need of a scale's last bucket is over such a part of the limit. Where page cache is in it, that says
    /// nothing: it fills what the limit leaves.
    fn is_over(&self, scale: usize, part: f32) -> bool {
        match (self.tiers.0[scale].low.last(), self.limit) {
            (Some(low), Some(limit)) => self.is_need && low as f32 >= part * limit as f32,
            _ => false,
        }
    }

    /// It grows, where it has not been before, and reaches the limit within three of the finest buckets: nothing that
    /// waits for a second one would be in time.
    fn soon(&self) -> bool {
        let low = &self.tiers.0[0].low;
        let [d, a] = [low.back(0), low.back(3)];
        let (Some(limit), true) = (self.limit, self.grows & 1 != 0 && d != NONE) else {
            return false;
        };
        a < d && self.is_over(0, SOON) && d.saturating_add(d - a) >= limit
    }

    /// What is the case, by the scales.
    fn settle(&mut self, done: u16) {
        let limit = self.limit.unwrap_or(0);
        // A limit that was raised by a quarter leaves time: it is to be found anew.
        if self
            .found
            .is_some_and(|found| self.has_ended(&found) || limit / 5 > found.limit / 4)
        {
            (self.found, self.leaks, self.twice, self.strict) = (None, 0, 0, 0);
        }
        let leaks = if self.twice != 0 {
            self.twice
        } else if self.leaks.count_ones() >= 2 {
            self.leaks
        } else {
            0
        };
        let grows = leaks | self.grows;
        match &mut self.found {
            Some(found) => {
                found.strict |= leaks & self.strict != 0;
                if self.leaks != 0 || grows & bit(found.scale) != 0 {
                    found.grew = self.age;
                }
            }
            None if leaks != 0 => {
                let scale = leaks.trailing_zeros() as usize;
                self.found = self.judged(scale).map(|judged| Found {
                    scale,
                    from: judged.trend.from,
                    to: judged.trend.to,
                    limit,
                    age: self.age,
                    grew: self.age,
                    strict: leaks & self.strict != 0,
                });
            }
            None => {}
        }
        // Nothing grows, and what is told of that is of less than six minutes ago.
        if leaks | self.grows == 0 && self.found.is_none() && done < 1 << 2 && self.is_calm {
            return;
        }
        self.is_calm = leaks | self.grows == 0 && self.found.is_none();
        let scale = match (leaks, self.found, self.grows) {
            (0, Some(found), _) => Some(found.scale),
            (0, None, 0) => self.widest(),
            (0, None, scales) | (scales, _, _) => Some(scales.trailing_zeros() as usize),
        };
        self.told = scale.and_then(|scale| Some(self.tell(scale, &self.judged(scale)?)));
    }

    /// A part was given back, or it has stopped: for half as long as it was watched growing, it has not grown.
    fn has_ended(&self, found: &Found) -> bool {
        let now = self.tiers.0[2].low.last().unwrap_or(0) as f32;
        let watched = self.bucket(found.scale) * LEN as u64;
        now < found.to - GIVEN * (found.to - found.from)
            || self.age.saturating_sub(found.grew) > watched / 2
    }

    /// The scale of the longest window up to half a day that can be judged.
    fn widest(&self) -> Option<usize> {
        (0..=5).rev().find(|&scale| self.judged(scale).is_some())
    }

    fn tell(&self, scale: usize, judged: &Judged) -> Told {
        let bucket = self.bucket(scale) as f32;
        let trend = judged.trend;
        let half = trend.span / 2.0;
        let slope = trend.rise() / trend.span;
        let fast = slope
            .max((trend.to - trend.middle) / half)
            .max((trend.middle - trend.from) / half);
        let now = self.time.unwrap_or(0);
        let at = |buckets: f32| {
            now.saturating_add((f64::from(buckets) * f64::from(bucket)).min(1e12) as i64)
        };
        Told {
            scale,
            slope: slope * PAGE as f32 / bucket,
            window: (trend.span * bucket) as u32,
            forecast: judged
                .room
                .filter(|_| judged.grows && slope > 0.0)
                .map(|room| Forecast {
                    early: at(room / fast),
                    likely: at(room / slope),
                    late: trend.time(room).map(|time| at(time.max(room / slope))),
                }),
        }
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
                lately: tier.checked_sub(FINER).and_then(|finer| {
                    let moved = self.tiers.0[finer].low.moved()?;
                    Some((moved, (LEN - 1) as f32 / (1 << FINER) as f32))
                }),
                bucket: self.bucket(scale) as f32,
                is_mean: scale >= TIERS,
                worked: self.starts.worked(),
                tried: self.starts.tried,
                again: self.starts.again(),
            },
        )
    }

    /// Whether it can be what a detector has written: where it was read from, anything may stand.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let of_start = |head: u32, tier: usize| u64::from(head) <= self.age / Tiers::length(tier);
        let mut tiers = self.tiers.0.iter().enumerate();
        let mut means = self.day.means.iter().zip(NOTED);
        let masks = self.grows | self.leaks | self.twice | self.strict;
        masks < bit(SCALES)
            && self.near <= 2
            && self.stood.is_finite()
            && tiers.all(|(tier, of)| of_start(of.low.head(), tier))
            && means.all(|(mean, tier)| of_start(mean.head(), tier))
            && self.day.head() <= self.age / Tiers::length(PART)
            && self.found.is_none_or(|found| {
                found.scale < SCALES && found.from.is_finite() && found.to.is_finite()
            })
            && self
                .told
                .is_none_or(|told| told.scale < SCALES && told.slope.is_finite())
    }

    /// The scale that the verdict stands on.
    pub(super) fn scale(&self) -> Option<usize> {
        self.told.map(|told| told.scale)
    }

    /// It stays near the limit.
    pub(super) fn is_near(&self) -> bool {
        self.limit.is_some() && self.near >= 2
    }

    /// The limit is minutes away.
    pub(super) fn is_soon(&self) -> bool {
        self.limit.is_some() && self.is_soon
    }

    /// The least need of the last bucket that near the limit is asked of, in pages.
    pub(super) fn near_low(&self) -> Option<u32> {
        self.tiers.0[NEAR_SCALE].low.last()
    }

    pub(super) fn say(&self) -> Verdict {
        let finding = if self.found.is_some() {
            Finding::Leak
        } else if self.is_near() || self.is_soon() {
            Finding::NearLimit
        } else if self.grows != 0 {
            Finding::Growing
        } else if self.told.is_none() {
            Finding::Learning
        } else {
            Finding::Steady
        };
        Verdict {
            finding,
            is_cautious: self.found.is_some_and(|found| found.strict),
            slope: self.told.map(|told| f64::from(told.slope)),
            forecast: self.told.and_then(|told| told.forecast),
            window: self.told.map(|told| told.window),
        }
    }
}

/// A scale in a mask.
fn bit(scale: usize) -> u16 {
    1 << scale
}

fn set(mask: &mut u16, bit: u16, on: bool) {
    if on { *mask |= bit } else { *mask &= !bit }
}

fn pages(bytes: u64) -> u32 {
    u32::try_from(bytes / PAGE)
        .unwrap_or(NONE - 1)
        .min(NONE - 1)
}
