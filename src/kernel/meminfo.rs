//! `/proc/meminfo`: the machine's memory.

use std::path::Path;

use crate::error::{Error, Result};
use crate::kernel::root::Root;
use crate::kernel::text::{Malformed, Parsed};

const PATH: &str = "/proc/meminfo";

/// The machine's memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemInfo {
    /// `MemTotal`.
    pub total: u64,
    /// `MemFree`.
    pub free: Option<u64>,
    /// `MemAvailable`: what a new program could have without swapping.
    pub available: Option<u64>,
    /// `SwapTotal`.
    pub swap_total: Option<u64>,
    /// `SwapFree`; no more than `SwapTotal`, though kernels have said 2^64−256 kB.
    pub swap_free: Option<u64>,
    /// `Shmem`: tmpfs and shared memory.
    pub shmem: Option<u64>,
    /// `SUnreclaim`.
    pub slab_unreclaimable: Option<u64>,
}

impl MemInfo {
    /// Reads lines of the form `MemTotal:       925000 kB`.
    ///
    /// A figure that does not fit, or is none, is unknown: a watcher does not die of one strange reading.
    ///
    /// # Errors
    /// No `MemTotal`.
    pub fn parse(text: &str) -> Parsed<Self> {
        let mut info = Self::default();
        let mut total = None;
        for line in text.lines() {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let slot = match name {
                "MemTotal" => &mut total,
                "MemFree" => &mut info.free,
                "MemAvailable" => &mut info.available,
                "SwapTotal" => &mut info.swap_total,
                "SwapFree" => &mut info.swap_free,
                "Shmem" => &mut info.shmem,
                "SUnreclaim" => &mut info.slab_unreclaimable,
                _ => continue,
            };
            *slot = kib(value);
        }
        info.total = total.ok_or_else(|| Malformed::nothing(text))?;
        if let (Some(total), Some(free)) = (info.swap_total, info.swap_free) {
            info.swap_free = Some(free.min(total));
        }
        Ok(info)
    }

    /// Reads the machine's.
    ///
    /// # Errors
    /// `/proc` is not there, or says nothing of memory; with the path.
    pub fn read(root: &Root) -> Result<Self> {
        let path = Path::new(PATH);
        let shown = root.shown(path);
        let text = root.read(path).map_err(|e| Error::io("read", &shown, &e))?;
        Self::parse(&text).map_err(|e| Error::failed(format!("{}: {e}", shown.display())))
    }

    /// Used swap, in bytes.
    #[must_use]
    pub fn swap_used(&self) -> Option<u64> {
        self.swap_total?.checked_sub(self.swap_free?)
    }
}

fn kib(value: &str) -> Option<u64> {
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_bytes() {
        let text = "MemTotal:         925000 kB\nMemAvailable: 10 kB\nHugePages_Total:   3\n";
        let info = MemInfo::parse(text).expect("a total");
        assert_eq!(info.total, 925_000 * 1024);
        assert_eq!(info.available, Some(10 * 1024));
        assert_eq!(info.swap_free, None);
    }

    /// earlyoom #378: a watcher that died of it, and of its own restarts.
    #[test]
    fn earlyoom_swap_of_sixteen_exabytes_is_no_reason_to_die() {
        let text = "MemTotal: 1024 kB\nSwapTotal: 2048 kB\nSwapFree: 18446744073709551360 kB\n";
        let info = MemInfo::parse(text).expect("goes on");
        assert_eq!(info.swap_free, None);
        let text = "MemTotal: 1024 kB\nSwapTotal: 2048 kB\nSwapFree: 4096 kB\n";
        assert_eq!(MemInfo::parse(text).expect("read").swap_used(), Some(0));
    }

    #[test]
    fn without_a_total_it_is_no_meminfo() {
        for text in [
            "",
            "MemTotal: 1 GB\n",
            "MemTotal: 18446744073709551615 kB\n",
        ] {
            assert!(MemInfo::parse(text).is_err(), "{text:?}");
        }
    }
}
