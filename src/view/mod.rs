//! What people and programs read: tables, JSON, progress.

pub mod chart;
pub mod course;
pub mod exposition;
pub mod history;
pub mod json;
pub mod metrics;
pub mod out;
pub mod plan;
pub mod progress;
pub mod recommend;
