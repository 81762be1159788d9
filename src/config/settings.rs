//! What `memctl.toml` can say, and what counts where it says nothing.

use std::path::PathBuf;
use std::time::Duration;

use crate::history::Settings;
use crate::systemd::names::UnitName;
use crate::units::Span;

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The time between two readings.
    pub interval: Interval,
    /// Act as the rules say; else only tell what would be done.
    pub act: bool,
    /// Units that are never restarted or signalled, beside the built-in ones.
    pub protect: Vec<UnitName>,
    /// How long readings are kept.
    pub history: Settings,
    /// The unit to start for each alert.
    pub alert_unit: Option<UnitName>,
    /// A file of metrics for node_exporter, kept current.
    pub textfile: Option<PathBuf>,
    /// The share of RAM, in hundredths of a percent, above which `guard` acts.
    pub guard_above: Option<u32>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interval: Interval(Span(10 * SECOND)),
            act: true,
            protect: Vec::new(),
            history: Settings::default(),
            alert_unit: None,
            textfile: None,
            guard_above: None,
        }
    }
}

const SECOND: u64 = 1_000_000;
/// The time between two readings: a second to a minute, since rules count readings of a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval(Span);

impl Interval {
    /// What an interval may be.
    pub const ALLOWED: &'static str = "1s to 1min; rules count in minutes";

    /// `None` where the span is too short or too long.
    #[must_use]
    pub fn new(span: Span) -> Option<Self> {
        (SECOND..=60 * SECOND)
            .contains(&span.0)
            .then_some(Self(span))
    }

    /// As it was written.
    #[must_use]
    pub fn span(self) -> Span {
        self.0
    }

    /// For waiting.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_micros(self.0.0)
    }
}
