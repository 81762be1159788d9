//! What people and programs read: tables, JSON, progress.

pub mod json;
pub mod out;
pub mod plan;
pub mod progress;
