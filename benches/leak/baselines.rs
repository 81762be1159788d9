//! What one can use today. All get the very samples that memctl gets: need, where the source tells it, which is more
//! than most of them have.

use std::collections::VecDeque;

use memctl::policy::leak::Point;

use crate::judges::{Alarm, Judge};

/// A part of the limit.
pub struct Threshold(f64);

impl Threshold {
    pub fn new(part: f64) -> Self {
        Self(part)
    }
}

impl Judge for Threshold {
    fn take(&mut self, point: &Point) -> Option<Alarm> {
        let limit = point.limit? as f64;
        (point.need as f64 >= self.0 * limit).then_some(Alarm::NearLimit)
    }
}

/// `predict_linear(need[window], ahead) > limit` of Prometheus, at each sample, with `for: held`. As there, two samples
/// are enough, and the series goes on across restarts.
pub struct Predict {
    window: i64,
    ahead: i64,
    held: i64,
    samples: VecDeque<(i64, f64)>,
    sums: Sums,
    since: Option<i64>,
}

impl Predict {
    pub fn new(window: i64, ahead: i64, held: i64) -> Self {
        Self {
            window,
            ahead,
            held,
            samples: VecDeque::new(),
            sums: Sums::default(),
            since: None,
        }
    }
}

impl Judge for Predict {
    fn take(&mut self, point: &Point) -> Option<Alarm> {
        let limit = point.limit? as f64;
        // Prometheus takes no samples out of order.
        if self.samples.back().is_some_and(|last| point.time <= last.0) {
            return None;
        }
        if self.samples.is_empty() {
            self.sums = Sums::around(point.time);
        }
        self.samples.push_back((point.time, point.need as f64));
        self.sums.add(point.time, point.need as f64, 1.0);
        while let Some((time, need)) = self.samples.front()
            && *time <= point.time - self.window
        {
            self.sums.add(*time, *need, -1.0);
            self.samples.pop_front();
        }
        let exceeds = self
            .sums
            .line()
            .is_some_and(|line| line.at(point.time + self.ahead) > limit);
        if !exceeds {
            self.since = None;
            return None;
        }
        let since = *self.since.get_or_insert(point.time);
        (point.time - since >= self.held).then_some(Alarm::Leak)
    }
}

/// What least squares need.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    zero: i64,
    n: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

/// A line, and how much of the variance it explains.
#[derive(Debug, Clone, Copy)]
struct Line {
    zero: i64,
    slope: f64,
    intercept: f64,
    explained: f64,
}

impl Sums {
    fn around(zero: i64) -> Self {
        Self {
            zero,
            ..Self::default()
        }
    }

    fn add(&mut self, time: i64, y: f64, weight: f64) {
        let x = (time - self.zero) as f64;
        self.n += weight;
        self.x += weight * x;
        self.y += weight * y;
        self.xx += weight * x * x;
        self.xy += weight * x * y;
        self.yy += weight * y * y;
    }

    fn line(&self) -> Option<Line> {
        let spread = self.xx - self.x * self.x / self.n;
        if self.n < 1.5 || spread <= 0.0 {
            return None;
        }
        let both = self.xy - self.x * self.y / self.n;
        let height = self.yy - self.y * self.y / self.n;
        let slope = both / spread;
        Some(Line {
            zero: self.zero,
            slope,
            intercept: (self.y - slope * self.x) / self.n,
            explained: if height > 0.0 {
                both * both / (spread * height)
            } else {
                0.0
            },
        })
    }
}

impl Line {
    fn at(&self, time: i64) -> f64 {
        self.intercept + self.slope * (time - self.zero) as f64
    }
}

/// Follows the starts of a unit.
#[derive(Debug, Default)]
pub struct Starts(Option<u64>);

impl Starts {
    /// Whether the point is of another start than the one before it.
    pub fn is_new(&mut self, point: &Point) -> bool {
        let is_new = self.0.is_some() && self.0 != point.start;
        self.0 = point.start;
        is_new
    }
}

/// The mean of each so many seconds.
#[derive(Debug, Default)]
struct Means {
    bucket: Option<i64>,
    sum: f64,
    count: f64,
}

impl Means {
    /// The bucket before this sample, if it is the first of another: when it began, and the mean.
    fn take(&mut self, width: i64, point: &Point) -> Option<(i64, f64)> {
        let bucket = point.time.div_euclid(width);
        let mut closed = None;
        if self.bucket.is_some_and(|before| bucket > before) {
            closed = Some((self.bucket? * width, self.sum / self.count));
            (self.sum, self.count) = (0.0, 0.0);
        }
        self.bucket = self.bucket.max(Some(bucket));
        self.sum += point.need as f64;
        self.count += 1.0;
        closed
    }
}

/// Mann–Kendall over the means of 5 minutes of 24 hours: an upward trend, p below 0.001.
#[derive(Default)]
pub struct MannKendall {
    starts: Starts,
    means: Means,
    window: VecDeque<f64>,
    score: i64,
}

impl Judge for MannKendall {
    fn take(&mut self, point: &Point) -> Option<Alarm> {
        if self.starts.is_new(point) {
            self.restarted();
        }
        let (_, mean) = self.means.take(300, point)?;
        self.score += self
            .window
            .iter()
            .map(|before| sign(*before, mean))
            .sum::<i64>();
        self.window.push_back(mean);
        if self.window.len() > 288 {
            let oldest = self.window.pop_front()?;
            self.score -= self
                .window
                .iter()
                .map(|after| sign(oldest, *after))
                .sum::<i64>();
        }
        (self.window.len() == 288 && z(self.score, 288.0) > 3.09).then_some(Alarm::Leak)
    }

    fn restarted(&mut self) {
        *self = Self {
            starts: std::mem::take(&mut self.starts),
            ..Self::default()
        };
    }
}

fn sign(before: f64, after: f64) -> i64 {
    i64::from(after > before) - i64::from(after < before)
}

/// Mann–Kendall's score in standard deviations.
pub fn z(score: i64, n: f64) -> f64 {
    let deviation = (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    (score - score.signum()) as f64 / deviation
}

/// Backward regression after Jindal et al. (2021): a line through the last hours, 4 at least and as many as there are,
/// that explains three quarters of the variance and reaches the limit within a day (of 1, 3 and 7 the
/// best on the tuning half). Means of 15 minutes.
#[derive(Default)]
pub struct Backward {
    starts: Starts,
    means: Means,
    series: Vec<(i64, f64)>,
}

impl Backward {
    const AHEAD: i64 = 86400;
    const LEAST: f64 = 16.0;
    const EXPLAINED: f64 = 0.75;
}

impl Judge for Backward {
    fn take(&mut self, point: &Point) -> Option<Alarm> {
        if self.starts.is_new(point) {
            self.restarted();
        }
        let limit = point.limit? as f64;
        let mean = self.means.take(900, point)?;
        self.series.push(mean);
        let mut sums = Sums::around(mean.0);
        for (time, need) in self.series.iter().rev() {
            sums.add(*time, *need, 1.0);
            if sums.n >= Self::LEAST
                && let Some(line) = sums.line()
                && line.explained >= Self::EXPLAINED
                && line.slope > 0.0
                && line.at(mean.0 + Self::AHEAD) > limit
            {
                return Some(Alarm::Leak);
            }
        }
        None
    }

    fn restarted(&mut self) {
        self.means = Means::default();
        self.series.clear();
    }
}

/// So many new maxima, each a step above the one before, as the Ruby gem memory-leak counts them: 20 of 10 MiB.
pub struct Ratchet {
    step: fn(f64) -> f64,
    starts: Starts,
    most: Option<f64>,
    count: u32,
}

impl Ratchet {
    pub fn new(step: fn(f64) -> f64) -> Self {
        Self {
            step,
            starts: Starts::default(),
            most: None,
            count: 0,
        }
    }
}

impl Judge for Ratchet {
    fn take(&mut self, point: &Point) -> Option<Alarm> {
        if self.starts.is_new(point) {
            self.restarted();
        }
        let need = point.need as f64;
        let most = *self.most.get_or_insert(need);
        if need - most > (self.step)(point.limit? as f64) {
            self.most = Some(need);
            self.count += 1;
        }
        (self.count >= 20).then_some(Alarm::Leak)
    }

    fn restarted(&mut self) {
        self.most = None;
        self.count = 0;
    }
}
