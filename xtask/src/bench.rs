//! `cargo xtask bench`: what memctl costs, beside what one would do without it.
//!
//! Only ratios of figures from one run in one guest say something: how fast
//! an emulated processor is depends on the host and on what else that does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::guest::{Guest, GuestConfig, Script, Suite};
use crate::{package, tell};

const MEASURE: &str = include_str!("../bench/measure.py");

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

/// Measures in a guest of each suite, and prints the tables on standard output.
pub fn run(suites: &[Suite], rounds: usize) -> Result<()> {
    let deb = package::built()?;
    for suite in suites {
        let config = GuestConfig::new(*suite)
            .memory_mib(MEMORY_MIB)
            .file(&deb, "/root/memctl.deb");
        let guest = Guest::boot(config)?;
        guest.ok("dpkg --install /root/memctl.deb");
        guest.write("/root/measure.py", MEASURE);
        let mut stages = Vec::new();
        for (units, profiled) in STAGES {
            tell::step(format_args!("{suite}: measuring with {units} units"));
            let command = format!("python3 measure.py {units} {rounds} {profiled}");
            let script = Script::new(command).timeout(Duration::from_secs(3600));
            let found = serde_json::from_str(&guest.ok(script))
                .context("the guest's measurements cannot be read")?;
            stages.push((units, profiled, found));
        }
        println!("{}", report(*suite, rounds, &stages));
    }
    Ok(())
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
        let of = |key: &str| median(found.limits.get(key));
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
        let of = |key: &str| median(found.generator.get(key));
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

/// The median; not a number where there is nothing.
fn median(values: Option<&Vec<f64>>) -> f64 {
    let mut sorted = values.cloned().unwrap_or_default();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle() {
        assert_eq!(median(Some(&vec![3.0, 1.0, 2.0])), 2.0);
        assert_eq!(median(Some(&vec![4.0, 1.0, 2.0, 3.0])), 2.5);
        assert!(median(None).is_nan());
    }
}
