//! What a rule remembers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Latch;
use super::baseline::Baseline;
use super::event::Count;
use super::lasting::Lasting;
use super::pressure::Total;
use super::stalled::Throttled;
use super::words::Asked;
use crate::profile::rule::Metric;
use crate::sample::{Invocation, Start};
use crate::units::Span;

/// What a rule remembers of a unit between two readings, and over a restart of memctl.
///
/// Two are equal when what is saved of them is: it is written to disk when it has changed, so no figure is in it that
/// changes with every reading.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Since when it holds and that it holds was told; `None` while it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latched: Option<Latch>,
    /// Since when nobody can tell whether it still holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unsure: Option<Timestamp>,
    /// Of which start of the unit the rest is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start: Option<Started>,
    /// What `grown` is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) baseline: Option<Baseline>,
    /// How far `for` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lasting: Option<Lasting>,
    /// The events of `event`, as they were saved last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) events: Option<Count>,
    /// The `high` events of `stalled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) throttled: Option<Throttled>,
    /// What is lost with the process.
    #[serde(skip)]
    pub(super) live: Live,
}

/// What every rule of a unit remembers, by the rule's name.
pub(super) type Memories = BTreeMap<String, Memory>;

/// Figures that change with every reading, and do no harm when they are lost.
#[derive(Debug, Clone, Default)]
pub(super) struct Live {
    /// The minute since 1970 of which a reading was counted.
    pub minute: Option<i64>,
    /// The events, exact.
    pub events: Option<Count>,
    /// The stalls at an earlier reading.
    pub stalls: Option<Total>,
    /// What the rule asks, in words, and of which rule that is: they are compared at each reading.
    pub asked: Option<Asked>,
    /// What the baseline that there is was found to be of.
    pub baseline_of: Option<(Metric, Span)>,
}

impl PartialEq for Live {
    /// Nothing of it is saved.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A start of the unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Started {
    /// `InvocationID`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "super::start::hexadecimal"
    )]
    invocation: Option<Invocation>,
    /// The cgroup's inode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inode: Option<u64>,
    /// When memctl saw it first.
    pub seen: Timestamp,
}

impl Started {
    pub fn new(start: Start, seen: Timestamp) -> Self {
        let Start { invocation, inode } = start;
        Self {
            invocation,
            inode,
            seen,
        }
    }

    /// Whether a reading is of this start; if so, what it knows more is learnt.
    pub fn is(&mut self, start: Start) -> bool {
        let known = Start {
            invocation: self.invocation,
            inode: self.inode,
        };
        let same = known.same(&start);
        if same {
            self.invocation = known.invocation.or(start.invocation);
            self.inode = known.inode.or(start.inode);
        }
        same
    }
}

impl Memory {
    /// The clock may have been set back: what lies in the future is not remembered. That it was told is, lest it be
    /// told twice.
    pub(super) fn heal(&mut self, now: Timestamp) {
        let past = |time: &mut Timestamp| *time = (*time).min(now);
        if let Some(latch) = &mut self.latched {
            past(&mut latch.since);
            past(&mut latch.told);
        }
        if let Some(unsure) = &mut self.unsure {
            past(unsure);
        }
        if let Some(start) = &mut self.start {
            past(&mut start.seen);
        }
        if let Some(baseline) = &mut self.baseline {
            baseline.heal(now);
        }
        self.lasting.take_if(|lasting| lasting.is_after(now));
        let counts = [&mut self.events, &mut self.live.events];
        for count in counts.into_iter().flatten() {
            count.heal(now);
        }
        if let Some(throttled) = &mut self.throttled {
            throttled.heal(now);
        }
        self.live.stalls.take_if(|total| total.time > now);
        let minute = super::lasting::minute(now);
        self.live.minute = self.live.minute.filter(|last| *last <= minute + 1);
    }
}
