//! The units that the package brings, as files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The settings of a section, in their order: `("MemoryMin", "32M")`.
fn section(unit: &str, section: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("units")
        .join(unit);
    let text = fs::read_to_string(path).expect("a unit");
    let heading = format!("[{section}]");
    text.lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// What the daemon and a tick of the timer do is the same; so what they may do is.
#[test]
fn a_tick_may_do_what_the_daemon_may() {
    let own = [
        "Type",
        "ExecStart",
        "ExecReload",
        "Restart",
        "RestartSec",
        "RestartPreventExitStatus",
        "WatchdogSec",
        "TimeoutStartSec",
    ];
    let common = |unit| {
        let mut settings = section(unit, "Service");
        settings.retain(|(key, _)| !own.contains(&key.as_str()));
        settings
    };
    let daemon = common("memctl.service");
    assert!(daemon.len() > 30, "{daemon:?}");
    assert_eq!(daemon, common("memctl-watch.service"));
}

/// A protection holds only as far as the slice passes it on (FACTS 9c), and a top-level slice has none above it.
#[test]
fn the_slice_passes_the_protection_on() {
    let service: BTreeMap<_, _> = section("memctl.service", "Service").into_iter().collect();
    assert_eq!(service["Slice"], "memctl.slice");
    let slice: BTreeMap<_, _> = section("memctl.slice", "Slice").into_iter().collect();
    assert_eq!(service["MemoryMin"], slice["MemoryMin"]);
}

/// A tick that somebody starts by hand must not stop the daemon: the timer excludes it, and the tick does not.
#[test]
fn the_timer_excludes_the_daemon_and_a_tick_does_not() {
    let conflicts = |unit| {
        section(unit, "Unit")
            .into_iter()
            .any(|(key, _)| key == "Conflicts")
    };
    assert!(conflicts("memctl-watch.timer"));
    assert!(!conflicts("memctl-watch.service"));
}
