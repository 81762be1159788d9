//! Need in buckets of time: what was least and most in each, at ten scales, in a fixed place.
//!
//! ```text
//! samples ─► 90 s ─► 3 min ─► 6 min ─► … ─► 12.8 h      sixteen buckets each: 24 minutes … 8.5 days
//! ```
//! A bucket that is over goes into its ring and into the bucket twice its length, so that a sample costs the same
//! whatever the age.

use serde::{Deserialize, Serialize};

use super::series::{NONE, Series};

/// How many scales there are.
pub(super) const TIERS: usize = 10;
/// How long a bucket of the first scale is, in seconds: more than a tick of a minute, so that none stays empty.
pub(super) const FIRST: u64 = 90;

/// One bucket. It is stored as its five figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "[u32; 5]", into = "[u32; 5]")]
pub(super) struct Bucket {
    /// Which one since the start.
    pub index: u32,
    /// The least need, in pages.
    pub low: u32,
    /// The most.
    pub high: u32,
    /// CPU time in microseconds a second, the mean of its readings; `NONE` where it is not told.
    pub cpu: u32,
    /// Of how many readings that is.
    pub told: u32,
}

impl From<[u32; 5]> for Bucket {
    fn from([index, low, high, cpu, told]: [u32; 5]) -> Self {
        Self {
            index,
            low,
            high,
            cpu,
            told,
        }
    }
}

impl From<Bucket> for [u32; 5] {
    fn from(bucket: Bucket) -> Self {
        let Bucket {
            index,
            low,
            high,
            cpu,
            told,
        } = bucket;
        [index, low, high, cpu, told]
    }
}

impl Bucket {
    fn join(&mut self, other: Self) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        let sum = u64::from(self.told) + u64::from(other.told);
        if sum > 0 {
            let weigh = |of: &Self| u64::from(of.cpu) * u64::from(of.told);
            let all = u128::from(weigh(self)) + u128::from(weigh(&other));
            // A mean of figures is no more than the greatest of them.
            self.cpu = (all / u128::from(sum)) as u32;
            self.told = u32::try_from(sum).unwrap_or(u32::MAX);
        }
    }
}

/// The buckets of one length.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Tier {
    /// The one that is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<Bucket>,
    /// The least need of those before, and CPU time.
    pub low: Series,
    /// The most need of the last four, the last first.
    pub high: [u32; 4],
}

impl Tier {
    /// Takes a part of a bucket in; what is over by that goes out.
    fn put(&mut self, part: Bucket) -> Option<Bucket> {
        match &mut self.open {
            Some(open) if open.index == part.index => {
                open.join(part);
                None
            }
            open => open.replace(part),
        }
    }

    /// The part that was the last of its bucket.
    fn end(&mut self) -> Option<Bucket> {
        self.open.take()
    }

    fn close(&mut self, bucket: Bucket) {
        self.low.push(bucket.index, bucket.low, bucket.cpu);
        let [a, b, c, _] = self.high;
        self.high = [bucket.high, a, b, c];
    }
}

/// All scales.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Tiers(pub [Tier; TIERS]);

impl Tiers {
    /// How long a bucket of a scale is, in seconds.
    pub fn length(tier: usize) -> u64 {
        FIRST << tier
    }

    /// Takes up what was read `elapsed` seconds after the start; says which scales a bucket was over at, a bit each.
    pub fn take(&mut self, elapsed: u64, pages: u32, cpu: u32) -> u16 {
        let mut done = 0;
        let now = Bucket {
            index: u32::try_from(elapsed / FIRST).unwrap_or(u32::MAX),
            low: pages,
            high: pages,
            cpu,
            told: u32::from(cpu != NONE),
        };
        let mut over = self.0[0].put(now);
        for tier in 0..TIERS {
            let Some(bucket) = over.take() else { break };
            self.0[tier].close(bucket);
            done |= 1 << tier;
            let Some(parent) = self.0.get_mut(tier + 1) else {
                break;
            };
            let part = Bucket {
                index: bucket.index / 2,
                ..bucket
            };
            // After a gap the one before may still be open; its end is told a child later then, which is no harm.
            over = parent.put(part);
            if over.is_none() && bucket.index % 2 == 1 {
                over = parent.end();
            }
        }
        done
    }
}
