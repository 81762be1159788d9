//! `memctl replay`: what a unit's rules would have done on a recording, by the very code of the watch.
//!
//! ```text
//! CSV → trace → Reading ─┐                 ┌─ trend (the leak detector)
//! history → points ──────┴→ player → Sample ├─ policy::weigh (rules) ─ gates (window, cooldown, limit) → Told
//! ```
//!
//! Pure: bytes and readings come in, what would have been told and done goes out. What follows in a recording after a
//! restart that would have been made is still the recording: the unit was not restarted.

mod acts;
pub mod cell;
mod fault;
mod given;
mod play;
mod player;
mod points;
mod trace;

use jiff::Timestamp;

use crate::kernel::stat::MemoryEvents;
use crate::sample::{Limit, Memory, Start};

pub use fault::{Fault, Faults};
pub use given::{Given, Limits};
pub use play::{Line, Played, play, play_readings, play_until};
pub use player::{Host, Player, Told, What};
pub use points::readings;
pub use trace::{Trace, columns};

/// One line of a recording; what it does not tell is `None`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// When.
    pub time: Timestamp,
    /// Which start of the unit.
    pub start: Start,
    /// What it held.
    pub memory: Memory,
    /// `memory.high`.
    pub high: Option<Limit>,
    /// `memory.max`.
    pub max: Option<Limit>,
    /// The ceiling, where the recording knows it: the limits of slices are among it.
    pub ceiling: Option<u64>,
    /// `usage_usec` of `cpu.stat`.
    pub cpu_usec: Option<u64>,
    /// `memory.events`.
    pub events: MemoryEvents,
}

impl Reading {
    /// Nothing is known but the time.
    #[must_use]
    pub fn blank(time: Timestamp) -> Self {
        Self {
            time,
            start: Start::default(),
            memory: Memory::default(),
            high: None,
            max: None,
            ceiling: None,
            cpu_usec: None,
            events: MemoryEvents::default(),
        }
    }
}

#[cfg(test)]
mod tests;
