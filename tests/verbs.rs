//! What transcripts cannot show of the verbs: an output that cannot be written, or that nobody reads.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// An image with one service, and a profile for it.
fn image() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        fs::write(path, text).expect("write");
    };
    let service = "[Service]\nExecStart=/bin/true\nRestart=on-failure\n";
    write("image/usr/lib/systemd/system/web.service", service);
    write("web.toml", "[unit.\"web.service\"]\nMemoryMax = \"400M\"\n");
    dir
}

fn run(dir: &Path, arguments: &[&str], stdout: Stdio) -> Output {
    Command::new(env!("CARGO_BIN_EXE_memctl"))
        .current_dir(dir)
        .args(["--root", "image"])
        .args(arguments)
        .stdout(stdout)
        .output()
        .expect("runs")
}

/// Every write to it fails: the disk is full.
fn full() -> Stdio {
    let file = File::options().write(true).open("/dev/full");
    file.expect("/dev/full").into()
}

#[test]
fn what_is_done_is_no_failure_because_it_cannot_be_told() {
    for json in [&[][..], &["--json"]] {
        let dir = image();
        let installed = dir.path().join("image/etc/memctl/profiles.d/web.toml");
        for (verb, there) in [(["apply", "web.toml"], true), (["remove", "web"], false)] {
            let output = run(dir.path(), &[&verb[..], json].concat(), full());
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{verb:?}: {told}");
            assert!(told.contains("warning: the change is made"), "{told}");
            assert_eq!(installed.exists(), there, "{verb:?}");
        }
    }
}

#[test]
fn what_only_tells_fails_when_it_cannot() {
    let dir = image();
    for verb in [
        &["plan", "web.toml"][..],
        &["profiles"],
        &["apply", "--dry-run"],
    ] {
        let output = run(dir.path(), verb, full());
        assert_eq!(output.status.code(), Some(1), "{verb:?}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    let dir = image();
    for verb in [
        &["plan", "web.toml"][..],
        &["completions", "bash"],
        &["apply", "web.toml"],
        &["profiles"],
        &["remove", "web"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = run(dir.path(), verb, writer.into());
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{verb:?}: {told}");
        assert_eq!(told, "", "{verb:?}");
    }
}

/// The `trace` of each line that replay prints of so many traces, all of which come to something; and how it ended.
fn replayed(count: usize, stdout: Stdio) -> (Vec<String>, Output) {
    let dir = image();
    let rules = "[unit.\"web.service\"]\nMemoryMax = \"400M\"\nrules = [{ above = \"100M\", action = \"alert\" }]\n";
    fs::write(dir.path().join("rules.toml"), rules).expect("write");
    let mut arguments = vec!["replay", "--json", "-p", "rules.toml"];
    let names: Vec<String> = (0..count).map(|n| format!("{n}.csv")).collect();
    for (n, name) in names.iter().enumerate() {
        // The first ones are the longest: what comes of the others has to wait.
        let length = if n < 3 { 20_000 } else { 3 };
        let lines = (0..length).map(|at| format!("{},{}\n", 60 * at, 200 << 20));
        let text = format!("time,anon\n{}", lines.collect::<String>());
        fs::write(dir.path().join(name), text).expect("write");
    }
    arguments.extend(names.iter().map(String::as_str));
    let output = run(dir.path(), &arguments, stdout);
    let lines = String::from_utf8_lossy(&output.stdout);
    let traces = lines.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect(line);
        line["trace"].as_str().expect("a trace").to_owned()
    });
    (traces.collect(), output)
}

#[test]
fn many_traces_come_in_their_order() {
    let (traces, output) = replayed(300, Stdio::piped());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let expected: Vec<String> = (0..300).map(|n| format!("{n}.csv")).collect();
    assert_eq!(traces, expected);
}

#[test]
fn nobody_reads_what_is_replayed_any_more() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let (_, output) = replayed(300, writer.into());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let (_, output) = replayed(300, full());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
