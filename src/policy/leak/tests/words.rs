//! What an administrator reads in `memctl explain`.

use super::*;

fn words(detector: &Detector) -> Vec<String> {
    let line = |reason: super::super::Reason| {
        let mark = match reason.holds {
            Some(true) => "+",
            Some(false) => "-",
            None => "?",
        };
        format!(
            "{mark} {}: {} ({})",
            reason.name, reason.figure, reason.threshold
        )
    };
    detector.reasons().into_iter().map(line).collect()
}

#[test]
fn of_a_leak() {
    let seen = watch(MINUTE, 60 * HOUR, |t| {
        300.0 + 600.0 * t as f64 / (72 * HOUR) as f64
    });
    assert_eq!(words(&seen.last), LEAK);
}

#[test]
fn of_a_steady_service() {
    let seen = watch(MINUTE, 30 * HOUR, |t| 300.0 + noise(t, 1));
    assert_eq!(words(&seen.last), STEADY);
}

#[test]
fn of_one_that_goes_with_load() {
    let mut cpu = 0;
    let points = (0..9 * 1440).map(|n| {
        let time = n * MINUTE;
        let load = 1.0 + time as f64 / (9 * DAY) as f64;
        cpu += (load * 30e6) as u64;
        Point {
            cpu_usec: Some(cpu),
            is_need: false,
            ..point(time, 300.0 * load)
        }
    });
    assert_eq!(words(&watch_points(points).last), LOAD);
}

#[test]
fn before_anything_is_known() {
    let seen = watch(MINUTE, 5 * MINUTE, |_| 300.0);
    assert_eq!(words(&seen.last), NOTHING);
}

const LEAK: [&str; 9] = [
    "+ rise: 147M in 17h 40min (at least 23M, 3 % of 767M)",
    "+ direction: 100 % of the pairs rise, less those that fall (at least 65 %)",
    "+ steps: as even as 13.0 steps (at least 3.3)",
    "+ still rising: the last quarter at 100 % of the pace (at least 40 %)",
    "+ new ground: 200M, nothing was given back (at least 25 % of the rise)",
    "+ slowing down: not at all (to come: at least the 207M below the limit)",
    "+ risen of what is left: 97 %: 200M of 207M (at least 80 %: it never stood still for long)",
    "+ found: a leak 18h 20min ago, at 593M (until 35 % of the rise are given back, it has stopped, or the limit is raised by a quarter)",
    "- near the limit: never under 797M of 1000M for 12min (at least 92 %, twice)",
];
const STEADY: [&str; 2] = [
    "- rise: -28K in 10h 20min (at least 70M, 10 % of the 699M below the limit)",
    "- near the limit: never under 299M of 1000M for 12min (at least 92 %, twice)",
];
const LOAD: [&str; 8] = [
    "+ rise: 49M in 1d 11h 10min (at least 40M, 10 % of the 402M below the limit)",
    "+ direction: 100 % of the pairs rise, less those that fall (at least 65 %)",
    "+ steps: as even as 13.0 steps (at least 3.3)",
    "+ still rising: the last quarter at 100 % of the pace (at least 40 %)",
    "+ new ground: 67M, nothing was given back (at least 25 % of the rise)",
    "- beside load: 50 % of the rise are not explained by CPU time (at least 50 %, or 70 % where load rose)",
    "+ slowing down: not at all (to come: at least the 402M below the limit)",
    "- risen of what is left: 17 %: 67M of 402M (at least 360 %: it never stood still for long, most of it goes with load, page cache may be in it)",
];
const NOTHING: [&str; 2] = [
    "? watched: 4min of this start (at least 12min)",
    "? near the limit: not watched for 12min (at least 92 %, twice)",
];
