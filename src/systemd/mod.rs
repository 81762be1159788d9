//! systemd: unit names, unit files, and the manager on the bus.

mod client;
mod figures;
pub mod files;
mod lasting;
mod look;
pub mod manager;
pub mod names;
pub mod reach;
mod reader;
mod search;
mod systemctl;
pub mod unit_file;
mod wait;
