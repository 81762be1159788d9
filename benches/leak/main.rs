//! What memctl's leak detector is worth, beside what else one could use, on services that never were.
//!
//! `cargo bench --bench leak` prints the tables of docs/detector.md, of the half of the seeds that nothing was tuned on.
//! After `--`:
//!
//! - `--tune`: the other half, memctl alone (with the others: `--all`); `--failures` names each trace it is wrong on
//! - `--family NAME`: this family only; `--seeds N`: so many services of each family, in both halves together
//! - `--write FAMILY SEED FILE`: a trace as a CSV that `memctl replay` reads
//! - `--speed`: samples a second, bytes of state
//!
//! Not a test: nothing here fails. Its own parts are tested by tests/leak_bench.rs.

mod baselines;
mod families;
mod judges;
mod leaking;
mod load;
mod measure;
mod parts;
mod prototype;
mod random;
mod service;
mod speed;
mod stats;
mod tables;
mod trace;
mod write;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use families::{Family, SEEDS};
use judges::{KINDS, OWN};

fn main() -> ExitCode {
    // `cargo bench` passes `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let mut tunes = false;
    let mut all = false;
    let mut failures = false;
    let mut seeds = SEEDS;
    let mut families: Vec<&'static Family> = families::all().collect();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = |what: &str| {
            let value = rest.next();
            value.with_context(|| format!("{argument} wants {what} after it"))
        };
        match argument.as_str() {
            "--tune" => tunes = true,
            "--all" => all = true,
            "--failures" => failures = true,
            "--seeds" => seeds = value("a number")?.parse().context("--seeds")?,
            "--family" => families = vec![write::family(value("a family")?)?],
            "--speed" => {
                speed::print();
                return Ok(());
            }
            "--write" => {
                let what = "a family, a seed and a file";
                return write::write(value(what)?, value(what)?, value(what)?);
            }
            other => bail!("{other:?} is no argument of this; benches/leak/main.rs has them"),
        }
    }
    let half = u64::from(!tunes);
    let seeds: Vec<u64> = (0..seeds).filter(|seed| seed % 2 == half).collect();
    let kinds = if tunes && !all {
        &KINDS[..OWN]
    } else {
        &KINDS[..]
    };
    let records = measure::run(&families, &seeds, kinds);
    tables::print(&records, &families, kinds);
    if failures {
        tables::failures(&records, kinds);
    }
    Ok(())
}
