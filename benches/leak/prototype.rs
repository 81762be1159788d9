//! The prototype that memctl's detector had to beat: ten gates over eight tiers of buckets, and a net near the limit.

use std::collections::VecDeque;

use memctl::policy::leak::Point;

use crate::baselines::{Starts, z};
use crate::judges::{Alarm, Judge};

const BUCKETS: usize = 24;
/// Fewer buckets say nothing.
const LEAST: usize = 12;
const QUARTER: i64 = 900;
const HOUR: i64 = 3600;
const MIB: f64 = 1_048_576.0;

pub struct Prototype {
    /// The time to the limit may be so many times the window.
    ahead: f64,
    starts: Starts,
    last: Option<i64>,
    /// Seconds of this start that were seen, gaps included.
    elapsed: i64,
    tiers: Vec<Tier>,
    /// The maxima of quarters of an hour, 27 hours of them, and which quarter each is.
    quarters: VecDeque<(i64, f64)>,
    /// The least of this quarter, and how many in a row were near the limit.
    lowest: f64,
    near: u32,
}

/// Minima and maxima of buckets of one width.
struct Tier {
    width: i64,
    index: i64,
    least: f64,
    most: f64,
    minima: VecDeque<f64>,
    maxima: VecDeque<f64>,
    /// The most of what is no longer in the window.
    before: f64,
    closes: u32,
}

impl Tier {
    fn new(width: i64) -> Self {
        Self {
            width,
            index: 0,
            least: f64::MAX,
            most: 0.0,
            minima: VecDeque::with_capacity(BUCKETS),
            maxima: VecDeque::with_capacity(BUCKETS),
            before: 0.0,
            closes: 0,
        }
    }

    /// Whether a bucket was closed by this sample.
    fn take(&mut self, elapsed: i64, need: f64) -> bool {
        let index = elapsed / self.width;
        let closed = index != self.index && self.most > 0.0;
        if closed {
            if self.minima.len() == BUCKETS {
                self.minima.pop_front();
                let most = self.maxima.pop_front().unwrap_or(0.0);
                self.before = self.before.max(most);
            }
            self.minima.push_back(self.least);
            self.maxima.push_back(self.most);
            (self.least, self.most) = (f64::MAX, 0.0);
        }
        self.index = index;
        self.least = self.least.min(need);
        self.most = self.most.max(need);
        closed
    }
}

impl Prototype {
    pub fn new(ahead: f64) -> Self {
        Self {
            ahead,
            starts: Starts::default(),
            last: None,
            elapsed: 0,
            tiers: (0..8).map(|nth| Tier::new(300 << nth)).collect(),
            quarters: VecDeque::with_capacity(108),
            lowest: f64::MAX,
            near: 0,
        }
    }

    /// Notes the maxima of quarters; the quarter's minimum if one was closed.
    fn quarter(&mut self, need: f64) -> Option<f64> {
        let quarter = self.elapsed / QUARTER;
        let mut closed = None;
        match self.quarters.back_mut() {
            Some((now, most)) if *now == quarter => *most = most.max(need),
            _ => {
                if !self.quarters.is_empty() {
                    closed = Some(std::mem::replace(&mut self.lowest, f64::MAX));
                }
                if self.quarters.len() == 108 {
                    self.quarters.pop_front();
                }
                self.quarters.push_back((quarter, need));
            }
        }
        self.lowest = self.lowest.min(need);
        closed
    }

    /// The most that was needed yesterday at this hour, three hours before and after included.
    fn yesterday(&self) -> Option<f64> {
        let from = (self.elapsed - 27 * HOUR) / QUARTER;
        let to = (self.elapsed - 21 * HOUR) / QUARTER;
        let then = self.quarters.iter();
        let then = then.filter(|(quarter, _)| (from..=to).contains(quarter));
        then.map(|(_, most)| *most).reduce(f64::max)
    }

    fn speaks(&self, tier: &Tier, limit: f64) -> bool {
        let minima: Vec<f64> = tier.minima.iter().copied().collect();
        let count = minima.len();
        if count < LEAST {
            return false;
        }
        let last = minima[count - 1];
        let rise = median(&minima[count - 4..]) - median(&minima[..4]);
        if last < 0.5 * limit || last <= minima[0] || rise < (0.04 * last).max(8.0 * MIB) {
            return false;
        }
        if z(score(&minima), count as f64) < 3.3 {
            return false;
        }
        let sen = sen(&minima);
        let ahead = (limit - last) / sen.max(f64::MIN_POSITIVE);
        if ahead > self.ahead * count as f64 {
            return false;
        }
        if !climbs(&minima) || !keeps_on(&minima, sen) {
            return false;
        }
        let floor = minima[count - 2].min(last);
        let released = releases(tier, rise) >= 3;
        if !released && floor < 0.97 * tier.before {
            return false;
        }
        let window = count as i64 * tier.width;
        if window >= 48 * HOUR {
            return true;
        }
        match self.yesterday() {
            Some(most) => floor >= most,
            None => ahead * tier.width as f64 <= (12 * HOUR) as f64,
        }
    }
}

impl Judge for Prototype {
    fn take(&mut self, point: &Point) -> Option<Alarm> {
        if self.starts.is_new(point) {
            self.restarted();
        }
        let limit = point.limit? as f64;
        let need = point.need as f64;
        let passed = self.last.map_or(0, |last| (point.time - last).max(0));
        self.last = Some(point.time);
        self.elapsed += passed;
        if let Some(lowest) = self.quarter(need) {
            self.near = if lowest >= 0.92 * limit {
                self.near + 1
            } else {
                0
            };
        }
        let mut leak = false;
        for nth in 0..self.tiers.len() {
            if self.tiers[nth].take(self.elapsed, need) {
                let speaks = self.speaks(&self.tiers[nth], limit);
                let tier = &mut self.tiers[nth];
                tier.closes = if speaks { tier.closes + 1 } else { 0 };
                leak |= tier.closes >= 2;
            }
        }
        if leak {
            return Some(Alarm::Leak);
        }
        (self.near >= 2).then_some(Alarm::NearLimit)
    }

    fn restarted(&mut self) {
        let starts = std::mem::take(&mut self.starts);
        *self = Self {
            starts,
            ..Self::new(self.ahead)
        };
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[half]
    } else {
        (sorted[half - 1] + sorted[half]) / 2.0
    }
}

/// Mann–Kendall's score.
fn score(values: &[f64]) -> i64 {
    pairs(values)
        .map(|(_, rise)| i64::from(rise > 0.0) - i64::from(rise < 0.0))
        .sum()
}

/// Sen's slope: the median of the slopes between any two.
fn sen(values: &[f64]) -> f64 {
    let slopes: Vec<f64> = pairs(values).map(|(apart, rise)| rise / apart).collect();
    median(&slopes)
}

fn pairs(values: &[f64]) -> impl Iterator<Item = (f64, f64)> + '_ {
    (0..values.len())
        .flat_map(move |b| (0..b).map(move |a| ((b - a) as f64, values[b] - values[a])))
}

/// The least of what follows rises in half of the steps, and no step carries more than 35 % of the rise.
fn climbs(minima: &[f64]) -> bool {
    let mut floor = minima.to_vec();
    for at in (0..floor.len() - 1).rev() {
        floor[at] = floor[at].min(floor[at + 1]);
    }
    let whole = floor[floor.len() - 1] - floor[0];
    let steps: Vec<f64> = floor.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let rising = steps.iter().filter(|step| **step > 0.0).count();
    let greatest = steps.iter().copied().fold(0.0, f64::max);
    2 * rising >= steps.len() && greatest <= 0.35 * whole
}

/// The last third is about as steep as the others and as the whole.
fn keeps_on(minima: &[f64], whole: f64) -> bool {
    let third = minima.len() / 3;
    let first = sen(&minima[..third]);
    let second = sen(&minima[third..2 * third]);
    let last = sen(&minima[2 * third..]);
    last >= 0.7 * first.max(second) && last >= 0.7 * whole
}

/// How often much of the rise was given back.
fn releases(tier: &Tier, rise: f64) -> usize {
    let drops = tier.maxima.iter().zip(tier.minima.iter().skip(1));
    drops
        .filter(|(most, least)| *most - *least > 0.35 * rise)
        .count()
}
