//! When an hour is over: each unit's part of it is packed and rolled up, and what is too old goes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::pack::{MOST_ROWS, Timed, pack, unpack};
use super::roll_up::{merge, roll_up};
use super::row::Row;
use super::tick::{self, UnitId};
use super::trouble::Trouble;
use super::write::Open;
use super::{Grain, Point, Settings};

/// How large the database may become, whatever is recorded: 1 GiB. Beyond it the finest points go before their time.
pub const MOST_BYTES: i64 = 1 << 30;

/// How much memory may be filled with an hour's readings at once; units are packed by so many.
const GROUP_BYTES: usize = 1 << 20;

/// What one reading takes of it while it is packed still: its time, and some figures that changed.
const PACKED_BYTES: usize = 48;

/// Closes the open hour.
pub fn hour(tx: &Transaction<'_>, open: &mut Open, hour: i64) -> Result<(), Trouble> {
    open.rows.retain(|_, seen| seen.now);
    let units: Vec<UnitId> = open.rows.keys().copied().collect();
    let one = open.ticks.max(1) * PACKED_BYTES;
    let mut last = tx.prepare("UPDATE unit SET last = ?2 WHERE id = ?1")?;
    for group in units.chunks((GROUP_BYTES / one).max(1)) {
        for (unit, packed) in gather(tx, group, open.ticks)? {
            let rows = packed.rows()?;
            keep(tx, unit, hour * 3600, &rows, open.watched)?;
            last.execute((unit, pack(&rows[rows.len().saturating_sub(1)..])))?;
        }
    }
    tx.execute("DELETE FROM tick", ())?;
    let Open { ids, rows, .. } = open;
    ids.retain(|_, unit| rows.contains_key(unit));
    rows.values_mut().for_each(|seen| seen.now = false);
    open.ticks = 0;
    Ok(())
}

/// One unit's readings of the open hour, as the ticks have them: what changed from one to the next.
#[derive(Default)]
struct Packed {
    bytes: Vec<u8>,
    /// The time of each, and where its bytes end.
    ends: Vec<(i64, usize)>,
}

impl Packed {
    fn rows(&self) -> Result<Vec<Timed>, Trouble> {
        let mut rows = Vec::with_capacity(self.ends.len());
        let (mut row, mut begin) = (Row::BLANK, 0);
        for (time, end) in &self.ends {
            tick::change(&mut row, &self.bytes[begin..*end])?;
            rows.push((*time, row));
            begin = *end;
        }
        Ok(rows)
    }
}

/// Some units' readings of the open hour, in the order of writing. Packed, so that few rounds over the hour are
/// enough: each reads all of it.
fn gather(
    db: &Connection,
    units: &[UnitId],
    ticks: usize,
) -> Result<BTreeMap<UnitId, Packed>, Trouble> {
    let mut gathered: BTreeMap<UnitId, Packed> = BTreeMap::new();
    for_each_tick(db, |time, bytes| {
        tick::walk(bytes, |unit, body| {
            if units.binary_search(&unit).is_err() {
                return Ok(());
            }
            let packed = gathered.entry(unit).or_insert_with(|| Packed {
                bytes: Vec::new(),
                ends: Vec::with_capacity(ticks),
            });
            packed.bytes.extend_from_slice(body);
            packed.ends.push((time, packed.bytes.len()));
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(gathered)
}

/// Goes through the open hour's ticks, in the order of writing.
pub fn for_each_tick(
    db: &Connection,
    mut each: impl FnMut(i64, &[u8]) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut ticks = db.prepare("SELECT time, data FROM tick ORDER BY seq")?;
    let mut ticks = ticks.query(())?;
    while let Some(row) = ticks.next()? {
        let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        each(row.get(0)?, bytes)?;
    }
    Ok(())
}

/// Writes one unit's hour, beginning at `begin`: its readings, its minutes, and its hour among those of the day. The
/// clock may have been here before: what is there already stays.
fn keep(
    tx: &Transaction<'_>,
    unit: UnitId,
    begin: i64,
    rows: &[Timed],
    watched: i64,
) -> Result<(), Trouble> {
    let readings = points(rows, Grain::Raw);
    for (grain, length) in [(Grain::Minutes, 3600), (Grain::Hours, 86_400)] {
        let place = (unit, grain as i64, begin - begin.rem_euclid(length));
        let mut kept: Vec<Point> = points(&read(tx, place)?, grain).collect();
        for point in roll_up(readings.clone(), grain) {
            merge(&mut kept, point);
        }
        let rolled = kept
            .iter()
            .map(|p| (p.time.as_millisecond(), Row::of_point(p)));
        write(tx, place, rolled.collect(), watched)?;
    }
    let place = (unit, Grain::Raw as i64, begin);
    let mut kept = read(tx, place)?;
    kept.extend_from_slice(rows);
    // Where the clock was set back, in the order of its times; the later of two that have the same one.
    kept.sort_by_key(|(time, _)| *time);
    kept.reverse();
    kept.dedup_by_key(|(time, _)| *time);
    kept.truncate(MOST_ROWS);
    kept.reverse();
    write(tx, place, kept, watched)
}

/// Rows as points; those of a time that there cannot be are left out.
pub fn points(rows: &[Timed], grain: Grain) -> impl Iterator<Item = Point> + Clone {
    rows.iter().filter_map(move |(time, row)| {
        let time = Timestamp::from_millisecond(*time).ok()?;
        Some(row.point(time, grain))
    })
}

/// Where a block is: unit, grain, beginning.
type Place = (UnitId, i64, i64);

fn read(tx: &Transaction<'_>, place: Place) -> Result<Vec<Timed>, Trouble> {
    let bytes: Option<Vec<u8>> = tx
        .prepare("SELECT data FROM block WHERE unit = ?1 AND grain = ?2 AND begin = ?3")?
        .query_row(place, |row| row.get(0))
        .optional()?;
    Ok(match bytes {
        Some(bytes) => unpack(&bytes)?,
        None => Vec::new(),
    })
}

fn write(
    tx: &Transaction<'_>,
    (unit, grain, begin): Place,
    rows: Vec<Timed>,
    watched: i64,
) -> Result<(), Trouble> {
    tx.prepare(
        "INSERT INTO block (unit, grain, begin, watched, data) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (unit, grain, begin) DO UPDATE SET watched = ?4, data = ?5",
    )?
    .execute((unit, grain, begin, watched, pack(&rows)))?;
    Ok(())
}

/// Drops what is older than the settings keep it, and units of which nothing is left.
pub fn forget(
    tx: &Transaction<'_>,
    watched: i64,
    settings: &Settings,
    most_bytes: i64,
) -> Result<(), Trouble> {
    for grain in Grain::ALL {
        let keep = i64::try_from(settings.keep(grain).0 / 1000).unwrap_or(i64::MAX);
        tx.execute(
            "DELETE FROM block WHERE grain = ?1 AND watched < ?2",
            (grain as i64, watched.saturating_sub(keep)),
        )?;
    }
    while used(tx)? > most_bytes {
        let gone = tx.execute(
            "DELETE FROM block WHERE id IN (
                 SELECT id FROM block WHERE grain = (SELECT min(grain) FROM block)
                 ORDER BY watched LIMIT 200)",
            (),
        )?;
        if gone == 0 {
            break;
        }
    }
    tx.execute(
        "DELETE FROM unit WHERE NOT EXISTS (SELECT 1 FROM block WHERE block.unit = unit.id)",
        (),
    )?;
    Ok(())
}

/// Gives pages back to the file system, where more than a quarter of them is free; some at a time.
pub fn give_back(db: &Connection) -> Result<(), Trouble> {
    let (pages, free) = (number(db, "page_count")?, number(db, "freelist_count")?);
    if free > 256 && free > pages / 4 {
        // It answers a row a page, and is done when all have been asked for.
        let mut vacuum = db.prepare("PRAGMA incremental_vacuum(1024)")?;
        let mut freed = vacuum.query(())?;
        while freed.next()?.is_some() {}
    }
    Ok(())
}

/// The bytes that are in use.
fn used(db: &Connection) -> Result<i64, Trouble> {
    let pages = number(db, "page_count")? - number(db, "freelist_count")?;
    Ok(pages * number(db, "page_size")?)
}

fn number(db: &Connection, pragma: &str) -> Result<i64, Trouble> {
    Ok(db.pragma_query_value(None, pragma, |row| row.get(0))?)
}
