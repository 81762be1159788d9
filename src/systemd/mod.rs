//! systemd: unit names, unit files, and the manager on the bus.

pub mod client;
pub mod files;
pub mod manager;
pub mod names;
pub mod reach;
mod reader;
mod search;
pub mod systemctl;
pub mod unit_file;
