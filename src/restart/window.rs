//! Restart windows in their time zone, and this machine's turn within them.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use sha2::{Digest as _, Sha256};

use crate::profile::restart::Window;
use crate::systemd::names::UnitName;
use crate::units::Span;

/// The end of a window that nobody's turn falls into: two ticks of a timer that comes every minute.
const TAIL: SignedDuration = SignedDuration::from_secs(120);

/// One time that a window is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Its first moment.
    pub begin: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

impl Opening {
    /// Whether it is open.
    #[must_use]
    pub fn contains(&self, now: Timestamp) -> bool {
        self.begin <= now && now < self.end
    }
}

/// The time zone that a window is told in: the one it names, else the local one. `None`: this machine does not know it.
#[must_use]
pub fn zone(window: Option<&Window>, local: &TimeZone) -> Option<TimeZone> {
    match window.and_then(|window| window.zone.as_deref()) {
        Some(name) => TimeZone::get(name).ok(),
        None => Some(local.clone()),
    }
}

/// The opening of now, or the next one; `None` where the calendar ends.
#[must_use]
pub fn opening(window: &Window, zone: &TimeZone, now: Timestamp) -> Option<Opening> {
    let today = zone.to_datetime(now).date();
    // Yesterday's may last until now. The day of a window that comes once a week may lose it to the clock's change.
    (-1..=15)
        .filter_map(|days: i64| today.checked_add(days.days()).ok())
        .filter(|date| window.days & day(date.weekday()) != 0)
        .filter_map(|date| on(window, zone, date))
        .find(|opening| now < opening.end)
}

/// The opening that belongs to a day.
fn on(window: &Window, zone: &TimeZone, date: Date) -> Option<Opening> {
    let at = |date: Date, minutes: u16| {
        let time = Time::midnight() + i64::from(minutes).minutes();
        // A time that the clock skips counts as if it had not been put forward; of two, the first counts.
        zone.to_timestamp(date.to_datetime(time)).ok()
    };
    let tomorrow = date.tomorrow().ok()?;
    let begin = at(date, window.from)?;
    let end = match window.to {
        1440 => at(tomorrow, 0)?,
        to if to > window.from => at(date, to)?,
        to => at(tomorrow, to)?,
    };
    if begin < end {
        return Some(Opening { begin, end });
    }
    // It begins in the hour that is skipped and ends shortly after: what is left begins with the skip.
    let begin = zone.preceding(begin).next()?.timestamp();
    (begin < end).then_some(Opening { begin, end })
}

fn day(weekday: Weekday) -> u8 {
    1 << weekday.to_monday_zero_offset()
}

/// When this machine's turn is within an opening: spread over `jitter`, over the whole opening where that is not said,
/// but for its tail.
#[must_use]
pub fn turn(opening: Opening, jitter: Option<Span>, machine: u128, unit: &UnitName) -> Timestamp {
    let length = opening.begin.duration_until(opening.end);
    let tail = (length / 10).max(TAIL);
    let room = usec(length.checked_sub(tail).unwrap_or_default());
    let spread = jitter.map_or(room, |jitter| jitter.0.min(room));
    later(opening.begin, share(spread, machine, unit))
}

/// When this machine's turn is, counted from the moment at which it was wished.
#[must_use]
pub fn delayed(since: Timestamp, jitter: Span, machine: u128, unit: &UnitName) -> Timestamp {
    later(since, share(jitter.0, machine, unit))
}

/// A share of a time, in whole seconds, that is always the same for a unit of a machine, and another one for others.
fn share(usec: u64, machine: u128, unit: &UnitName) -> Span {
    let mut hash = Sha256::new();
    hash.update(machine.to_be_bytes());
    hash.update(unit.as_str());
    let bytes = hash.finalize();
    let first = bytes.iter().take(8);
    let first = first.fold(0u128, |n, byte| (n << 8) | u128::from(*byte));
    let seconds = (u128::from(usec / 1_000_000) * first) >> 64;
    Span::seconds(u64::try_from(seconds).unwrap_or(0))
}

/// A moment so much later, the calendar's last one at most.
pub(super) fn later(time: Timestamp, by: Span) -> Timestamp {
    let by = SignedDuration::from_micros(i64::try_from(by.0).unwrap_or(i64::MAX));
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// A moment so much earlier, the calendar's first one at least.
pub(super) fn earlier(time: Timestamp, by: Span) -> Timestamp {
    let by = SignedDuration::from_micros(i64::try_from(by.0).unwrap_or(i64::MAX));
    time.checked_sub(by).unwrap_or(Timestamp::MIN)
}

fn usec(duration: SignedDuration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(0)
}

/// A window as a profile has it: `Mon..Fri 02:00-05:00 Europe/Berlin`.
#[must_use]
pub fn show(window: &Window) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let mut text = String::new();
    if window.days != Window::EVERY_DAY {
        let days = (0..7).filter(|day| window.days & 1 << day != 0);
        let days: Vec<&str> = days.filter_map(|day| DAYS.get(day).copied()).collect();
        text = format!("{} ", days.join(","));
    }
    let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    text += &format!("{}-{}", time(window.from), time(window.to));
    if let Some(zone) = &window.zone {
        text += &format!(" {zone}");
    }
    text
}

#[cfg(test)]
mod tests;
