//! systemd: unit names, unit files, and the manager on the bus.

pub mod files;
pub mod names;
pub mod unit_file;
