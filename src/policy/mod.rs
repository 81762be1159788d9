//! Deciding whether a unit's rules hold: pure, `(state, what is seen, now) → (state, verdicts)`.
//!
//! ```text
//! Seen ─ rule: a new start? ─ note (baseline, counters) ─ condition by condition ─ lasting (`for`) ─ latch ─┐
//!                                          decide: all tell; one action a unit, the strongest ◄─────────────┤
//!                                          standing: the same on a copy, and what is missing ◄──────────────┘
//! ```

mod baseline;
mod builtin;
mod condition;
mod decide;
mod event;
mod figure;
mod follow;
mod lasting;
pub mod leak;
mod memory;
mod pressure;
mod rule;
mod stalled;
mod standing;
mod start;
mod trend;
mod words;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::profile::rule::{Action, Pressure};
use crate::sample::{Ceiling, Sample};

pub use builtin::{BuiltIn, built_in};
pub use condition::is_judged;
pub use decide::{Weighed, decide, gone, weigh};
pub use follow::{Trend, limit, reserve};
pub use memory::Memory;
pub use stalled::{NEAR, STANDSTILL};
pub use standing::{Standing, Term, standing};
pub use trend::{say, say_forecast, say_slope};

/// What is known of a unit at one moment.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    /// Its reading.
    pub sample: &'a Sample,
    /// The least limit of it and its slices.
    pub ceiling: Option<Ceiling>,
    /// The machine's memory, in bytes.
    pub ram: Option<u64>,
    /// The free swap that it could use, in bytes: the machine's, or what its slices leave, where that is less.
    pub swap_free: Option<u64>,
    /// When this start of the unit began; unknown where nobody says. It is `now` less the time that the monotonic
    /// clock has counted since: the time of the day as systemd noted it then would make a set clock an age.
    pub since: Option<Timestamp>,
    /// When the unit was read last before, be it by an earlier process; unknown where nobody noted it.
    pub before: Option<Timestamp>,
    /// systemd says that an OOM kill has ended an earlier start since then (`Result=oom-kill`): the cgroup went, and
    /// its counters with it.
    pub oom_killed: bool,
    /// The proportional set size of its processes, in bytes, where a rule asks for it.
    pub pss: Option<u64>,
    /// What the unit's detector finds, this reading included; `None` where it has none.
    pub trend: Option<&'a leak::Verdict>,
    /// The pressure thresholds that the kernel said were crossed since the last reading.
    pub crossed: &'a [Pressure],
}

impl<'a> Seen<'a> {
    /// A reading, of which nothing else is known yet.
    #[must_use]
    pub fn new(sample: &'a Sample) -> Self {
        Self {
            sample,
            ceiling: None,
            ram: None,
            swap_free: None,
            since: None,
            before: None,
            oom_killed: false,
            pss: None,
            trend: None,
            crossed: &[],
        }
    }
}

/// A rule that holds, and was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latch {
    /// When it fired.
    pub since: Timestamp,
    /// When it was told last.
    pub told: Timestamp,
}

/// What is to be told of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The rule's name.
    pub rule: String,
    /// What its action is.
    pub action: Action,
    /// What became of it.
    pub change: Change,
    /// The figures, in words: `need 412M over above = 80% (400M of MemoryHigh=500M)`.
    pub why: String,
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It has begun to hold: for its `for`, where it has one.
    Fired,
    /// It holds still, and `repeat` is over.
    Again,
    /// It holds no more.
    Cleared,
}

/// What one reading of a unit comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// What is to be told, in the order of the rules.
    pub news: Vec<News>,
    /// What is to be done: the strongest action of the rules that hold.
    pub want: Option<Want>,
}

/// An action that rules ask for, as long as they hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Want {
    /// What.
    pub action: Action,
    /// The rules that were told and hold, the one that asks for this first.
    pub rules: Vec<String>,
    /// The figures of that one, in words.
    pub why: String,
    /// It need not wait for the window.
    pub ignores_window: bool,
    /// It need not wait for the unit to be idle.
    pub ignores_idle: bool,
}

#[cfg(test)]
mod tests;
