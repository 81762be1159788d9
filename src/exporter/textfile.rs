//! The file of metrics that the watch keeps current. A thread of its own finds out what is to be known beside a reading
//! and writes it: no slow disk and no manager that does not answer stops the watch.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use jiff::{SignedDuration, Timestamp};

use super::{facts, publish, starts};
use crate::error::{Error, Result, describe_io};
use crate::kernel::root::Root;
use crate::profiles::Set;
use crate::sample::Reading;
use crate::scope::Scope;
use crate::systemd::manager::running_version;
use crate::view::metrics::{Facts, metrics};

/// How long is believed what is known beside a reading: finding it out takes all unit files.
const FACTS_AGE: SignedDuration = SignedDuration::from_secs(60);

/// The file, and the thread that writes it.
#[derive(Debug)]
pub struct Textfile {
    queue: SyncSender<(Reading, Option<Timestamp>)>,
    thread: JoinHandle<()>,
    /// What is wrong at present.
    faults: Arc<Mutex<Vec<String>>>,
    path: PathBuf,
}

impl Textfile {
    /// A file that is written from the next reading on.
    ///
    /// # Errors
    /// No thread can be started; the root cannot be opened a second time.
    pub fn start(root: &Root, scope: &Scope, path: PathBuf) -> Result<Self> {
        // One reading waits: an older one is worth nothing.
        let (queue, readings) = sync_channel(1);
        let faults = Arc::new(Mutex::new(Vec::new()));
        let mut writer = Writer {
            root: root.again()?,
            scope: scope.clone(),
            path: path.clone(),
            faults: Arc::clone(&faults),
            known: None,
        };
        let thread = Builder::new()
            .name("metrics".to_owned())
            .spawn(move || writer.run(&readings))
            .map_err(|e| Error::failed(format!("cannot start a thread: {}", describe_io(&e))))?;
        Ok(Self {
            queue,
            thread,
            faults,
            path,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Hands over a reading, and when one was recorded last; answers what is wrong. Never waits.
    pub fn offer(&self, reading: Reading, last_tick: Option<Timestamp>) -> Vec<String> {
        let mut faults = lock(&self.faults).clone();
        let problem = match self.queue.try_send((reading, last_tick)) {
            Ok(()) => return faults,
            Err(TrySendError::Full(_)) => "the disk is too slow for it",
            Err(TrySendError::Disconnected(_)) => "the thread that writes it has ended",
        };
        faults.push(format!("{}: {problem}", self.path.display()));
        faults
    }

    /// Writes what waits, and ends the thread; answers what is wrong.
    #[must_use]
    pub fn close(self) -> Vec<String> {
        drop(self.queue);
        match self.thread.join() {
            Ok(()) => std::mem::take(&mut lock(&self.faults)),
            Err(_) => vec![format!(
                "{}: the thread that writes it ended early",
                self.path.display()
            )],
        }
    }
}

/// A list that is replaced whole is true even where a thread panicked.
fn lock(faults: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    faults.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Writer {
    root: Root,
    scope: Scope,
    path: PathBuf,
    faults: Arc<Mutex<Vec<String>>>,
    known: Option<Known>,
}

/// What was found out last beside readings.
struct Known {
    found: Timestamp,
    systemd: Option<u32>,
    facts: Facts,
    faults: Vec<String>,
}

impl Writer {
    fn run(&mut self, readings: &Receiver<(Reading, Option<Timestamp>)>) {
        for (reading, last_tick) in readings {
            let faults = self.write(&reading, last_tick);
            *lock(&self.faults) = faults;
        }
    }

    fn write(&mut self, reading: &Reading, last_tick: Option<Timestamp>) -> Vec<String> {
        let fresh = |known: &Known| {
            let age = reading.time.duration_since(known.found);
            (SignedDuration::ZERO..FACTS_AGE).contains(&age)
        };
        let systemd = self.known.as_ref().and_then(|known| known.systemd);
        let mut known = match self.known.take() {
            Some(known) if fresh(&known) => known,
            _ => self.find_out(reading, systemd),
        };
        known.facts.last_tick = last_tick;
        // A unit that was started anew begins its counters at 0: both are told at once.
        known.facts.starts = starts(&self.root, &self.scope, reading);
        let mut faults = known.faults.clone();
        if let Err(error) = publish(&self.path, &metrics(reading, &known.facts)) {
            faults.push(error.to_string());
        }
        self.known = Some(known);
        faults
    }

    /// The version is asked for until it is known.
    fn find_out(&self, reading: &Reading, systemd: Option<u32>) -> Known {
        let systemd = systemd.or_else(|| running_version(&self.root, &self.scope));
        let (facts, faults) = match Set::read(&self.root, &self.scope, &[]) {
            Ok(set) => facts(&self.root, &self.scope, &set, reading, systemd),
            Err(error) => {
                let facts = Facts {
                    faults: 1,
                    ..Facts::default()
                };
                (facts, vec![error.message().to_owned()])
            }
        };
        Known {
            found: reading.time,
            systemd,
            facts,
            faults,
        }
    }
}
