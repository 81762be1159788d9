//! Telling a leak from everything that looks like one: readings in, a verdict with its reasons out. No clock, no file;
//! the time comes with the reading, and nothing is allocated once a detector is made.

mod compact;
mod day;
mod judge;
mod reasons;
mod ring;
mod series;
mod starts;
mod take;
mod window;

use serde::{Deserialize, Serialize};

pub use take::Detector;

/// What the detector looks at of one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Seconds since 1970.
    pub time: i64,
    /// The unit's need in bytes, swap included; where the kernel's statistics are not known, `memory.current`.
    pub need: u64,
    /// It is need, and no `memory.current`: page cache is not in it.
    pub is_need: bool,
    /// What it must stay under, in bytes: the unit's ceiling; where nothing limits it, what the machine has left.
    pub limit: Option<u64>,
    /// `usage_usec` of `cpu.stat`, which counts up from the unit's start.
    pub cpu_usec: Option<u64>,
    /// A number that is another one with each start of the unit; `None` where nobody tells.
    pub start: Option<u64>,
}

/// What the detector finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// Too little was seen of this start.
    Learning,
    /// Nothing grows that would matter.
    Steady,
    /// It grows, and may be a leak: told, and no leak to rules.
    Growing,
    /// It grows for good, and reaches the limit.
    Leak,
    /// Almost nothing is left below the limit, however it came to that.
    NearLimit,
}

/// What the detector says of a unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// What it finds.
    pub finding: Finding,
    /// It is a leak by the stricter measure, too (`leak = "cautious"`).
    pub is_cautious: bool,
    /// How fast need grows, in bytes a second, over the window; unknown while learning.
    pub slope: Option<f64>,
    /// When it reaches the limit, if it goes on like that.
    pub forecast: Option<Forecast>,
    /// How long the time is that the verdict stands on, in seconds.
    pub window: Option<u32>,
}

/// When a unit reaches its limit, if it goes on like that; seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// At the earliest.
    pub early: i64,
    /// Most likely.
    pub likely: i64,
    /// At the latest; `None`: it may never.
    pub late: Option<i64>,
}

/// One thing that a verdict stands on: `rise 120M over 8M`.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// What is looked at, in a word or two: `rise`, `time to the limit`.
    pub name: &'static str,
    /// What was found, in words.
    pub figure: String,
    /// What it is held against, in words.
    pub threshold: String,
    /// Whether it speaks for a leak; `None` if that cannot be told yet.
    pub holds: Option<bool>,
}

impl Detector {
    /// Takes up a reading. Gaps, irregular times and a clock that is set do no harm.
    pub fn take(&mut self, point: &Point) {
        self.step(point);
    }

    /// What is found by the readings so far.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.say()
    }

    /// Every gate with its figure and threshold, in the order in which they are asked.
    #[must_use]
    pub fn reasons(&self) -> Vec<Reason> {
        reasons::reasons(self)
    }
}

#[cfg(test)]
mod tests;
