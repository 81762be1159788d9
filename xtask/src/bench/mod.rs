//! `cargo xtask bench`: what memctl costs, beside what one would do without it.
//!
//! Only ratios of figures from one run in one guest say something: how fast
//! an emulated processor is depends on the host and on what else that does.

mod limits;
mod readings;

use anyhow::Result;
use clap::ValueEnum;

use crate::guest::Suite;
use crate::package;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// Changing limits: apply, remove, the generator.
    Limits,
    /// Reading units: a tick of the watch.
    Readings,
}

/// Measures in a guest of each suite, and prints the tables on standard output.
pub fn run(subject: Option<Subject>, suites: &[Suite], rounds: usize) -> Result<()> {
    let deb = package::built()?;
    for suite in suites {
        if subject != Some(Subject::Readings) {
            println!("{}", limits::run(*suite, rounds, &deb)?);
        }
        if subject != Some(Subject::Limits) {
            println!("{}", readings::run(*suite, &deb)?);
        }
    }
    Ok(())
}

/// The median; not a number where there is nothing.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
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
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }
}
