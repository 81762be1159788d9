//! The database's form, and how it is opened for writing.

use std::fs::{self, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::trouble::Trouble;
use crate::error::describe_io;

/// The file's name in the state folder.
pub const FILE: &str = "history.db";

/// The form of the tables, in `user_version`; one that differs is another memctl's.
pub const VERSION: i64 = 1;

/// Whose file it is, in `application_id`: "mctl".
pub const APPLICATION: i64 = 0x6d63_746c;

/// How long to wait for whoever else writes: another memctl that is just ending.
const PATIENCE: Duration = Duration::from_secs(2);

/// The present hour is kept tick by tick: one row, some pages in a row, a transaction. When it is over, each unit's
/// part of it is packed for itself, so that a unit's day is read from some dozen rows.
const TABLES: &str = "
CREATE TABLE unit (
    id   INTEGER PRIMARY KEY,  -- its number in the other tables
    name TEXT NOT NULL UNIQUE, -- web.service
    last BLOB                  -- its last reading before the open hour, packed as in block; NULL: none yet
) STRICT;

CREATE TABLE tick (
    seq     INTEGER PRIMARY KEY, -- in the order of writing, which the clock need not follow; all are of one hour
    time    INTEGER NOT NULL,    -- milliseconds since 1970
    watched INTEGER NOT NULL,    -- milliseconds that were recorded so far: the clock by which blocks grow old
    data    BLOB NOT NULL        -- all units' readings, see tick.rs
) STRICT;

CREATE TABLE block (
    id      INTEGER PRIMARY KEY,
    unit    INTEGER NOT NULL,    -- whose
    grain   INTEGER NOT NULL,    -- 0 readings, 1 minutes, 2 hours
    begin   INTEGER NOT NULL,    -- seconds since 1970: of an hour for readings and minutes, of a day for hours
    watched INTEGER NOT NULL,    -- tick.watched when it was written last
    data    BLOB NOT NULL        -- its points, see pack.rs
) STRICT;

CREATE UNIQUE INDEX block_place ON block (unit, grain, begin);
CREATE INDEX block_age ON block (grain, watched);
";

/// Opens the database for writing, and makes it if there is none.
pub fn open(path: &Path) -> Result<Connection, Trouble> {
    make(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(PATIENCE)?;
    // The log stays when memctl ends: users who may not write here can read the database only with it.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // 256 KiB: whoever watches for leaks holds little.
    db.pragma_update(None, "cache_size", -256)?;
    // Counts for a file that is yet empty.
    db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let made = is_ours(&db)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    // The log is 1 MiB, and no more once a larger transaction is through.
    db.pragma_update(None, "wal_autocheckpoint", 256)?;
    db.pragma_update(None, "journal_size_limit", 1 << 20)?;
    if !made {
        let tx = db.transaction()?;
        tx.execute_batch(TABLES)?;
        tx.pragma_update(None, "application_id", APPLICATION)?;
        tx.pragma_update(None, "user_version", VERSION)?;
        tx.commit()?;
    }
    Ok(db)
}

/// Whether it is a history of this version; `false`: nothing is in it yet.
pub fn is_ours(db: &Connection) -> Result<bool, Trouble> {
    let number = |pragma: &str| db.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let count = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = db.query_row(count, (), |row| row.get(0))?;
    match (application, version) {
        (APPLICATION, VERSION) => Ok(true),
        (0, 0) if tables == 0 => Ok(false),
        (APPLICATION, VERSION..) => Err(Trouble::Unusable(format!(
            "a newer memctl wrote it (format {version}, this one has {VERSION})"
        ))),
        _ => Err(Trouble::Unusable("it is no history of memctl".to_owned())),
    }
}

/// Looks through the whole file.
pub fn check(db: &Connection) -> Result<(), Trouble> {
    let found: String = db.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
    if found == "ok" {
        Ok(())
    } else {
        Err(Trouble::Unusable(format!("it is damaged: {found}")))
    }
}

/// Makes folder and file, readable for everybody whatever the umask is; SQLite gives its other files the same mode.
fn make(path: &Path) -> Result<(), Trouble> {
    let folder = path.parent().unwrap_or(path);
    let made = || -> std::io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(folder)?;
        let mut new = OpenOptions::new();
        match new.write(true).create_new(true).mode(0o644).open(path) {
            Ok(file) => file.set_permissions(Permissions::from_mode(0o644)),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(e),
        }
    };
    made().map_err(|e| match e.kind() {
        ErrorKind::StorageFull => Trouble::Full,
        _ => Trouble::Other(describe_io(&e)),
    })?;
    match fs::metadata(path) {
        Ok(data) if !data.is_file() => Err(Trouble::Unusable("it is no file".to_owned())),
        _ => Ok(()),
    }
}
