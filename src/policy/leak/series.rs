//! Sixteen figures at even distances, with the load of each, some of which may be missing, and the highest of those
//! that have left.

use serde::{Deserialize, Serialize};

use super::compact;

/// How many figures there are.
pub(super) const LEN: usize = 16;
/// A figure that is missing.
pub(super) const NONE: u32 = u32::MAX;

/// The last figures of a scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Series {
    /// The index of the last one.
    head: u32,
    /// Where they are, by their index.
    #[serde(with = "compact")]
    slots: [u32; LEN],
    /// The load of the same times.
    #[serde(with = "compact")]
    loads: [u32; LEN],
    /// The highest that have left: in this generation, and in the one before.
    past: [u32; 2],
}

impl Default for Series {
    fn default() -> Self {
        Self {
            head: 0,
            slots: [NONE; LEN],
            loads: [NONE; LEN],
            past: [0; 2],
        }
    }
}

impl Series {
    /// Appends the figure of an index, and load. An index that is not after the last is ignored.
    pub fn push(&mut self, index: u32, value: u32, load: u32) {
        if self.last().is_some() && index <= self.head {
            return;
        }
        let skipped = index.saturating_sub(self.head).min(LEN as u32);
        for back in (0..skipped).rev() {
            let slot = slot(index.saturating_sub(back));
            let left = std::mem::replace(&mut self.slots[slot], NONE);
            self.loads[slot] = NONE;
            if left != NONE {
                self.past[0] = self.past[0].max(left);
            }
        }
        self.head = index;
        self.slots[slot(index)] = value;
        self.loads[slot(index)] = load;
    }

    /// Forgets the highest of the generation before, and begins a new one.
    pub fn age(&mut self) {
        self.past = [0, self.past[0]];
    }

    /// The highest figure that has left.
    pub fn past(&self) -> u32 {
        self.past[0].max(self.past[1])
    }

    /// The highest figure, if a tenth of it was given back since.
    pub fn released(&self) -> u32 {
        let most = (0..LEN)
            .map(|back| self.back(back))
            .filter(|&v| v != NONE)
            .max();
        let most = most.unwrap_or(0).max(self.past());
        let last = self.last().unwrap_or(0);
        if last < most - most / 10 { most } else { 0 }
    }

    /// The distance of the highest and the least figure, if all are there.
    pub fn moved(&self) -> Option<f32> {
        let least = *self.slots.iter().min()?;
        let most = *self.slots.iter().max()?;
        (most != NONE).then(|| (most - least) as f32)
    }

    /// The index of the last figure.
    pub fn head(&self) -> u32 {
        self.head
    }

    /// The last figure.
    pub fn last(&self) -> Option<u32> {
        Some(self.slots[slot(self.head)]).filter(|&value| value != NONE)
    }

    /// The load of the time `back` places before the last.
    pub fn load(&self, back: usize) -> u32 {
        match self.head.checked_sub(back as u32) {
            Some(index) => self.loads[slot(index)],
            None => NONE,
        }
    }

    /// The figure `back` places before the last.
    #[inline]
    pub fn back(&self, back: usize) -> u32 {
        match self.head.checked_sub(back as u32) {
            Some(index) => self.slots[slot(index)],
            None => NONE,
        }
    }
}

#[inline]
fn slot(index: u32) -> usize {
    (index % LEN as u32) as usize
}
