//! Services that reach their limit. Each is found in time.

use super::*;

/// It is found between the onset and such a part of the time that is left then.
fn found(name: &str, tick: i64, onset: i64, part: f64, need: impl Fn(i64) -> f64) {
    let hit = (0..)
        .map(|n| n * tick)
        .find(|&t| need(t) >= LIMIT || t > 30 * DAY)
        .expect("it ends");
    assert!(hit < 30 * DAY, "{name} is no leak");
    let seen = watch(tick, hit, need);
    let leak = seen.leak.unwrap_or_else(|| panic!("{name}: missed"));
    let delay = (leak - onset) as f64 / (hit - onset) as f64;
    assert!((0.0..=part).contains(&delay), "{name}: delay {delay:.2}");
    assert!(
        seen.growing.is_some_and(|at| at < leak),
        "{name}: it is told that it grows before"
    );
}

#[test]
fn a_constant_leak() {
    for (days, part) in [(1, 0.8), (2, 0.6), (4, 0.6), (12, 0.6)] {
        found("constant", MINUTE, 0, part, |t| {
            250.0 + 750.0 * t as f64 / (days * DAY) as f64 + 3.0 * noise(t, 1)
        });
    }
}

#[test]
fn a_leak_that_begins_late() {
    for (begin, days) in [(2 * DAY, 2), (5 * DAY, 4)] {
        found("late", MINUTE, begin, 0.5, |t| {
            300.0 + 700.0 * (t - begin).max(0) as f64 / (days * DAY) as f64 + 3.0 * noise(t, 2)
        });
    }
}

#[test]
fn a_leak_that_begins_at_sixty_percent() {
    let begin = 3 * DAY;
    found("at 60 %", MINUTE, begin, 0.55, |t| {
        600.0 + 400.0 * (t - begin).max(0) as f64 / (36 * HOUR) as f64 + 5.0 * noise(t, 3)
    });
}

#[test]
fn a_leak_per_request() {
    found("per request", MINUTE, 0, 0.7, |t| {
        // The integral of the load from the beginning on.
        let tau = std::f64::consts::TAU;
        let part = |t: i64| (t - 3 * HOUR) as f64 / DAY as f64;
        let sum = |t: i64| 0.5 * part(t) - 0.5 * (part(t) * tau).sin() / tau;
        250.0 + 300.0 * (sum(t) - sum(0)) + 3.0 * noise(t, 4)
    });
}

#[test]
fn a_leak_under_a_saw() {
    for period in [20 * MINUTE, 3 * HOUR, 11 * HOUR] {
        found("under a saw", MINUTE, 0, 0.8, |t| {
            200.0
                + 200.0 * (t % period) as f64 / period as f64
                + 600.0 * t as f64 / (6 * DAY) as f64
                + 2.0 * noise(t, 5)
        });
    }
}

#[test]
fn a_leak_under_a_daily_cycle() {
    found("under a cycle", MINUTE, 0, 0.8, |t| {
        200.0 + 200.0 * daily(t) + 600.0 * t as f64 / (7 * DAY) as f64 + 5.0 * noise(t, 6)
    });
}

#[test]
fn a_leak_in_jumps() {
    found("in jumps", MINUTE, 0, 0.8, |t| {
        250.0 + 750.0 * (t / (4 * HOUR)) as f64 / 40.0 + 2.0 * noise(t, 7)
    });
}

#[test]
fn two_leaks() {
    found("two", MINUTE, 0, 0.8, |t| {
        250.0
            + 300.0 * t as f64 / (4 * DAY) as f64
            + 600.0 * (t - DAY).max(0) as f64 / (4 * DAY) as f64
            + 3.0 * noise(t, 8)
    });
}

#[test]
fn a_fast_leak() {
    for (tick, length) in [
        (MINUTE, 3 * HOUR),
        (MINUTE, HOUR),
        (10, HOUR),
        (10, 30 * MINUTE),
    ] {
        let begin = 30 * HOUR;
        found("fast", tick, begin, 0.9, |t| {
            300.0 + 700.0 * (t - begin).max(0) as f64 / length as f64 + 2.0 * noise(t, 9)
        });
    }
}

#[test]
fn a_leak_of_ten_minutes_is_near_the_limit_at_least() {
    let begin = 3 * HOUR;
    let seen = watch(10, begin + 600, |t| {
        300.0 + 700.0 * (t - begin).max(0) as f64 / 600.0
    });
    let told = seen.leak.or(seen.near).expect("it is told");
    assert!((begin..begin + 590).contains(&told), "{told}");
}

#[test]
fn a_leak_that_begins_anew_with_each_start() {
    let length = 30 * HOUR;
    let points = (0..5 * length / MINUTE).map(|n| {
        let time = n * MINUTE;
        let age = time % length;
        Point {
            start: Some(1 + (time / length) as u64),
            ..point(
                time,
                200.0 + 780.0 * age as f64 / length as f64 + 2.0 * noise(time, 10),
            )
        }
    });
    let mut detector = Detector::default();
    let mut starts = std::collections::BTreeSet::new();
    for point in points {
        detector.take(&point);
        if detector.verdict().finding == Finding::Leak {
            starts.insert(point.start);
        }
    }
    assert_eq!(starts.len(), 5, "in each start: {starts:?}");
}
