//! Many traces on all processors; what comes of them is told in the order in which they were named.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::error::{Error, Result, describe_io};
use crate::replay::{Fault, Faults, Given, Host, Played, columns, play};
use crate::units::quote;
use crate::view::progress::Progress;
use crate::view::replay::Replayed;

use super::{open, warn};

/// How often progress is shown.
const SHOWN: Duration = Duration::from_millis(100);

/// How many traces a processor may be ahead of the one that is due: what came of them is kept until then.
const AHEAD: usize = 8;

/// The trace that is due to be handed on; workers wait for it, lest they play all the others meanwhile.
struct Due {
    at: Mutex<usize>,
    moved: Condvar,
    ahead: usize,
}

impl Due {
    fn at(&self) -> MutexGuard<'_, usize> {
        // Whoever panicked holding it has left a number, and no half of one.
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is near enough.
    fn wait(&self, at: usize) {
        let mut due = self.at();
        while at >= due.saturating_add(self.ahead) {
            due = self.moved.wait(due).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn move_to(&self, at: usize) {
        *self.at() = at;
        self.moved.notify_all();
    }
}

/// Of a worker that panics nothing comes: nobody is to wait for it.
struct Bail<'d>(&'d Due);

impl Drop for Bail<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.move_to(usize::MAX);
        }
    }
}

/// Plays traces, and hands on what came of each, in their order, until nobody wants any more.
pub(super) fn play_all(
    paths: &[PathBuf],
    sides: &[Given],
    host: &Host,
    sums_up: bool,
    hand_on: &mut dyn FnMut(Replayed) -> ControlFlow<()>,
) {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let due = Due {
        at: Mutex::new(0),
        moved: Condvar::new(),
        ahead: AHEAD * processors,
    };
    let progress = Progress::new();
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..processors.min(paths.len()) {
            let (send, next, due) = (send.clone(), &next, &due);
            scope.spawn(move || {
                let _bail = Bail(due);
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = paths.get(at) else { break };
                    due.wait(at);
                    let mut replayed = play_one(path, sides, host);
                    if sums_up {
                        replayed.played = replayed.played.summed_up();
                    }
                    if send.send((at, replayed)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        let mut early: BTreeMap<usize, Replayed> = BTreeMap::new();
        let (mut first, mut done) = (0, 0);
        let mut shown: Option<Instant> = None;
        'all: for (at, replayed) in &receive {
            done += 1;
            if paths.len() > 1 && shown.is_none_or(|shown| shown.elapsed() >= SHOWN) {
                progress.step(&format!("{done} of {} traces", paths.len()));
                shown = Some(Instant::now());
            }
            early.insert(at, replayed);
            while let Some(replayed) = early.remove(&first) {
                progress.done();
                if hand_on(replayed).is_break() {
                    break 'all;
                }
                first += 1;
                due.move_to(first);
            }
        }
        // Nobody waits any more, and what is under way is the last: there is nobody to send it to.
        next.store(paths.len(), Ordering::Relaxed);
        drop(receive);
        due.move_to(paths.len());
    });
    progress.done();
}

fn play_one(path: &Path, sides: &[Given], host: &Host) -> Replayed {
    let played = match open(path) {
        Ok(source) => play(source, sides, host),
        Err(error) => {
            let mut played = Played::default();
            played.faults.push(Fault {
                line: 0,
                column: 0,
                message: format!("cannot be read: {}", describe_io(&error)),
            });
            played
        }
    };
    Replayed {
        trace: Some(path.display().to_string()),
        played,
    }
}

/// What is wrong with traces.
#[derive(Debug, Default)]
pub(super) struct Problems {
    lines: Vec<String>,
    files: usize,
    /// Columns that are not known, and in how many traces.
    unknown: BTreeMap<String, usize>,
    /// Rules that could not be judged and what was missing, and in how many recordings.
    blind: BTreeMap<(String, String), usize>,
}

impl Problems {
    pub fn add(&mut self, replayed: &Replayed) {
        for name in &replayed.played.unknown {
            *self.unknown.entry(name.clone()).or_default() += 1;
        }
        for (rule, missing) in &replayed.played.blind {
            let key = (rule.clone(), missing.clone());
            *self.blind.entry(key).or_default() += 1;
        }
        let faults = &replayed.played.faults;
        if !faults.is_empty() {
            self.files += 1;
            let path = replayed.trace.as_deref().unwrap_or_default();
            self.lines.extend(fault_lines(path, faults));
        }
    }

    /// Tells of columns that were not read, and of rules that could not be judged.
    pub fn warn(&self) {
        for ((rule, missing), recordings) in &self.blind {
            let recordings = match recordings {
                1 => "1 recording".to_owned(),
                n => format!("{n} recordings"),
            };
            warn(&format!(
                "rule {rule} could not be judged on {recordings}: {missing}"
            ));
        }
        for (name, traces) in &self.unknown {
            let distance = |known: &&str| strsim::damerau_levenshtein(known, name);
            let near = columns().into_iter().min_by_key(distance);
            let near = near.filter(|near| distance(near) <= 2);
            let near = near.map_or_else(String::new, |near| format!("; perhaps {near}?"));
            let traces = match traces {
                1 => "1 trace".to_owned(),
                n => format!("{n} traces"),
            };
            warn(&format!(
                "column {} of {traces} is not known, and was not read{near}",
                quote(name)
            ));
        }
    }

    /// # Errors
    /// Some traces could not be read.
    pub fn refuse(self) -> Result<()> {
        if self.files == 0 {
            return Ok(());
        }
        let files = match self.files {
            1 => "1 trace is faulty, and was left out".to_owned(),
            n => format!("{n} traces are faulty, and were left out"),
        };
        Err(Error::faults(format!("{}\n{files}", self.lines.join("\n"))))
    }
}

/// `a.csv:12:5: current: …`.
pub(super) fn fault_lines(path: &str, faults: &Faults) -> Vec<String> {
    let mut lines: Vec<String> = faults.told.iter().map(|fault| line(path, fault)).collect();
    if faults.more > 0 {
        lines.push(format!("{path}: and {} more", faults.more));
    }
    lines
}

fn line(path: &str, fault: &Fault) -> String {
    match fault.line {
        0 => format!("{path}: {fault}"),
        _ => format!("{path}:{fault}"),
    }
}
