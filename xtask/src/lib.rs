//! memctl's workshop.
//!
//! memctl speaks to systemd as PID 1 and is judged by what the kernel holds, so
//! its behaviour is tested in [guests](guest): small virtual machines with a
//! booted Debian, thrown away afterwards.

pub mod bench;
pub mod demo;
pub mod guest;
pub mod host;
pub mod package;
pub mod prometheus;
pub mod record;
pub mod tell;
