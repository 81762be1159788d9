//! Transcripts: every bad profile gets exactly the message beside it, every good one none.
//!
//! `BLESS=1 cargo test --test bad_profiles` writes the messages anew; read them before you commit them.

use std::fs;
use std::path::{Path, PathBuf};

use memctl::profile::{self, Fault, Options, Source, diagnose};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The profiles in a folder; names ending in `-b` belong to the one before and are checked together with it.
fn profiles(name: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder(name))
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    paths.sort();
    paths
}

/// A profile of the name that its file has.
fn of_file(path: &Path, bytes: Vec<u8>) -> Source {
    let name = path.file_stem().expect("a file").to_string_lossy();
    Source::new(name, path, bytes)
}

fn source(path: &Path) -> Source {
    let bytes = fs::read(path).expect("readable");
    // Messages name the file alone, wherever the tests run.
    let file = path.file_name().expect("a file");
    of_file(Path::new(file), bytes)
}

fn shown(sources: &[Source]) -> String {
    // Debian 12, the oldest: what is too new for it is told.
    let options = Options { systemd: Some(252) };
    let checked = profile::check_all(sources, &options);
    let files: Vec<(&Source, &[Fault])> = sources
        .iter()
        .zip(&checked)
        .map(|(source, checked)| (source, checked.faults.as_slice()))
        .collect();
    diagnose::render(&files, "nothing was changed", false)
}

#[test]
fn bad_profiles_get_their_messages() {
    let bless = std::env::var_os("BLESS").is_some();
    let paths = profiles("tests/cli/bad");
    let (second, first): (Vec<_>, Vec<_>) = paths.iter().partition(|path| {
        path.file_stem()
            .is_some_and(|s| s.to_string_lossy().ends_with("-b"))
    });
    assert!(first.len() >= 60, "only {} bad profiles", first.len());
    let mut differing = Vec::new();
    for path in first {
        let stem = path.with_extension("");
        let companion = PathBuf::from(format!("{}-b.toml", stem.display()));
        let mut sources = vec![source(path)];
        if second.contains(&&companion) {
            sources.push(source(&companion));
        }
        let message = shown(&sources);
        assert!(!message.is_empty(), "{}: no fault found", path.display());
        for line in message.lines() {
            let printable = !line.chars().any(char::is_control);
            assert!(printable, "{}: {line:?}", path.display());
        }
        let expected = path.with_extension("stderr");
        if bless {
            fs::write(&expected, &message).expect("writable");
        } else if fs::read_to_string(&expected).unwrap_or_default() != message {
            differing.push(format!("{}\n{message}", path.display()));
        }
    }
    assert!(
        differing.is_empty(),
        "{} messages differ (BLESS=1 to accept):\n\n{}",
        differing.len(),
        differing.join("\n\n")
    );
}

#[test]
fn good_profiles_get_none() {
    let mut paths = profiles("tests/cli/good");
    paths.extend(profiles("examples"));
    assert!(paths.len() >= 5);
    for path in paths {
        let checked = profile::check(&source(&path), &Options { systemd: Some(262) });
        assert_eq!(checked.faults, [], "{}", path.display());
        assert!(!checked.profile.units.is_empty(), "{}", path.display());
    }
}

#[test]
fn what_is_large_deep_or_binary_is_refused_at_once() {
    let numbers =
        |n: usize, step: usize| -> Vec<u8> { (0..n).map(|i| (i * step % 256) as u8).collect() };
    for (name, bytes, says) in [
        (
            "large",
            vec![b'#'; 10 << 20],
            "too large for a profile (10M)",
        ),
        (
            "brackets",
            b"a = "
                .iter()
                .copied()
                .chain(std::iter::repeat_n(b'[', 500_000))
                .collect(),
            "nested too deep",
        ),
        (
            "tables",
            "a = "
                .bytes()
                .chain("{a = ".bytes().cycle().take(500_000))
                .collect(),
            "nested too deep",
        ),
        (
            "headers",
            std::iter::repeat_n(b'[', 500_000).collect(),
            "1 fault",
        ),
        (
            "dots",
            format!("[a{}]\n", ".a".repeat(250_000)).into_bytes(),
            "nested too deep",
        ),
        ("lines", "x\n".repeat(250_000).into_bytes(), "more places"),
        ("unclosed", "a = [\n".repeat(100_000).into_bytes(), "fault"),
        (
            "doubles",
            "[unit.\"a.service\"]\nMemoryMax = \"1G\"\n"
                .repeat(20_000)
                .into_bytes(),
            "second time",
        ),
        ("binary", numbers(1 << 20, 7), "fault"),
        ("zeros", vec![0; 1000], "NUL"),
        ("one line", vec![b'x'; 1 << 20], "1 fault"),
    ] {
        let message = shown(&[of_file(Path::new("x.toml"), bytes)]);
        assert!(message.contains(says), "{name}: {message}");
        assert!(
            message.len() < 20_000,
            "{name}: {} bytes of message",
            message.len()
        );
    }
}

#[test]
fn a_thousand_units_are_a_profile_too() {
    let mut text = String::from("budget = \"100%\"\n[defaults]\nTimeoutStopSec = \"5min\"\n");
    for n in 0..1000 {
        text.push_str(&format!("[unit.\"w-{n}@.service\"]\nMemoryHigh = \"0.05%\"\nMemoryMax = \"0.1%\"\nrules = [ {{ above = \"90%\", action = \"alert\" }} ]\n"));
    }
    let checked = profile::check(
        &of_file(Path::new("x.toml"), text.into_bytes()),
        &Options::default(),
    );
    assert_eq!(checked.faults, []);
    assert_eq!(checked.profile.units.len(), 1000);
}
