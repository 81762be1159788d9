//! `pressure`: the kernel's triggers, or how much the stalls grew between two readings.

use jiff::Timestamp;

use super::Seen;
use super::figure::{elapsed, share};
use super::memory::Live;
use crate::kernel::psi::Stall;
use crate::profile::rule::Pressure;

/// A told rule has cleared so many hundredths of a percent below its threshold.
const CLEARED: u32 = 5_00;

/// How long tasks had stalled at a reading.
#[derive(Debug, Clone)]
pub(super) struct Total {
    /// When.
    pub time: Timestamp,
    full: bool,
    /// Microseconds in all.
    total: u64,
    /// Of the time between this reading and the one before, in hundredths of a percent.
    gained: Option<u64>,
}

/// The line of the unit's pressure that is asked for.
pub(super) fn stall(asked: Pressure, seen: &Seen<'_>) -> Option<Stall> {
    let pressure = seen.sample.pressure?;
    if asked.full {
        pressure.full
    } else {
        Some(pressure.some)
    }
}

/// The threshold; of a rule that was told, how far it must fall to be over.
pub(super) fn threshold(asked: Pressure, is_latched: bool) -> u64 {
    let share = asked.hundredths;
    u64::from(match share {
        _ if !is_latched => share,
        // A small one would never be over.
        _ if share <= 2 * CLEARED => share / 2,
        _ => share - CLEARED,
    })
}

/// Compares the stalls with those of an earlier reading that is as long ago as the window.
pub(super) fn note(live: &mut Live, asked: Pressure, seen: &Seen<'_>, now: Timestamp, anew: bool) {
    let Some(stall) = stall(asked, seen) else {
        live.stalls = None;
        return;
    };
    let before = live.stalls.take().filter(|b| b.full == asked.full && !anew);
    let mut next = Total {
        time: now,
        full: asked.full,
        total: stall.total,
        gained: None,
    };
    if let Some(before) = before {
        let time = elapsed(before.time, now);
        // A tick that is a little early is one.
        if time.0 < share(asked.window.0, 9, 10) {
            live.stalls = Some(before);
            return;
        }
        // A decrease is a cgroup that was made anew.
        next.gained = stall
            .total
            .checked_sub(before.total)
            .map(|gain| share(gain, 10_000, time.0).min(10_000));
    }
    live.stalls = Some(next);
}

/// The present share, in hundredths of a percent.
pub(super) fn figure(
    live: &Live,
    asked: Pressure,
    seen: &Seen<'_>,
    is_latched: bool,
) -> Option<u64> {
    let average = u64::from(stall(asked, seen)?.avg10);
    let gained = live.stalls.as_ref().and_then(|total| total.gained);
    Some(match gained {
        // The average lags behind: what begins is told by the gain, what is over by both.
        Some(gained) if is_latched => gained.max(average),
        Some(gained) => gained,
        // The first reading of a process, the timer's only one.
        None => average,
    })
}
