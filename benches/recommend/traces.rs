//! Recordings: CSV files as `memctl history --csv` writes and `memctl replay` reads them.

use std::path::Path;

use anyhow::{Context as _, Result};
use csv::StringRecord;
use jiff::Timestamp;
use memctl::recommend::{Held, Observation};

/// What need is made of; a recording without the second of them is of resident set sizes, which have no page cache.
const NEED: [&str; 8] = [
    "anon",
    "kernel_stack",
    "shmem",
    "slab_unreclaimable",
    "pagetables",
    "percpu",
    "sock",
    "swap",
];

/// Reads all recordings of a folder; the name and what was observed.
pub fn read(folder: &Path) -> Result<Vec<(String, Vec<Observation>)>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "csv") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut traces = Vec::new();
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let trace = one(&path).with_context(|| path.display().to_string())?;
        traces.push((name.into_owned(), trace));
    }
    Ok(traces)
}

fn one(path: &Path) -> Result<Vec<Observation>> {
    let mut reader = csv::Reader::from_path(path)?;
    let headers = reader.headers()?.clone();
    let column = |name: &str| headers.iter().position(|h| h == name);
    let time = column("time").context("no column `time`")?;
    let current = column("current").context("no column `current`")?;
    let need: Vec<usize> = match column(NEED[1]) {
        Some(_) => NEED.into_iter().filter_map(column).collect(),
        None => vec![current],
    };
    let invocation = column("invocation");
    let mut trace: Vec<Observation> = Vec::new();
    let mut start = None;
    for record in reader.records() {
        let record = record?;
        let parts = need.iter().filter_map(|at| bytes(&record, *at));
        let held: u64 = parts.sum();
        let mut observation = Observation::blank(when(&record, time)?, 0.0);
        observation.need = Some(Held {
            least: held,
            most: held,
            last: held,
        });
        observation.cache = bytes(&record, current).map(|current| current.saturating_sub(held));
        let now = invocation.and_then(|at| record.get(at)).map(str::to_owned);
        observation.starts = u64::from(start.is_some() && start != now);
        start = now;
        if let Some(before) = trace.last_mut() {
            let gap = observation.time.duration_since(before.time);
            before.seconds = gap.as_secs_f64().clamp(0.0, 3600.0);
        }
        trace.push(observation);
    }
    anyhow::ensure!(trace.len() > 20, "fewer than 20 readings");
    Ok(trace)
}

fn bytes(record: &StringRecord, at: usize) -> Option<u64> {
    record
        .get(at)?
        .parse::<f64>()
        .ok()
        .map(|bytes| bytes as u64)
}

/// Unix seconds or RFC 3339.
fn when(record: &StringRecord, at: usize) -> Result<Timestamp> {
    let text = record.get(at).unwrap_or_default();
    match text.parse::<f64>() {
        Ok(second) => Ok(Timestamp::from_millisecond((second * 1000.0) as i64)?),
        Err(_) => text.parse().with_context(|| format!("no time: {text:?}")),
    }
}
