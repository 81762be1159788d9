//! `stalled`: throttled at MemoryHigh with no way out (FACTS 25). The unit is active, does nothing, and never reaches
//! MemoryMax: its need fills MemoryHigh, the kernel throttles it all the time, and nothing can be swapped out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Seen;
use super::figure::{elapsed, share, show_exact, show_percent};
use crate::sample::{Bound, Limit};
use crate::units::{Span, show_bytes};

/// Full pressure over ten seconds at which a unit at its MemoryHigh stands still, in hundredths of a percent.
pub const STANDSTILL: u32 = 50_00;
/// How near its MemoryHigh a unit is throttled, in hundredths of it: what is just reclaimed is under it.
pub const NEAR: u64 = 97;
/// How much of MemoryHigh need fills then, in percent: page cache would have been dropped before.
const FILLED: u64 = 90;
/// How much lower pressure and share must be until it is over, in percent of them.
const CLEARED: u64 = 95;
/// How long after its last `high` event a unit counts as throttled.
const THROTTLED: Span = Span::seconds(60);

/// The `high` events of a unit that may be at a standstill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Throttled {
    /// How many there were.
    counter: u64,
    /// When it was seen that they became more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gained: Option<Timestamp>,
}

impl Throttled {
    pub fn heal(&mut self, now: Timestamp) {
        self.gained = self.gained.filter(|gained| *gained <= now);
    }
}

/// What is asked of a unit, and what was found.
pub(super) struct Found {
    /// The figures, in words.
    pub figure: String,
    /// Whether it stands still; `None` if that cannot be told.
    pub holds: Option<bool>,
    /// What speaks against it.
    pub missing: Option<String>,
}

impl Found {
    fn not(figure: String, missing: impl Into<String>) -> Self {
        Self {
            figure,
            holds: Some(false),
            missing: Some(missing.into()),
        }
    }

    fn unknown(what: &str) -> Self {
        Self {
            figure: String::new(),
            holds: None,
            missing: Some(format!("{what} is not known")),
        }
    }
}

/// Whether it stands still. The counter of `high` is looked at where all the rest holds, and nowhere else: a page cache
/// at its limit gains it all the time.
pub(super) fn judge(
    throttled: &mut Option<Throttled>,
    seen: &Seen<'_>,
    is_latched: bool,
    now: Timestamp,
) -> Found {
    let found = standing_still(seen, is_latched);
    if found.holds != Some(true) {
        if found.holds == Some(false) {
            *throttled = None;
        }
        return found;
    }
    if !is_own(seen) {
        return found;
    }
    let Some(counter) = seen.sample.events.high else {
        return Found::unknown("its count of `high` events");
    };
    let minute = super::lasting::minute;
    let mark = throttled.get_or_insert(Throttled {
        counter,
        gained: None,
    });
    if counter < mark.counter {
        *mark = Throttled {
            counter,
            gained: None,
        };
    }
    let gains = counter > mark.counter;
    // Once a minute, or every reading would be a write.
    if gains
        && mark
            .gained
            .is_none_or(|gained| minute(gained) != minute(now))
    {
        (mark.counter, mark.gained) = (counter, Some(now));
    }
    let recent = mark
        .gained
        .is_some_and(|gained| elapsed(gained, now) < THROTTLED);
    if gains || recent {
        found
    } else {
        Found::not(found.figure, "no `high` event since the reading before")
    }
}

/// The MemoryHigh that throttles it: its own, or that of a slice where nothing else is less.
fn high(seen: &Seen<'_>) -> Option<u64> {
    let own = seen.sample.limits.high.and_then(Limit::bytes);
    let above = seen.ceiling.as_ref().filter(|c| c.bound == Bound::High);
    [own, above.map(|c| c.bytes)].into_iter().flatten().min()
}

/// Whether that is its own, and `high` is counted in its own `memory.events`.
fn is_own(seen: &Seen<'_>) -> bool {
    let own = seen.sample.limits.high.and_then(Limit::bytes);
    own.is_some() && own == high(seen)
}

fn standing_still(seen: &Seen<'_>, is_latched: bool) -> Found {
    let least = |threshold: u64| match is_latched {
        true => share(threshold, CLEARED, 100),
        false => threshold,
    };
    let memory = &seen.sample.memory;
    let Some(high) = high(seen) else {
        return match seen.sample.limits.high {
            None => Found::unknown("its MemoryHigh"),
            Some(_) => Found::not(String::new(), "there is no MemoryHigh"),
        };
    };
    let Some(resident) = memory.resident() else {
        return Found::unknown("its need");
    };
    let mut figure = format!(
        "need {} of MemoryHigh={}",
        show_bytes(resident),
        show_exact(high)
    );
    let filled = least(share(high, FILLED, 100));
    if resident < filled {
        return Found::not(
            figure,
            format!("{} more need", show_bytes(filled - resident)),
        );
    }
    if !is_own(seen) {
        // A slice's `high` events are not counted in the unit: it must fill the slice all but alone.
        let Some(current) = memory.current else {
            return Found::unknown("what it holds");
        };
        let near = least(share(high, NEAR, 100));
        if current < near {
            let missing = format!("{} more memory", show_bytes(near - current));
            return Found::not(figure, missing);
        }
    }
    let Some(full) = seen.sample.pressure.and_then(|pressure| pressure.full) else {
        return Found::unknown("its pressure");
    };
    figure += &format!(", full pressure {}", show_percent(u64::from(full.avg10)));
    let stalls = least(u64::from(STANDSTILL));
    if u64::from(full.avg10) < stalls {
        let missing = show_percent(stalls - u64::from(full.avg10));
        return Found::not(figure, format!("{missing} more full pressure"));
    }
    match swap_room(seen) {
        None => Found::unknown("the free swap"),
        // What has room in less than a hundredth of MemoryHigh is no way out.
        Some(room) if room > high / 100 => {
            let missing = format!("there is room for {} in swap", show_bytes(room));
            Found::not(figure, missing)
        }
        Some(_) => Found {
            figure: figure + ", no room in swap",
            holds: Some(true),
            missing: None,
        },
    }
}

/// How much more it may swap out.
fn swap_room(seen: &Seen<'_>) -> Option<u64> {
    let of_limit = match seen.sample.limits.swap_max {
        Some(Limit::Bytes(max)) => Some(max.saturating_sub(seen.sample.memory.swap.unwrap_or(0))),
        Some(Limit::Infinity) | None => None,
    };
    match (seen.swap_free, of_limit) {
        (Some(free), Some(left)) => Some(free.min(left)),
        // A limit that is used up is enough to know.
        (None, Some(left)) => (left == 0).then_some(0),
        (free, None) => free,
    }
}
