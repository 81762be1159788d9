//! The day before now: the mean of the low buckets of twenty-four hours, in which a daily cycle is not to be seen.

use serde::{Deserialize, Serialize};

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
    low: Vec<u32>,
    cpu: Vec<u32>,
    /// The means that were noted at the ends of the scales in [`NOTED`].
    pub means: [Series; 2],
    /// The same of CPU time.
    pub loads: [Series; 2],
}

impl Default for Day {
    fn default() -> Self {
        Self {
            head: 0,
            low: vec![NONE; PARTS],
            cpu: vec![NONE; PARTS],
            means: [Series::default(), Series::default()],
            loads: [Series::default(), Series::default()],
        }
    }
}

impl Day {
    /// Takes up a part that is over.
    pub fn take(&mut self, elapsed: u64, low: u32, cpu: u32) {
        // A stored day of another length is no day.
        if self.low.len() != PARTS || self.cpu.len() != PARTS {
            *self = Self::default();
        }
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
        if let Some(mean) = mean(&self.low) {
            self.means[which].push(index, mean);
            self.loads[which].push(index, mean_of(&self.cpu).unwrap_or(NONE));
        }
    }
}

fn mean(parts: &[u32]) -> Option<u32> {
    mean_of(parts)
}

fn mean_of(parts: &[u32]) -> Option<u32> {
    let (mut sum, mut n) = (0u64, 0u64);
    for &part in parts.iter().filter(|&&part| part != NONE) {
        sum += u64::from(part);
        n += 1;
    }
    (n as usize * 10 >= PARTS * 9).then(|| (sum / n) as u32)
}
