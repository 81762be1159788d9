//! Deciding whether a unit's rules hold: pure, `(state, what is seen, now) → (state, verdicts)`.
//!
//! ```text
//! Seen ─ condition ─ rule (for, settle, latch) ─ decide (all tell; one action a unit, the strongest)
//! ```

pub mod rule;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::profile::rule::{Action, Pressure};
use crate::sample::{Ceiling, Sample};

/// What is known of a unit at one moment.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    /// Its reading.
    pub sample: &'a Sample,
    /// The least limit of it and its slices.
    pub ceiling: Option<Ceiling>,
    /// The machine's memory, in bytes.
    pub ram: Option<u64>,
    /// The machine's free swap, in bytes.
    pub swap_free: Option<u64>,
    /// When this start of the unit began, as systemd notes it; unknown where nobody says.
    pub since: Option<Timestamp>,
    /// The proportional set size of its processes, in bytes, where a rule asks for it.
    pub pss: Option<u64>,
    /// The pressure thresholds that the kernel said were crossed since the last reading.
    pub crossed: &'a [Pressure],
}

/// What a rule remembers of a unit between two readings, and over a restart of memctl.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Since when it holds and that it holds was told; `None` while it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latched: Option<Latch>,
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
    /// It has begun to hold.
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
    /// The rules that hold, the one that asks for this first.
    pub rules: Vec<String>,
    /// The figures of that one, in words.
    pub why: String,
    /// It need not wait for the window.
    pub ignores_window: bool,
    /// It need not wait for the unit to be idle.
    pub ignores_idle: bool,
}
