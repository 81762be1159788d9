//! Clocks are set: forwards, backwards, a year ahead by mistake and back.

use super::super::Grain;
use super::*;

#[test]
fn a_clock_that_was_set_back_within_the_hour_loses_nothing() {
    let place = Place::new();
    let mut store = place.store();
    record(&mut store, (TEN + 600..TEN + 1200).step_by(10));
    record(&mut store, (TEN + 305..TEN + 900).step_by(10));
    let all: Vec<i64> = {
        let first = (TEN + 600..TEN + 1200).step_by(10);
        let mut all: Vec<i64> = first.chain((TEN + 305..TEN + 900).step_by(10)).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(seconds(&place.history(), TEN..TEN + 3600), all);
    // And once the hour is over.
    record(&mut store, [TEN + 3600]);
    assert_eq!(seconds(&place.history(), TEN..TEN + 3599), all);
}

#[test]
fn a_clock_that_goes_through_an_hour_twice_counts_both() {
    let place = Place::new();
    let mut store = place.store();
    // The same seconds again: the later readings count, and each bucket has seen them all.
    for _ in 0..2 {
        record(&mut store, (TEN..TEN + 7200).step_by(10));
    }
    record(&mut store, [TEN + 7200]);
    let history = place.history();
    let expected: Vec<i64> = (TEN..=TEN + 7200).step_by(10).collect();
    assert_eq!(seconds(&history, TEN..TEN + 7200), expected);
    let hours = history
        .series(
            &name("web.service"),
            at(TEN),
            at(TEN + 3600),
            Some(Grain::Hours),
        )
        .expect("a series");
    let readings: Vec<u64> = hours.iter().map(|p| p.readings).collect();
    assert_eq!(readings, [720, 720]);
}

#[test]
fn a_clock_a_year_ahead_and_back_deletes_nothing() {
    let place = Place::new();
    let mut store = place.store();
    const YEAR: i64 = 366 * 86_400;
    record(&mut store, (TEN..TEN + 7200).step_by(60));
    record(&mut store, (TEN + YEAR..TEN + YEAR + 600).step_by(60));
    record(&mut store, (TEN + 7200..TEN + 10_800).step_by(60));
    // To the beginning of time, too.
    record(&mut store, (0..600).step_by(60));
    record(&mut store, (TEN + 10_800..TEN + 14_400).step_by(60));
    record(&mut store, (-3600..-3000).step_by(60));
    record(&mut store, [TEN + 14_400]);
    let history = place.history();
    let expected: Vec<i64> = (TEN..=TEN + 14_400).step_by(60).collect();
    assert_eq!(seconds(&history, TEN..TEN + 14_400), expected);
    assert_eq!(seconds(&history, TEN + YEAR..TEN + YEAR + 600).len(), 10);
    assert_eq!(integrity(&place.file()), "ok");
}

#[test]
fn a_clock_that_jumps_to_and_fro_for_ever_fills_no_disk() {
    let place = Place::new();
    let mut store = place.store();
    for n in 0..1200_i64 {
        let second = TEN + (n % 2) * 7200 + (n / 2) % 60;
        record(&mut store, [second]);
    }
    let size = std::fs::metadata(place.file()).expect("a file").len();
    assert!(size < 200 << 10, "{size}");
    assert_eq!(integrity(&place.file()), "ok");
}
