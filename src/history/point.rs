//! What the history tells of one unit at one time.

use jiff::{SignedDuration, Timestamp};

use crate::sample::{Limit, Source, Start};
use crate::units::Span;

/// How fine a history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// Every reading.
    Raw,
    /// One point a minute.
    Minutes,
    /// One point an hour.
    Hours,
}

impl Grain {
    /// All of them, the finest first.
    pub const ALL: [Self; 3] = [Self::Raw, Self::Minutes, Self::Hours];

    /// As the command line and JSON have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
        }
    }

    /// The grain that shows a length of time in some hundreds of points.
    #[must_use]
    pub fn for_length(length: SignedDuration) -> Self {
        match length.as_hours() {
            ..3 => Self::Raw,
            3..96 => Self::Minutes,
            _ => Self::Hours,
        }
    }
}

/// How long what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Every reading.
    pub raw: Span,
    /// A point a minute.
    pub minutes: Span,
    /// A point an hour.
    pub hours: Span,
}

impl Default for Settings {
    /// 2 days, 14 days, 13 months.
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            raw: Span::seconds(2 * DAY),
            minutes: Span::seconds(14 * DAY),
            // systemd's month is a twelfth of a year.
            hours: Span::seconds(13 * 2_629_800),
        }
    }
}

impl Settings {
    /// How long points of a grain are kept.
    #[must_use]
    pub fn keep(&self, grain: Grain) -> Span {
        match grain {
            Grain::Raw => self.raw,
            Grain::Minutes => self.minutes,
            Grain::Hours => self.hours,
        }
    }
}

/// The least, the greatest and the last of a figure, over all readings of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// The least.
    pub min: u64,
    /// The greatest.
    pub max: u64,
    /// The last.
    pub last: u64,
}

impl Spread {
    /// Of one reading.
    #[must_use]
    pub fn of(value: u64) -> Self {
        Self {
            min: value,
            max: value,
            last: value,
        }
    }

    /// With a later one.
    #[must_use]
    pub fn then(self, later: Self) -> Self {
        Self {
            min: self.min.min(later.min),
            max: self.max.max(later.max),
            last: later.last,
        }
    }
}

/// One point of a unit's history: a reading, or what a minute's or an hour's readings come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When it was read, to the millisecond; of a minute or an hour, its beginning (in UTC).
    pub time: Timestamp,
    /// What it is.
    pub grain: Grain,
    /// How many readings it is made of.
    pub readings: u64,
    /// Which start of the unit the last reading is of.
    pub start: Start,
    /// Who told the last reading.
    pub source: Source,
    /// `memory.current`, over the readings that knew it.
    pub current: Option<Spread>,
    /// Need, over the readings that knew it.
    pub need: Option<Spread>,
    /// The other figures, of the last reading. What it did not know is unknown.
    pub last: Figures,
    /// How often the unit was found started anew, against the reading before (the one before this point, too).
    pub restarts: u64,
    /// OOM kills since the reading before.
    pub oom_kills: u64,
    /// How often it was throttled at MemoryHigh (`high` of `memory.events`) since the reading before.
    pub highs: u64,
}

/// The figures of one reading beside need and `memory.current`; `None` is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// `memory.peak`.
    pub peak: Option<u64>,
    /// `memory.swap.current`.
    pub swap: Option<u64>,
    /// `memory.stat`'s.
    pub anon: Option<u64>,
    /// `memory.stat`'s, `shmem` included.
    pub file: Option<u64>,
    /// `memory.stat`'s.
    pub shmem: Option<u64>,
    /// `memory.stat`'s.
    pub slab_unreclaimable: Option<u64>,
    /// `memory.stat`'s.
    pub kernel_stack: Option<u64>,
    /// `memory.stat`'s.
    pub pagetables: Option<u64>,
    /// `memory.stat`'s.
    pub percpu: Option<u64>,
    /// `memory.stat`'s.
    pub sock: Option<u64>,
    /// `memory.high`.
    pub high: Option<Limit>,
    /// `memory.max`.
    pub max: Option<Limit>,
    /// `memory.swap.max`.
    pub swap_max: Option<Limit>,
    /// The least of MemoryHigh and MemoryMax of the unit and its slices; `None` where nothing limits it, too.
    pub ceiling: Option<u64>,
    /// CPU time of the start, in microseconds.
    pub cpu_usec: Option<u64>,
    /// Processes and threads.
    pub tasks: Option<u64>,
    /// `high` of `memory.events`, as the kernel counts it.
    pub high_events: Option<u64>,
    /// `max` of `memory.events`.
    pub max_events: Option<u64>,
    /// `oom_kill` of `memory.events`.
    pub oom_kill: Option<u64>,
    /// Microseconds that at least one task waited for memory, as the kernel counts them.
    pub pressure_some_usec: Option<u64>,
    /// Microseconds that all tasks waited for memory.
    pub pressure_full_usec: Option<u64>,
}

impl Figures {
    /// The part of need that is in RAM, as [`crate::kernel::stat::MemoryStat::resident`] has it.
    #[must_use]
    pub fn resident(&self) -> Option<u64> {
        let rest = [
            self.shmem,
            self.slab_unreclaimable,
            self.kernel_stack,
            self.pagetables,
            self.percpu,
            self.sock,
        ];
        let rest = rest.into_iter().flatten();
        Some(rest.fold(self.anon?, u64::saturating_add))
    }

    /// What cannot be reclaimed, wherever it lies (FACTS 24).
    #[must_use]
    pub fn need(&self) -> Option<u64> {
        Some(self.resident()?.saturating_add(self.swap.unwrap_or(0)))
    }
}
