//! Disposable guests with a booted systemd.
//!
//! ```no_run
//! use xtask::guest::{Guest, GuestConfig, Suite};
//!
//! let guest = Guest::boot(GuestConfig::new(Suite::Trixie))?;
//! assert_eq!(guest.ok("cat /proc/1/comm").trim(), "systemd");
//! # anyhow::Ok(())
//! ```
//!
//! A guest's disk is a throw-away layer over an [image] that is built once. A
//! small [agent] in it runs what the host asks for. It has no network.

mod accel;
mod agent;
pub mod background;
mod config;
pub mod image;
mod keep;
mod link;
mod machine;
mod qemu;
mod qmp;
mod script;
mod suite;

pub use agent::Running;
pub use config::GuestConfig;
pub use machine::Guest;
pub use script::{Output, Script};
pub use suite::Suite;
