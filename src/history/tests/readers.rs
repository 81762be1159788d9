//! Others read while it is written, and without being allowed to write.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::*;

const FOLDER: &str = "MEMCTL_TEST_READ";

#[test]
fn a_reader_in_the_middle_of_reading_keeps_nobody_from_writing() {
    let place = Place::new();
    let mut store = place.store();
    record(&mut store, [TEN]);
    let reader = rusqlite::Connection::open(place.file()).expect("opens");
    let count = |db: &rusqlite::Connection| -> i64 {
        db.query_row("SELECT count(*) FROM tick", (), |row| row.get(0))
            .expect("a count")
    };
    let tx = reader.unchecked_transaction().expect("begun");
    assert_eq!(count(&tx), 1);
    record(&mut store, (TEN + 10..TEN + 2000).step_by(10));
    assert_eq!(
        count(&tx),
        1,
        "what it sees does not change under its hands"
    );
    drop(tx);
    assert_eq!(count(&reader), 200);
}

/// Reads as whoever it is; the child of the test below.
#[test]
#[ignore = "reads what another test tells it to"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let root = Root::open(Path::new(&folder)).expect("a root");
    let file = root.shown(&Scope::System.state_dir()).join(FILE);
    let write = fs::OpenOptions::new().append(true).open(&file);
    assert!(write.is_err(), "this test is about those who may not write");
    let history = History::open(&root, &Scope::System)
        .expect("readable")
        .expect("there");
    println!("sees {}", seconds(&history, TEN..TEN + 9999).len());
}

#[test]
fn who_may_not_write_can_read() {
    let place = Place::new();
    let folder = place.file();
    let folder = folder.parent().expect("a folder");
    let mut store = place.store();
    record(&mut store, (TEN..TEN + 5000).step_by(10));
    fs::set_permissions(place.dir.path(), Permissions::from_mode(0o755)).expect("readable");
    for name in place.beside("history.db") {
        let mode = fs::metadata(folder.join(&name))
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o644, "{name}");
    }
    // A test program lies below a home that others may not enter, perhaps: a copy does not.
    let program = place.dir.path().join("program");
    fs::copy(std::env::current_exe().expect("this program"), &program).expect("copied");
    let root = rustix::process::geteuid().is_root();
    let allow = |allowed: bool| {
        // Root is kept out by being another user, others by the mode.
        let (dir, file) = if allowed || root {
            (0o755, 0o644)
        } else {
            (0o555, 0o444)
        };
        for name in place.beside("history.db") {
            let mode = Permissions::from_mode(file);
            fs::set_permissions(folder.join(name), mode).expect("chmod");
        }
        fs::set_permissions(folder, Permissions::from_mode(dir)).expect("chmod");
    };
    let sees = |when: &str| {
        allow(false);
        let mut child = Command::new(&program);
        child
            .args(["--exact", "history::tests::readers::child"])
            .args(["--ignored", "--nocapture"])
            .env(FOLDER, place.dir.path());
        if root {
            child.uid(65_534).gid(65_534);
        }
        let output = child.output().expect("ran");
        allow(true);
        let out = String::from_utf8_lossy(&output.stdout);
        let err = String::from_utf8_lossy(&output.stderr);
        let seen = out
            .split_once("sees ")
            .unwrap_or_else(|| panic!("{when}: {out}{err}"));
        let digits: String = seen.1.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().expect("a number")
    };
    assert_eq!(sees("while it is written"), 500);
    record(&mut store, [TEN + 5000]);
    assert_eq!(sees("while it is written, again"), 501);
    drop(store);
    assert_eq!(sees("when the writer has ended"), 501);
    fs::remove_file(folder.join("history.db-shm")).expect("removed");
    let mut store = place.store();
    record(&mut store, [TEN + 5010]);
    assert_eq!(sees("when it has begun again"), 502);
    drop(store);
    // Whoever else opened it, the sqlite3 shell for one, took the log away at its end.
    let db = rusqlite::Connection::open(place.file()).expect("opens");
    let tables = "SELECT count(*) FROM sqlite_schema";
    db.query_row(tables, (), |row| row.get::<_, i64>(0))
        .expect("read");
    drop(db);
    assert_eq!(place.beside("history.db"), ["history.db"]);
    assert_eq!(sees("without a log"), 502);
}
