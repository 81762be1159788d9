//! The watch: a tick, a reading, the history. One thread, that sleeps until the next tick or a signal.

mod told;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::Interval;
use crate::error::Result;
use crate::kernel::root::Root;
use crate::profiles::lenient;
use crate::readings::Readings;
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
    profiles: Vec<Stamp>,
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
            profiles: Vec::new(),
            told: Told::default(),
        }
    }

    /// Who tells the figures.
    #[must_use]
    pub fn source(&self) -> Source {
        self.readings.source()
    }

    /// Reads all watched units once and hands them on.
    ///
    /// # Errors
    /// Nothing at all can be read.
    pub fn tick(&mut self, now: Timestamp, record: &mut dyn Record) -> Result<Tick> {
        let changed = self.look_at_profiles();
        let wanted = self.watched.test();
        let reading = self.readings.read(now, &*wanted)?;
        let units = reading.samples.iter().filter(|s| wanted(&s.unit)).count();
        let mut faults = reading.faults.clone();
        record.offer(reading);
        faults.extend(record.faults());
        drop(wanted);
        Ok(Tick {
            units,
            news: self.told.news(faults),
            changed,
        })
    }

    /// Looks whether profiles were changed, by their files' stamps; reads them only then.
    fn look_at_profiles(&mut self) -> bool {
        if self.all {
            return false;
        }
        let stamps = stamps(self.root, self.scope);
        if stamps == self.profiles {
            return false;
        }
        self.profiles = stamps;
        // As the generator reads them: a fault in one profile keeps no other from being watched.
        let watched = Watched::of(&lenient(self.root, self.scope).0);
        let changed = watched != self.watched;
        self.watched = watched;
        changed
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
