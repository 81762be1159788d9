//! Whether a unit grows steadily within one start: not the leak detector, only what keeps a leak from being given
//! ever larger limits without a word.

use super::Observation;
use super::seen::{FRESH, middle};

/// Steady growth within one start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// The usual need in the first third.
    pub from: u64,
    /// In the last third.
    pub to: u64,
    /// How many days the start was watched.
    pub days: f64,
}

/// A shorter time shows a warm-up, not a trend.
const SHORTEST: f64 = 0.25;
/// Growth by less is noise.
const LEAST: f64 = 0.1;
const LEAST_BYTES: u64 = 4 << 20;
/// The second half of the growth against the first: a straight line has 1, a warm-up that levels off about a half.
const STEADY: f64 = 0.6;

/// The growth of the last start that was watched long enough.
pub(super) fn growth(runs: &[&[Observation]]) -> Option<Growth> {
    let run = runs.iter().rev().find(|run| days(run) >= SHORTEST)?;
    // The first minutes are building up, the first tenth is warming up.
    let skipped = (days(run) * 86400.0 / 10.0).max(FRESH);
    let from = run.first()?.time.as_second() as f64 + skipped;
    let until = run.last().map(|o| o.time.as_second() as f64 + o.seconds)?;
    let third = (until - from) / 3.0;
    // A garbage collector's saw is judged by its troughs.
    let [a, b, c] = [0.0, 1.0, 2.0].map(|n| {
        let begin = from + n * third;
        let within = |o: &&Observation| {
            let time = o.time.as_second() as f64;
            time >= begin && time < begin + third
        };
        let troughs = run.iter().filter(within);
        middle(troughs.filter_map(|o| Some((o.held()?.least, o.seconds))))
    });
    let (a, b, c) = (a?, b?, c?);
    let (first, second) = (b.checked_sub(a)?, c.checked_sub(b)?);
    let grown = first + second;
    let steady =
        second as f64 >= STEADY * first as f64 && first as f64 >= STEADY / 2.0 * second as f64;
    (steady && grown >= LEAST_BYTES && grown as f64 >= LEAST * a as f64).then(|| Growth {
        from: a,
        to: c,
        days: days(run),
    })
}

/// How long a start was watched, in days.
fn days(run: &[Observation]) -> f64 {
    run.iter().map(|o| o.seconds).sum::<f64>() / super::DAY
}
