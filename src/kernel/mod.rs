//! The kernel's own files: what is in force, what is held, what the machine has.

pub mod cgroup;
pub mod folder;
pub mod host;
pub mod meminfo;
pub mod process;
pub mod psi;
pub mod root;
pub mod stat;
pub mod text;
pub mod unit_dir;
