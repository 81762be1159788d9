//! What the manager tells of a unit's memory, by whatever way it was asked.

use jiff::Timestamp;

use crate::sample::{Invocation, Limit};
use crate::systemd::names::UnitName;

/// What the manager tells of one loaded unit. Absent on an older systemd, or without data: `None` (FACTS 15, 16).
///
/// The limits are what the manager was told to set. Whether the kernel has them is another question (FACTS 1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// `ActiveState`.
    pub active: String,
    /// `SubState`.
    pub sub: String,
    /// `ActiveEnterTimestamp`: since when it is active, or was last.
    pub since: Option<Timestamp>,
    /// `InvocationID`.
    pub invocation: Option<Invocation>,
    /// `Slice`.
    pub slice: Option<UnitName>,
    /// `ControlGroup`; `None` for a unit that has none.
    pub cgroup: Option<String>,
    /// `MemoryCurrent`.
    pub current: Option<u64>,
    /// `MemoryPeak` (255).
    pub peak: Option<u64>,
    /// `MemorySwapCurrent` (255).
    pub swap: Option<u64>,
    /// `MemoryAvailable`: what it could take until it, or one of its slices, is at a limit.
    pub available: Option<u64>,
    /// `MemoryHigh`.
    pub high: Option<Limit>,
    /// `MemoryMax`.
    pub max: Option<Limit>,
    /// `MemorySwapMax`.
    pub swap_max: Option<Limit>,
    /// `EffectiveMemoryHigh` (256): the least of the unit and its slices, and RAM where nothing limits them.
    pub effective_high: Option<Limit>,
    /// `EffectiveMemoryMax` (256), likewise.
    pub effective_max: Option<Limit>,
    /// `CPUUsageNSec`, in microseconds.
    pub cpu_usec: Option<u64>,
    /// `TasksCurrent`.
    pub tasks: Option<u64>,
    /// `NRestarts`: by systemd itself, after failures.
    pub restarts: Option<u64>,
    /// `OOMKills` (259).
    pub oom_kills: Option<u64>,
}

/// The properties of a unit as they came.
pub(super) trait Properties {
    /// A number; `u64::MAX` for none, no limit, no data.
    fn number(&mut self, name: &str) -> Option<u64>;
    /// A text.
    fn text(&mut self, name: &str) -> Option<String>;
    /// A list of words.
    fn list(&mut self, name: &str) -> Vec<String>;
    /// Yes or no.
    fn flag(&mut self, name: &str) -> Option<bool>;
    /// Whether a job is queued or running.
    fn has_job(&mut self) -> bool;
    /// `InvocationID`.
    fn invocation(&mut self) -> Option<Invocation>;
}

impl Figures {
    /// The properties that are read, for those who must name them.
    pub(super) const NAMES: [&'static str; 20] = [
        "LoadState",
        "ActiveState",
        "SubState",
        "ActiveEnterTimestamp",
        "InvocationID",
        "Slice",
        "ControlGroup",
        "MemoryCurrent",
        "MemoryPeak",
        "MemorySwapCurrent",
        "MemoryAvailable",
        "MemoryHigh",
        "MemoryMax",
        "MemorySwapMax",
        "EffectiveMemoryHigh",
        "EffectiveMemoryMax",
        "CPUUsageNSec",
        "TasksCurrent",
        "NRestarts",
        "OOMKills",
    ];

    /// Takes them from a unit's properties; `None` for a unit that is not loaded.
    pub(super) fn of(from: &mut dyn Properties) -> Option<Self> {
        let active = from.text("ActiveState").unwrap_or_default();
        // Asking by name made systemd look for it, and there is no such unit (any more).
        if active == "inactive" && from.text("LoadState").as_deref() == Some("not-found") {
            return None;
        }
        let since = from.number("ActiveEnterTimestamp").filter(|usec| *usec > 0);
        let micros = since.and_then(|usec| i64::try_from(usec).ok());
        let mut data = |name| from.number(name).filter(|n| *n != u64::MAX);
        let (current, peak) = (data("MemoryCurrent"), data("MemoryPeak"));
        let (swap, available) = (data("MemorySwapCurrent"), data("MemoryAvailable"));
        let cpu_usec = data("CPUUsageNSec").map(|nsec| nsec / 1000);
        let (tasks, restarts) = (data("TasksCurrent"), data("NRestarts"));
        let oom_kills = data("OOMKills");
        let mut limit = |name| {
            Some(match from.number(name)? {
                u64::MAX => Limit::Infinity,
                bytes => Limit::Bytes(bytes),
            })
        };
        let (high, max) = (limit("MemoryHigh"), limit("MemoryMax"));
        let swap_max = limit("MemorySwapMax");
        let (effective_high, effective_max) =
            (limit("EffectiveMemoryHigh"), limit("EffectiveMemoryMax"));
        let cgroup = from.text("ControlGroup").filter(|path| !path.is_empty());
        let slice = from.text("Slice");
        Some(Self {
            active,
            sub: from.text("SubState").unwrap_or_default(),
            since: micros.and_then(|micros| Timestamp::from_microsecond(micros).ok()),
            invocation: from.invocation(),
            slice: slice.and_then(|name| UnitName::parse(&name).ok()),
            cgroup,
            current,
            peak,
            swap,
            available,
            high,
            max,
            swap_max,
            effective_high,
            effective_max,
            cpu_usec,
            tasks,
            restarts,
            oom_kills,
        })
    }
}
