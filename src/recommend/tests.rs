use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

const M: u64 = 1 << 20;

/// A unit watched for so many days, an observation every ten minutes; need in mebibytes by the day.
fn watched(days: f64, need: impl Fn(f64) -> f64) -> Vec<Observation> {
    (0..(days * 144.0) as i64)
        .map(|at| {
            let time = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(at * 600);
            let mut observation = Observation::blank(time, 600.0);
            observation.need = Some(held(need(at as f64 / 144.0)));
            observation
        })
        .collect()
}

fn held(mebibytes: f64) -> Held {
    let bytes = (mebibytes * M as f64) as u64;
    Held {
        least: bytes,
        most: bytes,
        last: bytes,
    }
}

fn advised(observations: &[Observation]) -> Advice {
    recommend(observations, &Margins::default()).expect("enough is known")
}

#[test]
fn a_steady_unit_gets_a_fifth_and_what_its_history_is_short_of() {
    let mut unit = watched(30.0, |_| 300.0);
    unit[2000].starts = 1;
    let advice = advised(&unit);
    assert_eq!(advice.high, Some(350 * M));
    assert_eq!(advice.max, 380 * M);
    assert_eq!(advice.max_by, MaxBy::Need);
    assert_eq!(advice.seen.starts, 1);
    assert!((advice.margin - 0.24).abs() < 0.01, "{}", advice.margin);
}

#[test]
fn a_percentile_is_no_memory_max() {
    // Three months ago it needed three times as much for ten minutes: the percentile has long forgotten.
    let mut unit = watched(90.0, |_| 100.0);
    unit[500].need = Some(held(300.0));
    let advice = advised(&unit);
    assert!(advice.seen.usual < 110 * M);
    assert!(advice.high > Some(300 * M), "{advice:?}");
    assert!(advice.max > 360 * M, "{advice:?}");
    assert_eq!(advice.seen.most.time, unit[500].time);
}

#[test]
fn what_varies_gets_more_than_what_does_not() {
    let calm = advised(&watched(30.0, |_| 300.0));
    let lively = advised(&watched(
        30.0,
        |day| if day % 7.0 < 1.0 { 300.0 } else { 150.0 },
    ));
    assert!(lively.max > calm.max, "{lively:?}");
}

#[test]
fn little_history_widens_and_hardly_any_is_refused() {
    let max = |days: f64| advised(&watched(days, |_| 300.0)).max;
    assert!(max(0.5) > max(1.0) && max(1.0) > max(7.0) && max(7.0) > max(60.0));
    // However short: more than so wide limits nothing.
    let readings = &watched(1.0, |_| 300.0)[..10];
    assert!(advised(readings).max <= 1250 * M);
    let few = recommend(&readings[..9], &Margins::default());
    assert_eq!(few, Err(Unknown::Few(9)));
    assert_eq!(recommend(&[], &Margins::default()), Err(Unknown::Few(0)));
    let mut hour = readings[0];
    hour.readings = 60;
    assert!(recommend(&[hour], &Margins::default()).is_ok());
}

#[test]
fn without_memory_accounting_nothing_is_said() {
    let mut unit = watched(1.0, |_| 1.0);
    unit.iter_mut().for_each(|o| o.need = None);
    let found = recommend(&unit, &Margins::default());
    assert_eq!(found, Err(Unknown::NoMemory));
}

#[test]
fn where_need_is_unknown_there_is_no_memory_high() {
    let mut unit = watched(30.0, |_| 1.0);
    for observation in &mut unit {
        observation.current = Some(held(500.0));
        observation.need = None;
    }
    let advice = advised(&unit);
    assert!(!advice.seen.exact);
    assert_eq!(advice.high, None);
    assert!(advice.max > 600 * M);
}

#[test]
fn never_under_what_a_fresh_start_needs() {
    // It needs 400M in its first ten minutes and 100M ever after.
    let mut unit = watched(30.0, |_| 100.0);
    for at in [1000, 2000] {
        unit[at].starts = 1;
        unit[at].need = Some(held(400.0));
    }
    let advice = advised(&unit);
    assert_eq!(advice.seen.fresh.map(|peak| peak.bytes), Some(400 * M));
    assert!(advice.high >= Some(440 * M), "{advice:?}");
    assert!(Some(advice.max) > advice.high);
}

#[test]
fn a_span_in_which_it_started_counts_by_its_end() {
    // The hour has the leak of the start before in it.
    let mut unit = watched(30.0, |_| 100.0);
    unit[1000].starts = 1;
    unit[1000].need = Some(Held {
        least: 50 * M,
        most: 900 * M,
        last: 80 * M,
    });
    let advice = advised(&unit);
    assert_eq!(advice.seen.fresh.map(|peak| peak.bytes), Some(80 * M));
    assert_eq!(advice.seen.most.bytes, 900 * M);
}

#[test]
fn the_first_start_began_before_anybody_looked() {
    let mut unit = watched(30.0, |_| 100.0);
    assert_eq!(advised(&unit).seen.fresh, None);
    let unseen = advised(&unit).margin;
    unit[1000].starts = 1;
    assert!(advised(&unit).margin < unseen);
}

/// Killed at its own limit in the middle of the history.
fn killed(limit: u64, need: f64) -> Vec<Observation> {
    let mut unit = watched(30.0, |_| 100.0);
    let at = &mut unit[2000];
    at.max = Some(Limit::Bytes(limit));
    at.need = Some(held(need));
    at.at_max = 3;
    at.oom_kills = 1;
    unit
}

#[test]
fn an_oom_kill_at_its_limit_raises_it() {
    let advice = advised(&killed(400 * M, 250.0));
    assert_eq!(advice.max_by, MaxBy::Bump { limit: 400 * M });
    // A fifth, but at least 100M.
    assert_eq!(advice.max, 500 * M);
    let advice = advised(&killed(1000 * M, 500.0));
    assert_eq!(advice.max, 1200 * M);
    // At most a doubling: 100M more for a unit of 120M would be another unit.
    let small = advised(&killed(160 * M, 100.0));
    assert_eq!(small.max, 260 * M);
    let tiny: Vec<Observation> = killed(30 * M, 28.0)
        .into_iter()
        .map(|mut o| {
            o.need = Some(held(28.0));
            o
        })
        .collect();
    assert_eq!(advised(&tiny).max, 60 * M);
}

#[test]
fn a_kill_that_was_not_its_limits_raises_nothing() {
    let mut unit = watched(30.0, |_| 100.0);
    unit[2000].oom_kills = 2;
    let plain = advised(&watched(30.0, |_| 100.0));
    let advice = advised(&unit);
    assert_eq!(advice.max, plain.max);
    assert_eq!((advice.seen.kills, advice.seen.other_kills), (0, 2));
    // A limit far above its need was not what killed it either.
    unit[2000].max = Some(Limit::Bytes(2000 * M));
    assert_eq!(advised(&unit).max, plain.max);
}

#[test]
fn page_cache_at_the_limit_is_no_need() {
    let mut unit = watched(30.0, |_| 100.0);
    for observation in &mut unit {
        observation.max = Some(Limit::Bytes(400 * M));
        observation.at_max = 50;
        observation.throttled = 50;
        observation.high = Some(Limit::Bytes(300 * M));
    }
    let advice = advised(&unit);
    assert_eq!((advice.max_by, advice.throttled_at), (MaxBy::Need, None));
    // Need at the limit is another matter, killed or not.
    for observation in &mut unit {
        observation.need = Some(held(370.0));
    }
    assert!(matches!(
        advised(&unit).max_by,
        MaxBy::Bump { .. } | MaxBy::High
    ));
}

#[test]
fn a_memory_high_that_held_need_down_is_raised() {
    let mut unit = watched(30.0, |_| 100.0);
    unit[100].high = Some(Limit::Bytes(300 * M));
    unit[100].throttled = 9;
    assert_eq!(advised(&unit).throttled_at, None);
    // It waits for memory, though its need is far below: it lives from its cache.
    unit[100].stalled = Some(0.3);
    let advice = advised(&unit);
    assert_eq!(advice.throttled_at, Some(300 * M));
    assert!(advice.high >= Some(360 * M), "{advice:?}");
    assert!(Some(advice.max) > advice.high);
}

#[test]
fn page_cache_gets_room_up_to_what_the_unit_needs() {
    let with = |cache: u64| {
        let mut unit = watched(30.0, |_| 100.0);
        unit.iter_mut().for_each(|o| o.cache = Some(cache));
        advised(&unit)
    };
    let (none, some, much) = (with(0), with(40 * M), with(9000 * M));
    assert_eq!((none.cache, some.cache, much.cache), (0, 40 * M, 100 * M));
    assert!(none.high < some.high && some.high < much.high);
    assert_eq!(much.max_by, MaxBy::High);
    assert!(much.max < 260 * M, "{much:?}");
}

#[test]
fn growth_is_told_and_not_fed() {
    let advice = advised(&watched(9.0, |day| 100.0 + 10.0 * day));
    let growth = advice.seen.growth.expect("it grows");
    assert!(growth.from < 130 * M && growth.to > 165 * M, "{growth:?}");
    // It grows until its limit kills it, again and again: the limit stays where it is.
    let mut unit = watched(9.0, |day| 100.0 + 50.0 * (day % 3.0));
    for observation in &mut unit {
        observation.max = Some(Limit::Bytes(250 * M));
    }
    for at in [432, 864] {
        unit[at].starts = 1;
        unit[at - 1].oom_kills = 1;
        unit[at - 1].at_max = 1;
    }
    let advice = advised(&unit);
    assert_eq!(advice.max_by, MaxBy::Held { limit: 250 * M });
    assert_eq!(advice.max, 250 * M);
    assert!(advice.high < Some(250 * M), "{advice:?}");
}

#[test]
fn a_limit_that_was_raised_since_holds_nothing() {
    let mut unit = watched(9.0, |day| 500.0 + 50.0 * day);
    unit[10].max = Some(Limit::Bytes(100 * M));
    unit[10].need = Some(held(99.0));
    unit[10].oom_kills = 1;
    let advice = advised(&unit);
    assert!(advice.seen.growth.is_some());
    assert_eq!(advice.max_by, MaxBy::Need);
    assert!(advice.max > 1000 * M);
}

#[test]
fn what_levels_off_or_swings_does_not_grow() {
    let grows = |need: fn(f64) -> f64| advised(&watched(9.0, need)).seen.growth.is_some();
    assert!(!grows(|_| 100.0));
    assert!(!grows(|day| 300.0 - 200.0 * (-day).exp()));
    assert!(!grows(|day| 100.0 + 50.0 * (1.0 + day * 100.0).ln()));
    assert!(!grows(
        |day| 100.0 + 50.0 * (day * std::f64::consts::TAU).sin()
    ));
    assert!(!grows(|day| 100.0 + 80.0 * (day * 3.0 % 1.0)), "a saw");
    assert!(
        !grows(|day| if day < 8.0 { 100.0 } else { 200.0 }),
        "a step"
    );
    assert!(grows(|day| 100.0 + 10.0 * day));
}

#[test]
fn a_job_of_a_minute_a_night_is_known_after_a_month() {
    let nights = |count: i64| -> Vec<Observation> {
        let night = |at: i64| {
            let time = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * at);
            let mut observation = Observation::blank(time, 60.0);
            observation.readings = 6;
            observation.starts = 1;
            observation.need = Some(held(100.0));
            observation
        };
        (0..count).map(night).collect()
    };
    assert!(advised(&nights(30)).margin < 0.3);
    assert!(advised(&nights(2)).margin > 1.0);
    // Starting again and again within an hour teaches nothing new.
    let mut crashes = watched(0.5, |_| 100.0);
    crashes.iter_mut().for_each(|o| o.starts = 5);
    assert!(advised(&crashes).seen.known < 0.51);
}

#[test]
fn gaps_are_no_history() {
    let mut unit = watched(2.0, |_| 100.0);
    let later = SignedDuration::from_hours(24 * 300);
    unit[288 / 2..].iter_mut().for_each(|o| o.time += later);
    let days = advised(&unit).seen.days;
    assert!((days - 2.0).abs() < 0.01, "{days}");
}

proptest! {
    /// Whatever was seen: High is below Max, both are above all need that was seen, and nothing overflows.
    #[test]
    fn limits_are_in_order(
        needs in proptest::collection::vec((any::<u64>(), any::<u64>(), any::<u64>()), 10..60),
        marks in proptest::collection::vec((0u64..3, 0u64..2, any::<Option<u64>>(), any::<Option<u64>>()), 60),
        step in 1i64..200_000,
    ) {
        let unit: Vec<Observation> = needs
            .iter()
            .zip(marks)
            .enumerate()
            .map(|(at, ((a, b, cache), (starts, kills, high, max)))| {
                let time = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(at as i64 * step);
                let mut o = Observation::blank(time, step as f64);
                o.need = Some(Held { least: *a.min(b), most: *a.max(b), last: *a });
                o.cache = Some(*cache);
                o.starts = starts;
                o.oom_kills = kills;
                o.at_max = kills;
                o.throttled = kills;
                o.high = Some(high.into());
                o.max = Some(max.into());
                o
            })
            .collect();
        let advice = advised(&unit);
        if let Some(high) = advice.high {
            prop_assert!(high < advice.max);
        }
        prop_assert!(advice.max >= advice.seen.most.bytes);
        if !matches!(advice.max_by, MaxBy::Held { .. }) {
            prop_assert!(advice.high.is_none_or(|high| high >= advice.seen.most.bytes));
        }
    }
}
