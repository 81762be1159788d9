//! systemd: unit names, unit files, and the manager on the bus.

pub mod names;
