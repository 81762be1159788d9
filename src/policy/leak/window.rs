//! What the figures of a window say of its trend: robust, by medians of three, and cheap.

use super::series::{LEN, NONE, Series};

/// The figures of one scale that there are, oldest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// How many.
    pub n: usize,
    /// When, in buckets after the first.
    at: [f32; LEN],
    /// How much, in pages.
    pub level: [f32; LEN],
    /// Which place in the series each has, from its end.
    back: [u8; LEN],
}

/// What a trend is made of. Levels are in pages, times in buckets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Trend {
    /// Where it begins.
    pub from: f32,
    /// In the middle.
    pub middle: f32,
    /// Where it ends.
    pub to: f32,
    /// From the first to the last.
    pub span: f32,
}

impl Window {
    /// The figures of a series.
    pub fn of(series: &Series) -> Self {
        let mut window = Self {
            n: 0,
            at: [0.0; LEN],
            level: [0.0; LEN],
            back: [0; LEN],
        };
        for back in (0..LEN).rev() {
            let value = series.back(back);
            if value != NONE {
                window.at[window.n] = (LEN - 1 - back) as f32;
                window.level[window.n] = value as f32;
                window.back[window.n] = back as u8;
                window.n += 1;
            }
        }
        window
    }

    /// The figures themselves.
    pub fn levels(&self) -> &[f32] {
        &self.level[..self.n]
    }

    /// The trend from the first three to the last three.
    pub fn trend(&self) -> Trend {
        let n = self.n;
        let m = n / 2;
        Trend {
            from: median(self.level[0], self.level[1], self.level[2]),
            middle: if n % 2 == 1 {
                median(self.level[m - 1], self.level[m], self.level[m + 1])
            } else {
                // Of four around the middle, the mean of the inner two.
                let mut four = [
                    self.level[m - 2],
                    self.level[m - 1],
                    self.level[m],
                    self.level[m + 1],
                ];
                four.sort_unstable_by(f32::total_cmp);
                f32::midpoint(four[1], four[2])
            },
            to: median(self.level[n - 3], self.level[n - 2], self.level[n - 1]),
            span: self.at[n - 2] - self.at[1],
        }
    }

    /// The first and the last figure, but none further off the trend than it goes in one step.
    pub fn ends(&self, trend: &Trend) -> (f32, f32) {
        let step = trend.rise() / trend.span;
        let first = self.level[0].clamp(trend.from - step, trend.from);
        let last = self.level[self.n - 1].clamp(trend.to, trend.to + step);
        (first, last)
    }

    /// How many of the pairs rise, less those that fall, of all: Kendall's tau, 1 when every figure is above the last.
    pub fn tau(&self) -> f32 {
        let levels = self.levels();
        let mut sum = 0i32;
        for (i, a) in levels.iter().enumerate() {
            for b in &levels[i + 1..] {
                sum += i32::from(b > a) - i32::from(b < a);
            }
        }
        sum as f32 / ((self.n * (self.n - 1) / 2).max(1) as f32)
    }

    /// The highest figure from which at least `drop` was given back later.
    pub fn released(&self, drop: f32) -> f32 {
        let mut least = f32::INFINITY;
        let mut highest = 0.0f32;
        for &level in self.levels().iter().rev() {
            if level - least > drop {
                highest = highest.max(level);
            }
            least = least.min(level);
        }
        highest
    }

    /// In how many even steps the lower envelope would have risen alike: one jump is 1, a straight line all of them.
    pub fn steps(&self) -> f32 {
        let (mut sum, mut squares, mut least) = (0.0f32, 0.0f32, f32::INFINITY);
        for &level in self.levels().iter().rev() {
            if least.is_finite() && level < least {
                let step = least - level;
                sum += step;
                squares += step * step;
            }
            least = least.min(level);
        }
        if squares > 0.0 {
            sum * sum / squares
        } else {
            0.0
        }
    }

    /// What part of the rise is left when the load's part is taken out: 1 when load has nothing to do with it.
    /// `None` where load is not told for most of the window.
    pub fn load(&self, series: &Series) -> Option<Load> {
        let (mut n, mut t, mut c, mut y) = (0.0f64, 0.0, 0.0, 0.0);
        let mut rows = [(0.0f64, 0.0f64, 0.0f64); LEN];
        let mut count = 0;
        for i in 0..self.n {
            let load = series.load(usize::from(self.back[i]));
            if load == NONE {
                continue;
            }
            let row = (
                f64::from(self.at[i]),
                f64::from(load),
                f64::from(self.level[i]),
            );
            rows[count] = row;
            count += 1;
            n += 1.0;
            t += row.0;
            c += row.1;
            y += row.2;
        }
        if count < 5 || count * 4 < self.n * 3 {
            return None;
        }
        let (t, c, y) = (t / n, c / n, y / n);
        let (mut tt, mut tc, mut cc, mut ty, mut cy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for &(a, b, d) in &rows[..count] {
            let (a, b, d) = (a - t, b - c, d - y);
            tt += a * a;
            tc += a * b;
            cc += b * b;
            ty += a * d;
            cy += b * d;
        }
        if tt <= 0.0 || ty <= 0.0 {
            return None;
        }
        let load = |beside: f64| {
            let ends = count / 3;
            let mean = |rows: &[(f64, f64, f64)]| {
                rows.iter().map(|row| row.1).sum::<f64>() / rows.len() as f64
            };
            let (from, to) = (mean(&rows[..ends]), mean(&rows[count - ends..count]));
            Some(Load {
                beside: beside as f32,
                rise: ((to - from) / from.max(1.0)) as f32,
            })
        };
        // A load that hardly moves explains nothing: its coefficient would be noise over noise.
        let moves = (cc / n).sqrt() / c.max(1.0);
        if moves < 0.02 || cy <= 0.0 {
            return load(1.0);
        }
        let alone = ty / tt;
        // Ridge: a load that is a straight line itself shares the rise with time.
        let det = tt * cc * 1.02 - tc * tc;
        let slope = (ty * cc * 1.01 - tc * cy) / det.max(f64::MIN_POSITIVE);
        load((slope / alone).clamp(0.0, 1.0))
    }

    /// From which figure on it is above a level for good.
    pub fn begun(&self, level: f32) -> usize {
        self.levels()
            .iter()
            .rposition(|&low| low <= level)
            .unwrap_or(0)
    }

    /// The same without the first `n`.
    pub fn cut(&self, n: usize) -> Self {
        let n = n.min(self.n);
        let mut window = *self;
        window.n = self.n - n;
        window.at.copy_within(n..self.n, 0);
        window.level.copy_within(n..self.n, 0);
        window.back.copy_within(n..self.n, 0);
        window
    }

    /// The least figure.
    pub fn least(&self) -> f32 {
        self.levels().iter().copied().fold(f32::INFINITY, f32::min)
    }
}

/// What load has to do with a rise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// The part of the rise that is left when load's part is taken out.
    pub beside: f32,
    /// How much load itself rose, as a part of what it was.
    pub rise: f32,
}

fn median(a: f32, b: f32, c: f32) -> f32 {
    a.min(b).max(a.max(b).min(c))
}

impl Trend {
    /// How much it rises.
    pub fn rise(&self) -> f32 {
        self.to - self.from
    }

    /// The rise of the second half over the first's: 1 for a straight line, less when it slows down.
    pub fn ratio(&self) -> f32 {
        let (one, two) = (self.middle - self.from, self.to - self.middle);
        if one <= 0.0 { f32::INFINITY } else { two / one }
    }

    /// How far it still rises if it goes on slowing down as it has; infinite where it does not slow down.
    pub fn left(&self) -> f32 {
        let ratio = self.ratio();
        let two = self.to - self.middle;
        if ratio >= 1.0 {
            f32::INFINITY
        } else if two <= 0.0 {
            0.0
        } else {
            two * ratio / (1.0 - ratio)
        }
    }

    /// How many buckets it takes to rise by `room`, if it goes on slowing down as it has; `None` if it never does.
    pub fn time(&self, room: f32) -> Option<f32> {
        let half = self.span / 2.0;
        let ratio = self.ratio();
        if ratio >= 1.0 {
            let slope = self.rise() / self.span;
            return (slope > 0.0).then(|| room / slope);
        }
        let left = self.left();
        if left <= room || ratio <= 0.0 {
            return None;
        }
        Some(half * (1.0 - room / left).ln() / ratio.ln())
    }
}
