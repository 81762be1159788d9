//! What `memctl recommend` is worth: limits from the first days of a recording, held against the rest of it.
//!
//! `cargo bench --bench recommend` prints the tables of docs/recommend.md; `-- DIR…` adds recordings of your own (CSV
//! as `memctl replay` reads it), `-- --tune` shows on the other half of the synthetic services what other margins
//! would have done. Not a test: nothing here fails, and no time is taken.

mod families;
mod report;
mod rules;
mod traces;

use std::path::PathBuf;

use memctl::recommend::Observation;

use families::{FAMILIES, SEEDS};
use report::Tally;
use rules::{RULES, limit};

/// How many days are learned from.
const LEARNED: [f64; 4] = [1.0, 3.0, 7.0, 14.0];
/// Which parts of a recording that is too short for days.
const PARTS: [f64; 3] = [0.1, 0.25, 0.5];

fn main() {
    // `cargo bench` passes `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    if arguments.iter().any(|a| a == "--tune") {
        report::tune();
        return;
    }
    synthetic();
    for folder in &arguments {
        recorded(&PathBuf::from(folder));
    }
}

/// The half of the seeds that nothing was tuned on.
fn reported() -> impl Iterator<Item = u64> {
    (0..SEEDS).filter(|seed| seed % 2 == 1)
}

fn synthetic() {
    let mut all: Vec<Vec<Tally>> = vec![vec![Tally::default(); RULES.len()]; LEARNED.len()];
    let mut leaks = all.clone();
    let mut each = vec![vec![Tally::default(); RULES.len()]; FAMILIES.len()];
    let mut grows = vec![0; FAMILIES.len()];
    for (at, family) in FAMILIES.iter().enumerate() {
        for seed in reported() {
            let unit = family.unit(seed);
            for (nth, days) in LEARNED.iter().enumerate() {
                let (learned, rest) = split(&unit, *days * 86400.0);
                for (rule, (_, kind)) in RULES.iter().enumerate() {
                    let limit = limit(*kind, learned);
                    let whole = if family.leaks { &mut leaks } else { &mut all };
                    whole[nth][rule].add(limit, rest);
                    if *days == 7.0 {
                        each[at][rule].add(limit, rest);
                    }
                }
                grows[at] += usize::from(*days == 7.0 && rules::grows(learned));
            }
        }
    }
    let heads = LEARNED.map(|days| format!("{days} d"));
    report::table("Services that do not leak", &heads, &all);
    report::table("Services that leak", &heads, &leaks);
    let heads: Vec<String> = FAMILIES.iter().map(|f| f.name.to_owned()).collect();
    report::matrix("By family, after 7 days", &heads, &each);
    let told = FAMILIES.iter().zip(&grows).filter(|(_, count)| **count > 0);
    let shares = told.map(|(family, count)| {
        let share = *count as f64 * 100.0 / reported().count() as f64;
        format!("{} {share:.0} %", family.name)
    });
    let shares: Vec<String> = shares.collect();
    println!("Said to grow after 7 days (all others: none):");
    println!("{}.\n", shares.join(", "));
}

fn recorded(folder: &std::path::Path) {
    let traces = match traces::read(folder) {
        Ok(traces) => traces,
        Err(error) => {
            eprintln!("{}: {error:#}", folder.display());
            std::process::exit(1);
        }
    };
    let mut all = vec![vec![Tally::default(); RULES.len()]; PARTS.len()];
    let mut each = vec![vec![Tally::default(); RULES.len()]; traces.len()];
    for (at, (_, unit)) in traces.iter().enumerate() {
        let length = unit.iter().map(|o| o.seconds).sum::<f64>();
        for (nth, part) in PARTS.iter().enumerate() {
            let (learned, rest) = split(unit, length * part);
            for (rule, (_, kind)) in RULES.iter().enumerate() {
                let limit = limit(*kind, learned);
                all[nth][rule].add(limit, rest);
                if nth == 1 {
                    each[at][rule].add(limit, rest);
                }
            }
        }
    }
    let heads = PARTS.map(|part| format!("{:.0} %", part * 100.0));
    report::table("Recordings, by the part learned from", &heads, &all);
    let heads: Vec<String> = traces.into_iter().map(|(name, _)| name).collect();
    report::matrix("Each recording, after a quarter", &heads, &each);
}

/// What was seen in the first seconds, and what came after.
fn split(unit: &[Observation], seconds: f64) -> (&[Observation], &[Observation]) {
    let begin = unit[0].time.as_second() as f64;
    let at = unit.partition_point(|o| (o.time.as_second() as f64) < begin + seconds);
    unit.split_at(at)
}
