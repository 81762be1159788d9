//! The watch: a tick, a reading, the history, and what rules make of it. One thread, that sleeps until the next tick,
//! a signal, or a word of the kernel or the manager.

pub mod agent;
pub mod charge;
pub mod hands;
pub mod notices;
mod reclaim;
mod told;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::Interval;
use crate::error::Result;
use crate::kernel::root::Root;
use crate::limits::dropin::Installed;
use crate::profiles::usable;
use crate::readings::{Readings, Wanted};
use crate::sample::{Reading, Source};
use crate::scope::Scope;
use crate::watched::Watched;

pub use told::Told;

/// Where readings go.
pub trait Record {
    /// Takes a reading; it never waits.
    fn offer(&mut self, reading: Reading);

    /// What went wrong since it was asked last, in words.
    fn faults(&mut self) -> Vec<String>;
}

/// Reads units, tick by tick.
pub struct Watch<'a> {
    root: &'a Root,
    scope: &'a Scope,
    readings: Box<dyn Readings + 'a>,
    all: bool,
    watched: Watched,
    stamps: Vec<Stamp>,
    profiles: Vec<Installed>,
    /// The profiles that are faulty, each with its faults: told once, whatever else changes in their folder.
    faulty: Vec<(PathBuf, Vec<String>)>,
    told: Told,
}

/// A file or folder of profiles, and what tells one version of it from another.
type Stamp = (PathBuf, Option<(u64, i64, i128)>);

/// What a tick came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// How many units were read.
    pub units: usize,
    /// What is wrong and was not told before.
    pub news: Vec<String>,
    /// Profiles were installed, changed or taken away since the tick before.
    pub changed: bool,
    /// Profiles that have become faulty since, each with its faults: the last good ones go on counting.
    pub faulty: Vec<(PathBuf, Vec<String>)>,
}

impl<'a> Watch<'a> {
    /// A watch of the units of the installed profiles, or of every service.
    #[must_use]
    pub fn new(
        root: &'a Root,
        scope: &'a Scope,
        readings: Box<dyn Readings + 'a>,
        all: bool,
    ) -> Self {
        Self {
            root,
            scope,
            readings,
            all,
            watched: if all { Watched::All } else { Watched::Services },
            stamps: Vec::new(),
            profiles: Vec::new(),
            faulty: Vec::new(),
            told: Told::default(),
        }
    }

    /// Who tells the figures.
    #[must_use]
    pub fn source(&self) -> Source {
        self.readings.source()
    }

    /// Reads all watched units once, shows them to `judge` and hands them on to `record`; `judge` hears first whether
    /// profiles have changed.
    ///
    /// # Errors
    /// Nothing at all can be read.
    pub fn tick(
        &mut self,
        now: Timestamp,
        record: &mut dyn Record,
        judge: &mut dyn FnMut(&Reading, Option<&[Installed]>),
    ) -> Result<Tick> {
        let (changed, faulty) = self.look_at_profiles();
        let wanted = self.watched.test();
        let reading = self.readings.read(now, &*wanted)?;
        let units = reading.samples.iter().filter(|s| wanted(&s.unit)).count();
        let mut faults = reading.faults.clone();
        judge(&reading, changed.then_some(&self.profiles));
        record.offer(reading);
        faults.extend(record.faults());
        drop(wanted);
        Ok(Tick {
            units,
            news: self.told.news(faults),
            changed,
            faulty,
        })
    }

    /// The profiles as they are on disk now, and those that are faulty.
    pub fn profiles_now(&mut self) -> (Vec<Installed>, Vec<(PathBuf, Vec<String>)>) {
        let (_, faulty) = self.look_at_profiles();
        (self.profiles.clone(), faulty)
    }

    /// Reads the units that are wanted, beside the ticks.
    ///
    /// # Errors
    /// Nothing at all can be read.
    pub fn look_at(&mut self, now: Timestamp, wanted: Wanted<'_>) -> Result<Reading> {
        self.readings.read(now, wanted)
    }

    /// Looks whether profiles were changed, by their files' stamps; reads them only then.
    fn look_at_profiles(&mut self) -> (bool, Vec<(PathBuf, Vec<String>)>) {
        let stamps = stamps(self.root, self.scope);
        if stamps == self.stamps {
            return (false, Vec::new());
        }
        self.stamps = stamps;
        let (all, _) = usable(self.root, self.scope);
        let mut faulty = Vec::new();
        let mut profiles = Vec::new();
        for one in all {
            let name = &one.installed.profile.name;
            let before = self.profiles.iter().find(|p| p.profile.name == *name);
            let is_good = one.faults.is_empty();
            if !is_good {
                faulty.push((one.installed.path.clone(), one.faults));
            }
            profiles.push(match before {
                Some(good) if !is_good => good.clone(),
                _ => one.installed,
            });
        }
        let changed = profiles != self.profiles;
        self.profiles = profiles;
        if !self.all {
            self.watched = Watched::of(&self.profiles);
        }
        let news = faulty.iter().filter(|one| !self.faulty.contains(one));
        let news = news.cloned().collect();
        self.faulty = faulty;
        (changed, news)
    }
}

fn stamps(root: &Root, scope: &Scope) -> Vec<Stamp> {
    let mut stamps = Vec::new();
    for folder in scope.profile_dirs() {
        let mut names = root.list(&folder).unwrap_or_default();
        names.sort();
        let files = names.into_iter().map(|name| folder.join(name));
        let paths = std::iter::once(folder.clone()).chain(files);
        stamps.extend(paths.map(|path| {
            let stamp = root.stamp(&path);
            (path, stamp)
        }));
    }
    stamps
}

/// How long to wait from `now` on: ticks fall on whole multiples of the interval since 1970, so that the figures of
/// many hosts belong to the same times. A clock that was set changes the next tick and nothing else.
#[must_use]
pub fn until_next(now: Timestamp, interval: Interval) -> Duration {
    let step = i128::try_from(interval.duration().as_nanos()).unwrap_or(i128::MAX);
    let over = now.as_nanosecond().rem_euclid(step);
    let left = u64::try_from(step - over).unwrap_or(u64::MAX);
    Duration::from_nanos(left)
}

#[cfg(test)]
mod tests;
