//! `memctl metrics`: a reading and what is known beside it, for Prometheus.
//!
//! One series a unit and figure. A unit's start is a time and no label, or every restart would make all series anew.
//! What is unknown is absent, and so is a limit that is none: a share of no limit is no series either.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::kernel::meminfo::MemInfo;
use crate::kernel::psi::Stall;
use crate::kernel::stat::{MemoryEvents, MemoryStat};
use crate::limits::standing::Standing;
use crate::sample::{Limit, Reading, Sample};
use crate::state::acts::Acts;
use crate::systemd::names::UnitName;
use crate::view::exposition::{Exposition, Family, Figure};

/// What a reading does not tell.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The last tick in the history; `None`: nobody has recorded any.
    pub last_tick: Option<Timestamp>,
    /// How the limits on disk stand.
    pub standing: Option<Standing>,
    /// The profiles that count.
    pub profiles: Option<Profiles>,
    /// When units were started, as far as systemd noted it.
    pub starts: BTreeMap<UnitName, Timestamp>,
    /// What memctl did to units, and how their rules stand; `None`: nobody looked.
    pub acts: Option<BTreeMap<UnitName, Acts>>,
    /// How many of these could not be found out.
    pub faults: usize,
}

/// The profiles that count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Profiles {
    /// How many there are.
    pub count: usize,
    /// How many faults they have, files that cannot be read included.
    pub faults: usize,
}

/// All metrics, as text: the same families in the same order at every reading, units by name.
#[must_use]
pub fn metrics(reading: &Reading, facts: &Facts) -> String {
    let mut text = Exposition::default();
    own(&mut text, reading, facts);
    if let Some(host) = &reading.host {
        for (family, figure) in HOST {
            text.family(*family)
                .add(&[], figure(host).map(Figure::Whole));
        }
    }
    let mut info = text.family(Family::gauge(
        "memctl_unit_info",
        "1 for each unit that was read: the slice it lies in, and who told its figures (cgroup, dbus).",
    ));
    for sample in &reading.samples {
        let slice = sample.slice.as_ref().map_or("", UnitName::as_str);
        let source = sample.source.name();
        let unit = sample.unit.as_str();
        info.add(
            &[("unit", unit), ("slice", slice), ("source", source)],
            Some(Figure::Whole(1)),
        );
    }
    for (family, figure) in UNIT {
        let mut samples = text.family(*family);
        for sample in &reading.samples {
            samples.add(&[("unit", sample.unit.as_str())], figure(sample));
        }
    }
    let mut ceilings = text.family(Family::gauge(
        "memctl_unit_ceiling_bytes",
        "The least of MemoryHigh and MemoryMax of the unit and its slices, which its resident need must stay under.",
    ));
    for sample in &reading.samples {
        let ceiling = reading.ceiling(sample).map(|c| Figure::Whole(c.bytes));
        ceilings.add(&[("unit", sample.unit.as_str())], ceiling);
    }
    let mut kinds = text.family(Family::gauge(
        "memctl_unit_memory_stat_bytes",
        "memory.stat, by kind of memory; shmem and file_dirty are parts of file, too.",
    ));
    for sample in &reading.samples {
        for (kind, figure) in STAT {
            let figure = figure(&sample.memory.stat).map(Figure::Whole);
            kinds.add(&[("unit", sample.unit.as_str()), ("kind", kind)], figure);
        }
    }
    let mut events = text.family(Family::counter(
        "memctl_unit_memory_events_total",
        "memory.events of the unit and all below it. A unit that is killed takes its counters along; its slice's stay.",
    ));
    for sample in &reading.samples {
        for (event, count) in EVENTS {
            let count = count(&sample.events).map(Figure::Whole);
            events.add(&[("unit", sample.unit.as_str()), ("event", event)], count);
        }
    }
    let mut starts = text.family(Family::gauge(
        "memctl_unit_start_time_seconds",
        "When the unit was started, in Unix time: another one means another start, whose counters begin at 0.",
    ));
    for sample in &reading.samples {
        let start = facts.starts.get(&sample.unit).and_then(time);
        starts.add(&[("unit", sample.unit.as_str())], start);
    }
    acts(&mut text, facts.acts.as_ref());
    text.finish()
}

/// What memctl did to units, and how their rules stand.
fn acts(text: &mut Exposition, acts: Option<&BTreeMap<UnitName, Acts>>) {
    type Of = fn(&Acts) -> u64;
    let figures: [(&str, &str, Of); 4] = [
        (
            "memctl_unit_restarts",
            "Restarts and reloads of the unit by memctl in the last 31 days.",
            |acts| acts.done,
        ),
        (
            "memctl_unit_rules_holding",
            "Rules of the unit that hold and were told.",
            |acts| acts.holding.len() as u64,
        ),
        (
            "memctl_unit_held",
            "1: somebody said that nothing is to be done to the unit.",
            |acts| u64::from(acts.held.is_some()),
        ),
        (
            "memctl_unit_ineffective",
            "1: restarts do not help the unit, and memctl makes none.",
            |acts| u64::from(acts.ineffective),
        ),
    ];
    for (name, help, figure) in figures {
        let mut family = text.family(Family::gauge(name, help));
        for (unit, acts) in acts.into_iter().flatten() {
            family.add(
                &[("unit", unit.as_str())],
                Some(Figure::Whole(figure(acts))),
            );
        }
    }
}

/// memctl's own figures.
fn own(text: &mut Exposition, reading: &Reading, facts: &Facts) {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    text.family(Family::gauge("memctl_build_info", "1; which memctl it is."))
        .add(&version, Some(Figure::Whole(1)));
    let count = |n: usize| Some(Figure::Whole(n as u64));
    let standing = facts.standing.as_ref();
    let profiles = facts.profiles;
    for (name, help, figure) in [
        (
            "memctl_reading_timestamp_seconds",
            "When these figures were read, in Unix time.",
            time(&reading.time),
        ),
        (
            "memctl_last_tick_timestamp_seconds",
            "When the watch last recorded a reading, in Unix time.",
            facts.last_tick.as_ref().and_then(time),
        ),
        (
            "memctl_read_faults",
            "Files that could not be read or understood at this reading.",
            count(reading.faults.len() + facts.faults),
        ),
        (
            "memctl_profiles",
            "Profiles that count.",
            profiles.and_then(|p| count(p.count)),
        ),
        (
            "memctl_profile_faults",
            "Faults in profiles; what is faulty limits nothing.",
            profiles.and_then(|p| count(p.faults)),
        ),
        (
            "memctl_pending_units",
            "Units with a limit that is on disk and not in force.",
            standing.and_then(|s| count(s.pending.len())),
        ),
        (
            "memctl_withheld_limits",
            "Limits that wait for their unit's next start: it holds too much for them.",
            standing.and_then(|s| count(s.withheld)),
        ),
        (
            "memctl_overridden_limits",
            "Limits of profiles that another drop-in overrides.",
            standing.and_then(|s| count(s.overridden)),
        ),
        (
            "memctl_ineffective_units",
            "Units that restarts do not help, and that memctl restarts no more.",
            facts
                .acts
                .as_ref()
                .and_then(|all| count(all.values().filter(|acts| acts.ineffective).count())),
        ),
    ] {
        text.family(Family::gauge(name, help)).add(&[], figure);
    }
}

/// A family of the host, and where its bytes are.
type OfHost = (Family, fn(&MemInfo) -> Option<u64>);

const HOST: &[OfHost] = &[
    (
        Family::gauge("memctl_host_memory_total_bytes", "RAM."),
        |host| Some(host.total),
    ),
    (
        Family::gauge(
            "memctl_host_memory_available_bytes",
            "What a new program could have without swapping.",
        ),
        |host| host.available,
    ),
    (
        Family::gauge("memctl_host_swap_total_bytes", "Swap space."),
        |host| host.swap_total,
    ),
    (
        Family::gauge("memctl_host_swap_free_bytes", "Swap space that is free."),
        |host| host.swap_free,
    ),
];

/// A family of units, and where its figure is.
type OfUnit = (Family, fn(&Sample) -> Option<Figure>);

const UNIT: &[OfUnit] = &[
    (
        Family::gauge(
            "memctl_unit_need_bytes",
            "What the unit holds that cannot be reclaimed, in RAM or swapped out.",
        ),
        |s| s.memory.need().map(Figure::Whole),
    ),
    (
        Family::gauge(
            "memctl_unit_resident_need_bytes",
            "The part of need that is in RAM.",
        ),
        |s| s.memory.resident().map(Figure::Whole),
    ),
    (
        Family::gauge(
            "memctl_unit_memory_current_bytes",
            "memory.current: page cache included.",
        ),
        |s| s.memory.current.map(Figure::Whole),
    ),
    (
        Family::gauge(
            "memctl_unit_memory_peak_bytes",
            "memory.peak: the most that memory.current was since the start.",
        ),
        |s| s.memory.peak.map(Figure::Whole),
    ),
    (
        Family::gauge("memctl_unit_swap_bytes", "memory.swap.current."),
        |s| s.memory.swap.map(Figure::Whole),
    ),
    (
        Family::gauge(
            "memctl_unit_memory_high_bytes",
            "memory.high in force: beyond it the unit is throttled; absent without limit.",
        ),
        |s| limit(s.limits.high),
    ),
    (
        Family::gauge(
            "memctl_unit_memory_max_bytes",
            "memory.max in force: beyond it processes are killed; absent without limit.",
        ),
        |s| limit(s.limits.max),
    ),
    (
        Family::gauge(
            "memctl_unit_swap_max_bytes",
            "memory.swap.max in force; absent without limit.",
        ),
        |s| limit(s.limits.swap_max),
    ),
    (
        Family::counter(
            "memctl_unit_memory_pressure_some_seconds_total",
            "Time in which at least one task of the unit waited for memory.",
        ),
        |s| s.pressure.map(|p| stalled(p.some)),
    ),
    (
        Family::counter(
            "memctl_unit_memory_pressure_full_seconds_total",
            "Time in which all tasks of the unit that were not idle waited for memory.",
        ),
        |s| s.pressure.and_then(|p| p.full).map(stalled),
    ),
    (
        Family::counter("memctl_unit_cpu_seconds_total", "CPU time used."),
        |s| s.cpu.usage_usec.map(Figure::Seconds),
    ),
    (
        Family::counter(
            "memctl_unit_cpu_throttled_seconds_total",
            "Time spent waiting because CPUQuota was used up.",
        ),
        |s| s.cpu.throttled_usec.map(Figure::Seconds),
    ),
    (
        Family::gauge("memctl_unit_tasks", "Processes and threads."),
        |s| s.tasks.map(Figure::Whole),
    ),
];

/// A kind of memory, and where its bytes are.
type OfStat = (&'static str, fn(&MemoryStat) -> Option<u64>);

const STAT: &[OfStat] = &[
    ("anon", |s| s.anon),
    ("file", |s| s.file),
    ("file_dirty", |s| s.file_dirty),
    ("shmem", |s| s.shmem),
    ("slab_reclaimable", |s| s.slab_reclaimable),
    ("slab_unreclaimable", |s| s.slab_unreclaimable),
    ("kernel_stack", |s| s.kernel_stack),
    ("pagetables", |s| s.pagetables),
    ("percpu", |s| s.percpu),
    ("sock", |s| s.sock),
];

/// An event, and where its count is.
type OfEvents = (&'static str, fn(&MemoryEvents) -> Option<u64>);

const EVENTS: &[OfEvents] = &[
    ("low", |e| e.low),
    ("high", |e| e.high),
    ("max", |e| e.max),
    ("oom", |e| e.oom),
    ("oom_kill", |e| e.oom_kill),
    ("oom_group_kill", |e| e.oom_group_kill),
];

fn limit(limit: Option<Limit>) -> Option<Figure> {
    limit.and_then(Limit::bytes).map(Figure::Whole)
}

fn stalled(stall: Stall) -> Figure {
    Figure::Seconds(stall.total)
}

/// Unix time; a clock before 1970 knows none.
fn time(time: &Timestamp) -> Option<Figure> {
    let usec = u64::try_from(time.as_microsecond()).ok()?;
    Some(Figure::Seconds(usec))
}
