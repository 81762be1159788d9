//! Rules: when to act, and how.

use std::fmt;
use std::ops::Range;

use crate::limits::key::Key;
use crate::units::{Memory, Span};

/// How long after a start the baseline is taken, where a rule does not say.
pub const SETTLE: Span = Span::seconds(120);

/// A rule of a unit. It fires when all its conditions hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it is called in journal, state and `explain`; unique within the unit.
    pub name: String,
    /// Where it stands in the file, in bytes.
    pub at: Range<usize>,
    /// At least one, each kind at most once, in the order of the manual.
    pub conditions: Vec<Condition>,
    /// Where percentages of the unit's ceiling stand in the file: what they are a share of must exist.
    pub of_ceiling: Vec<Range<usize>>,
    /// How long they must hold.
    pub holds: Holds,
    /// How long after a start the baseline is taken, and before which it does not judge how much there is, where the
    /// profile says it; see [`Rule::settle`].
    pub settle: Option<Span>,
    /// What is measured.
    pub metric: Metric,
    /// Whether it asks the unit or each of its workers.
    pub scope: Scope,
    /// Goes ahead outside of the restart window.
    pub ignores_window: bool,
    /// Goes ahead while the unit is not idle.
    pub ignores_idle: bool,
    /// What is done.
    pub action: Action,
    /// How long after it was told a rule that still holds is told again.
    pub repeat: Option<Span>,
}

impl Rule {
    /// How long after a start the baseline is taken.
    #[must_use]
    pub fn settle(&self) -> Span {
        self.settle.unwrap_or(SETTLE)
    }
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The trend detector says leak.
    Leak {
        /// Only when it is very sure.
        cautious: bool,
    },
    /// The metric is over it.
    Above(Threshold),
    /// Growth over the baseline.
    Grown(Growth),
    /// The forecast reaches the limit within it.
    ExhaustsIn(Span),
    /// From `memory.events`.
    Event(EventRate),
    /// The unit's PSI.
    Pressure(Pressure),
    /// Throttled at MemoryHigh with no way out.
    Stalled,
    /// Since the unit started.
    Age(Span),
    /// Finished tasks since the start.
    Tasks(u64),
    /// The workers' sum is over it.
    Total(Threshold),
}

impl Condition {
    /// The key in the profile.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Leak { .. } => "leak",
            Self::Above(_) => "above",
            Self::Grown(_) => "grown",
            Self::ExhaustsIn(_) => "exhausts_in",
            Self::Event(_) => "event",
            Self::Pressure(_) => "pressure",
            Self::Stalled => "stalled",
            Self::Age(_) => "age",
            Self::Tasks(_) => "tasks",
            Self::Total(_) => "total",
        }
    }
}

/// A level of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// Bytes.
    Bytes(u64),
    /// A share of something, in hundredths of a percent.
    Share {
        /// How much of it.
        hundredths: u32,
        /// Of what.
        of: Base,
    },
}

/// What a percentage in a rule is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// The least of the unit's MemoryHigh and MemoryMax and those of its slices.
    Ceiling,
    /// The machine's memory.
    Ram,
    /// One limit of the unit.
    Limit(Key),
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(n) => Memory::Bytes(*n).fmt(f),
            Self::Share { hundredths, of } => {
                Memory::Share(*hundredths).fmt(f)?;
                match of {
                    Base::Ceiling => Ok(()),
                    Base::Ram => f.write_str(" RAM"),
                    Base::Limit(key) => write!(f, " {key}"),
                }
            }
        }
    }
}

/// Growth over the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// Bytes.
    Bytes(u64),
    /// Hundredths of a percent of the baseline.
    Share(u64),
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(n) => write!(f, "+{}", Memory::Bytes(*n)),
            Self::Share(n) => write!(f, "+{}", crate::units::CpuQuota(Some(*n))),
        }
    }
}

/// An event of `memory.events`, once or at a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRate {
    /// Which.
    pub event: Event,
    /// More than so many within a time; every single one without it.
    pub rate: Option<(u64, Span)>,
}

impl fmt::Display for EventRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.event.name())?;
        match self.rate {
            Some((count, within)) => write!(f, " > {count}/{within}"),
            None => Ok(()),
        }
    }
}

/// A line of `memory.events`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// Throttled at MemoryHigh.
    High,
    /// MemoryMax was reached.
    Max,
    /// Nothing left to reclaim.
    Oom,
    /// A process was killed.
    OomKill,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 4] = [Self::High, Self::Max, Self::Oom, Self::OomKill];

    /// The kernel's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Max => "max",
            Self::Oom => "oom",
            Self::OomKill => "oom_kill",
        }
    }
}

/// A pressure threshold, as a kernel trigger has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pressure {
    /// All tasks stall (`full`), not only some.
    pub full: bool,
    /// Share of the window, in hundredths of a percent.
    pub hundredths: u32,
    /// 500 ms to 10 s.
    pub window: Span,
}

impl Pressure {
    /// `some` or `full`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        if self.full { "full" } else { "some" }
    }
}

impl fmt::Display for Pressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = Memory::Share(self.hundredths);
        write!(f, "{} {share} {}", self.kind(), self.window)
    }
}

/// How long the conditions must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// One reading is enough.
    Once,
    /// For this long, and at least three readings.
    For(Span),
    /// In so many of the last so many one-minute readings.
    Readings {
        /// In how many.
        of: u32,
        /// Of how many.
        last: u32,
    },
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once => f.write_str("0"),
            Self::For(span) => span.fmt(f),
            Self::Readings { of, last } => write!(f, "{of} of {last}"),
        }
    }
}

/// What a rule measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Metric {
    /// What cannot be reclaimed.
    #[default]
    Need,
    /// `memory.current`, page cache included.
    Current,
    /// Anonymous memory.
    Anon,
    /// Swap.
    Swap,
    /// The proportional set size of the processes.
    Pss,
}

impl Metric {
    /// What `of` may say.
    pub const NAMED: [Self; 4] = [Self::Current, Self::Anon, Self::Swap, Self::Pss];

    /// The word in the profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Need => "need",
            Self::Current => "current",
            Self::Anon => "anon",
            Self::Swap => "swap",
            Self::Pss => "pss",
        }
    }
}

/// Whom a rule asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// The unit.
    #[default]
    Unit,
    /// Each process that the unit's main process forked from its own executable.
    Worker,
}

/// What a rule does, in order of strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Tell.
    Alert,
    /// Ask the kernel to reclaim.
    Reclaim,
    /// `ExecReload=`.
    Reload,
    /// Signal the worker.
    Signal {
        /// Which signal; SIGTERM where the profile says none.
        signal: Signal,
        /// How long it has before SIGKILL; never without it.
        grace: Option<Span>,
    },
    /// Restart the unit.
    Restart,
}

impl Action {
    /// Every word that `action` may say.
    pub const NAMES: [&'static str; 5] = ["alert", "restart", "reload", "signal", "reclaim"];

    /// The word in the profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Reclaim => "reclaim",
            Self::Reload => "reload",
            Self::Signal { .. } => "signal",
            Self::Restart => "restart",
        }
    }
}

/// A signal that asks a process to end or to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(&'static str);

impl Signal {
    /// What a process is asked with where a rule does not say.
    pub const TERM: Self = Self("SIGTERM");

    /// Signals that a process can act on.
    pub const ALL: [Self; 9] = [
        Self::TERM,
        Self("SIGINT"),
        Self("SIGQUIT"),
        Self("SIGHUP"),
        Self("SIGUSR1"),
        Self("SIGUSR2"),
        Self("SIGTTIN"),
        Self("SIGTTOU"),
        Self("SIGWINCH"),
    ];

    /// `SIGTERM`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }
}
