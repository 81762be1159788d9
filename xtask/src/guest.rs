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
//! small agent in it runs what the host asks for. It has no network.
//!
//! Where it is emulated it starts from the saved state of an earlier boot; so
//! all guests share one boot id until they [reboot](Guest::reboot), and
//! [`GuestConfig::cold`] is for what must see the first boot itself.

mod accel;
mod agent;
pub mod background;
mod config;
pub mod image;
mod keep;
mod launch;
mod link;
mod machine;
mod qemu;
mod qmp;
mod saved;
mod script;
mod suite;

pub use agent::Running;
pub use config::GuestConfig;
pub use machine::Guest;
pub use script::{Output, Script};
pub use suite::Suite;
