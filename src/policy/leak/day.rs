//! The day before now: the mean of the low buckets of twenty-four hours, in which a daily cycle is not to be seen.

use serde::{Deserialize, Serialize};

use super::compact;
use super::ring::Tiers;
use super::series::{NONE, Series};

/// The scale whose buckets the day is made of: 24 minutes.
pub(super) const PART: usize = 4;
/// How many of them a day has.
const PARTS: usize = 60;
/// The scales at whose ends the mean is noted: each 6.4 and each 12.8 hours.
pub(super) const NOTED: [usize; 2] = [8, 9];

/// The parts of the day before now, and the means over it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Day {
    head: u64,
    #[serde(with = "compact")]
    low: [u32; PARTS],
    #[serde(with = "compact")]
    cpu: [u32; PARTS],
    /// The means that were noted at the ends of the scales in [`NOTED`].
    pub means: [Series; 2],
}

impl Default for Day {
    fn default() -> Self {
        Self {
            head: 0,
            low: [NONE; PARTS],
            cpu: [NONE; PARTS],
            means: [Series::default(), Series::default()],
        }
    }
}

impl Day {
    /// The index of the last part.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Takes up a part that is over.
    pub fn take(&mut self, elapsed: u64, low: u32, cpu: u32) {
        let index = elapsed / Tiers::length(PART);
        let skipped = index.saturating_sub(self.head).min(PARTS as u64);
        for back in 0..skipped {
            let slot = (index.saturating_sub(back) % PARTS as u64) as usize;
            self.low[slot] = NONE;
            self.cpu[slot] = NONE;
        }
        self.head = self.head.max(index);
        let slot = (index % PARTS as u64) as usize;
        self.low[slot] = low;
        self.cpu[slot] = cpu;
    }

    /// Notes the mean, if nearly all of the day is there.
    pub fn note(&mut self, which: usize, elapsed: u64) {
        let index = elapsed / Tiers::length(NOTED[which]);
        if let (Ok(index), Some(low)) = (u32::try_from(index), mean(&self.low)) {
            self.means[which].push(index, low, mean(&self.cpu).unwrap_or(NONE));
        }
    }
}

/// The mean, if nine tenths are there.
fn mean(parts: &[u32; PARTS]) -> Option<u32> {
    let (mut sum, mut n) = (0u64, 0u64);
    for &part in parts.iter().filter(|&&part| part != NONE) {
        sum += u64::from(part);
        n += 1;
    }
    (n * 10 >= PARTS as u64 * 9).then(|| (sum / n) as u32)
}
