//! Many traces on all processors; what comes of them is told in the order in which they were named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::error::{Error, Result, describe_io};
use crate::replay::{Fault, Faults, Given, Host, Played, What, columns, play};
use crate::units::quote;
use crate::view::progress::Progress;
use crate::view::replay::Replayed;

use super::{open, warn};

/// How often progress is shown.
const SHOWN: Duration = Duration::from_millis(100);

/// Plays traces, and hands on what came of each, in their order.
pub(super) fn play_all(
    paths: &[PathBuf],
    sides: &[Given],
    host: &Host,
    hand_on: &mut dyn FnMut(Replayed),
) {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let progress = Progress::new();
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..processors.min(paths.len()) {
            let (send, next, stop) = (send.clone(), &next, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = paths.get(at) else { break };
                    if send.send((at, play_one(path, sides, host))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        let mut early: BTreeMap<usize, Replayed> = BTreeMap::new();
        let (mut due, mut done) = (0, 0);
        let mut shown: Option<Instant> = None;
        for (at, replayed) in receive {
            done += 1;
            if paths.len() > 1 && shown.is_none_or(|shown| shown.elapsed() >= SHOWN) {
                progress.step(&format!("{done} of {} traces", paths.len()));
                shown = Some(Instant::now());
            }
            early.insert(at, replayed);
            while let Some(replayed) = early.remove(&due) {
                progress.done();
                hand_on(replayed);
                due += 1;
            }
        }
        stop.store(true, Ordering::Relaxed);
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

/// What a table needs of a trace: thousands of them are kept until the last is done.
pub(super) fn lean(mut played: Played) -> Played {
    let is_shown = |what| matches!(what, What::Fired | What::Done);
    played
        .lines
        .retain(|line| is_shown(line.told.what) || line.told.is_done);
    played
}

/// What is wrong with traces.
#[derive(Debug, Default)]
pub(super) struct Problems {
    lines: Vec<String>,
    files: usize,
    /// Columns that are not known, and in how many traces.
    unknown: BTreeMap<String, usize>,
}

impl Problems {
    pub fn add(&mut self, replayed: &Replayed) {
        for name in &replayed.played.unknown {
            *self.unknown.entry(name.clone()).or_default() += 1;
        }
        let faults = &replayed.played.faults;
        if !faults.is_empty() {
            self.files += 1;
            let path = replayed.trace.as_deref().unwrap_or_default();
            self.lines.extend(fault_lines(path, faults));
        }
    }

    /// Tells of columns that were not read.
    pub fn warn(&self) {
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
