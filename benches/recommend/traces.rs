//! Recordings: CSV files with `time` and `current`, as `memctl replay` reads them.

use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use memctl::recommend::{Held, Observation};

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
    let mut trace: Vec<Observation> = Vec::new();
    for record in reader.records() {
        let record = record?;
        let second: f64 = record.get(time).unwrap_or_default().parse()?;
        let bytes: f64 = record.get(current).unwrap_or_default().parse()?;
        let mut observation = Observation::blank(Timestamp::from_second(second as i64)?, 0.0);
        let bytes = bytes as u64;
        // These are resident set sizes: no page cache in them.
        observation.need = Some(Held {
            least: bytes,
            most: bytes,
            last: bytes,
        });
        if let Some(before) = trace.last_mut() {
            before.seconds = (second - before.time.as_second() as f64).min(3600.0);
        }
        trace.push(observation);
    }
    anyhow::ensure!(trace.len() > 20, "fewer than 20 readings");
    Ok(trace)
}
