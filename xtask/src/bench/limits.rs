//! What apply, remove and the generator cost.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::median;
use crate::guest::{Guest, GuestConfig, Script, Suite};
use crate::tell;

const MEASURE: &str = include_str!("../../bench/limits.py");

/// How many units run, and how many the generator's profile has meanwhile.
const STAGES: [(usize, usize); 3] = [(1, 1), (100, 100), (300, 1000)];

/// What the guest has: room for 300 services.
const MEMORY_MIB: u32 = 1536;

/// What the guest's script measured with so many units, in seconds.
#[derive(Debug, Deserialize)]
struct Measured {
    limits: BTreeMap<String, Vec<f64>>,
    generator: BTreeMap<String, Vec<f64>>,
    peak_kib: BTreeMap<String, u64>,
}

/// Measures in a guest of a suite; gives the tables.
pub(super) fn run(suite: Suite, rounds: usize, deb: &Path) -> Result<String> {
    let config = GuestConfig::new(suite)
        .memory_mib(MEMORY_MIB)
        .file(deb, "/root/memctl.deb");
    let guest = Guest::boot(config)?;
    guest.ok("dpkg --install /root/memctl.deb");
    guest.write("/root/measure.py", MEASURE);
    let mut stages = Vec::new();
    for (units, profiled) in STAGES {
        tell::step(format_args!(
            "{suite}: changing the limits of {units} units"
        ));
        let command = format!("python3 measure.py {units} {rounds} {profiled}");
        let script = Script::new(command).timeout(Duration::from_secs(3600));
        let found = serde_json::from_str(&guest.ok(script))
            .context("the guest's measurements cannot be read")?;
        stages.push((units, profiled, found));
    }
    Ok(report(suite, rounds, &stages))
}

/// The tables of one suite, in Markdown.
fn report(suite: Suite, rounds: usize, stages: &[(usize, usize, Measured)]) -> String {
    let mut text = format!(
        "{suite} (systemd {}), seconds, median of {rounds}:\n\n\
         | units | reload | plan | apply | reload, limited | remove | loop | apply / reload | loop / apply |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        suite.systemd()
    );
    for (units, _, found) in stages {
        let of = |key: &str| median(found.limits.get(key).map_or(&[], Vec::as_slice));
        // Writing to a String cannot fail.
        let _ = write!(text, "| {units} |");
        for key in [
            "reload",
            "plan",
            "apply",
            "reload_limited",
            "remove",
            "loop",
        ] {
            let _ = write!(text, " {:.2} |", of(key));
        }
        let _ = writeln!(
            text,
            " {:.2} | {:.1} |",
            of("apply") / of("reload"),
            of("loop") / of("apply")
        );
    }
    text += "\n| units in the profile | running | doing nothing | generator | ratio | peak doing nothing | peak | ratio |\n\
             |--:|--:|--:|--:|--:|--:|--:|--:|\n";
    for (units, profiled, found) in stages {
        let of = |key: &str| median(found.generator.get(key).map_or(&[], Vec::as_slice));
        let peak = |key: &str| found.peak_kib.get(key).copied().unwrap_or(0) as f64 / 1024.0;
        let _ = writeln!(
            text,
            "| {profiled} | {units} | {:.1} ms | {:.1} ms | {:.2} | {:.1} MiB | {:.1} MiB | {:.2} |",
            of("nothing") * 1000.0,
            of("generator") * 1000.0,
            of("generator") / of("nothing"),
            peak("nothing"),
            peak("generator"),
            peak("generator") / peak("nothing")
        );
    }
    text
}
