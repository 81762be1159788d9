//! What the leak detector remembers of all units: one file, that may be lost. `/var/lib/memctl/detectors.json`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::kernel::root::{Root, is_absent};
use crate::policy::Trend;
use crate::scope::Scope;
use crate::systemd::names::UnitName;

/// The form of the file.
const FORMAT: u32 = 1;
/// A larger file is none of memctl's.
const MOST_BYTES: u64 = 64 << 20;
/// So many units are remembered, those that were read last: instances come and go.
const MOST_UNITS: usize = 2048;
/// A unit that was not read for so long is forgotten.
const GONE: SignedDuration = SignedDuration::from_hours(7 * 24);
const NAME: &str = "detectors.json";

/// What is remembered, by unit.
pub type Trends = BTreeMap<UnitName, Trend>;

#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    units: BTreeMap<&'a str, &'a Trend>,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[derive(Deserialize)]
struct Read {
    units: BTreeMap<String, Trend>,
}

fn path(scope: &Scope) -> PathBuf {
    scope.state_dir().join(NAME)
}

/// What an earlier process has left behind; nothing, where there is no file.
///
/// # Errors
/// It cannot be read, or is of another version of memctl: the detector learns anew.
pub fn read(root: &Root, scope: &Scope) -> Result<Trends> {
    let path = path(scope);
    let shown = root.shown(&path);
    let bytes = match root.read_bytes(&path, MOST_BYTES) {
        Ok(bytes) => bytes,
        Err(e) if is_absent(&e) => return Ok(Trends::new()),
        Err(e) => return Err(Error::io("read", &shown, &e)),
    };
    let wrong = |why: String| {
        Error::failed(format!(
            "{}: {why}; the leak detector learns anew",
            shown.display()
        ))
    };
    let unreadable = |e: serde_json::Error| wrong(e.to_string());
    let Version { v } = serde_json::from_slice(&bytes).map_err(unreadable)?;
    if v != FORMAT {
        return Err(wrong(format!("of another version of memctl (v {v})")));
    }
    let read: Read = serde_json::from_slice(&bytes).map_err(unreadable)?;
    let units = read.units.into_iter();
    Ok(units
        .filter(|(_, trend)| trend.is_sound())
        .filter_map(|(name, trend)| Some((UnitName::parse(&name).ok()?, trend)))
        .collect())
}

/// Forgets units that are gone for long, and what is more than can be kept.
pub fn tidy(trends: &mut Trends, now: Timestamp) {
    let is_gone = |trend: &Trend| {
        let read = trend.read();
        read.is_none_or(|read| now.duration_since(read) >= GONE)
    };
    trends.retain(|_, trend| !is_gone(trend));
    let over = trends.len().saturating_sub(MOST_UNITS);
    if over > 0 {
        let mut by_time: Vec<_> = trends.iter().map(|(n, t)| (t.read(), n.clone())).collect();
        by_time.sort();
        for (_, name) in by_time.into_iter().take(over) {
            trends.remove(&name);
        }
    }
}

/// Writes them, the old file's place being taken in one step. It is not worth a wait for the disk: what a crash loses
/// is learnt anew.
///
/// # Errors
/// It cannot be written.
pub fn write(root: &Root, scope: &Scope, trends: &Trends) -> Result<()> {
    let written = Written {
        v: FORMAT,
        units: trends.iter().map(|(n, t)| (n.as_str(), t)).collect(),
    };
    let text = serde_json::to_vec(&written).map_err(|e| Error::failed(format!("{NAME}: {e}")))?;
    root.make_dir(&scope.state_dir())?.put(NAME, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Invocation, Sample, Source, Start};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn root() -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = Root::open(dir.path()).expect("a root");
        (dir, root)
    }

    fn trend(second: i64) -> Trend {
        let unit = UnitName::parse("a.service").expect("a name");
        let mut sample = Sample::blank(unit, at(second), Source::Cgroup);
        sample.start.invocation = Some(Invocation(7));
        sample.memory.stat.anon = Some(1 << 20);
        let mut trend = Trend::default();
        trend.take(&sample, None, at(second));
        trend
    }

    fn name(n: usize) -> UnitName {
        UnitName::parse(&format!("w@{n}.service")).expect("a name")
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_is_left() {
        let (dir, root) = root();
        assert_eq!(read(&root, &Scope::System), Ok(Trends::new()));
        let trends = Trends::from([(name(1), trend(1000)), (name(2), trend(2000))]);
        write(&root, &Scope::System, &trends).expect("written");
        assert_eq!(read(&root, &Scope::System).as_ref(), Ok(&trends));
        write(&root, &Scope::System, &trends).expect("written again");
        let folder = dir.path().join("var/lib/memctl");
        let names: Vec<_> = std::fs::read_dir(&folder).expect("a folder").collect();
        assert_eq!(names.len(), 1);
        let kept = &trends[&name(1)];
        assert!(kept.is_of(Start {
            invocation: Some(Invocation(7)),
            inode: Some(1)
        }));
        assert!(!kept.is_of(Start {
            invocation: Some(Invocation(8)),
            inode: None
        }));
    }

    #[test]
    fn what_cannot_be_read_is_told_and_stops_nothing() {
        let (dir, root) = root();
        let folder = dir.path().join("var/lib/memctl");
        std::fs::create_dir_all(&folder).expect("mkdir");
        for (text, told) in [
            ("", "EOF while parsing"),
            (
                "{\"v\":2,\"units\":[]}",
                "of another version of memctl (v 2)",
            ),
            (
                "{\"v\":1,\"units\":{\"a.service\":{\"starts\":-1}}}",
                "invalid value",
            ),
        ] {
            std::fs::write(folder.join(NAME), text).expect("write");
            let error = read(&root, &Scope::System).expect_err(text).to_string();
            assert!(error.contains(told), "{error}");
            assert!(error.contains("detectors.json") && error.contains("learns anew"));
            // The next one is good again.
            write(&root, &Scope::System, &Trends::new()).expect("written");
            assert_eq!(read(&root, &Scope::System), Ok(Trends::new()));
        }
        // What is none of a unit's, and keys that are not known, are no fault.
        let text = "{\"v\":1,\"x\":1,\"units\":{\"a.timer\":{},\"a.service\":{\"y\":1}}}";
        std::fs::write(folder.join(NAME), text).expect("write");
        assert_eq!(read(&root, &Scope::System).expect("units").len(), 1);
    }

    #[test]
    fn where_nothing_can_be_written_it_is_an_error_with_its_path() {
        let (dir, root) = root();
        std::fs::create_dir_all(dir.path().join("var/lib")).expect("mkdir");
        std::fs::write(dir.path().join("var/lib/memctl"), "a file").expect("write");
        let error = write(&root, &Scope::System, &Trends::new()).expect_err("no folder");
        assert!(error.to_string().contains("var/lib/memctl"), "{error}");
    }

    #[test]
    fn units_that_are_gone_and_too_many_are_forgotten() {
        let week = 7 * 24 * 3600;
        let mut trends = Trends::from([(name(1), trend(0)), (name(2), trend(1))]);
        trends.insert(name(3), Trend::default());
        tidy(&mut trends, at(week));
        assert_eq!(trends.keys().collect::<Vec<_>>(), [&name(2)]);
        // One of a future that a clock set back has made stays.
        tidy(&mut trends, at(0));
        assert_eq!(trends.len(), 1);
        let mut many: Trends = (0..MOST_UNITS + 2)
            .map(|n| (name(n), trend(i64::try_from(n).expect("small"))))
            .collect();
        tidy(&mut many, at(week - 1));
        assert_eq!(many.len(), MOST_UNITS);
        assert!(!many.contains_key(&name(1)) && many.contains_key(&name(2)));
    }
}
