//! Restart settings: when a restart may go ahead, and what goes with it.

use crate::systemd::names::UnitName;
use crate::units::Span;

/// The least time between two restarts, where a profile does not say.
pub const COOLDOWN: Span = Span::seconds(30 * 60);

/// Restarts at most, where a profile does not say.
pub const LIMIT: Limit = Limit {
    count: 3,
    within: Span::seconds(24 * 60 * 60),
};

/// How a unit is restarted; `None` is what the profile does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restart {
    /// Only within it.
    pub window: Option<Window>,
    /// The least time between two restarts; see [`Restart::cooldown`].
    pub cooldown: Option<Span>,
    /// Restarts at most; see [`Restart::limit`].
    pub limit: Option<Limit>,
    /// Spread over this long; over the window where it is not said.
    pub jitter: Option<Span>,
    /// When the unit is idle.
    pub idle: Option<Idle>,
    /// How long to wait for idleness.
    pub wait: Option<Span>,
    /// Services to start before; one that fails withholds the restart.
    pub before: Option<Vec<UnitName>>,
    /// Services to start after.
    pub after: Option<Vec<UnitName>>,
    /// Take a snapshot first, for this long.
    pub snapshot: Option<Span>,
}

impl Restart {
    /// The least time between two restarts.
    #[must_use]
    pub fn cooldown(&self) -> Span {
        self.cooldown.unwrap_or(COOLDOWN)
    }

    /// Restarts at most.
    #[must_use]
    pub fn limit(&self) -> Limit {
        self.limit.unwrap_or(LIMIT)
    }

    /// What is not said here is taken from `defaults`.
    #[must_use]
    pub fn or(self, defaults: &Self) -> Self {
        let d = defaults.clone();
        Self {
            window: self.window.or(d.window),
            cooldown: self.cooldown.or(d.cooldown),
            limit: self.limit.or(d.limit),
            jitter: self.jitter.or(d.jitter),
            idle: self.idle.or(d.idle),
            wait: self.wait.or(d.wait),
            before: self.before.or(d.before),
            after: self.after.or(d.after),
            snapshot: self.snapshot.or(d.snapshot),
        }
    }
}

/// So many within a sliding time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub count: u32,
    /// Within which time.
    pub within: Span,
}

/// A time of the day on some days; past midnight it belongs to the day on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Bit 0 is Monday.
    pub days: u8,
    /// Minutes after midnight, 0–1439.
    pub from: u16,
    /// Minutes after midnight, 0–1440; before `from` it is on the next day.
    pub to: u16,
    /// The time zone's name; local time without one.
    pub zone: Option<String>,
}

impl Window {
    /// Every day of the week.
    pub const EVERY_DAY: u8 = 0b111_1111;
}

/// What tells that a unit is idle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Idle {
    /// It uses little CPU time.
    Cpu {
        /// Less than this, in hundredths of a percent of one CPU.
        below: u64,
        /// For this long.
        lasts: Span,
    },
    /// This service, when started, succeeds.
    Unit(UnitName),
}
