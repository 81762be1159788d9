//! `event`: counters of `memory.events`, and what they gained within a sliding time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Seen;
use super::figure::{elapsed, share};
use super::memory::Memory;
use crate::profile::rule::{Event, EventRate};
use crate::sample::gained;
use crate::units::Span;

/// How long a single event is remembered.
pub(super) const SINGLE: Span = Span::seconds(60);
/// In so many parts a time is counted.
const PARTS: u64 = 60;

/// A counter, and what it gained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Count {
    /// Which; a rule that was changed asks for another.
    #[serde(default)]
    event: String,
    /// What it stood at.
    counter: Option<u64>,
    /// When it was read.
    time: Timestamp,
    /// What it gained, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gains: Vec<Gain>,
}

/// So many events.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Gain {
    time: Timestamp,
    count: u64,
}

impl Count {
    pub fn heal(&mut self, now: Timestamp) {
        self.gains.retain(|gain| gain.time <= now);
        self.time = self.time.min(now);
    }

    /// The events within the time.
    pub fn within(&self, span: Span, now: Timestamp) -> u64 {
        let young = |gain: &&Gain| elapsed(gain.time, now) < span;
        let counts = self.gains.iter().filter(young).map(|gain| gain.count);
        counts.fold(0, u64::saturating_add)
    }

    fn add(&mut self, count: u64, span: Span, now: Timestamp) {
        if count == 0 {
            return;
        }
        self.gains.retain(|gain| elapsed(gain.time, now) < span);
        // As many as there are parts: a counter that gains with every reading does not fill the disk.
        let part = Span(span.0 / PARTS);
        match self.gains.last_mut() {
            Some(last) if elapsed(last.time, now) < part => {
                last.count = last.count.saturating_add(count);
            }
            _ => self.gains.push(Gain { time: now, count }),
        }
    }
}

/// The counter of an event; `None` where it was not read.
pub(super) fn counter(event: Event, seen: &Seen<'_>) -> Option<u64> {
    let events = &seen.sample.events;
    match event {
        Event::High => events.high,
        Event::Max => events.max,
        Event::Oom => events.oom,
        Event::OomKill => events.oom_kill,
    }
}

/// The time within which a rule counts.
pub(super) fn span(asked: EventRate) -> Span {
    asked.rate.map_or(SINGLE, |(_, span)| span)
}

/// Counts what a reading gained. `anew`: it is of another start than the one before; `used`: the rule was told of the
/// events before, and a new start has answered them.
pub(super) fn note(
    memory: &mut Memory,
    asked: EventRate,
    seen: &Seen<'_>,
    now: Timestamp,
    (anew, used): (bool, bool),
) {
    let name = asked.event.name();
    let counter = counter(asked.event, seen);
    let live = memory.live.events.take().or_else(|| memory.events.clone());
    let mut count = live.filter(|c| c.event == name).unwrap_or_else(|| Count {
        event: name.to_owned(),
        counter: None,
        time: now,
        gains: Vec::new(),
    });
    let span = span(asked);
    let killed = seen.oom_killed && asked.event == Event::OomKill && count.within(SINGLE, now) == 0;
    if used {
        count.gains.clear();
    }
    let mut gain = gained(count.counter, counter, !anew).unwrap_or(0);
    // What was saved tells when a counter moved; that it was read since, somebody else may know.
    let read = seen
        .before
        .filter(|read| *read <= now)
        .max(Some(count.time));
    let away = read.map_or(Span(0), |read| elapsed(read, now));
    if asked.rate.is_some() && away > span {
        // Nobody knows when they were: as if at even intervals.
        gain = share(gain, span.0, away.0);
    }
    count.add(gain, span, now);
    if killed && gain == 0 {
        count.add(1, span, now);
    }
    // An unreadable counter is not a counter that began anew.
    count.counter = counter.or(count.counter.filter(|_| !anew));
    count.time = now;
    memory.live.events = Some(count);
}

/// Whether the exact count is to be saved: at once where it matters, and else once a minute, for a page cache at its
/// limit gains `high` with every reading.
pub(super) fn save(memory: &mut Memory, matters: bool, now: Timestamp) {
    let Some(live) = &memory.live.events else {
        return;
    };
    let due = memory.events.as_ref().is_none_or(|saved| {
        let is_other = saved.event != live.event || saved.counter != live.counter;
        let minute = super::lasting::minute;
        is_other && (matters || minute(saved.time) != minute(now))
    });
    if due {
        memory.events = Some(live.clone());
    }
}
