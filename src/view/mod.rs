//! What people and programs read: tables, JSON, progress.

pub mod chart;
pub mod course;
pub mod doctor;
pub mod explain;
pub mod exposition;
pub mod grid;
pub mod history;
pub mod json;
pub mod log;
pub mod metrics;
pub mod out;
pub mod plan;
pub mod progress;
pub mod recommend;
pub mod replay;
pub mod spark;
pub mod status;
pub mod trend;
