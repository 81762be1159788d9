//! `kill -9` at any moment.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use super::*;
use crate::units::Span;

const FOLDER: &str = "MEMCTL_TEST_HISTORY";

/// Where the next reading belongs.
fn next(file: &Path) -> i64 {
    let db = rusqlite::Connection::open(file).expect("opens");
    // One that was killed while it made the file left no tables.
    let last = db.query_row("SELECT max(time) FROM tick", (), |row| row.get(0));
    let last: Option<i64> = last.unwrap_or(None);
    last.map_or(TEN, |ms| ms / 1000 + 10)
}

/// Records for ever, and prints each time when it is written; the child of the test below.
#[test]
#[ignore = "records for ever"]
fn child() {
    let Some(file) = std::env::var_os(FOLDER) else {
        return;
    };
    let file = PathBuf::from(file);
    // All readings are kept, or the oldest would be missing for another reason.
    let settings = Settings {
        raw: Span::INFINITY,
        ..Settings::default()
    };
    let mut store = Store::new(file.clone(), settings);
    let mut second = if file.exists() { next(&file) } else { TEN };
    loop {
        record(&mut store, [second]);
        println!("written {second}");
        second += 10;
    }
}

#[test]
fn what_was_written_before_a_kill_is_there_after_it() {
    let place = Place::new();
    for round in 0..15_i64 {
        let this = std::env::current_exe().expect("this program");
        let mut child = Command::new(this)
            .args(["--exact", "history::tests::killed::child"])
            .args(["--ignored", "--nocapture", "--test-threads=1"])
            .env(FOLDER, place.file())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("spawned");
        let pipe = child.stdout.take().expect("a pipe");
        let (tell, told) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            let lines = BufReader::new(pipe).lines().map_while(Result::ok);
            let written = lines.filter_map(|line| line.split_once("written ")?.1.parse().ok());
            let noted = written.inspect(|_: &i64| {
                let _ = tell.send(());
            });
            noted.last()
        });
        // The first before anything is written, the others after so many ticks, amid the next or the closing of an
        // hour.
        for _ in 0..round * 40 {
            told.recv().expect("the child goes on");
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
        let last: Option<i64> = reader.join().expect("read");
        let Some(last) = last else { continue };
        assert_eq!(integrity(&place.file()), "ok", "round {round}");
        let there = seconds(&place.history(), TEN..last + 3600);
        let expected: Vec<i64> = (TEN..).step_by(10).take(there.len()).collect();
        assert!(
            there == expected,
            "round {round}: a reading is missing or twice there"
        );
        assert!(there.last() >= Some(&last), "round {round}");
    }
}
