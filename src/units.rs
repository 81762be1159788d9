//! Units of measure in systemd's own grammar (`1G` is 2^30 bytes, `infinity` is no limit, `1h 30min`).

/// An amount of memory as a directive takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Memory {
    /// Bytes.
    Bytes(u64),
    /// Share of RAM in hundredths of a percent (`80%` is 8000).
    Share(u32),
    /// `infinity`.
    Infinity,
}

/// `CPUQuota=`: hundredths of a percent of one CPU; `None` is no quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuQuota(pub Option<u64>);

/// A time span in microseconds; `u64::MAX` is `infinity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);
