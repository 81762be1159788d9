//! What people and programs read: tables, JSON, progress.

pub mod chart;
pub mod course;
pub mod grid;
pub mod history;
pub mod json;
pub mod out;
pub mod plan;
pub mod progress;
pub mod spark;
pub mod status;
