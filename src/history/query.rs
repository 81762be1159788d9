//! Reading the history, also while it is written.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::close::{for_each_tick, points};
use super::pack::{Timed, unpack};
use super::roll_up::merge;
use super::row::Row;
use super::schema::{FILE, is_ours};
use super::tick::{self, UnitId};
use super::trouble::Trouble;
use crate::error::{Error, Result};
use crate::history::{Grain, Point};
use crate::kernel::root::Root;
use crate::scope::Scope;
use crate::systemd::names::UnitName;

/// How long to wait for a lock; writers do not keep readers waiting but for moments.
const PATIENCE: Duration = Duration::from_secs(2);

/// The history, open for reading.
#[derive(Debug)]
pub struct History {
    db: Connection,
    path: PathBuf,
}

impl History {
    /// Opens the history; `None` where nothing was recorded yet.
    ///
    /// # Errors
    /// It cannot be read, or another version of memctl wrote it.
    pub fn open(root: &Root, scope: &Scope) -> Result<Option<Self>> {
        let path = root.shown(&scope.state_dir()).join(FILE);
        match std::fs::metadata(&path) {
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            result => result.map_err(|e| Error::io("read", &path, &e))?,
        };
        let (db, made) = open(&path).map_err(|trouble| told(&path, &trouble))?;
        Ok(made.then_some(Self { db, path }))
    }

    /// When the last reading was recorded.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn last_tick(&self) -> Result<Option<Timestamp>> {
        let last = "SELECT time FROM tick ORDER BY seq DESC LIMIT 1";
        self.told(|db| {
            let time: Option<i64> = db.query_row(last, (), |row| row.get(0)).optional()?;
            Ok(time.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
        })
    }

    /// The units it knows, sorted by name.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn units(&self) -> Result<Vec<UnitName>> {
        self.told(|db| Ok(units(db)?.into_values().collect::<Vec<_>>()))
            .map(|mut units| {
                units.sort();
                units
            })
    }

    /// A unit's points from a time until another, both included, the oldest first. Without a grain: by the length of
    /// the time, and coarser where the finer points are not kept any more. A minute or an hour that only in part lies
    /// in the time is among them, whole.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn series(
        &self,
        unit: &UnitName,
        from: Timestamp,
        until: Timestamp,
        grain: Option<Grain>,
    ) -> Result<Vec<Point>> {
        let finest = Grain::for_length(until.duration_since(from));
        let grains = Grain::ALL.into_iter().filter(|g| match grain {
            Some(grain) => *g == grain,
            None => *g >= finest,
        });
        self.told(|db| {
            let number = "SELECT id FROM unit WHERE name = ?1";
            let number = db.query_row(number, (unit.as_str(),), |row| row.get(0));
            let Some(unit) = number.optional()? else {
                return Ok(Vec::new());
            };
            for grain in grains {
                let points = series(db, unit, from, until, grain)?;
                if !points.is_empty() {
                    return Ok(points);
                }
            }
            Ok(Vec::new())
        })
    }

    /// For each unit the greatest need (`memory.current` where need is unknown) in each of so many equal parts of a
    /// time; `None` where nothing was recorded. Units of which nothing was are not there.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn sparks(
        &self,
        from: Timestamp,
        until: Timestamp,
        buckets: usize,
    ) -> Result<BTreeMap<UnitName, Vec<Option<u64>>>> {
        let length = until.as_millisecond() - from.as_millisecond();
        if buckets == 0 || length <= 0 {
            return Ok(BTreeMap::new());
        }
        let width = length as u128 / buckets as u128;
        // Points must not be longer than a bucket: what a minute held would show before it was so.
        let coarse = |grain: &Grain| grain.length() as u128 <= width;
        let grain = Grain::ALL.into_iter().rev().find(coarse);
        let sparks = Sparks {
            from,
            until,
            buckets,
        };
        self.told(|db| sparks.read(db, grain.unwrap_or(Grain::Raw)))
    }

    /// Reads within one transaction, so that an hour which is being closed is seen before or after, and tells what
    /// went wrong.
    fn told<T>(
        &self,
        read: impl FnOnce(&Connection) -> std::result::Result<T, Trouble>,
    ) -> Result<T> {
        let within = || {
            let tx = self.db.unchecked_transaction()?;
            read(&tx)
        };
        within().map_err(|trouble| told(&self.path, &trouble))
    }
}

fn told(path: &Path, trouble: &Trouble) -> Error {
    let error = Error::failed(format!("cannot read {}: {trouble}", path.display()));
    match trouble {
        Trouble::Unusable(_) => error.remedy(
            "memctl watch sets it aside when it comes upon it, once a day at the latest; to begin a new one now, \
             stop memctl.service, move the file away and start it again",
        ),
        Trouble::Refused(_) => error.remedy("run this as root, or when memctl watch has run again"),
        _ => error,
    }
}

/// Opens a database for reading; also, whether anything is in it.
fn open(path: &Path) -> std::result::Result<(Connection, bool), Trouble> {
    let opened = |place: &Path, flags: OpenFlags| {
        let db = Connection::open_with_flags(place, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        db.busy_timeout(PATIENCE)?;
        // The first look at the file, and at its log.
        let made = is_ours(&db)?;
        Ok((db, made))
    };
    let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY;
    match opened(path, read_only) {
        // Whoever may not write here cannot make the log's index. Without a log nobody writes, and the file has
        // everything.
        Err(Trouble::Refused(_)) if !has_log(path) => {
            let place = immutable(path);
            opened(Path::new(&place), read_only | OpenFlags::SQLITE_OPEN_URI)
        }
        result => result,
    }
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// The URI of a file that nobody changes.
fn immutable(path: &Path) -> OsString {
    let mut uri = b"file:".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'?' | b'#' | b'%' => uri.extend(format!("%{byte:02x}").into_bytes()),
            byte => uri.push(*byte),
        }
    }
    uri.extend(b"?immutable=1");
    OsString::from_vec(uri)
}

/// All units by their numbers.
fn units(db: &Connection) -> std::result::Result<BTreeMap<UnitId, UnitName>, Trouble> {
    let mut units = BTreeMap::new();
    let mut names = db.prepare("SELECT id, name FROM unit")?;
    let mut names = names.query(())?;
    while let Some(row) = names.next()? {
        let name: String = row.get(1)?;
        // What is printed of a history was checked, whoever wrote the file.
        let name = UnitName::parse(&name).map_err(|e| Trouble::Unusable(e.to_string()))?;
        units.insert(row.get(0)?, name);
    }
    Ok(units)
}

/// How long the block of a grain is, in seconds.
fn block_length(grain: Grain) -> i64 {
    match grain {
        Grain::Raw | Grain::Minutes => 3600,
        Grain::Hours => 86_400,
    }
}

/// A unit's packed points of all hours that are over and have to do with a time.
fn blocks(
    db: &Connection,
    unit: UnitId,
    grain: Grain,
    from: Timestamp,
    until: Timestamp,
) -> std::result::Result<Vec<Timed>, Trouble> {
    let mut rows = Vec::new();
    let mut blocks = db.prepare(
        "SELECT data FROM block WHERE unit = ?1 AND grain = ?2 AND begin > ?3 AND begin <= ?4
         ORDER BY begin",
    )?;
    let after = from.as_second().saturating_sub(block_length(grain));
    let mut blocks = blocks.query((unit, grain as i64, after, until.as_second()))?;
    while let Some(row) = blocks.next()? {
        let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        rows.append(&mut unpack(bytes)?);
    }
    Ok(rows)
}

fn series(
    db: &Connection,
    unit: UnitId,
    from: Timestamp,
    until: Timestamp,
    grain: Grain,
) -> std::result::Result<Vec<Point>, Trouble> {
    let mut series: Vec<Point> = points(&blocks(db, unit, grain, from, until)?, grain).collect();
    let mut row = Row::BLANK;
    for_each_tick(db, |time, bytes| {
        tick::walk(bytes, |number, body| {
            if number != unit {
                return Ok(());
            }
            tick::change(&mut row, body)?;
            let point = points(&[(time, row)], Grain::Raw).next();
            if let Some(point) = point {
                let time = grain.begin(point.time);
                let point = Point {
                    time,
                    grain,
                    ..point
                };
                merge(&mut series, point);
            }
            Ok(())
        })?;
        Ok(())
    })?;
    let from = grain.begin(from);
    series.retain(|point| (from..=until).contains(&point.time));
    Ok(series)
}

/// The greatest figures of all units in each part of a time.
struct Sparks {
    from: Timestamp,
    until: Timestamp,
    buckets: usize,
}

impl Sparks {
    fn read(
        &self,
        db: &Connection,
        grain: Grain,
    ) -> std::result::Result<BTreeMap<UnitName, Vec<Option<u64>>>, Trouble> {
        let mut sparks: BTreeMap<UnitId, Vec<Option<u64>>> = BTreeMap::new();
        let names = units(db)?;
        for unit in names.keys() {
            for point in points(&blocks(db, *unit, grain, self.from, self.until)?, grain) {
                let time = point.time.as_millisecond();
                self.raise(&mut sparks, *unit, time, greatest(&point));
            }
        }
        let mut rows: BTreeMap<UnitId, (Row, Option<u64>)> = BTreeMap::new();
        for_each_tick(db, |time, bytes| {
            tick::walk(bytes, |unit, body| {
                let (row, level) = rows.entry(unit).or_insert((Row::BLANK, None));
                // Most units hold what they held the tick before.
                if !body.is_empty() {
                    tick::change(row, body)?;
                    *level = points(&[(time, *row)], Grain::Raw)
                        .next()
                        .and_then(|p| greatest(&p));
                }
                self.raise(&mut sparks, unit, time, *level);
                Ok(())
            })?;
            Ok(())
        })?;
        let named = |(unit, spark)| Some((names.get(&unit)?.clone(), spark));
        Ok(sparks.into_iter().filter_map(named).collect())
    }

    fn raise(
        &self,
        sparks: &mut BTreeMap<UnitId, Vec<Option<u64>>>,
        unit: UnitId,
        time: i64,
        level: Option<u64>,
    ) {
        let (from, until) = (self.from.as_millisecond(), self.until.as_millisecond());
        if !(from..=until).contains(&time) {
            return;
        }
        let at = (time - from) as u128 * self.buckets as u128 / (until - from) as u128;
        let spark = sparks
            .entry(unit)
            .or_insert_with(|| vec![None; self.buckets]);
        // The last moment belongs to the last part.
        let place = &mut spark[(at as usize).min(self.buckets - 1)];
        *place = (*place).max(level);
    }
}

fn greatest(point: &Point) -> Option<u64> {
    point.need.or(point.current).map(|spread| spread.max)
}
