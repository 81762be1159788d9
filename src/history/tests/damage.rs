//! Files that are of no use, full disks, and what is told of them.

use std::fs;
use std::os::unix::fs::FileExt as _;

use super::super::recorder::Recorder;
use super::super::trouble::Trouble;
use super::*;
use crate::sample::Reading;

fn reading(second: i64) -> Reading {
    Reading {
        time: at(second),
        host: None,
        samples: vec![sample("web.service", second, held(second))],
        faults: Vec::new(),
    }
}

/// Records some readings with a recorder of their own; answers what it told.
fn recorded(place: &Place, seconds: &[i64]) -> Vec<String> {
    let root = place.root();
    let recorder = Recorder::start(&root, &Scope::System, Settings::default()).expect("started");
    for second in seconds {
        assert!(recorder.offer(reading(*second)));
    }
    let report = recorder.close().expect("closed");
    assert_eq!(report.written, seconds.len() as u64, "{report:?}");
    assert_eq!(report.lost, 0, "{report:?}");
    report.faults
}

#[test]
fn a_recorder_writes_what_it_is_offered() {
    let place = Place::new();
    assert_eq!(recorded(&place, &[TEN, TEN + 10]), [""; 0]);
    assert_eq!(recorded(&place, &[TEN + 20]), [""; 0]);
    let history = place.history();
    assert_eq!(seconds(&history, TEN..TEN + 60), [TEN, TEN + 10, TEN + 20]);
}

#[test]
fn a_file_of_no_use_is_set_aside_and_told() {
    type Spoil = fn(&Path);
    let spoiled: [(&str, Spoil); 7] = [
        ("not a database", |file| {
            fs::write(file, "This is no database. ".repeat(200)).expect("write");
        }),
        ("newer memctl", |file| {
            let db = rusqlite::Connection::open(file).expect("opens");
            db.pragma_update(None, "user_version", 99).expect("set");
        }),
        ("no history of memctl", |file| {
            let db = rusqlite::Connection::open(file).expect("opens");
            db.pragma_update(None, "application_id", 1).expect("set");
        }),
        ("malformed", |file| {
            let length = fs::metadata(file).expect("a file").len();
            let db = fs::File::options().write(true).open(file).expect("open");
            // All but the first page.
            let rubbish = vec![0xa5; length as usize - 4096];
            db.write_all_at(&rubbish, 4096).expect("write");
        }),
        ("malformed", |file| {
            let db = fs::File::options().write(true).open(file).expect("open");
            db.set_len(8192).expect("cut");
        }),
        ("no file", |file| {
            fs::remove_file(file).expect("removed");
            fs::create_dir(file).expect("made");
        }),
        ("damaged", |file| {
            let db = rusqlite::Connection::open(file).expect("opens");
            db.execute("UPDATE tick SET data = x'0102'", ())
                .expect("set");
        }),
    ];
    for (why, spoil) in spoiled {
        let place = Place::new();
        let first: Vec<i64> = (TEN - 7200..TEN).step_by(10).collect();
        record(&mut place.store(), first);
        let file = place.file();
        // As after a clean end, so that the file is all there is.
        let db = rusqlite::Connection::open(&file).expect("opens");
        db.pragma_update(None, "journal_mode", "DELETE")
            .expect("no log");
        drop(db);
        spoil(&file);
        if why != "damaged" {
            let error = History::open(&place.root(), &Scope::System)
                .and_then(|history| history.expect("there").last_tick())
                .expect_err(why)
                .to_string();
            assert!(error.contains("history.db"), "{error}");
        }
        let told = recorded(&place, &[TEN, TEN + 10]);
        assert_eq!(told.len(), 1, "{why}: {told:?}");
        assert!(told[0].contains(why), "{why}: {told:?}");
        let aside = place.beside("history.db.aside-");
        assert_eq!(aside[0], "history.db.aside-20261124T100000Z", "{why}");
        assert!(told[0].contains(&aside[0]), "{told:?}");
        assert_eq!(seconds(&place.history(), 0..TEN + 60), [TEN, TEN + 10]);
        assert_eq!(integrity(&file), "ok");
    }
}

#[test]
fn the_log_goes_with_its_database_and_few_are_kept() {
    let place = Place::new();
    for n in 0..4 {
        record(&mut place.store(), [TEN + n * 60]);
        assert!(
            place
                .beside("history.db")
                .contains(&"history.db-wal".to_owned())
        );
        let db = rusqlite::Connection::open(place.file()).expect("opens");
        db.pragma_update(None, "user_version", 99).expect("set");
        // Its log is not written back, as after a crash.
        let config = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        db.set_db_config(config, true).expect("set");
        drop(db);
        let told = recorded(&place, &[TEN + n * 60 + 30]);
        assert_eq!(told.len(), 1, "{told:?}");
    }
    let aside = place.beside("history.db.aside-");
    let expected = ["20261124T100230Z", "20261124T100330Z"];
    let expected = expected
        .map(|time| ["", "-shm", "-wal"].map(|part| format!("history.db.aside-{time}{part}")));
    assert_eq!(aside, expected.concat());
    // It is whole: whoever wants to can still read it.
    let folder = place.file();
    let folder = folder.parent().expect("a folder");
    let db = rusqlite::Connection::open(folder.join(&aside[0])).expect("opens");
    let count: i64 = db
        .query_row("SELECT count(*) FROM tick", (), |row| row.get(0))
        .expect("a count");
    assert_eq!(count, 2);
}

/// More than the recorder has in memory at any time.
fn large(second: i64) -> Reading {
    let mut large = reading(second);
    let units = (0..80).map(|n| sample(&format!("u{n}.service"), second, held(second + n)));
    large.samples.extend(units);
    large
}

#[test]
fn damage_that_shows_while_it_is_written_is_found() {
    let place = Place::new();
    let root = place.root();
    let recorder = Recorder::start(&root, &Scope::System, Settings::default()).expect("started");
    let mut told = Vec::new();
    let mut offered = 0;
    // The writer may never come by the damaged pages of its own accord: at the day's end it looks.
    for second in (TEN + 8 * 3600..TEN + 15 * 3600).step_by(120) {
        while !recorder.offer(large(second)) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        offered += 1;
        if second == TEN + 12 * 3600 {
            // The file is overwritten under the recorder's hands, all but its first page.
            let length = fs::metadata(place.file()).expect("a file").len();
            let db = fs::File::options().write(true).open(place.file());
            let rubbish = vec![0xa5; length as usize - 4096];
            db.expect("open")
                .write_all_at(&rubbish, 4096)
                .expect("write");
        }
        told.extend(recorder.faults());
    }
    let report = recorder.close().expect("closed");
    told.extend(report.faults);
    told.retain(|told| !told.contains("too slow") && !told.contains("caught up"));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("set aside"), "{told:?}");
    assert_eq!(report.written, offered);
    assert_eq!(integrity(&place.file()), "ok");
}

#[test]
fn a_full_disk_costs_the_readings_of_that_time_and_no_other() {
    let place = Place::new();
    let mut store = place.store();
    record(&mut store, (TEN..TEN + 600).step_by(10));
    let mut lost = Vec::new();
    // Each new connection has room again, so each failure is one tick: some of many, and the one that closes the hour.
    for second in (TEN + 600..TEN + 7800).step_by(20) {
        if second % 200 == 0 {
            let db = store.db.as_ref().expect("open");
            let pages = "page_count";
            let pages: i64 = db
                .pragma_query_value(None, pages, |row| row.get(0))
                .expect("a count");
            db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
                .expect("set");
        }
        let mut samples = vec![sample("web.service", second, held(second))];
        let others = (0..50).map(|n| sample(&format!("u{n}.service"), second, held(second + n)));
        samples.extend(others);
        match store.append(&batch(&samples)) {
            Ok(()) => {}
            Err(Trouble::Full) => lost.push(second),
            Err(other) => panic!("{other}"),
        }
    }
    assert!(lost.contains(&(TEN + 3600)), "{lost:?}");
    assert!(lost.len() > 3, "{lost:?}");
    let after = (TEN + 600..TEN + 7800).step_by(20);
    let mut expected: Vec<i64> = (TEN..TEN + 600).step_by(10).chain(after).collect();
    expected.retain(|second| !lost.contains(second));
    assert_eq!(seconds(&place.history(), TEN..TEN + 7800), expected);
    assert_eq!(integrity(&place.file()), "ok");
}

#[test]
fn a_folder_that_cannot_be_made_is_told_once_and_tried_again() {
    let place = Place::new();
    let root = place.root();
    let var = place.dir.path().join("var");
    fs::write(&var, "").expect("in the way");
    let recorder = Recorder::start(&root, &Scope::System, Settings::default()).expect("started");
    let mut told = Vec::new();
    let mut offer = |second| {
        while !recorder.offer(reading(second)) {}
        // Until it was dealt with: a busy machine takes its time, and only the first one is told.
        std::thread::sleep(std::time::Duration::from_secs(1));
        told.extend(recorder.faults());
    };
    offer(TEN);
    offer(TEN + 10);
    fs::remove_file(&var).expect("out of the way");
    offer(TEN + 20);
    let report = recorder.close().expect("closed");
    told.extend(report.faults);
    assert_eq!((report.written, report.lost), (1, 2));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("not recorded"), "{told:?}");
    assert!(told[1].contains("again; 2 readings were lost"), "{told:?}");
    assert_eq!(seconds(&place.history(), TEN..TEN + 60), [TEN + 20]);
}
