//! The file of metrics that the watch keeps current.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use super::{facts, publish, starts};
use crate::kernel::root::Root;
use crate::profiles::Set;
use crate::sample::Reading;
use crate::scope::Scope;
use crate::view::metrics::{Facts, metrics};

/// How long is believed what is known beside a reading: finding it out takes all unit files.
const FACTS_AGE: SignedDuration = SignedDuration::from_secs(60);

/// The file, and what was found out for it last.
#[derive(Debug)]
pub struct Textfile {
    path: PathBuf,
    systemd: Option<u32>,
    known: Option<Known>,
}

#[derive(Debug)]
struct Known {
    found: Timestamp,
    facts: Facts,
    faults: Vec<String>,
}

impl Textfile {
    /// A file that is written from the next reading on; `systemd` is the running version, where it is known.
    #[must_use]
    pub fn new(path: PathBuf, systemd: Option<u32>) -> Self {
        Self {
            path,
            systemd,
            known: None,
        }
    }

    /// Writes a reading; answers what is wrong.
    pub fn write(&mut self, root: &Root, scope: &Scope, reading: &Reading) -> Vec<String> {
        let fresh = |known: &Known| {
            let age = reading.time.duration_since(known.found);
            (SignedDuration::ZERO..FACTS_AGE).contains(&age)
        };
        let mut known = match self.known.take().filter(fresh) {
            Some(known) => known,
            None => self.find_out(root, scope, reading),
        };
        known.facts.last_tick = Some(reading.time);
        // A unit that was started anew begins its counters at 0: both are told at once.
        known.facts.starts = starts(root, scope, reading);
        let mut faults = known.faults.clone();
        if let Err(error) = publish(&self.path, &metrics(reading, &known.facts)) {
            faults.push(error.to_string());
        }
        self.known = Some(known);
        faults
    }

    fn find_out(&self, root: &Root, scope: &Scope, reading: &Reading) -> Known {
        let (facts, faults) = match Set::read(root, scope, &[]) {
            Ok(set) => facts(root, scope, &set, reading, self.systemd),
            Err(error) => (Facts::default(), vec![error.message().to_owned()]),
        };
        Known {
            found: reading.time,
            facts,
            faults,
        }
    }
}
