//! The thread that writes, behind a queue that never makes the watch wait.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use jiff::Timestamp;

use super::aside::set_aside;
use super::row::Row;
use super::schema::FILE;
use super::trouble::Trouble;
use super::write::{Batch, Store};
use crate::error::{Error, Result, describe_io};
use crate::history::Settings;
use crate::kernel::root::Root;
use crate::sample::Reading;
use crate::scope::Scope;

/// How many readings wait for a slow disk, at 10 seconds a tick more than a minute; 1000 units are some 300 kB each.
const QUEUE: usize = 8;

/// Writes readings to the history, from a thread of its own.
#[derive(Debug)]
pub struct Recorder {
    queue: SyncSender<Job>,
    thread: JoinHandle<()>,
    told: Arc<Mutex<Told>>,
    path: PathBuf,
}

/// What a recorder did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Readings that are in the history.
    pub written: u64,
    /// Readings that are not: the queue was full, or the database could not be written.
    pub lost: u64,
    /// What went wrong and was not drained yet.
    pub faults: Vec<String>,
}

/// What the thread is to do.
#[derive(Debug)]
enum Job {
    Write(Batch),
    Keep(Settings),
}

/// What both threads tell.
#[derive(Debug, Default)]
struct Told {
    report: Report,
    /// What is wrong at present, and how many readings it has cost; told once.
    failing: Option<(Trouble, u64)>,
    /// How many readings found the queue full since it was empty.
    full: u64,
    /// The time of the last reading that was written.
    last: Option<Timestamp>,
}

impl Recorder {
    /// Starts the thread.
    ///
    /// # Errors
    /// No thread can be started. What is wrong with the database is no error but a fault: the watch goes on.
    pub fn start(root: &Root, scope: &Scope, settings: Settings) -> Result<Self> {
        // The thread opens it by its path and makes the folder, now or when it can be made.
        let path = root.shown(&scope.state_dir()).join(FILE);
        let (queue, jobs) = sync_channel(QUEUE);
        let told = Arc::new(Mutex::new(Told::default()));
        let mut writer = Writer {
            store: Store::new(path.clone(), settings),
            path: path.clone(),
            told: Arc::clone(&told),
        };
        let thread = Builder::new()
            .name("history".to_owned())
            .spawn(move || writer.run(&jobs))
            .map_err(|e| Error::failed(format!("cannot start a thread: {}", describe_io(&e))))?;
        Ok(Self {
            queue,
            thread,
            told,
            path,
        })
    }

    /// Hands over a reading; never waits. `false`: the queue was full, and the reading is lost and counted.
    pub fn offer(&self, reading: Reading) -> bool {
        let ceilings = reading.samples.iter().map(|s| reading.ceiling(s));
        let ceilings: Vec<Option<u64>> = ceilings.map(|c| c.map(|c| c.bytes)).collect();
        let samples = reading.samples.into_iter().zip(ceilings);
        let batch = Batch {
            time: reading.time,
            rows: samples
                .map(|(sample, ceiling)| {
                    let row = Row::of_sample(&sample, ceiling);
                    (sample.unit, row)
                })
                .collect(),
        };
        let sent = self.queue.try_send(Job::Write(batch));
        let mut told = lock(&self.told);
        let path = self.path.display();
        match sent {
            Ok(()) => return true,
            Err(TrySendError::Full(_)) if told.full == 0 => told.report.faults.push(format!(
                "{path}: the disk is too slow, readings are not recorded until it has caught up"
            )),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
        told.full += 1;
        told.report.lost += 1;
        false
    }

    /// From the next reading on, points are kept so long. Waits for no disk: `false` where the queue is full.
    #[must_use]
    pub fn keep(&self, settings: Settings) -> bool {
        self.queue.try_send(Job::Keep(settings)).is_ok()
    }

    /// Whether the thread has ended, which it does for no reason but a fault of memctl's own: nothing is recorded any
    /// more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// The time of the last reading that is in the history, of those that were handed over here.
    #[must_use]
    pub fn last_tick(&self) -> Option<Timestamp> {
        lock(&self.told).last
    }

    /// What went wrong since this was asked last, in words.
    pub fn faults(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.told).report.faults)
    }

    /// Writes what is in the queue, and ends the thread.
    ///
    /// # Errors
    /// The thread panicked.
    pub fn close(self) -> Result<Report> {
        drop(self.queue);
        self.thread
            .join()
            .map_err(|_| Error::failed("the thread that writes the history ended early"))?;
        Ok(std::mem::take(&mut lock(&self.told).report))
    }
}

/// What is told stays true when a thread panics: each change to it is whole.
fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Writer {
    store: Store,
    path: PathBuf,
    told: Arc<Mutex<Told>>,
}

impl Writer {
    fn run(&mut self, jobs: &Receiver<Job>) {
        let mut next = jobs.recv().ok();
        while let Some(job) = next {
            match job {
                Job::Write(batch) => self.write(&batch),
                Job::Keep(settings) => self.store.keep(settings),
            }
            next = jobs.try_recv().ok();
            if next.is_none() {
                self.caught_up();
                next = jobs.recv().ok();
            }
        }
    }

    fn write(&mut self, batch: &Batch) {
        let result = match self.store.append(batch) {
            Err(Trouble::Unusable(why)) => self.begin_anew(&why, batch),
            result => result,
        };
        self.tell(batch.time, result);
    }

    /// The queue is empty: what the slow disk has cost is told.
    fn caught_up(&self) {
        let mut told = lock(&self.told);
        let lost = std::mem::take(&mut told.full);
        if lost > 0 {
            let path = self.path.display();
            let readings = if lost == 1 {
                "reading was"
            } else {
                "readings were"
            };
            told.report.faults.push(format!(
                "{path}: the disk has caught up; {lost} {readings} not recorded"
            ));
        }
    }

    /// Sets the file aside, and writes to a new one.
    fn begin_anew(&mut self, why: &str, batch: &Batch) -> std::result::Result<(), Trouble> {
        self.store.shut();
        let path = self.path.display();
        let aside = set_aside(&self.path, batch.time)
            .map_err(|e| Trouble::Other(format!("{why}; cannot rename it: {}", describe_io(&e))))?;
        let aside = aside.display();
        lock(&self.told).report.faults.push(format!(
            "{path}: {why}; it was set aside as {aside}, and a new history begins"
        ));
        self.store.append(batch)
    }

    fn tell(&self, time: Timestamp, result: std::result::Result<(), Trouble>) {
        let mut told = lock(&self.told);
        let Told {
            report,
            failing,
            last,
            ..
        } = &mut *told;
        let path = self.path.display();
        match (result, failing) {
            (Ok(()), failing) => {
                report.written += 1;
                *last = Some(time);
                if let Some((_, lost)) = failing.take() {
                    let readings = if lost == 1 {
                        "reading was"
                    } else {
                        "readings were"
                    };
                    report.faults.push(format!(
                        "{path}: readings are recorded again; {lost} {readings} lost"
                    ));
                }
            }
            (Err(trouble), Some((before, lost))) if trouble == *before => {
                report.lost += 1;
                *lost += 1;
            }
            (Err(trouble), failing) => {
                report.lost += 1;
                report.faults.push(format!(
                    "cannot write {path}: {trouble}; readings are not recorded until that is mended"
                ));
                let lost = failing.take().map_or(0, |(_, lost)| lost);
                *failing = Some((trouble, lost + 1));
            }
        }
    }
}
