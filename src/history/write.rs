//! Writing: a tick is one transaction, and so is all that is to be done when an hour is over.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

use super::pack;
use super::row::{Column, Row};
use super::tick::{self, UnitId};
use super::trouble::Trouble;
use super::{Settings, close, schema};
use crate::sample::gained;
use crate::systemd::names::UnitName;

/// A reading as the recorder takes it.
#[derive(Debug, Clone)]
pub struct Batch {
    /// When.
    pub time: Timestamp,
    /// Of each unit.
    pub rows: Vec<(UnitName, Row)>,
}

const HOUR: i64 = 3_600_000;

/// The most ticks of an open hour, with a clock that stands still.
const MOST_TICKS: usize = 4096;

/// The longest time between two ticks that counts as recorded, in milliseconds. Blocks grow old by what was recorded
/// since, not by the clock: one that jumps a year ahead, and back, makes none of them older.
const LONGEST_TICK: i64 = 5 * 60_000;

/// The database, open for writing, and what of it is kept at hand.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    settings: Settings,
    /// The size beyond which blocks go before their time.
    pub(super) most_bytes: i64,
    pub(super) db: Option<Connection>,
    /// As of the last transaction; read anew after one that failed.
    open: Option<Open>,
}

/// The hour that is open.
#[derive(Debug, Default)]
pub struct Open {
    /// Which hour since 1970; `None` before the first tick.
    pub hour: Option<i64>,
    /// How many ticks it has.
    pub ticks: usize,
    /// The time of the last one.
    last: Option<i64>,
    /// `tick.watched` of the last one.
    pub watched: i64,
    /// The numbers of the units of this hour and the one before.
    pub ids: BTreeMap<UnitName, UnitId>,
    /// Their last readings.
    pub rows: BTreeMap<UnitId, Seen>,
}

/// A unit's last reading.
#[derive(Debug)]
pub struct Seen {
    /// The reading; `None` of a unit that is new.
    pub row: Option<Row>,
    /// Whether it is of the open hour.
    pub now: bool,
}

impl Store {
    /// A database that is opened when it is needed.
    pub fn new(path: PathBuf, settings: Settings) -> Self {
        Self {
            path,
            settings,
            most_bytes: close::MOST_BYTES,
            db: None,
            open: None,
        }
    }

    /// From now on points are kept so long.
    pub fn keep(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Writes a tick; in it, or with nothing changed, whatever happens.
    pub fn append(&mut self, batch: &Batch) -> Result<(), Trouble> {
        let mut db = match self.db.take() {
            Some(db) => db,
            None => schema::open(&self.path)?,
        };
        let mut open = match self.open.take() {
            Some(open) => open,
            None => load(&db)?,
        };
        // On any error both are dropped, and what is true is read from the file the next time.
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let closed = self.write(&tx, &mut open, batch)?;
        tx.commit()?;
        if let Some(over) = closed {
            close::give_back(&db)?;
            // What nobody happens to read may be damaged for long.
            if over.div_euclid(24) != open.hour.unwrap_or(over).div_euclid(24) {
                schema::check(&db)?;
            }
        }
        self.db = Some(db);
        self.open = Some(open);
        Ok(())
    }

    /// The database is closed, for its file to be put away.
    pub fn shut(&mut self) {
        self.db = None;
        self.open = None;
    }

    /// Writes a tick; answers the hour that was closed, if one was.
    fn write(
        &self,
        tx: &Transaction<'_>,
        open: &mut Open,
        batch: &Batch,
    ) -> Result<Option<i64>, Trouble> {
        let time = batch.time.as_millisecond();
        let hour = time.div_euclid(HOUR);
        let passed = open.last.map_or(0, |last| time.saturating_sub(last));
        open.watched += passed.clamp(0, LONGEST_TICK);
        open.last = Some(time);
        let over = open.hour.filter(|h| *h != hour || open.ticks >= MOST_TICKS);
        if let Some(over) = over {
            close::hour(tx, open, over)?;
            close::forget(tx, open.watched, &self.settings, self.most_bytes)?;
        }
        open.hour = Some(hour);
        let mut rows = Vec::with_capacity(batch.rows.len());
        for (name, row) in &batch.rows {
            let unit = open.number(tx, name)?;
            let mut row = *row;
            let before = open.rows.get(&unit).and_then(|seen| seen.row.as_ref());
            gain(&mut row, before);
            rows.push((unit, row));
        }
        rows.sort_unstable_by_key(|(unit, _)| *unit);
        rows.dedup_by_key(|(unit, _)| *unit);
        let data = tick::pack(&rows, |unit| {
            let seen = open.rows.get(&unit).filter(|seen| seen.now)?;
            seen.row
        });
        tx.prepare("INSERT INTO tick (time, watched, data) VALUES (?1, ?2, ?3)")?
            .execute((time, open.watched, data))?;
        open.ticks += 1;
        for (unit, row) in rows {
            let seen = Seen {
                row: Some(row),
                now: true,
            };
            open.rows.insert(unit, seen);
        }
        Ok(over)
    }
}

impl Open {
    /// A unit's number: a new one, if the database does not know it.
    fn number(&mut self, tx: &Transaction<'_>, name: &UnitName) -> Result<UnitId, Trouble> {
        if let Some(unit) = self.ids.get(name) {
            return Ok(*unit);
        }
        let known = tx
            .prepare("SELECT id, last FROM unit WHERE name = ?1")?
            .query_row((name.as_str(),), |row| {
                Ok((row.get::<_, UnitId>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))
            })
            .optional()?;
        let (unit, last) = match known {
            Some(known) => known,
            None => {
                let new = "INSERT INTO unit (name) VALUES (?1) RETURNING id";
                let id = tx.query_row(new, (name.as_str(),), |row| row.get(0))?;
                (id, None)
            }
        };
        let last = last.map(|bytes| pack::unpack(&bytes)).transpose()?;
        let row = last.and_then(|rows| Some(rows.last()?.1));
        self.rows.insert(unit, Seen { row, now: false });
        self.ids.insert(name.clone(), unit);
        Ok(unit)
    }
}

/// What a reading gained on the one before it: a unit started anew, processes killed, throttled.
fn gain(row: &mut Row, before: Option<&Row>) {
    let Some(before) = before else { return };
    let same = before.start().same(&row.start());
    row.set(Column::Restarts, Some(u64::from(!same)));
    for (counter, gain) in [
        (Column::OomKill, Column::OomKills),
        (Column::HighEvents, Column::Highs),
    ] {
        let gained = gained(before.get(counter), row.get(counter), same);
        row.set(gain, Some(gained.unwrap_or(0)));
    }
}

/// Reads the open hour from the database.
fn load(db: &Connection) -> Result<Open, Trouble> {
    let mut open = Open::default();
    let mut ticks = db.prepare("SELECT time, watched, data FROM tick ORDER BY seq")?;
    let mut ticks = ticks.query(())?;
    while let Some(row) = ticks.next()? {
        let time: i64 = row.get(0)?;
        open.hour = Some(time.div_euclid(HOUR));
        open.last = Some(time);
        open.watched = row.get(1)?;
        open.ticks += 1;
        let bytes = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        tick::walk(bytes, |unit, body| {
            let seen = open.rows.entry(unit).or_insert(Seen {
                row: None,
                now: true,
            });
            tick::change(seen.row.get_or_insert(Row::BLANK), body)
        })?;
    }
    let mut names = db.prepare("SELECT name FROM unit WHERE id = ?1")?;
    for unit in open.rows.keys() {
        let name: String = names.query_row((unit,), |row| row.get(0))?;
        let name = UnitName::parse(&name).map_err(|e| Trouble::Unusable(e.to_string()))?;
        open.ids.insert(name, *unit);
    }
    Ok(open)
}
