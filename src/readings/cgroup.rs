//! Readings from cgroupfs: the kernel's own figures, and nothing asked of PID 1.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use crate::error::{Result, describe_io};
use crate::kernel::cgroup::{Cgroup, Tree};
use crate::kernel::meminfo::MemInfo;
use crate::kernel::psi::Pressure;
use crate::kernel::root::{Root, is_absent};
use crate::kernel::stat::{CpuStat, MemoryEvents, MemoryStat};
use crate::kernel::text::{self, Parsed};
use crate::kernel::unit_dir::UnitDir;
use crate::readings::{Readings, Wanted};
use crate::sample::{Invocation, Limit, Reading, Sample, Source};
use crate::scope::Scope;
use crate::systemd::names::{UnitName, UnitType};

/// `memory.stat`, the dearest file, is read where `memory.current` or swap moved, and at least so often: one kind of
/// memory may have taken exactly another's place.
const STAT_AGE: SignedDuration = SignedDuration::from_secs(60);

/// A reader of a manager's cgroups that keeps their folders open.
#[derive(Debug)]
pub struct CgroupReadings<'a> {
    root: &'a Root,
    tree: Tree<'a>,
    /// `/run/systemd/units`: what systemd notes of running units; for the system's manager alone.
    notes: Option<PathBuf>,
    open: BTreeMap<PathBuf, Kept>,
    /// So many folders stay open; of others nothing is kept.
    most_open: usize,
    buffer: Vec<u8>,
}

/// What is kept of a cgroup between two readings.
#[derive(Debug)]
struct Kept {
    dir: UnitDir,
    stat: Option<KeptStat>,
}

/// A `memory.stat` with what it belongs to.
#[derive(Debug, Clone, Copy)]
struct KeptStat {
    stat: MemoryStat,
    current: u64,
    swap: Option<u64>,
    read: Timestamp,
}

impl<'a> CgroupReadings<'a> {
    /// A reader of a manager's tree.
    ///
    /// # Errors
    /// No cgroup v2 with a memory controller.
    pub fn new(root: &'a Root, scope: &Scope) -> Result<Self> {
        let tree = Tree::new(root, scope);
        tree.check()?;
        Ok(Self {
            root,
            tree,
            notes: (!scope.is_user()).then(|| PathBuf::from("/run/systemd/units")),
            open: BTreeMap::new(),
            most_open: most_open(),
            buffer: Vec::new(),
        })
    }

    /// Reads one cgroup; `None` if it is gone.
    fn sample(
        &mut self,
        cgroup: &Cgroup,
        now: Timestamp,
        faults: &mut Vec<String>,
    ) -> Option<Sample> {
        let kept = match kept(self.root, &mut self.open, &cgroup.path) {
            Ok(kept) => kept,
            Err(e) if is_absent(&e) => return None,
            Err(e) => {
                faults.push(told(&cgroup.path, &describe_io(&e)));
                return None;
            }
        };
        let mut sample = Sample::blank(cgroup.unit.clone(), now, Source::Cgroup);
        sample.slice.clone_from(&cgroup.slice);
        sample.cgroup = Some(cgroup.path.clone());
        sample.start.inode = Some(kept.dir.inode());
        sample.start.invocation = kept.dir.invocation().and_then(|t| Invocation::parse(&t));
        let mut files = Files {
            kept,
            path: &cgroup.path,
            buffer: &mut self.buffer,
            faults,
            absent: false,
        };
        files.memory(&mut sample, now);
        sample.limits.high = files.get("memory.high", limit);
        sample.limits.max = files.get("memory.max", limit);
        sample.limits.swap_max = files.get("memory.swap.max", limit);
        let events = files.get("memory.events", MemoryEvents::parse);
        sample.events = events.unwrap_or_default();
        let events = files.get("memory.events.local", MemoryEvents::parse);
        sample.events_local = events.unwrap_or_default();
        sample.pressure = files.get("memory.pressure", Pressure::parse);
        sample.cpu = files.get("cpu.stat", CpuStat::parse).unwrap_or_default();
        sample.tasks = files.get("pids.current", text::number);
        // A cgroup that went away meanwhile has no files at all.
        if files.absent && !files.kept.dir.is_there() {
            self.open.remove(&cgroup.path);
            return None;
        }
        if self.open.len() > self.most_open {
            self.open.remove(&cgroup.path);
        }
        if sample.start.invocation.is_none() && sample.is_leaf() {
            sample.start.invocation = self.noted(&cgroup.unit);
        }
        Some(sample)
    }

    /// The invocation by the link that systemd keeps for journald, where the kernel takes no attributes.
    fn noted(&self, unit: &UnitName) -> Option<Invocation> {
        let link = self.notes.as_ref()?.join(format!("invocation:{unit}"));
        let target = self.root.read_link(&link).ok()??;
        Invocation::parse(target.to_str()?)
    }
}

/// Half of the files that a process may have open.
fn most_open() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.map_or(usize::MAX, |files| {
        usize::try_from(files / 2).unwrap_or(usize::MAX)
    })
}

/// The open folder of a cgroup: the one that is open already, unless its cgroup was made anew.
fn kept<'o>(
    root: &Root,
    open: &'o mut BTreeMap<PathBuf, Kept>,
    path: &Path,
) -> io::Result<&'o mut Kept> {
    if open.get(path).is_some_and(|kept| !kept.dir.is_there()) {
        open.remove(path);
    }
    match open.entry(path.to_owned()) {
        Entry::Occupied(kept) => Ok(kept.into_mut()),
        Entry::Vacant(place) => Ok(place.insert(Kept {
            dir: UnitDir::open(root, path)?,
            stat: None,
        })),
    }
}

impl Readings for CgroupReadings<'_> {
    fn source(&self) -> Source {
        Source::Cgroup
    }

    fn read(&mut self, now: Timestamp, wanted: Wanted<'_>) -> Result<Reading> {
        let mut cgroups = self.tree.walk()?;
        let asked: BTreeSet<UnitName> = with_slices(&cgroups, wanted);
        cgroups.retain(|cgroup| asked.contains(&cgroup.unit));
        let there: BTreeSet<&Path> = cgroups.iter().map(|c| c.path.as_path()).collect();
        self.open.retain(|path, _| there.contains(path.as_path()));
        let mut faults = Vec::new();
        let mut samples: Vec<Sample> = cgroups
            .iter()
            .filter_map(|cgroup| self.sample(cgroup, now, &mut faults))
            .collect();
        samples.sort_by(|a, b| a.unit.cmp(&b.unit));
        let host = match MemInfo::read(self.root) {
            Ok(info) => Some(info),
            Err(e) => {
                faults.push(e.message().to_owned());
                None
            }
        };
        Ok(Reading {
            time: now,
            host,
            samples,
            faults,
        })
    }
}

/// The wanted units and all slices above them, whose limits are theirs, too.
fn with_slices(cgroups: &[Cgroup], wanted: Wanted<'_>) -> BTreeSet<UnitName> {
    let slices: BTreeMap<&UnitName, &Cgroup> = cgroups
        .iter()
        .filter(|c| c.unit.unit_type() == UnitType::Slice)
        .map(|c| (&c.unit, c))
        .collect();
    let mut asked = BTreeSet::new();
    for cgroup in cgroups.iter().filter(|c| wanted(&c.unit)) {
        let mut next = Some(cgroup);
        while let Some(cgroup) = next {
            if !asked.insert(cgroup.unit.clone()) {
                break;
            }
            next = cgroup.slice.as_ref().and_then(|s| slices.get(s).copied());
        }
    }
    asked
}

/// The files of one cgroup while it is read.
struct Files<'f> {
    kept: &'f mut Kept,
    path: &'f Path,
    buffer: &'f mut Vec<u8>,
    faults: &'f mut Vec<String>,
    /// A file was not there: the controller is off, the kernel is older, or the cgroup is gone.
    absent: bool,
}

impl Files<'_> {
    /// Reads and understands a file; what is wrong with it is told.
    fn get<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Parsed<T>) -> Option<T> {
        let problem = match self.kept.dir.read(name, self.buffer) {
            Ok(Some(text)) => match parse(text) {
                Ok(value) => return Some(value),
                Err(e) => e.to_string(),
            },
            Ok(None) => {
                self.absent = true;
                return None;
            }
            Err(e) => describe_io(&e),
        };
        self.faults.push(told(&self.path.join(name), &problem));
        None
    }

    fn memory(&mut self, sample: &mut Sample, now: Timestamp) {
        let memory = &mut sample.memory;
        memory.current = self.get("memory.current", text::number);
        memory.swap = self.get("memory.swap.current", text::number);
        memory.peak = self.get("memory.peak", text::number);
        let Some(current) = memory.current else {
            self.kept.stat = None;
            return;
        };
        let still = self.kept.stat.filter(|kept| {
            let age = now.duration_since(kept.read);
            kept.current == current
                && kept.swap == memory.swap
                && (SignedDuration::ZERO..STAT_AGE).contains(&age)
        });
        if let Some(kept) = still {
            memory.stat = kept.stat;
            return;
        }
        let stat = self.get("memory.stat", MemoryStat::parse);
        self.kept.stat = stat.map(|stat| KeptStat {
            stat,
            current,
            swap: memory.swap,
            read: now,
        });
        memory.stat = stat.unwrap_or_default();
    }
}

fn limit(text: &str) -> Parsed<Limit> {
    text::limit(text).map(Limit::from)
}

fn told(path: &Path, problem: &str) -> String {
    format!("{}: {problem}", path.display())
}

#[cfg(test)]
mod tests;
