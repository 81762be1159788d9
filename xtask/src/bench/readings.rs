//! What a tick of the watch costs, beside other ways to the same figures: the processor time of whoever asks, and of
//! PID 1 and the bus, who answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::guest::{Guest, GuestConfig, Script, Suite};
use crate::{host, prometheus, tell};

const MEASURE: &str = include_str!("../../bench/readings.py");

/// How many services run.
const STAGES: [usize; 2] = [300, 1000];

/// What the guest has: room for a thousand services.
const MEMORY_MIB: u32 = 3072;

/// What the guest's script measured.
#[derive(Debug, Deserialize)]
struct Measured {
    /// By way of reading: milliseconds of processor time for all units once.
    ways: BTreeMap<String, Cost>,
    /// What the watch holds at the end, in KiB.
    resident_kib: u64,
    /// What its cgroup holds, in KiB: the kernel's memory for it included.
    cgroup_kib: u64,
    /// The database, in KiB, and how many ticks are in it.
    database_kib: u64,
    ticks: u64,
}

#[derive(Debug, Deserialize)]
struct Cost {
    own: f64,
    manager: f64,
}

/// Measures in a guest of a suite; gives the table.
pub(super) fn run(suite: Suite, deb: &Path) -> Result<String> {
    let mut config = GuestConfig::new(suite)
        .memory_mib(MEMORY_MIB)
        .file(deb, "/root/memctl.deb")
        .file(bare_loop()?, "/root/bare-loop");
    if suite == prometheus::SUITE {
        config = prometheus::bring(config)?;
    }
    let guest = Guest::boot(config)?;
    guest.ok("dpkg --install /root/memctl.deb");
    guest.write("/root/measure.py", MEASURE);
    let mut text = format!(
        "{suite} (systemd {}), milliseconds of processor time to read all units once:\n\n\
         | units | way | its own | PID 1 and the bus | together / bare loop |\n|--:|---|--:|--:|--:|\n",
        suite.systemd()
    );
    let mut memory = String::from(
        "\n| units | watch, resident | its cgroup | database | ticks in it |\n|--:|--:|--:|--:|--:|\n",
    );
    for units in STAGES {
        tell::step(format_args!("{suite}: reading {units} units"));
        let script = Script::new(format!("python3 /root/measure.py {units}"));
        let answer = guest.ok(script.timeout(Duration::from_secs(3600)));
        let found: Measured =
            serde_json::from_str(&answer).context("the guest's measurements cannot be read")?;
        let bare = found.ways.get("bare loop").map_or(f64::NAN, |c| c.own);
        for (way, cost) in &found.ways {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "| {units} | {way} | {:.2} | {:.2} | {:.2} |",
                cost.own,
                cost.manager,
                (cost.own + cost.manager) / bare
            );
        }
        let mib = |kib: u64| kib as f64 / 1024.0;
        let _ = writeln!(
            memory,
            "| {units} | {:.1} MiB | {:.1} MiB | {:.1} MiB | {} |",
            mib(found.resident_kib),
            mib(found.cgroup_kib),
            mib(found.database_kib),
            found.ticks
        );
    }
    Ok(text + &memory)
}

/// The bare loop, built as memctl's package is.
fn bare_loop() -> Result<std::path::PathBuf> {
    let target = host::repository().join("target/package/cargo");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(host::repository())
        .args(["build", "--release", "--locked", "--package", "xtask"])
        .args(["--bin", "bare-loop", "--target-dir"])
        .arg(&target);
    host::run(cargo)?;
    Ok(target.join("release/bare-loop"))
}
