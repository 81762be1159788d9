//! One reading of one unit: raw figures, where they came from, and what they add up to.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::kernel::meminfo::MemInfo;
use crate::kernel::psi::Pressure;
use crate::kernel::stat::{CpuStat, MemoryEvents, MemoryStat};
use crate::systemd::names::{UnitName, UnitType};

/// One reading of one unit. What could not be read, or this kernel does not tell, is `None`: unknown, never 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The unit.
    pub unit: UnitName,
    /// The slice whose cgroup it lies in; `None` directly below the manager, and where nobody says.
    pub slice: Option<UnitName>,
    /// Its cgroup's folder, below the root; `None` where cgroupfs was not read.
    pub cgroup: Option<PathBuf>,
    /// When it was read.
    pub time: Timestamp,
    /// Who told.
    pub source: Source,
    /// Which start of the unit it is of.
    pub start: Start,
    /// The memory it holds.
    pub memory: Memory,
    /// What limits it.
    pub limits: Limits,
    /// `memory.events`: of the unit and everything below it.
    pub events: MemoryEvents,
    /// `memory.events.local`: of the unit's own limits.
    pub events_local: MemoryEvents,
    /// `memory.pressure`.
    pub pressure: Option<Pressure>,
    /// `cpu.stat`.
    pub cpu: CpuStat,
    /// `pids.current`: processes and threads.
    pub tasks: Option<u64>,
}

/// Who told a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The kernel, in cgroupfs.
    Cgroup,
    /// The service manager, over D-Bus: less is known, and PID 1 pays for it (FACTS 8).
    Bus,
}

impl Source {
    /// As tables and JSON have it: `cgroup`, `dbus`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cgroup => "cgroup",
            Self::Bus => "dbus",
        }
    }
}

/// `InvocationID`: a number that systemd gives each start of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Invocation(pub u128);

impl Invocation {
    /// Reads 32 hexadecimal digits; zeros alone are none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = u128::from_str_radix(text, 16).ok()?;
        (text.len() == 32 && id != 0).then_some(Self(id))
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Which start of a unit: the kernel's counters begin anew with the cgroup, and a cgroup may outlive a start that
/// left processes behind, so both count (FACTS 22).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Start {
    /// systemd's number of the start.
    pub invocation: Option<Invocation>,
    /// The cgroup's inode.
    pub inode: Option<u64>,
}

impl Start {
    /// Whether two readings are of one start: nothing that both of them know differs.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
            match (a, b) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            }
        }
        agree(self.invocation, other.invocation) && agree(self.inode, other.inode)
    }
}

/// The memory a unit holds, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// `memory.current`: page cache included.
    pub current: Option<u64>,
    /// `memory.peak`: the most that `current` was in this start (kernel 5.19).
    pub peak: Option<u64>,
    /// `memory.swap.current`.
    pub swap: Option<u64>,
    /// `memory.stat`.
    pub stat: MemoryStat,
}

impl Memory {
    /// What cannot be reclaimed, wherever it lies (FACTS 24): resident need and what was swapped out. `None` where
    /// the kernel's statistics are not known: `current` is no stand-in, page cache is in it.
    #[must_use]
    pub fn need(&self) -> Option<u64> {
        Some(self.resident()?.saturating_add(self.swap.unwrap_or(0)))
    }

    /// The part of need that is in RAM.
    #[must_use]
    pub fn resident(&self) -> Option<u64> {
        self.stat.resident()
    }

    /// What is held beyond that: page cache and other things that can be dropped.
    #[must_use]
    pub fn reclaimable(&self) -> Option<u64> {
        Some(self.current?.saturating_sub(self.resident()?))
    }
}

/// A limit of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// No limit.
    Infinity,
    /// So many bytes.
    Bytes(u64),
}

impl Limit {
    /// The bytes, if there is a limit.
    #[must_use]
    pub fn bytes(self) -> Option<u64> {
        match self {
            Self::Infinity => None,
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}

impl From<Option<u64>> for Limit {
    fn from(bytes: Option<u64>) -> Self {
        bytes.map_or(Self::Infinity, Self::Bytes)
    }
}

/// A unit's own limits as they are in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// `memory.high`.
    pub high: Option<Limit>,
    /// `memory.max`.
    pub max: Option<Limit>,
    /// `memory.swap.max`.
    pub swap_max: Option<Limit>,
    /// The least of MemoryHigh and MemoryMax of the unit *and its slices*, where the source says so itself
    /// (`EffectiveMemoryMax/High`, systemd 256).
    pub effective: Option<Limit>,
}

impl Limits {
    /// The lesser of the unit's own MemoryHigh and MemoryMax, and which of them it is.
    #[must_use]
    pub fn least(&self) -> Option<(u64, Bound)> {
        let bytes = |limit: Option<Limit>| limit.and_then(Limit::bytes);
        let high = bytes(self.high).map(|bytes| (bytes, Bound::High));
        let max = bytes(self.max).map(|bytes| (bytes, Bound::Max));
        // Equal ones: the throttle comes first.
        [high, max]
            .into_iter()
            .flatten()
            .min_by_key(|(bytes, _)| *bytes)
    }
}

/// Which limit of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// MemoryHigh: beyond it the unit is throttled.
    High,
    /// MemoryMax: beyond it processes are killed.
    Max,
}

impl Bound {
    /// The directive: `MemoryHigh`.
    #[must_use]
    pub fn directive(self) -> &'static str {
        match self {
            Self::High => "MemoryHigh",
            Self::Max => "MemoryMax",
        }
    }
}

/// What a unit's resident need must stay under: the least of its MemoryHigh and MemoryMax and those of its slices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ceiling {
    /// The limit in bytes.
    pub bytes: u64,
    /// Whose limit it is: the unit's own or one of its slices'.
    pub unit: UnitName,
    /// Which.
    pub bound: Bound,
}

/// Everything that was read at one time.
#[derive(Debug, Clone)]
pub struct Reading {
    /// When.
    pub time: Timestamp,
    /// The machine's memory.
    pub host: Option<MemInfo>,
    /// The units that have a cgroup, slices included, sorted by name.
    pub samples: Vec<Sample>,
    /// What could not be read, in words; the other units are read all the same.
    pub faults: Vec<String>,
}

impl Reading {
    /// The sample of a unit.
    #[must_use]
    pub fn get(&self, unit: &UnitName) -> Option<&Sample> {
        let at = self.samples.binary_search_by(|s| s.unit.cmp(unit));
        at.ok().map(|at| &self.samples[at])
    }

    /// A unit's ceiling; `None` where nothing limits it, or nobody tells.
    #[must_use]
    pub fn ceiling(&self, sample: &Sample) -> Option<Ceiling> {
        let mut least = own(sample);
        let mut above = sample.slice.clone();
        while let Some(slice) = above {
            let found = self.get(&slice);
            if let Some(own) = found.and_then(own)
                && least.as_ref().is_none_or(|l| own.bytes < l.bytes)
            {
                least = Some(own);
            }
            above = found.map_or_else(|| slice.parent_slice(), |s| s.slice.clone());
        }
        if let Some(Limit::Bytes(bytes)) = sample.limits.effective
            && least.as_ref().is_none_or(|own| bytes < own.bytes)
        {
            // The manager does not say whose it is; MemoryMax is the one that kills.
            least = Some(Ceiling {
                bytes,
                unit: sample.slice.clone().unwrap_or_else(|| sample.unit.clone()),
                bound: Bound::Max,
            });
        }
        least
    }
}

fn own(sample: &Sample) -> Option<Ceiling> {
    let (bytes, bound) = sample.limits.least()?;
    Some(Ceiling {
        bytes,
        unit: sample.unit.clone(),
        bound,
    })
}

impl Sample {
    /// A sample that knows nothing yet.
    #[must_use]
    pub fn blank(unit: UnitName, time: Timestamp, source: Source) -> Self {
        Self {
            unit,
            slice: None,
            cgroup: None,
            time,
            source,
            start: Start::default(),
            memory: Memory::default(),
            limits: Limits::default(),
            events: MemoryEvents::default(),
            events_local: MemoryEvents::default(),
            pressure: None,
            cpu: CpuStat::default(),
            tasks: None,
        }
    }

    /// Whether the unit runs processes of its own, and is no slice of others.
    #[must_use]
    pub fn is_leaf(&self) -> bool {
        self.unit.unit_type() != UnitType::Slice
    }
}

/// What a counter gained between two readings: from nothing where the unit was started anew, or the counter was (a
/// decrease is a restart, not a negative, FACTS 22); `None` where either is unknown.
#[must_use]
pub fn gained(before: Option<u64>, after: Option<u64>, same_start: bool) -> Option<u64> {
    let (before, after) = (before?, after?);
    Some(match after.checked_sub(before) {
        Some(gain) if same_start => gain,
        _ => after,
    })
}

#[cfg(test)]
mod tests;
