//! How the guest's processors are run.

use anyhow::Result;

/// What runs the guest's processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accel {
    /// The host's own processors.
    Kvm,
    /// QEMU's emulation, everywhere and some ten times slower.
    Tcg,
}

impl Accel {
    /// What QEMU is told.
    pub fn arguments(self) -> [&'static str; 4] {
        match self {
            Accel::Kvm => ["-accel", "kvm", "-cpu", "host"],
            // Without cx16: QEMU 7.2's emulation of cmpxchg16b with more than
            // one processor makes the kernel die of double faults.
            Accel::Tcg => ["-accel", "tcg,thread=multi", "-cpu", "Haswell,-cx16"],
        }
    }
}

/// What works here.
pub fn choose() -> Result<Accel> {
    Ok(Accel::Tcg)
}
