//! What every unit held, over time: an SQLite database that may be lost, written by a thread of its own.
//!
//! Of 100 units at a tick of 10 seconds and the retention of the defaults, some 120 MB if all of them change in every
//! reading, 40 MB if a fifth does, 18 MB if none does: reckoned from two days (`tests/measure.rs`, which fills all
//! of it, given the time). At most 1 GiB ([`close::MOST_BYTES`]), whatever is recorded.

mod aside;
mod close;
mod pack;
mod point;
mod query;
mod recorder;
mod roll_up;
mod row;
mod schema;
mod tick;
mod trouble;
mod varint;
mod write;

pub use point::{Figures, Grain, Point, Settings, Spread};
pub use query::History;
pub use recorder::{Recorder, Report};

#[cfg(test)]
mod tests;
