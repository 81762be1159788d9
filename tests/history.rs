//! `memctl history` as it is typed: the chart, CSV, and what is told where there is nothing to show.

#[path = "history/past.rs"]
mod past;

use std::path::Path;
use std::process::{Command, Output};

use past::{TEN, record};

fn ask(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_memctl"))
        .args(["--root".as_ref(), folder.as_os_str()])
        .arg("history")
        .args(arguments)
        .env("TZ", "UTC")
        .env("NO_COLOR", "1")
        .output()
        .expect("runs")
}

fn told(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (
        output.status.code(),
        String::from_utf8(text).expect("UTF-8"),
    )
}

/// The two hours that are recorded.
const ALL: [&str; 4] = [
    "--since",
    "2026-11-24T10:00:00Z",
    "--until",
    "2026-11-24T12:00:00Z",
];

#[test]
fn a_chart_that_is_piped_is_plain_and_has_the_figures() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    record(dir.path());
    // The type may be left out, as with systemctl.
    let output = ask(dir.path(), &[&["web"], &ALL[..]].concat());
    let (code, text) = told(&output);
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(text.lines().count() <= 23, "{text}");
    for part in [
        "web.service  2026-11-24 10:00 to 2026-11-24 12:00 (UTC)\n",
        "max 400M┤━━━",
        "high 350M┤╌╌╌",
        "KR",
        "█ need   • current   ╌ MemoryHigh   ━ MemoryMax   R restart   K OOM kill\n",
        "need 50M to 345M, last 119M",
        "limits: MemoryHigh 350M, MemoryMax 400M\n",
        "1 restart (last 2026-11-24 11:00), 1 OOM kill (last 2026-11-24 10:59)\nthrottled at MemoryHigh 7 times\n",
        "resolution: every reading (120 points), no gap",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn csv_is_every_reading_or_the_last_of_each_minute_or_hour() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    record(dir.path());
    let rows = |resolution: &str| {
        let output = ask(
            dir.path(),
            &[
                &["web.service", "--csv", "--resolution", resolution],
                &ALL[..],
            ]
            .concat(),
        );
        assert_eq!(output.status.code(), Some(0));
        let mut reader = csv::Reader::from_reader(&output.stdout[..]);
        let heads = reader.headers().expect("heads").clone();
        let column = |name| heads.iter().position(|h| h == name).expect(name);
        let (time, anon) = (column("time"), column("anon"));
        reader
            .records()
            .map(|row| row.expect("a row"))
            .map(|row| (row[time].to_owned(), row[anon].parse().expect("a number")))
            .collect::<Vec<(String, u64)>>()
    };
    assert_eq!(rows("raw").len(), 120);
    assert_eq!(rows("minutes"), rows("raw"));
    let last = |need: u64| need << 20;
    assert_eq!(
        rows("hours"),
        [
            ("2026-11-24T10:00:00Z".to_owned(), last(345)),
            ("2026-11-24T11:00:00Z".to_owned(), last(119)),
        ]
    );
}

#[test]
fn where_there_is_nothing_it_is_said_why() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (code, text) = told(&ask(dir.path(), &["web.service"]));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("nothing was recorded yet"), "{text}");
    assert!(
        text.contains("systemctl enable --now memctl.service"),
        "{text}"
    );
    record(dir.path());
    let (code, text) = told(&ask(dir.path(), &["wbe.service"]));
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("perhaps web.service?"), "{text}");
    let past = [
        "web.service",
        "--since",
        "2026-01-01",
        "--until",
        "2026-01-02",
    ];
    let (code, text) = told(&ask(dir.path(), &past));
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("Nothing of web.service is recorded between"),
        "{text}"
    );
    assert!(
        text.contains("There is something from 2026-11-24 10:00 to"),
        "{text}"
    );
    let (code, text) = told(&ask(dir.path(), &[&past[..], &["--csv"]].concat()));
    assert_eq!((code, text.lines().count()), (Some(0), 1), "{text}");
}

#[test]
fn what_is_no_time_is_refused_with_what_may_stand_there() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    record(dir.path());
    for (arguments, part) in [
        (
            &["web", "--since", "soon"][..],
            "--since: `soon` is not a time; allowed: a span back",
        ),
        (&["web", "--until", "Yesterday"], "(perhaps yesterday?)"),
        (
            &["web", "--since", "today", "--until", "yesterday"],
            "not before --until",
        ),
        (&["web.target"], "web.target"),
        (
            &["web", "--resolution", "days"],
            "possible values: raw, minutes, hours",
        ),
    ] {
        let (code, text) = told(&ask(dir.path(), arguments));
        assert_eq!(code, Some(2), "{arguments:?}: {text}");
        assert!(text.contains(part), "{arguments:?}: {text}");
    }
}

#[test]
fn times_are_told_to_the_second() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    record(dir.path());
    let span = ["web", "--since", "1h", "--until", "2h"];
    let (code, text) = told(&ask(dir.path(), &span));
    assert_eq!(code, Some(2), "{text}");
    let since = text.split_once("--since is ").expect("told").1;
    assert_eq!(since.find(','), Some("2026-11-24 10:00:00".len()), "{text}");
}

#[test]
fn a_newer_file_is_told_and_left_alone() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    record(dir.path());
    let file = dir.path().join("var/lib/memctl/history.db");
    let db = rusqlite::Connection::open(&file).expect("opens");
    db.pragma_update(None, "user_version", 99).expect("set");
    drop(db);
    let (code, text) = told(&ask(dir.path(), &["web.service"]));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("a newer memctl wrote it"), "{text}");
    assert!(TEN > 0 && file.exists());
}
