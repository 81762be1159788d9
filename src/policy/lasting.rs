//! `for`: conditions that last. Counted in one-minute readings, the first in each minute, so that a daemon that reads
//! every ten seconds and a timer that reads every minute come to the same.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::memory::Memory;
use crate::profile::rule::Holds;
use crate::units::Span;

/// A gap of so many minutes begins anew.
pub(super) const GAP: i64 = 3;
/// The fewest readings that a time is told by.
const LEAST: u64 = 3;
const MINUTE: u64 = 60_000_000;

/// How far a rule is that is not told yet, or, of "3 of 5", that is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Lasting {
    /// What is counted: a rule that was changed begins anew.
    #[serde(default)]
    of: String,
    /// The first reading of those that count.
    since: Timestamp,
    /// The last one.
    last: Timestamp,
    /// How many in a row.
    #[serde(default)]
    count: u64,
    /// Whether the conditions held in each of the last readings, `1` or `0`, the oldest first; of "3 of 5".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    held: String,
}

/// What a reading comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Another reading of this minute was counted.
    Uncounted,
    /// It has lasted.
    Lasts,
    /// It is over.
    Over,
    /// Neither.
    Between,
}

/// The minute since 1970.
pub(super) fn minute(time: Timestamp) -> i64 {
    time.as_second().div_euclid(60)
}

/// A time in minutes, rounded up.
pub(super) fn minutes(span: Span) -> u64 {
    span.0.div_ceil(MINUTE)
}

/// The minutes from a time to another.
pub(super) fn minutes_between(then: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(minute(now).saturating_sub(minute(then))).unwrap_or(0)
}

impl Lasting {
    /// Whether it is of the future. A clock that is slewed back over the full minute changes nothing.
    pub fn is_after(&self, now: Timestamp) -> bool {
        minute(self.last) > minute(now) + 1 || self.since > self.last
    }

    fn ones(&self) -> u32 {
        count(&self.held, '1')
    }
}

fn count(held: &str, what: char) -> u32 {
    u32::try_from(held.chars().filter(|c| *c == what).count()).unwrap_or(u32::MAX)
}

/// Counts a reading. `held`: whether all conditions held; unknown is no reading. `of`: what is counted.
pub(super) fn note(
    memory: &mut Memory,
    holds: Holds,
    held: Option<bool>,
    of: &str,
    now: Timestamp,
) -> Outcome {
    let Some(held) = held else {
        return Outcome::Uncounted;
    };
    let (needed, last) = match holds {
        Holds::Once if held => return Outcome::Lasts,
        Holds::Once => return Outcome::Over,
        Holds::For(span) => (minutes(span), None),
        Holds::Readings { of, last } => (u64::from(of), Some(last)),
    };
    let counted = memory.lasting.as_ref().map(|l| minute(l.last));
    if memory
        .live
        .minute
        .max(counted)
        .is_some_and(|last| last >= minute(now))
    {
        return Outcome::Uncounted;
    }
    memory.live.minute = Some(minute(now));
    let is_latched = memory.latched.is_some();
    if last.is_none() && !held {
        memory.lasting = None;
        return Outcome::Over;
    }
    let before = memory
        .lasting
        .take()
        .filter(|l| l.of == of && minute(now).saturating_sub(minute(l.last)) < GAP);
    let mut lasting = before.unwrap_or_else(|| Lasting {
        of: of.to_owned(),
        since: now,
        last: now,
        count: 0,
        held: String::new(),
    });
    lasting.last = now;
    let Some(last) = last else {
        // What was told is kept by its latch.
        if is_latched {
            return Outcome::Lasts;
        }
        lasting.count = lasting.count.saturating_add(1);
        let long = minutes_between(lasting.since, now) >= needed;
        if long && lasting.count >= LEAST {
            return Outcome::Lasts;
        }
        memory.lasting = Some(lasting);
        return Outcome::Between;
    };
    lasting.held.push(if held { '1' } else { '0' });
    let over = lasting.held.chars().count().saturating_sub(last as usize);
    lasting.held = lasting.held.chars().skip(over).collect();
    let (ones, zeros) = (lasting.ones(), count(&lasting.held, '0'));
    if is_latched {
        // It cannot have held in as many of the last readings, even if those that are not known are counted for it.
        if u64::from(zeros) > u64::from(last).saturating_sub(needed) {
            return Outcome::Over;
        }
        memory.lasting = Some(lasting);
        return Outcome::Lasts;
    }
    // Readings in which it did not hold count only after one in which it did.
    lasting.held = lasting.held.trim_start_matches('0').to_owned();
    if lasting.held.is_empty() {
        return Outcome::Between;
    }
    let lasts = held && u64::from(ones) >= needed;
    memory.lasting = Some(lasting);
    if lasts {
        Outcome::Lasts
    } else {
        Outcome::Between
    }
}

/// What is missing until a rule has lasted that holds from now on, and how far it is, in words.
pub(super) fn left(memory: &Memory, holds: Holds) -> Option<(String, String)> {
    let lasting = memory.lasting.as_ref();
    match holds {
        Holds::Once => None,
        Holds::For(span) => {
            let done = lasting.map_or(0, |l| minutes_between(l.since, l.last));
            // The first reading begins the time.
            let readings = LEAST.saturating_sub(lasting.map_or(0, |l| l.count));
            let begun = lasting.is_some_and(|l| l.count > 0);
            let time = minutes(span).saturating_sub(done);
            let time = time.max(readings.saturating_sub(u64::from(!begun)));
            let whole = minutes(span).max(LEAST - 1);
            Some((
                format!("{done}min of {}", show_minutes(whole)),
                format!("{} longer", show_minutes(time)),
            ))
        }
        Holds::Readings { of, last } => {
            let ones = lasting.map_or(0, Lasting::ones);
            let missing = of.saturating_sub(ones).max(1);
            let readings = if missing == 1 { "reading" } else { "readings" };
            Some((
                format!("{ones} of the last {last} readings, {of} needed"),
                format!("{missing} more one-minute {readings}"),
            ))
        }
    }
}

fn show_minutes(minutes: u64) -> String {
    Span(minutes.saturating_mul(MINUTE)).to_string()
}
