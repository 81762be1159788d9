//! Readings from the service manager over D-Bus, where cgroupfs cannot be read: less is known, and PID 1 pays for it
//! (FACTS 8). What it does not tell stays unknown: `MemoryCurrent` has page cache in it and is no need.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::error::Result;
use crate::kernel::meminfo::MemInfo;
use crate::kernel::root::Root;
use crate::readings::{Readings, Wanted};
use crate::sample::{Limit, Reading, Sample, Source};
use crate::systemd::manager::{Figures, Manager};
use crate::systemd::names::{UnitName, UnitType};

/// The slice of all, which has the manager's own cgroup.
const ROOT_SLICE: &str = "-.slice";

/// A reader that asks a manager.
pub struct BusReadings<'a> {
    root: &'a Root,
    manager: Box<dyn Manager + 'a>,
}

impl<'a> BusReadings<'a> {
    /// A reader of a manager's units; nothing is asked yet. `root` has the machine's `/proc`.
    #[must_use]
    pub fn new(root: &'a Root, manager: Box<dyn Manager + 'a>) -> Self {
        Self { root, manager }
    }

    /// The wanted units that run, and the slices above them, as far as they have a cgroup.
    fn figures(
        &mut self,
        wanted: Wanted<'_>,
        faults: &mut Vec<String>,
    ) -> Result<BTreeMap<UnitName, Figures>> {
        let listed = self.manager.units(&UnitType::ALL)?;
        let runs = |active: &str| !matches!(active, "inactive" | "failed");
        let running = listed.into_iter().filter(|unit| runs(&unit.active));
        let mut open: Vec<UnitName> = running.map(|u| u.name).filter(|u| wanted(u)).collect();
        let mut all = BTreeMap::new();
        while let Some(unit) = open.pop() {
            if unit.as_str() == ROOT_SLICE || all.contains_key(&unit) {
                continue;
            }
            match self.manager.figures(&unit) {
                Ok(Some(figures)) if figures.cgroup.is_some() => {
                    open.extend(figures.slice.clone());
                    all.insert(unit, figures);
                }
                // It has no cgroup, or has gone meanwhile.
                Ok(_) => {}
                Err(e) => faults.push(format!("{unit}: {}", e.message())),
            }
        }
        Ok(all)
    }
}

impl Readings for BusReadings<'_> {
    fn source(&self) -> Source {
        Source::Bus
    }

    fn read(&mut self, now: Timestamp, wanted: Wanted<'_>) -> Result<Reading> {
        let mut faults = Vec::new();
        let host = match MemInfo::read(self.root) {
            Ok(info) => Some(info),
            Err(e) => {
                faults.push(e.message().to_owned());
                None
            }
        };
        let ram = host.as_ref().map(|info| info.total);
        let all = self.figures(wanted, &mut faults)?;
        let samples = all.into_iter().map(|(unit, f)| sample(unit, f, now, ram));
        Ok(Reading {
            time: now,
            host,
            samples: samples.collect(),
            faults,
        })
    }
}

/// What a unit's figures say of it.
fn sample(unit: UnitName, figures: Figures, now: Timestamp, ram: Option<u64>) -> Sample {
    let mut sample = Sample::blank(unit, now, Source::Bus);
    sample.slice = figures.slice.filter(|s| s.as_str() != ROOT_SLICE);
    sample.start.invocation = figures.invocation;
    sample.memory.current = figures.current;
    sample.memory.peak = figures.peak;
    sample.memory.swap = figures.swap;
    sample.limits.high = figures.high;
    sample.limits.max = figures.max;
    sample.limits.swap_max = figures.swap_max;
    sample.limits.effective = effective(figures.effective_high, figures.effective_max, ram);
    sample.cpu.usage_usec = figures.cpu_usec;
    sample.tasks = figures.tasks;
    sample.events.oom_kill = figures.oom_kills;
    sample
}

/// The lesser of the two. Where nothing limits a unit, systemd says all of RAM; that is no ceiling of the unit's.
fn effective(high: Option<Limit>, max: Option<Limit>, ram: Option<u64>) -> Option<Limit> {
    let both = [high, max].into_iter().flatten();
    both.map(|limit| match limit.bytes() {
        Some(bytes) if ram.is_none_or(|ram| bytes < ram) => Limit::Bytes(bytes),
        _ => Limit::Infinity,
    })
    .min_by_key(|limit| limit.bytes().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
