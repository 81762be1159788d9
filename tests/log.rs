//! `memctl log` with a journalctl of the test's own: what it prints is passed on, and how it ends.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A folder with a `journalctl` in it, a shell script, and an empty image.
fn bench(script: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("journalctl");
    fs::write(&path, format!("#!/bin/sh\n{script}")).expect("write");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
    fs::create_dir(dir.path().join("image")).expect("mkdir");
    dir
}

fn memctl(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_memctl"));
    command
        .current_dir(dir)
        .env("PATH", format!("{}:/usr/bin:/bin", dir.display()))
        .env("TZ", "UTC")
        .args(["--root", "image", "log"])
        .args(arguments);
    command
}

fn run(dir: &Path, arguments: &[&str]) -> Output {
    memctl(dir, arguments).output().expect("runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

const ENTRY: &str = r#"{"__REALTIME_TIMESTAMP":"1795489200000000","PRIORITY":"5","MEMCTL_EVENT":"restart-done","MEMCTL_UNIT":"web.service","MESSAGE":"web.service was restarted","MEMCTL_ALERT_ID":"0123456789abcdef"}"#;

#[test]
fn entries_are_shown_and_strange_lines_told() {
    let dir = bench(&format!(
        "echo \"$*\" >asked; echo '{ENTRY}'; echo nonsense; echo '{ENTRY}'"
    ));
    let output = run(dir.path(), &["web", "--since", "@1795480000", "-n", "5"]);
    let line = "2026-11-24 03:00:00  web.service               restart-done       web.service was restarted\n";
    assert_eq!(text(&output.stdout), line.repeat(2));
    let told = text(&output.stderr);
    assert!(
        told.starts_with("warning: journalctl's line 2 is left out: "),
        "{told}"
    );
    assert_eq!(output.status.code(), Some(0));
    let asked = fs::read_to_string(dir.path().join("asked")).expect("asked");
    for argument in [
        "--root=image",
        "--since=@1795480000",
        "--lines=5",
        "_UID=0",
        "MEMCTL_UNIT=web.service",
    ] {
        assert!(
            asked.split_whitespace().any(|a| a == argument),
            "{argument}: {asked}"
        );
    }
}

#[test]
fn an_alert_is_waited_for_since_its_unit_may_be_sooner_than_journald() {
    // There the third time.
    let dir = bench(&format!(
        "echo x >>times; [ $(wc -l <times) -lt 3 ] || echo '{ENTRY}'"
    ));
    let output = run(dir.path(), &["--event", "0123456789abcdef", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["alert_id"], "0123456789abcdef");
    let dir = bench("");
    let output = run(dir.path(), &["--event", "0123456789abcdef"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("has no alert 0123456789abcdef"));
}

#[test]
fn what_goes_wrong_with_journalctl_is_told() {
    let dir = bench("echo 'Failed to open the journal' >&2; exit 1");
    let output = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let told = "memctl: journalctl failed: Failed to open the journal\n";
    assert_eq!(text(&output.stderr), told);
    let mut command = memctl(dir.path(), &[]);
    let output = command.env("PATH", "/nowhere").output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("memctl: journalctl is not there\n  what to do: "));
}

#[test]
fn nothing_is_said_to_be_nothing() {
    let dir = bench("");
    let told = |arguments: &[&str]| {
        let output = run(dir.path(), arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
        text(&output.stderr)
    };
    assert!(told(&[]).contains("has written nothing"));
    assert!(told(&["web"]).contains("no such entry"));
}

/// Runs until it is stopped, and must end by itself then.
fn ended(mut child: std::process::Child) -> Option<i32> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("killed");
    panic!("it goes on");
}

#[test]
fn following_ends_well_with_ctrl_c_and_with_its_reader() {
    let script = format!("while echo '{ENTRY}'; do sleep 0.05; done");
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let dir = bench(&script);
        let mut child = memctl(dir.path(), &["--follow"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        lines.next().expect("a line").expect("a line");
        let mut stderr = child.stderr.take().expect("a pipe");
        kill_process(Pid::from_child(&child), signal).expect("signalled");
        // Its journalctl has ended, too: the pipe comes to its end.
        lines.for_each(drop);
        assert_eq!(ended(child), Some(0), "{signal:?}");
        let mut told = String::new();
        stderr.read_to_string(&mut told).expect("read");
        assert_eq!(told, "", "{signal:?}");
    }
    let dir = bench(&script);
    let mut child = memctl(dir.path(), &["--follow", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    lines.next().expect("a line").expect("a line");
    drop(lines);
    assert_eq!(ended(child), Some(0));
}
