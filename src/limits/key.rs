//! The directives that a profile may set, each with its grammar.
//!
//! The values are read as systemd's own loader reads them (`load-fragment.c` of 252 and 257, no difference
//! found in the table of 262), so that administrators' unit files can be read by the same code.

use std::fmt;

use crate::systemd::names::UnitType;
use crate::units::{self, CpuQuota, Memory, Span, UnitError, quote};

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

/// Why a text is no value of a directive.
pub type ValueError = UnitError;

/// When a changed directive takes force in a running unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Force {
    /// With the reload, or, where systemd leaves the kernel behind (257), with the nudge after it.
    ReloadOrNudge,
    /// With the reload alone: PID 1 or systemd-oomd keeps it, not the kernel.
    Reload,
    /// When the unit's processes are started the next time.
    NextStart,
}

const WEIGHT_ALLOWED: &str = "a whole number from 1 to 10000 (the default is 100)";
const CPU_WEIGHT_ALLOWED: &str = "a whole number from 1 to 10000 (the default is 100) or idle";
const SCORE_ALLOWED: &str = "a whole number from -1000 (never) to 1000 (first)";
const NONZERO_ALLOWED: &str = "a size above zero (400M), a share of RAM (80%) or infinity";

impl Key {
    /// Every directive, in the order in which they are shown.
    pub const ALL: [Self; 19] = [
        Self::MemoryMin,
        Self::MemoryLow,
        Self::MemoryHigh,
        Self::MemoryMax,
        Self::MemorySwapMax,
        Self::MemoryZSwapMax,
        Self::CPUQuota,
        Self::CPUWeight,
        Self::TasksMax,
        Self::IOWeight,
        Self::TimeoutStopSec,
        Self::OOMPolicy,
        Self::OOMScoreAdjust,
        Self::ManagedOOMSwap,
        Self::ManagedOOMMemoryPressure,
        Self::ManagedOOMMemoryPressureLimit,
        Self::ManagedOOMPreference,
        Self::MemoryPressureWatch,
        Self::MemoryPressureThresholdSec,
    ];

    /// The directive as it stands in unit files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MemoryMin => "MemoryMin",
            Self::MemoryLow => "MemoryLow",
            Self::MemoryHigh => "MemoryHigh",
            Self::MemoryMax => "MemoryMax",
            Self::MemorySwapMax => "MemorySwapMax",
            Self::MemoryZSwapMax => "MemoryZSwapMax",
            Self::CPUQuota => "CPUQuota",
            Self::CPUWeight => "CPUWeight",
            Self::TasksMax => "TasksMax",
            Self::IOWeight => "IOWeight",
            Self::TimeoutStopSec => "TimeoutStopSec",
            Self::OOMPolicy => "OOMPolicy",
            Self::OOMScoreAdjust => "OOMScoreAdjust",
            Self::ManagedOOMSwap => "ManagedOOMSwap",
            Self::ManagedOOMMemoryPressure => "ManagedOOMMemoryPressure",
            Self::ManagedOOMMemoryPressureLimit => "ManagedOOMMemoryPressureLimit",
            Self::ManagedOOMPreference => "ManagedOOMPreference",
            Self::MemoryPressureWatch => "MemoryPressureWatch",
            Self::MemoryPressureThresholdSec => "MemoryPressureThresholdSec",
        }
    }

    /// The directive of that very name; case counts, as in unit files.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// Reads the directive's value.
    ///
    /// An empty text is none: see [`Key::takes_empty`]. A `TimeoutStopSec` of 0 is read as 0, though a
    /// service takes it for `infinity` (a scope does not).
    ///
    /// # Errors
    /// What systemd would ignore with a warning.
    pub fn parse_value(self, text: &str) -> Result<Value, ValueError> {
        match self {
            Self::MemoryMin | Self::MemoryLow | Self::MemorySwapMax | Self::MemoryZSwapMax => {
                Memory::parse(text).map(Value::Memory)
            }
            Self::MemoryHigh | Self::MemoryMax => match Memory::parse(text)? {
                Memory::Bytes(0) | Memory::Share(0) => Err(refuse(
                    text,
                    "nothing can run with no memory at all",
                    NONZERO_ALLOWED,
                )),
                memory => Ok(Value::Memory(memory)),
            },
            Self::CPUQuota => CpuQuota::parse(text).map(Value::CpuQuota),
            Self::CPUWeight if text == "idle" => Ok(Value::Weight(None)),
            Self::CPUWeight => weight(text, CPU_WEIGHT_ALLOWED),
            Self::IOWeight => weight(text, WEIGHT_ALLOWED),
            Self::TasksMax => units::parse_tasks(text).map(Value::Tasks),
            Self::TimeoutStopSec | Self::MemoryPressureThresholdSec => {
                Span::parse(text).map(Value::Span)
            }
            Self::OOMScoreAdjust => match units::parse_signed(text) {
                Ok(n @ -1000..=1000) => Ok(Value::Number(n)),
                Ok(_) => Err(refuse(text, "the number is out of range", SCORE_ALLOWED)),
                Err(error) => Err(allowing(error, SCORE_ALLOWED)),
            },
            Self::ManagedOOMMemoryPressureLimit => units::parse_share(text).map(Value::Share),
            Self::OOMPolicy => word(
                text,
                &["stop", "continue", "kill"],
                "stop, continue or kill",
            ),
            Self::ManagedOOMSwap | Self::ManagedOOMMemoryPressure => {
                word(text, &["auto", "kill"], "auto or kill")
            }
            Self::ManagedOOMPreference => {
                word(text, &["none", "avoid", "omit"], "none, avoid or omit")
            }
            Self::MemoryPressureWatch => match boolean(text) {
                Some(true) => Ok(Value::Word("yes")),
                Some(false) => Ok(Value::Word("no")),
                None => word(text, &["auto", "skip"], "auto, on, off or skip"),
            },
        }
    }

    /// Whether an empty assignment takes back what files before it said. Where it does not, systemd
    /// ignores it with a warning.
    #[must_use]
    pub fn takes_empty(self) -> bool {
        !matches!(
            self,
            Self::TimeoutStopSec
                | Self::OOMPolicy
                | Self::ManagedOOMPreference
                | Self::MemoryPressureWatch
                | Self::MemoryPressureThresholdSec
        )
    }

    /// Whether the directive does something in units of a type.
    ///
    /// systemd reads `MemoryPressureWatch=` in slices and scopes too, where it starts no process that could
    /// be told.
    #[must_use]
    pub fn applies_to(self, unit_type: UnitType) -> bool {
        use UnitType::{Scope, Service, Slice};
        match self {
            Self::TimeoutStopSec | Self::OOMPolicy => matches!(unit_type, Service | Scope),
            Self::OOMScoreAdjust | Self::MemoryPressureWatch | Self::MemoryPressureThresholdSec => {
                !matches!(unit_type, Slice | Scope)
            }
            Self::ManagedOOMSwap
            | Self::ManagedOOMMemoryPressure
            | Self::ManagedOOMMemoryPressureLimit
            | Self::ManagedOOMPreference => matches!(unit_type, Service | Slice | Scope),
            _ => true,
        }
    }

    /// The systemd version that brought the directive, where that came after 252, the oldest memctl knows.
    #[must_use]
    pub fn since(self) -> Option<u32> {
        match self {
            Self::MemoryZSwapMax => Some(253),
            Self::MemoryPressureWatch | Self::MemoryPressureThresholdSec => Some(254),
            _ => None,
        }
    }

    /// [`Key::since`] for a unit type: `OOMPolicy` came to scopes later than to services.
    #[must_use]
    pub fn since_for(self, unit_type: UnitType) -> Option<u32> {
        match (self, unit_type) {
            (Self::OOMPolicy, UnitType::Scope) => Some(253),
            _ => self.since(),
        }
    }

    /// The cgroup file that holds the limit; `cpu.weight` stands for `cpu.idle` too, and `OOMPolicy` is
    /// there only as far as it is `kill` or not.
    #[must_use]
    pub fn kernel_file(self) -> Option<&'static str> {
        match self {
            Self::MemoryMin => Some("memory.min"),
            Self::MemoryLow => Some("memory.low"),
            Self::MemoryHigh => Some("memory.high"),
            Self::MemoryMax => Some("memory.max"),
            Self::MemorySwapMax => Some("memory.swap.max"),
            Self::MemoryZSwapMax => Some("memory.zswap.max"),
            Self::CPUQuota => Some("cpu.max"),
            Self::CPUWeight => Some("cpu.weight"),
            Self::TasksMax => Some("pids.max"),
            Self::IOWeight => Some("io.weight"),
            Self::OOMPolicy => Some("memory.oom.group"),
            _ => None,
        }
    }

    /// When a change takes force in a running unit.
    #[must_use]
    pub fn takes_force(self) -> Force {
        match self {
            Self::OOMScoreAdjust | Self::MemoryPressureWatch | Self::MemoryPressureThresholdSec => {
                Force::NextStart
            }
            Self::TimeoutStopSec
            | Self::ManagedOOMSwap
            | Self::ManagedOOMMemoryPressure
            | Self::ManagedOOMMemoryPressureLimit => Force::Reload,
            // ManagedOOMPreference is an extended attribute of the cgroup; OOMPolicy sets memory.oom.group.
            _ => Force::ReloadOrNudge,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(memory) => memory.fmt(f),
            // A number of tasks has no suffix.
            Self::Tasks(Memory::Bytes(n)) => n.fmt(f),
            Self::Tasks(tasks) => tasks.fmt(f),
            Self::CpuQuota(quota) => quota.fmt(f),
            Self::Weight(Some(n)) => n.fmt(f),
            Self::Weight(None) => f.write_str("idle"),
            Self::Span(span) => span.fmt(f),
            Self::Word(word) => f.write_str(word),
            Self::Number(n) => n.fmt(f),
            Self::Share(n) => Memory::Share(*n).fmt(f),
        }
    }
}

fn refuse(text: &str, problem: &str, allowed: &'static str) -> ValueError {
    ValueError {
        problem: problem.to_owned(),
        at: 0..text.len(),
        allowed,
        suggestion: None,
    }
}

fn allowing(mut error: ValueError, allowed: &'static str) -> ValueError {
    error.allowed = allowed;
    error
}

fn weight(text: &str, allowed: &'static str) -> Result<Value, ValueError> {
    match units::parse_unsigned(text) {
        Ok(n @ 1..=10_000) => Ok(Value::Weight(Some(n))),
        Ok(_) => Err(refuse(text, "the weight is out of range", allowed)),
        Err(error) => Err(allowing(error, allowed)),
    }
}

/// One of a few words; systemd compares them with case.
fn word(text: &str, words: &[&'static str], allowed: &'static str) -> Result<Value, ValueError> {
    if let Some(word) = words.iter().find(|word| **word == text) {
        return Ok(Value::Word(word));
    }
    let problem = match text {
        "" => "the value is empty".to_owned(),
        _ => format!("{} is not one of its words", quote(text)),
    };
    let mut error = refuse(text, &problem, allowed);
    let lower = text.trim().to_lowercase();
    error.suggestion = words
        .iter()
        .map(|word| (strsim::damerau_levenshtein(word, &short(&lower)), word))
        .filter(|(distance, _)| *distance <= 2)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| (*word).to_owned());
    Err(error)
}

/// Distances cost the product of the lengths: nothing that long is a word of systemd's.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// systemd's `parse_boolean`, which ignores case.
fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
