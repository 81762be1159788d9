//! What every unit held, over time: an SQLite database that may be lost, written by a thread of its own.

mod point;
mod query;
mod recorder;

pub use point::{Figures, Grain, Point, Settings, Spread};
pub use query::History;
pub use recorder::{Recorder, Report};
