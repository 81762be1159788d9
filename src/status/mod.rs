//! What `memctl status` shows: readings, the manager's words and the history put together, the nearest to its ceiling
//! first. Pure: what was read comes in.

pub mod typed;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::kernel::meminfo::MemInfo;
use crate::kernel::psi::Pressure;
use crate::limits::plan;
use crate::policy::leak::Verdict;
use crate::sample::{Ceiling, Limit, Reading, Sample, Source};
use crate::state::acts::Acts;
use crate::state::detectors::Trends;
use crate::systemd::manager::UnitInfo;
use crate::systemd::names::UnitName;
use crate::watched::Watched;

/// From this share of its ceiling a unit is near it: as `apply` refuses what would be filled to more.
pub const NEAR: f64 = 0.9;

/// From this share on a unit is on the way there.
pub const HIGH: f64 = 0.75;

/// What a detector was told longer ago than this is nobody's finding any more: the daemon writes it down every five
/// minutes.
const STALE: SignedDuration = SignedDuration::from_mins(15);

/// The largest need in each part of a time, by unit.
pub type Sparks = BTreeMap<UnitName, Vec<Option<u64>>>;

/// One look.
#[derive(Debug, Clone)]
pub struct Status {
    /// When.
    pub time: Timestamp,
    /// Who told the figures.
    pub source: Source,
    /// Why it is D-Bus although nobody asked for that.
    pub why: Option<String>,
    /// The machine's memory.
    pub host: Option<MemInfo>,
    /// The machine's `/proc/pressure/memory`.
    pub pressure: Option<Pressure>,
    /// The units, the nearest to its ceiling first.
    pub rows: Vec<Row>,
    /// What is to be told of the choice of units.
    pub notes: Vec<String>,
    /// What could not be read.
    pub faults: Vec<String>,
}

/// One unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name.
    pub unit: UnitName,
    /// How it is; `None` where the manager does not answer.
    pub state: Option<State>,
    /// `Description=`.
    pub description: Option<String>,
    /// What was read; `None` for a unit that does not run.
    pub sample: Option<Sample>,
    /// What its resident need must stay under.
    pub ceiling: Option<Ceiling>,
    /// The largest need in each part of the last hour; empty without history.
    pub history: Vec<Option<u64>>,
    /// Its directives that wait for something, are withheld or overridden.
    pub waiting: Vec<plan::Row>,
    /// What memctl did to it, and how its rules stand.
    pub acts: Acts,
    /// What the leak detector found at the last reading of the watch.
    pub trend: Option<Verdict>,
}

/// How a unit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// `active`, `inactive`, `failed`…
    pub active: String,
    /// `running`, `dead`…; `None` for a unit that is not loaded.
    pub sub: Option<String>,
}

impl Row {
    /// Resident need as a share of the ceiling.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let resident = self.sample.as_ref()?.memory.resident()?;
        let ceiling = self.ceiling.as_ref()?.bytes;
        (ceiling > 0).then(|| resident as f64 / ceiling as f64)
    }

    /// Whether it is near its ceiling or over it.
    #[must_use]
    pub fn is_near(&self) -> bool {
        self.share().is_some_and(|share| share >= NEAR)
    }

    /// Whether it is known that nothing limits it.
    #[must_use]
    pub fn is_free(&self) -> bool {
        let limits = self.sample.as_ref().map(|s| s.limits);
        self.ceiling.is_none() && limits.is_some_and(|l| l.high.is_some() && l.max.is_some())
    }

    /// Processes of it that were killed for want of memory since it started.
    #[must_use]
    pub fn kills(&self) -> u64 {
        let events = self.sample.as_ref().map(|s| s.events);
        events.and_then(|events| events.oom_kill).unwrap_or(0)
    }
}

/// The rows of a choice: what runs, what was chosen by its name, and what has failed.
#[must_use]
pub fn rows(
    reading: &Reading,
    listed: Option<&[UnitInfo]>,
    choice: &Watched,
    sparks: &Sparks,
    waiting: &[plan::Row],
    acts: &BTreeMap<UnitName, Acts>,
) -> Vec<Row> {
    let infos = listed.map(|units| {
        let units = units.iter().filter(|unit| unit.exists());
        units.map(|u| (&u.name, u)).collect::<BTreeMap<_, _>>()
    });
    let chosen = choice.test();
    // Slices are read for their limits, too.
    let shows = |sample: &&Sample| {
        let bare = *choice == Watched::All && !sample.is_leaf() && !is_limited(sample);
        chosen(&sample.unit) && !bare
    };
    let running = reading.samples.iter().filter(shows);
    let mut units: BTreeSet<&UnitName> = running.map(|s| &s.unit).collect();
    units.extend(choice.named());
    let failed = infos.iter().flat_map(|infos| infos.values());
    let failed = failed.filter(|u| u.active == "failed" && chosen(&u.name));
    units.extend(failed.map(|u| &u.name));
    let mut rows: Vec<Row> = units
        .into_iter()
        .map(|unit| {
            let info = infos.as_ref().and_then(|infos| infos.get(unit));
            let sample = reading.get(unit);
            Row {
                unit: unit.clone(),
                state: match info {
                    Some(info) => Some(State {
                        active: info.active.clone(),
                        sub: Some(info.sub.clone()),
                    }),
                    // Loaded units are all listed. One that has been started since is not.
                    None if infos.is_some() && sample.is_none() => Some(State {
                        active: "inactive".to_owned(),
                        sub: None,
                    }),
                    None => None,
                },
                description: info.map(|info| info.description.clone()),
                sample: sample.cloned(),
                ceiling: sample.and_then(|sample| reading.ceiling(sample)),
                history: sparks.get(unit).cloned().unwrap_or_default(),
                waiting: waiting
                    .iter()
                    .filter(|r| r.unit == *unit)
                    .cloned()
                    .collect(),
                acts: acts.get(unit).cloned().unwrap_or_default(),
                trend: None,
            }
        })
        .collect();
    rows.sort_by(|a, b| {
        key(b)
            .partial_cmp(&key(a))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    rows
}

/// Adds what the leak detector found: of this start of a unit, and by a watch that still runs.
pub fn add_trends(rows: &mut [Row], trends: &Trends, now: Timestamp) {
    for row in rows {
        let Some((trend, sample)) = trends.get(&row.unit).zip(row.sample.as_ref()) else {
            continue;
        };
        let is_recent = |read: Timestamp| now.duration_since(read).abs() < STALE;
        if trend.is_of(sample.start) && trend.read().is_some_and(is_recent) {
            row.trend = Some(trend.verdict());
        }
    }
}

/// What rows are sorted by, the largest first; what is unknown comes last, and then the name decides.
fn key(row: &Row) -> (Option<f64>, Option<u64>, Option<u64>) {
    let memory = row.sample.as_ref().map(|s| s.memory);
    (
        row.share(),
        memory.and_then(|m| m.need()),
        memory.and_then(|m| m.current),
    )
}

/// Whether a limit of its own holds a slice.
fn is_limited(sample: &Sample) -> bool {
    let limits = [sample.limits.high, sample.limits.max];
    limits.into_iter().flatten().any(|l| l != Limit::Infinity)
}

#[cfg(test)]
mod tests;
