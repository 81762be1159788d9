//! Services that stay below their limit. None is a leak.

use super::*;

fn never(name: &str, lasting: i64, need: impl Fn(i64) -> f64) {
    let most = (0..lasting / MINUTE)
        .map(|n| need(n * MINUTE))
        .fold(0.0, f64::max);
    assert!(most < 0.92 * LIMIT, "{name} is no healthy service: {most}");
    let seen = watch(MINUTE, lasting, need);
    assert_eq!(seen.leak, None, "{name}");
    assert_eq!(seen.near, None, "{name}");
}

#[test]
fn a_steady_service() {
    never("steady", 14 * DAY, |t| 500.0 + 10.0 * noise(t, 1));
}

#[test]
fn a_warm_up_that_slows_down() {
    for hours in [1, 6, 24, 72] {
        let slow = (hours * HOUR) as f64;
        never("exponential", 14 * DAY, |t| {
            200.0 + 500.0 * (1.0 - (-t as f64 / slow).exp()) + 3.0 * noise(t, 2)
        });
    }
}

#[test]
fn a_warm_up_of_minutes() {
    for minutes in [2, 5, 10, 20] {
        never("quick", 2 * DAY, |t| {
            100.0 + 600.0 * (t as f64 / (minutes * MINUTE) as f64).min(1.0) + noise(t, 3)
        });
    }
}

#[test]
fn logarithmic_growth() {
    for first in [5 * MINUTE, HOUR, 12 * HOUR] {
        never("logarithmic", 14 * DAY, |t| {
            150.0 + 80.0 * (1.0 + t as f64 / first as f64).ln() + 2.0 * noise(t, 4)
        });
    }
}

#[test]
fn a_garbage_collectors_saw() {
    for period in [10 * MINUTE, 2 * HOUR, 7 * HOUR, 30 * HOUR] {
        never("saw", 14 * DAY, |t| {
            let jitter = 1.0 + 0.05 * noise(t / period, 5);
            200.0 + 350.0 * jitter * (t % period) as f64 / period as f64 + 2.0 * noise(t, 6)
        });
    }
}

#[test]
fn an_allocator_ratchet() {
    // A high-water mark under load whose peaks vary: ever rarer steps.
    let marks: Vec<f64> = (0..14 * 24)
        .scan(0.0f64, |most, hour| {
            *most = most.max(300.0 + 120.0 * noise(hour, 7).powi(3) + 80.0 * noise(hour, 8));
            Some(*most)
        })
        .collect();
    never("ratchet", 14 * DAY, |t| {
        marks[(t / HOUR) as usize] + noise(t, 9)
    });
}

#[test]
fn a_daily_and_a_weekly_cycle() {
    never("daily", 14 * DAY, |t| {
        250.0 + 400.0 * daily(t) + 8.0 * noise(t, 10)
    });
    never("weekly", 21 * DAY, |t| {
        let load = daily(t) * if (t / DAY) % 7 >= 5 { 0.5 } else { 1.0 };
        250.0 + 400.0 * load + 8.0 * noise(t, 11)
    });
}

#[test]
fn a_step_and_levels_that_change() {
    never(
        "step",
        6 * DAY,
        |t| if t < 2 * DAY { 300.0 } else { 700.0 } + 5.0 * noise(t, 12),
    );
    never("levels", 14 * DAY, |t| {
        500.0 + 300.0 * noise(t / (9 * HOUR), 13) + 5.0 * noise(t, 14)
    });
}

#[test]
fn a_batch_each_night() {
    never("batch", 7 * DAY, |t| {
        let since = (t - 2 * HOUR).rem_euclid(DAY);
        let part = if since < 3 * HOUR {
            (since as f64 / 600.0).min(1.0)
        } else {
            0.0
        };
        250.0 + 500.0 * part + 4.0 * noise(t, 15)
    });
}

#[test]
fn a_cache_that_fills_from_a_tenth_to_less_than_half_of_the_limit() {
    for days in [1, 3, 8] {
        never("cache", 14 * DAY, |t| {
            100.0 + 350.0 * (t as f64 / (days * DAY) as f64).min(1.0) + 2.0 * noise(t, 16)
        });
    }
}

#[test]
fn load_that_grows_takes_need_along() {
    let mut cpu = 0;
    let points = (0..14 * 1440).map(|n| {
        let time = n * MINUTE;
        let load = (1.0 + time as f64 / (8 * DAY) as f64) * (0.8 + 0.2 * daily(time));
        cpu += (load * 30e6 * (1.0 + 0.03 * noise(time, 17))) as u64;
        Point {
            cpu_usec: Some(cpu),
            ..point(time, 50.0 + 260.0 * load + 4.0 * noise(time, 18))
        }
    });
    assert_eq!(watch_points(points).leak, None);
}

#[test]
fn a_warm_up_anew_with_each_start() {
    let points = (0..10 * 1440).map(|n| {
        let time = n * MINUTE;
        let age = time % (31 * HOUR);
        Point {
            start: Some(1 + (time / (31 * HOUR)) as u64),
            ..point(
                time,
                200.0 + 450.0 * (1.0 - (-age as f64 / (9 * HOUR) as f64).exp()),
            )
        }
    });
    assert_eq!(watch_points(points).leak, None);
}

#[test]
fn where_an_earlier_start_stopped_growing_the_next_may_go_as_well() {
    // It fills evenly to 700M in 20 hours, and stops; the first start, which has no past, is taken for a leak.
    // Of the second more is known.
    let need = |age: i64| 100.0 + 600.0 * (age as f64 / (20 * HOUR) as f64).min(1.0);
    let start = |from: i64, length: i64, number: u64| {
        (0..length / MINUTE).map(move |n| Point {
            start: Some(number),
            ..point(from + n * MINUTE, need(n * MINUTE))
        })
    };
    let alone = watch_points(start(0, 40 * HOUR, 1));
    assert!(alone.leak.is_some());
    let mut later = alone.last.clone();
    let mut found = false;
    for point in start(40 * HOUR, 40 * HOUR, 2) {
        later.take(&point);
        found |= later.verdict().finding == Finding::Leak;
    }
    assert!(!found);
}
