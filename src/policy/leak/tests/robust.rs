//! Ticks, gaps, clocks, limits and fields that are missing.

use proptest::prelude::*;

use super::*;

fn leak(t: i64) -> f64 {
    300.0 + 700.0 * (t - DAY).max(0) as f64 / (2 * DAY) as f64 + 3.0 * noise(t / MINUTE, 1)
}

/// When a leak of two days that begins after one is found; it must be in the first half of it.
fn is_in_time(points: impl Iterator<Item = Point>) -> i64 {
    let found = watch_points(points).leak.expect("it is found");
    assert!(found > DAY, "{found}");
    assert!(found < 2 * DAY + 4 * HOUR, "{found}");
    found
}

#[test]
fn ten_seconds_and_a_minute_find_the_same() {
    let at = |tick: i64| watch(tick, 3 * DAY, leak).leak.expect("it is found");
    let (short, long) = (at(10), at(60));
    assert!((short - long).abs() <= 30 * MINUTE, "{short} {long}");
    let irregular = is_in_time((0..3 * 1440).map(|n| {
        let time = n * MINUTE + (25.0 * noise(n, 2)) as i64;
        point(time, leak(time))
    }));
    assert!(
        (irregular - long).abs() <= 30 * MINUTE,
        "{irregular} {long}"
    );
}

#[test]
fn gaps_do_no_harm() {
    let points = (0..3 * 1440)
        .map(|n| n * MINUTE)
        .filter(|t| t % (5 * HOUR) > HOUR)
        .map(|t| point(t, leak(t)));
    is_in_time(points);
    // A day is missing, and need has not moved.
    let points = (0..6 * 1440)
        .map(|n| n * MINUTE)
        .filter(|t| !(2 * DAY..3 * DAY).contains(t))
        .map(|t| point(t, 500.0 + 5.0 * noise(t, 3)));
    assert_eq!(watch_points(points).leak, None);
}

#[test]
fn a_clock_that_is_set_does_no_harm() {
    for step in [-40 * 365 * DAY, -3 * HOUR, -90, 90, HOUR] {
        let points = (0..3 * 1440).map(|n| {
            let time = n * MINUTE;
            let set = if time > 30 * HOUR { step } else { 0 };
            let mut point = point(time, leak(time));
            point.time += set;
            point
        });
        let mut detector = Detector::default();
        let found = points
            .enumerate()
            .find(|(_, point)| {
                detector.take(point);
                detector.verdict().finding == Finding::Leak
            })
            .map(|(n, _)| n as i64 * MINUTE)
            .expect("it is found");
        assert!(
            (DAY..2 * DAY + 4 * HOUR).contains(&found),
            "{step}: {found}"
        );
    }
    // A steady service does not leak by it.
    let points = (0..3 * 1440).map(|n| {
        let mut point = point(n * MINUTE, 600.0 + 5.0 * noise(n, 4));
        point.time += if n % 300 < 150 { 0 } else { 2 * HOUR };
        point
    });
    assert_eq!(watch_points(points).leak, None);
}

#[test]
fn without_a_limit_it_is_growing_and_no_more() {
    let points = (0..3 * 1440).map(|n| Point {
        limit: None,
        ..point(n * MINUTE, leak(n * MINUTE))
    });
    let seen = watch_points(points);
    assert_eq!(seen.leak, None);
    assert_eq!(seen.near, None);
    assert!(seen.growing.is_some());
    let verdict = seen.last.verdict();
    assert_eq!(verdict.forecast, None);
    assert!(verdict.slope.is_some_and(|slope| slope > 0.0));
}

#[test]
fn memory_current_alone_dares_less() {
    let at = |is_need: bool| {
        let points = (0..3 * 1440).map(|n| Point {
            is_need,
            ..point(n * MINUTE, leak(n * MINUTE))
        });
        watch_points(points).leak.expect("it is found")
    };
    assert!(at(false) > at(true) + HOUR, "{} {}", at(false), at(true));
    // Page cache that fills what the limit leaves is not near it.
    let points = (0..2 * 1440).map(|n| Point {
        is_need: false,
        ..point(n * MINUTE, 990.0)
    });
    assert_eq!(watch_points(points).near, None);
}

#[test]
fn a_new_start_is_seen_by_cpu_time_where_nobody_tells() {
    let points = |cpu: fn(i64) -> u64| {
        (0..6 * 1440).map(move |n| {
            let time = n * MINUTE;
            let age = time % (20 * HOUR);
            Point {
                start: None,
                cpu_usec: Some(cpu(time)),
                ..point(time, 300.0 + 400.0 * age as f64 / (20 * HOUR) as f64)
            }
        })
    };
    let of_start = |time: i64| (time % (20 * HOUR)) as u64 * 1000;
    let mut with = Detector::default();
    points(of_start).for_each(|point| with.take(&point));
    // The eighth start is four hours old: nothing is known of it that is older.
    let window = with.verdict().window;
    assert!(
        window.is_some_and(|window| i64::from(window) < 4 * HOUR),
        "{window:?}"
    );
}

#[test]
fn a_reading_of_current_between_others_is_passed_over() {
    let usual = |n: i64| point(n * MINUTE, 200.0 + 30.0 * daily(n * MINUTE));
    let points = |stray: fn(i64) -> bool| {
        (0..10 * 1440).map(move |n| match stray(n) {
            true => Point {
                is_need: false,
                ..point(n * MINUTE, 999.0)
            },
            false => usual(n),
        })
    };
    let seen = watch_points(points(|n| n == 5 * 1440));
    assert_eq!((seen.leak, seen.near), (None, None));
    // It stays so: what is known begins anew, an hour later.
    let mut detector = watch_points((0..1440).map(usual)).last;
    for n in 1440..1440 + 75 {
        let current = Point {
            is_need: false,
            ..point(n * MINUTE, 600.0)
        };
        detector.take(&current);
    }
    assert_eq!(detector.verdict().finding, Finding::Steady);
    assert!(detector.verdict().window.is_some_and(|w| w < 15 * 60));
}

#[test]
fn cpu_time_is_the_same_at_ten_seconds_and_at_a_minute() {
    let cpu = |time: i64| if time % 90 < 10 { 9 } else { 1 };
    let load = |tick: i64| {
        let (mut detector, mut usage) = (Detector::default(), 0);
        for time in 0..4 * HOUR {
            usage += cpu(time) * 1000;
            if time % tick == 0 {
                let point = Point {
                    cpu_usec: Some(usage),
                    ..point(time, 300.0)
                };
                detector.take(&point);
            }
        }
        detector.tiers.0[3].low.load(0)
    };
    let (ten, minute) = (load(10), load(60));
    assert!(ten.abs_diff(minute) < minute / 20, "{ten} {minute}");
}

#[test]
fn without_its_limit_nothing_is_near_it() {
    let mut detector = watch_points((0..180).map(|n| point(n * MINUTE, 960.0))).last;
    assert_eq!(detector.verdict().finding, Finding::NearLimit);
    let point = Point {
        limit: None,
        ..point(180 * MINUTE, 960.0)
    };
    detector.take(&point);
    assert_ne!(detector.verdict().finding, Finding::NearLimit);
}

#[test]
fn a_limit_that_is_raised_ends_a_leak_and_one_that_is_lowered_begins_one() {
    let mut detector = Detector::default();
    let mut take = |time: i64, limit: f64| {
        let point = Point {
            limit: Some((limit * MIB) as u64),
            ..point(time, leak(time))
        };
        detector.take(&point);
        detector.verdict().finding
    };
    let mut found = 0;
    while take(found, 1000.0) != Finding::Leak {
        found += MINUTE;
    }
    let mut last = Finding::Leak;
    for n in 1..60 {
        last = take(found + n * MINUTE, 3000.0);
    }
    assert_eq!(last, Finding::Growing);
    for n in 60..240 {
        last = take(found + n * MINUTE, 1000.0);
    }
    assert_eq!(last, Finding::Leak);
}

#[test]
fn what_is_given_back_ends_a_leak_and_it_does_not_flap() {
    let given = 2 * DAY + 12 * HOUR;
    let mut detector = Detector::default();
    let mut turns = Vec::new();
    for n in 0..5 * 1440 {
        let time = n * MINUTE;
        let need = if time < given {
            leak(time)
        } else {
            320.0 + 3.0 * noise(time, 5)
        };
        detector.take(&point(time, need));
        let is_leak = detector.verdict().finding == Finding::Leak;
        if turns.len() % 2 != usize::from(is_leak) {
            turns.push(time);
        }
    }
    assert_eq!(turns.len(), 2, "{turns:?}");
    assert!((given..given + HOUR).contains(&turns[1]), "{turns:?}");
}

#[test]
fn growth_that_stops_ends_a_leak() {
    let stops = 2 * DAY + 6 * HOUR;
    let seen = watch(MINUTE, 9 * DAY, |t| leak(t.min(stops)));
    let found = seen.leak.expect("it is found");
    assert_eq!(seen.last.verdict().finding, Finding::Steady);
    // Not before it has stopped for half of what was watched, however long ago it was found.
    let last = |lasting| watch(MINUTE, lasting, |t| leak(t.min(stops))).last;
    let half = i64::from(last(found + MINUTE).verdict().window.expect("a window")) / 2;
    assert_eq!(last(stops + half / 2).verdict().finding, Finding::Leak);
}

#[test]
fn what_stands_close_below_its_limit_is_near_it_and_no_leak() {
    let seen = watch(MINUTE, 2 * DAY, |t| 950.0 + 5.0 * noise(t, 6));
    assert_eq!(seen.leak, None);
    assert!(seen.near.is_some_and(|at| at < HOUR), "{:?}", seen.near);
    // Peaks of some minutes are nothing.
    let seen = watch(MINUTE, 2 * DAY, |t| {
        if t % HOUR < 8 * MINUTE { 960.0 } else { 500.0 }
    });
    assert_eq!(seen.near, None);
}

fn any_point() -> impl Strategy<Value = Point> {
    let number = || prop_oneof![0..1000u64, Just(u64::MAX), any::<u64>(), 0..(1u64 << 36)];
    let time = prop_oneof![
        Just(i64::MIN),
        Just(i64::MAX),
        any::<i64>(),
        0..2_000_000_000i64
    ];
    let fields = (
        time,
        number(),
        any::<bool>(),
        proptest::option::of(number()),
    );
    let more = (
        proptest::option::of(number()),
        proptest::option::of(0..3u64),
    );
    (fields, more).prop_map(|((time, need, is_need, limit), (cpu_usec, start))| Point {
        time,
        need,
        is_need,
        limit,
        cpu_usec,
        start,
    })
}

fn check(detector: &Detector) -> Result<(), TestCaseError> {
    let verdict = detector.verdict();
    prop_assert!(verdict.slope.is_none_or(f64::is_finite));
    if let Some(forecast) = verdict.forecast {
        prop_assert!(forecast.early <= forecast.likely);
        prop_assert!(forecast.late.is_none_or(|late| forecast.likely <= late));
    }
    prop_assert!(!detector.reasons().is_empty());
    let text = serde_json::to_string(detector).map_err(|e| TestCaseError::fail(e.to_string()))?;
    prop_assert!(text.len() < 6 * 1024, "{} bytes", text.len());
    let back: Detector =
        serde_json::from_str(&text).map_err(|e| TestCaseError::fail(e.to_string()))?;
    prop_assert_eq!(&back, detector);
    Ok(())
}

proptest! {
    #[test]
    fn no_reading_does_harm(points in proptest::collection::vec(any_point(), 0..200)) {
        let mut detector = Detector::default();
        for point in points {
            detector.take(&point);
            let verdict = detector.verdict();
            prop_assert!(verdict.finding != Finding::NearLimit || point.limit.is_some());
        }
        check(&detector)?;
    }

    #[test]
    fn nor_does_a_walk(steps in proptest::collection::vec((1..4000i64, -(1i64 << 24)..(1i64 << 25)), 300..1500)) {
        let mut detector = Detector::default();
        let (mut time, mut need) = (BEGIN, 1i64 << 28);
        for (after, by) in steps {
            time += after;
            need = (need + by).max(0);
            let point = Point { time, need: need as u64, is_need: true, limit: Some(1 << 34), cpu_usec: None, start: None };
            detector.take(&point);
        }
        check(&detector)?;
    }
}
