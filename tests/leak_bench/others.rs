//! The other detectors do what they are said to do.

use crate::baselines::{Backward, MannKendall, Predict, Ratchet, Threshold, z};
use crate::judges::{Alarm, Judge};
use crate::point;
use crate::prototype::Prototype;
use crate::random::Random;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86400;

/// The first alarm over need as a function of time, a sample a minute.
fn first(judge: &mut dyn Judge, until: i64, need: impl Fn(i64) -> f64) -> Option<(i64, Alarm)> {
    (0..until / MINUTE).find_map(|nth| {
        let time = nth * MINUTE;
        judge
            .take(&point(time, need(time)))
            .map(|alarm| (time, alarm))
    })
}

fn rise(a_day: f64) -> impl Fn(i64) -> f64 {
    move |time| 400.0 + a_day * time as f64 / DAY as f64
}

#[test]
fn threshold() {
    let mut judge = Threshold::new(0.9);
    assert_eq!(judge.take(&point(0, 899.9)), None);
    assert_eq!(judge.take(&point(60, 900.0)), Some(Alarm::NearLimit));
}

#[test]
fn a_line_is_followed_to_its_end() {
    // 600 MiB are free; at 150 MiB an hour they last 4 hours.
    let judge = || Predict::new(HOUR, 4 * HOUR, 0);
    let reaches = |a_day: f64| first(&mut judge(), 2 * MINUTE, rise(a_day)).is_some();
    assert!(reaches(150.5 * 24.0));
    assert!(!reaches(149.0 * 24.0));
    // One sample is no line.
    assert_eq!(judge().take(&point(0, 999.0)), None);
    // From 400 at 60 MiB an hour: beyond 1000 in 4 hours once 760 are held, after 6 hours.
    let (time, alarm) = first(&mut judge(), DAY, rise(60.0 * 24.0)).expect("an alarm");
    assert!((time - 6 * HOUR).abs() <= MINUTE, "{time}");
    assert_eq!(alarm, Alarm::Leak);
}

#[test]
fn the_line_is_that_of_least_squares_over_the_window() {
    let mut random = Random::new("squares", 0, 0);
    let samples: Vec<(i64, f64)> = (0..400)
        .map(|nth| (nth * MINUTE + nth % 7, random.between(500.0, 900.0)))
        .collect();
    let mut judge = Predict::new(HOUR, 4 * HOUR, 0);
    let mut alarms = 0;
    for (nth, (time, need)) in samples.iter().enumerate() {
        let found = judge.take(&point(*time, *need)).is_some();
        let window = samples[..=nth].iter().filter(|(t, _)| *t > time - HOUR);
        let window: Vec<(f64, f64)> = window.map(|(t, y)| ((t - time) as f64, *y)).collect();
        let n = window.len() as f64;
        if n < 2.0 {
            continue;
        }
        let (x, y) = (
            window.iter().map(|p| p.0).sum::<f64>() / n,
            window.iter().map(|p| p.1).sum::<f64>() / n,
        );
        let both: f64 = window.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
        let spread: f64 = window.iter().map(|p| (p.0 - x).powi(2)).sum();
        let ahead = y + both / spread * ((4 * HOUR) as f64 - x);
        assert_eq!(found, ahead > 1000.0, "sample {nth}: {ahead}");
        alarms += usize::from(found);
    }
    assert!((20..380).contains(&alarms), "{alarms}");
}

#[test]
fn an_alarm_is_held_back_for_as_long_as_asked() {
    let need = rise(60.0 * 24.0);
    let (at, _) = first(&mut Predict::new(HOUR, 4 * HOUR, 0), DAY, &need).expect("an alarm");
    let (held, _) = first(&mut Predict::new(HOUR, 4 * HOUR, HOUR), DAY, &need).expect("an alarm");
    assert_eq!(held - at, HOUR);
}

#[test]
fn samples_out_of_order_are_not_taken() {
    let mut judge = Predict::new(HOUR, 4 * HOUR, 0);
    judge.take(&point(1000, 100.0));
    assert_eq!(judge.take(&point(990, 999.0)), None);
    assert_eq!(judge.take(&point(1060, 100.0)), None);
}

#[test]
fn mann_kendall() {
    // All 276 pairs of 24 rise: by the formula, 275 / sqrt(24 * 23 * 53 / 18).
    assert!((z(276, 24.0) - 6.821).abs() < 1e-3);
    assert!((z(-276, 24.0) + 6.821).abs() < 1e-3);
    assert!(z(0, 24.0).abs() < 1e-9);
    let mut judge = MannKendall::default();
    let (time, _) = first(&mut judge, 3 * DAY, rise(10.0)).expect("an alarm");
    assert_eq!(time, DAY);
    assert_eq!(first(&mut MannKendall::default(), 3 * DAY, |_| 400.0), None);
    let falls = |time| 900.0 - time as f64 / 1000.0;
    assert_eq!(first(&mut MannKendall::default(), 3 * DAY, falls), None);
}

#[test]
fn mann_kendall_forgets_what_left_its_window() {
    // It rose for a day, and has fallen since: the score falls with it, below nothing.
    let mut judge = MannKendall::default();
    let need = |time: i64| 900.0 - ((time - DAY).abs() as f64) / 1000.0;
    let alarms: Vec<i64> = (0..3 * DAY / MINUTE)
        .map(|nth| nth * MINUTE)
        .filter(|time| judge.take(&point(*time, need(*time))).is_some())
        .collect();
    let last = alarms.last().expect("alarms");
    assert_eq!(alarms[0], DAY);
    assert!((DAY + 8 * HOUR..DAY + 12 * HOUR).contains(last), "{last}");
}

#[test]
fn backward_regression() {
    // 600 MiB are free, for a day.
    let (time, _) = first(&mut Backward::default(), DAY, rise(610.0)).expect("an alarm");
    // 16 means of 15 minutes.
    assert_eq!(time, 4 * HOUR);
    assert_eq!(first(&mut Backward::default(), DAY, rise(250.0)), None);
    // What came before the line does not hide it.
    let bent = |time: i64| 400.0 + 700.0 * ((time - DAY).max(0) as f64 / DAY as f64);
    let (time, _) = first(&mut Backward::default(), 2 * DAY, bent).expect("an alarm");
    assert!((DAY + 2 * HOUR..DAY + 5 * HOUR).contains(&time), "{time}");
}

#[test]
fn ratchet() {
    let judge = || Ratchet::new(|_| 10.0 * 1_048_576.0);
    // 11 more each time: the twentieth step is the one of sample 20.
    let steps = |time: i64| 100.0 + 11.0 * (time / MINUTE) as f64;
    let found = first(&mut judge(), HOUR, steps);
    assert_eq!(found, Some((20 * MINUTE, Alarm::Leak)));
    let saw = |time: i64| 100.0 + 11.0 * (time / MINUTE % 19) as f64;
    assert_eq!(first(&mut judge(), DAY, saw), None);
    // A new start begins anew.
    let mut judge = judge();
    for nth in 0..40 {
        let mut point = point(nth * MINUTE, steps(nth % 20 * MINUTE));
        point.start = Some(nth as u64 / 20);
        assert_eq!(judge.take(&point), None, "{nth}");
    }
}

#[test]
fn the_prototype_finds_a_leak_and_leaves_others_alone() {
    let prototype = || Prototype::new(1.5);
    let (time, alarm) = first(&mut prototype(), 7 * DAY, rise(100.0)).expect("an alarm");
    assert_eq!(alarm, Alarm::Leak);
    // Half of the limit is passed after a day, the limit after six.
    assert!((DAY..5 * DAY).contains(&time), "{}", time / HOUR);
    let (cautious, _) = first(&mut Prototype::new(1.0), 7 * DAY, rise(100.0)).expect("an alarm");
    assert!(cautious > time, "{cautious} {time}");
    let warm = |time: i64| 800.0 - 400.0 * (-(time as f64) / (6 * HOUR) as f64).exp();
    assert_eq!(first(&mut prototype(), 7 * DAY, warm), None);
    // Shorter than its shortest window: the first rise of a longer one is no saw to it.
    let saw = |time: i64| 500.0 + 300.0 * (time % (HOUR / 2)) as f64 / (HOUR / 2) as f64;
    assert_eq!(first(&mut prototype(), 7 * DAY, saw), None);
    let days = |time: i64| 550.0 - 120.0 * (time as f64 * std::f64::consts::TAU / DAY as f64).cos();
    assert_eq!(first(&mut prototype(), 7 * DAY, days), None);
}

#[test]
fn the_net_of_the_prototype_is_near_the_limit() {
    let jump = |time: i64| if time < DAY { 500.0 } else { 925.0 };
    let (time, alarm) = first(&mut Prototype::new(1.5), 2 * DAY, jump).expect("an alarm");
    assert_eq!(alarm, Alarm::NearLimit);
    assert_eq!(time, DAY + HOUR / 2);
    let below = |time: i64| if time < DAY { 500.0 } else { 915.0 };
    assert_eq!(first(&mut Prototype::new(1.5), 2 * DAY, below), None);
}
