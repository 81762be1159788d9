//! One unit's detector, and what each reading is to it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::leak::{Detector, Finding, Point, Reason, Verdict};
use super::memory::Started;
use crate::kernel::meminfo::MemInfo;
use crate::sample::{Ceiling, Sample, Start};

/// What a unit without a limit leaves to the others, as a part of RAM. Chosen, not measured.
const RESERVE: u64 = 20;

/// What a unit without a limit leaves to the others of a machine's memory, in bytes.
#[must_use]
pub fn reserve(ram: u64) -> u64 {
    ram / RESERVE
}

/// A growth that has paused for less than this is the one that was told.
const PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// A unit's detector, over all its starts. It may be lost: it learns anew.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trend {
    detector: Detector,
    /// The start of the last reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Started>,
    /// How many starts there were before that.
    starts: u64,
    /// When it was read last.
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<Timestamp>,
    /// When it was last found to grow in this start.
    #[serde(skip_serializing_if = "Option::is_none")]
    grew: Option<Timestamp>,
}

impl Trend {
    /// Takes up a reading; answers what is found by all of them. `limit`: [`limit`].
    pub fn take(&mut self, sample: &Sample, limit: Option<u64>, now: Timestamp) -> Verdict {
        self.begin(sample.start, now);
        self.read = Some(now);
        let need = sample.memory.need();
        if let Some(held) = need.or(sample.memory.current) {
            let is_told = sample.start != Start::default();
            self.detector.take(&Point {
                time: now.as_second(),
                need: held,
                is_need: need.is_some(),
                limit,
                cpu_usec: sample.cpu.usage_usec,
                start: is_told.then_some(self.starts),
            });
        }
        self.detector.verdict()
    }

    /// What is found by the readings so far.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.detector.verdict()
    }

    /// What that stands on.
    #[must_use]
    pub fn reasons(&self) -> Vec<Reason> {
        self.detector.reasons()
    }

    /// When the unit was read last.
    #[must_use]
    pub fn read(&self) -> Option<Timestamp> {
        self.read
    }

    /// Whether it can be what was written: where it was read from, anything may stand.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.detector.is_sound()
    }

    /// Whether the last reading was of this start.
    #[must_use]
    pub fn is_of(&self, start: Start) -> bool {
        let known = self.start.as_ref();
        known.is_some_and(|known| known.clone().is(start))
    }

    /// Whether it is to be told that the unit grows: once a start and growth. `told`: a rule tells it.
    pub fn is_news(&mut self, finding: Finding, told: bool, now: Timestamp) -> bool {
        if finding == Finding::NearLimit {
            // What grew up to here has not paused.
            self.grew = self.grew.map(|_| now);
        }
        if !matches!(finding, Finding::Growing | Finding::Leak) {
            return false;
        }
        // A clock that was set back makes no growth a new one.
        let is_known = |grew: Timestamp| now.duration_since(grew) < PAUSE;
        let is_news = !self.grew.is_some_and(is_known);
        self.grew = Some(now);
        is_news && !told
    }

    fn begin(&mut self, start: Start, now: Timestamp) {
        if self.start.as_mut().is_some_and(|known| known.is(start)) {
            return;
        }
        if self.start.is_some() {
            self.starts = self.starts.wrapping_add(1);
            self.grew = None;
        }
        self.start = Some(Started::new(start, now));
    }
}

/// What a unit must stay under, in bytes: its ceiling; where nothing limits it, what it holds and what the machine has
/// left for it.
#[must_use]
pub fn limit(sample: &Sample, ceiling: Option<&Ceiling>, host: Option<&MemInfo>) -> Option<u64> {
    if let Some(ceiling) = ceiling {
        return Some(ceiling.bytes);
    }
    let host = host?;
    let held = sample.memory.need().or(sample.memory.current)?;
    let left = host.available?.saturating_sub(reserve(host.total));
    Some(held.saturating_add(left))
}
