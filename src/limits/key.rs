//! The directives that a profile may set, each with its grammar.

use crate::units::{CpuQuota, Memory, Span};

/// A limit directive, under systemd's own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Memory kept from reclaim, hard.
    MemoryMin,
    /// Memory kept from reclaim while others have some to give.
    MemoryLow,
    /// Throttling begins here.
    MemoryHigh,
    /// Killing begins here.
    MemoryMax,
    /// Swap at most.
    MemorySwapMax,
    /// Compressed swap at most.
    MemoryZSwapMax,
    /// CPU time per wall time.
    CPUQuota,
    /// Share of the CPU.
    CPUWeight,
    /// Tasks at most.
    TasksMax,
    /// Share of the disk.
    IOWeight,
    /// Time to stop gracefully.
    TimeoutStopSec,
    /// What happens after an OOM kill.
    OOMPolicy,
    /// The kernel's preference for killing.
    OOMScoreAdjust,
    /// Whether systemd-oomd acts on swap.
    ManagedOOMSwap,
    /// Whether systemd-oomd acts on pressure.
    ManagedOOMMemoryPressure,
    /// The pressure at which it does.
    ManagedOOMMemoryPressureLimit,
    /// Whether systemd-oomd avoids or omits the unit.
    ManagedOOMPreference,
    /// Whether the service is told of pressure.
    MemoryPressureWatch,
    /// The pressure at which it is.
    MemoryPressureThresholdSec,
}

/// A directive's value, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A size, a share of RAM or no limit.
    Memory(Memory),
    /// Share of one CPU.
    CpuQuota(CpuQuota),
    /// 1–10000, or `None` for `idle` (CPUWeight alone).
    Weight(Option<u64>),
    /// Tasks: a number, a share of what the system allows, or no limit.
    Tasks(Memory),
    /// A time.
    Span(Span),
    /// A word out of a fixed list.
    Word(&'static str),
    /// A number (OOMScoreAdjust).
    Number(i64),
    /// A share in hundredths of a percent.
    Share(u32),
}
