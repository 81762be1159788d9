//! Putting a database out of the way that is of no use, so that a new one can begin.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::schema::FILE;

/// How many are kept: whoever wants to look into one has the last ones, and the disk does not fill up with them.
const KEPT: usize = 2;

/// What belongs to a database: the log, the log's index, itself. In this order: a log that was left alone would be
/// taken for the new database's.
const PARTS: [&str; 3] = ["-wal", "-shm", ""];

/// Renames the database to `history.db.aside-20261124T100000Z`; answers the new path.
pub fn set_aside(path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let time = now.strftime("%Y%m%dT%H%M%SZ");
    let aside = with(path, &format!(".aside-{time}"));
    for part in PARTS {
        match fs::rename(with(path, part), with(&aside, part)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && !part.is_empty() => {}
            result => result?,
        }
    }
    prune(path);
    Ok(aside)
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Removes all but the last ones. What cannot be removed harms nobody but the disk.
fn prune(path: &Path) {
    let Some(folder) = path.parent() else { return };
    let prefix = format!("{FILE}.aside-");
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut asides: Vec<String> = names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(&prefix) && name.ends_with('Z'))
        .collect();
    asides.sort();
    let surplus = asides.len().saturating_sub(KEPT);
    for name in &asides[..surplus] {
        for part in PARTS {
            let _ = fs::remove_file(with(&folder.join(name), part));
        }
    }
}
