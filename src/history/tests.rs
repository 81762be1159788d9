//! The history as a whole: what is written comes back, whatever happens to the file, the clock and the writer.

mod clock;
mod damage;
mod killed;
mod measure;
mod readers;
mod series;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tempfile::TempDir;

use super::row::Row;
use super::schema::FILE;
use super::write::{Batch, Store};
use super::{History, Settings};
use crate::kernel::root::Root;
use crate::sample::{Invocation, Sample, Source};
use crate::scope::Scope;
use crate::systemd::names::UnitName;

/// 2026-11-24 10:00 UTC.
const TEN: i64 = 1_795_514_400;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect(text)
}

/// A place for a history.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        Self { dir }
    }

    fn root(&self) -> Root {
        Root::open(self.dir.path()).expect("a root")
    }

    fn file(&self) -> PathBuf {
        self.root().shown(&Scope::System.state_dir()).join(FILE)
    }

    fn store(&self) -> Store {
        Store::new(self.file(), Settings::default())
    }

    fn history(&self) -> History {
        History::open(&self.root(), &Scope::System)
            .expect("readable")
            .expect("there")
    }

    /// Names beside the database that begin like this.
    fn beside(&self, prefix: &str) -> Vec<String> {
        let folder = self.file();
        let names = std::fs::read_dir(folder.parent().expect("a folder")).expect("a folder");
        let names = names.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = names
            .map(|name| name.into_string().expect("UTF-8"))
            .filter(|name| name.starts_with(prefix))
            .collect();
        names.sort();
        names
    }
}

/// A reading of one unit with so much anonymous memory.
fn sample(unit: &str, second: i64, anon: u64) -> Sample {
    let mut sample = Sample::blank(name(unit), at(second), Source::Cgroup);
    sample.memory.stat.anon = Some(anon);
    sample.memory.stat.file = Some(5 << 20);
    sample.memory.current = Some(anon + (5 << 20));
    sample.start.invocation = Some(Invocation(7));
    sample.start.inode = Some(41);
    sample.events.oom_kill = Some(0);
    sample.events.high = Some(0);
    sample
}

fn batch(samples: &[Sample]) -> Batch {
    Batch {
        time: samples[0].time,
        rows: samples
            .iter()
            .map(|s| (s.unit.clone(), Row::of_sample(s, None)))
            .collect(),
    }
}

/// Writes a reading of `web.service` for each of some times; what it holds is its number.
fn record(store: &mut Store, seconds: impl IntoIterator<Item = i64>) {
    for second in seconds {
        let sample = sample("web.service", second, held(second));
        store.append(&batch(&[sample])).expect("written");
    }
}

fn held(second: i64) -> u64 {
    (second as u64 % 977) << 12
}

/// The times of all readings of `web.service` in a range.
fn seconds(history: &History, range: std::ops::Range<i64>) -> Vec<i64> {
    let points = history
        .series(
            &name("web.service"),
            at(range.start),
            at(range.end),
            Some(super::Grain::Raw),
        )
        .expect("a series");
    for point in &points {
        let held = held(point.time.as_second());
        assert_eq!(point.need.map(|s| s.last), Some(held));
    }
    points.iter().map(|p| p.time.as_second()).collect()
}

fn integrity(file: &Path) -> String {
    let db = rusqlite::Connection::open(file).expect("opens");
    db.query_row("PRAGMA integrity_check", (), |row| row.get(0))
        .expect("an answer")
}
