//! The kernel's own files: what is in force, what is held, what the machine has.

pub mod cgroup;
pub mod host;
pub mod root;
