//! What earlier starts of the unit were like at the same age.

use serde::{Deserialize, Serialize};

use super::series::NONE;

/// How many ages are noted: 5 min · 2^k, up to 14 days.
const AGES: usize = 13;
/// The first, in seconds.
const FIRST: u64 = 300;

/// The level of a start at certain ages.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Start {
    #[serde(with = "super::compact")]
    levels: [u32; AGES],
}

impl Default for Start {
    fn default() -> Self {
        Self {
            levels: [NONE; AGES],
        }
    }
}

impl Start {
    /// How many are noted.
    fn n(&self) -> usize {
        self.levels
            .iter()
            .take_while(|level| **level != NONE)
            .count()
    }

    fn take(&mut self, age: u64, low: u32) {
        let n = self.n();
        for (k, level) in self.levels.iter_mut().enumerate().skip(n) {
            if age < FIRST << k {
                break;
            }
            *level = low;
        }
    }

    fn level(&self, age: usize) -> Option<f32> {
        let level = self.levels.get(age).filter(|level| **level != NONE);
        level.map(|level| *level as f32)
    }

    /// It rose to its end as fast as before: its last doubling of age brought at least 1.5 times what the one before
    /// did.
    fn rises(&self, k: usize) -> Option<f32> {
        let (a, b, c) = (
            self.level(k.checked_sub(2)?)?,
            self.level(k - 1)?,
            self.level(k)?,
        );
        let (one, two) = (b - a, c - b);
        (two > 0.05 * c && two >= 1.5 * one.max(0.0)).then_some(two)
    }
}

/// This start and the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Starts {
    now: Start,
    before: Start,
    /// Where an earlier one stopped, or from where it gave back; in pages.
    worked: u32,
    /// The one before was taken for a leak.
    pub tried: bool,
}

impl Starts {
    /// Takes up the least need of a bucket that ends at an age.
    pub fn take(&mut self, age: u64, low: u32) {
        self.now.take(age, low);
    }

    /// A new start begins. `worked` is the highest need from which the one before gave back, or at which it stood still,
    /// in pages; `leaked`: it was taken for a leak.
    pub fn begin(&mut self, worked: u32, leaked: bool) {
        if !leaked {
            self.worked = self.worked.max(worked);
        }
        self.tried = leaked;
        if self.now.n() >= 3 {
            self.before = self.now;
        }
        self.now = Start::default();
    }

    /// Where an earlier start stopped growing, in pages.
    pub fn worked(&self) -> Option<f32> {
        (self.worked > 0).then_some(self.worked as f32)
    }

    /// Both grew alike, and ever on.
    pub fn again(&self) -> bool {
        let Some(k) = self.now.n().min(self.before.n()).checked_sub(1) else {
            return false;
        };
        match (self.now.rises(k), self.before.rises(k)) {
            (Some(now), Some(before)) => now < 1.4 * before && before < 1.4 * now,
            _ => false,
        }
    }
}
