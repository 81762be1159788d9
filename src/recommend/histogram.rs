//! A histogram whose weights fade: what was seen a day ago counts half of what is seen now.

/// VPA's: the first bucket ends at 10 MB, each is 5 % wider than the one before, the last begins at 1 TB.
const FIRST: f64 = 1e7;
const GROWTH: f64 = 1.05;
const LAST: f64 = 1e12;

/// Sizes with weights that halve with age.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    half_life: f64,
    buckets: Vec<f64>,
}

impl Histogram {
    /// An empty one; `half_life` in seconds.
    #[must_use]
    pub fn new(half_life: f64) -> Self {
        Self {
            half_life,
            buckets: vec![0.0; bucket(LAST) + 1],
        }
    }

    /// Adds a size that was seen so many seconds ago.
    pub fn add(&mut self, bytes: u64, age: f64) {
        let last = self.buckets.len() - 1;
        self.buckets[bucket(bytes as f64).min(last)] += (-age / self.half_life).exp2();
    }

    /// The size that a share (0–1) of the weight is not above: the upper end of its bucket, which is 10 MB and
    /// 5 % too much at most; 0 if there is nothing.
    #[must_use]
    pub fn percentile(&self, share: f64) -> u64 {
        let threshold = share * self.buckets.iter().sum::<f64>();
        let mut sum = 0.0;
        let mut found = None;
        for (at, weight) in self.buckets.iter().enumerate().filter(|(_, w)| **w > 0.0) {
            sum += weight;
            found = Some(at);
            if sum >= threshold {
                break;
            }
        }
        found.map_or(0, |at| start(at + 1).ceil() as u64)
    }
}

/// Where a bucket begins: 0, 1, 2.05, 3.15… times the first one's width.
fn start(bucket: usize) -> f64 {
    FIRST * (GROWTH.powf(bucket as f64) - 1.0) / (GROWTH - 1.0)
}

/// The bucket that a size is in.
fn bucket(bytes: f64) -> usize {
    (bytes * (GROWTH - 1.0) / FIRST + 1.0).log(GROWTH) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const M: u64 = 1 << 20;

    fn of(peaks: &[(u64, f64)]) -> Histogram {
        let mut histogram = Histogram::new(86400.0);
        for (bytes, days) in peaks {
            histogram.add(*bytes, days * 86400.0);
        }
        histogram
    }

    #[test]
    fn a_percentile_is_the_end_of_its_bucket() {
        assert_eq!(of(&[]).percentile(0.9), 0);
        for bytes in [1, 9_999_999, 10_000_001, 300 * M, 40_000 * M] {
            let found = of(&[(bytes, 0.0)]).percentile(0.5);
            assert!(found >= bytes, "{found} is less than {bytes}");
            let most = bytes as f64 * GROWTH + FIRST;
            assert!(found as f64 <= most + 1.0, "{found} is far above {bytes}");
        }
        assert!(of(&[(u64::MAX, 0.0)]).percentile(0.5) >= 1_000_000_000_000);
    }

    #[test]
    fn a_peak_fades_by_half_a_day() {
        // A day ago 800M: a third of the weight. Ten days ago: a thousandth.
        let recent = of(&[(800 * M, 1.0), (100 * M, 0.0)]);
        assert!(recent.percentile(0.6) < 130 * M);
        assert!(recent.percentile(0.7) > 790 * M);
        let old = of(&[(800 * M, 10.0), (100 * M, 0.0)]);
        assert!(old.percentile(0.99) < 130 * M);
    }
}
