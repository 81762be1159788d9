//! What every unit held, over time: an SQLite database that may be lost, written by a thread of its own.

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
