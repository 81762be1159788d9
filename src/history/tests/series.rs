//! What was recorded is told, by each grain.

use super::super::close::MOST_BYTES;
use super::super::{Grain, Spread};
use super::*;
use crate::units::Span;

#[test]
fn nothing_was_recorded_yet() {
    let place = Place::new();
    let open = || History::open(&place.root(), &Scope::System).expect("no fault");
    assert!(open().is_none());
    std::fs::create_dir_all(place.file().parent().expect("a folder")).expect("mkdir");
    std::fs::write(place.file(), "").expect("write");
    assert!(open().is_none(), "a file that is being made");
}

#[test]
fn three_hours_come_back_by_every_grain_while_they_are_written() {
    let place = Place::new();
    let mut store = place.store();
    let end = TEN + 2 * 3600 + 1800;
    record(&mut store, [TEN]);
    let history = place.history();
    record(&mut store, (TEN + 10..=end).step_by(10));
    assert_eq!(history.last_tick().expect("a tick"), Some(at(end)));
    assert_eq!(history.units().expect("units"), [name("web.service")]);
    // Two hours are packed, one is open; the range cuts through the first and the last.
    let expected: Vec<i64> = (TEN + 1000..=end - 500).step_by(10).collect();
    assert_eq!(seconds(&history, TEN + 1000..end - 500), expected);
    for (grain, length) in [(Grain::Minutes, 60), (Grain::Hours, 3600)] {
        let (from, until) = (TEN + 90, end);
        let points = history
            .series(&name("web.service"), at(from), at(until), Some(grain))
            .expect("a series");
        let begins: Vec<i64> = points.iter().map(|p| p.time.as_second()).collect();
        let first = from - from.rem_euclid(length);
        let expected: Vec<i64> = (first..=until).step_by(length as usize).collect();
        assert_eq!(begins, expected, "{grain:?}");
        for point in points {
            let begin = point.time.as_second();
            let within = (begin..(begin + length).min(end + 1)).step_by(10);
            let of = || within.clone().map(held);
            let spread = Spread {
                min: of().min().expect("one"),
                max: of().max().expect("one"),
                last: of().last().expect("one"),
            };
            assert_eq!(point.need, Some(spread), "{grain:?} {begin}");
            assert_eq!(point.readings, of().count() as u64, "{grain:?} {begin}");
        }
    }
}

#[test]
fn the_grain_goes_by_the_length_and_by_what_is_there() {
    let place = Place::new();
    let mut store = place.store();
    record(&mut store, (TEN..TEN + 7200).step_by(60));
    let history = place.history();
    let grain = |from, until| {
        let series = history.series(&name("web.service"), at(from), at(until), None);
        series.expect("a series").first().map(|p| p.grain)
    };
    assert_eq!(grain(TEN, TEN + 7200), Some(Grain::Raw));
    assert_eq!(grain(TEN - 86_400, TEN + 7200), Some(Grain::Minutes));
    assert_eq!(grain(TEN - 30 * 86_400, TEN + 7200), Some(Grain::Hours));
    let db = rusqlite::Connection::open(place.file()).expect("opens");
    db.execute("DELETE FROM block WHERE grain = 0", ())
        .expect("deleted");
    assert_eq!(grain(TEN, TEN + 3000), Some(Grain::Minutes));
    assert_eq!(grain(TEN - 7200, TEN - 3600), None);
}

#[test]
fn restarts_and_kills_are_counted_once_over_hours_and_over_memctl_s_own_restarts() {
    let place = Place::new();
    let start = |second, invocation, kills, high| {
        let mut sample = sample("web.service", second, 1 << 20);
        sample.start.invocation = Some(Invocation(invocation));
        sample.events.oom_kill = Some(kills);
        sample.events.high = Some(high);
        sample
    };
    for sample in [
        // What was before the first reading is not known.
        start(TEN, 1, 5, 100),
        start(TEN + 10, 1, 6, 103),
        // The counters begin anew.
        start(TEN + 20, 2, 0, 4),
        start(TEN + 30, 2, 0, 4),
        // Another hour.
        start(TEN + 3600, 3, 1, 0),
        start(TEN + 7200, 3, 3, 0),
    ] {
        // Each by a memctl of its own.
        place.store().append(&batch(&[sample])).expect("written");
    }
    let history = place.history();
    let counts = |grain| -> Vec<(u64, u64, u64)> {
        let series = history.series(&name("web.service"), at(TEN), at(TEN + 7200), Some(grain));
        let points = series.expect("a series");
        let count = |p: &super::super::Point| (p.restarts, p.oom_kills, p.highs);
        points.iter().map(count).collect()
    };
    let raw = [
        (0, 0, 0),
        (0, 1, 3),
        (1, 0, 4),
        (0, 0, 0),
        (1, 1, 0),
        (0, 2, 0),
    ];
    assert_eq!(counts(Grain::Raw), raw);
    assert_eq!(counts(Grain::Minutes), [(1, 1, 7), (1, 1, 0), (0, 2, 0)]);
    assert_eq!(counts(Grain::Hours), [(1, 1, 7), (1, 1, 0), (0, 2, 0)]);
}

#[test]
fn what_is_too_old_goes_and_the_file_stays_as_it_is() {
    let place = Place::new();
    let hours = |n: u64| Span::seconds(n * 3600);
    let settings = Settings {
        raw: hours(4),
        minutes: hours(24),
        hours: hours(24 * 10),
    };
    let mut store = Store::new(place.file(), settings);
    let mut sizes = Vec::new();
    for day in 0..25 {
        let begin = TEN + day * 86_400;
        let seconds = (begin..begin + 86_400).step_by(240);
        for second in seconds {
            let mut samples = vec![sample("web.service", second, held(second))];
            if day < 5 {
                samples.push(sample("old.scope", second, held(second)));
            }
            store.append(&batch(&samples)).expect("written");
        }
        sizes.push(std::fs::metadata(place.file()).expect("a file").len());
    }
    let history = place.history();
    let end = TEN + 25 * 86_400;
    let count = |grain| {
        let series = history.series(&name("web.service"), at(TEN), at(end), Some(grain));
        series.expect("a series").len()
    };
    // What is kept, and up to one block more; a day's of hours.
    assert!(
        (4 * 15..=6 * 15).contains(&count(Grain::Raw)),
        "{}",
        count(Grain::Raw)
    );
    assert!((24 * 15..=26 * 15).contains(&count(Grain::Minutes)));
    assert!(
        (240..=266).contains(&count(Grain::Hours)),
        "{}",
        count(Grain::Hours)
    );
    assert_eq!(history.units().expect("units"), [name("web.service")]);
    assert!(sizes[24] <= sizes[15], "{sizes:?}");
    assert_eq!(integrity(&place.file()), "ok");
}

#[test]
fn beyond_its_largest_size_the_finest_points_go_first() {
    let place = Place::new();
    let mut store = place.store();
    assert_eq!(store.most_bytes, MOST_BYTES);
    store.most_bytes = 100 << 10;
    for second in (TEN..TEN + 30 * 3600).step_by(240) {
        let units = (0..20).map(|n| format!("u{n}.service"));
        let samples: Vec<Sample> = units
            .map(|unit| sample(&unit, second, held(second)))
            .collect();
        store.append(&batch(&samples)).expect("written");
    }
    let history = place.history();
    let count = |grain| {
        let until = at(TEN + 30 * 3600);
        let series = history.series(&name("u1.service"), at(TEN), until, Some(grain));
        series.expect("a series").len()
    };
    assert_eq!(count(Grain::Hours), 30);
    assert!(count(Grain::Raw) < 30 * 15);
    let db = rusqlite::Connection::open(place.file()).expect("opens");
    let number = |pragma: &str| -> i64 {
        db.pragma_query_value(None, pragma, |row| row.get(0))
            .expect(pragma)
    };
    let used = (number("page_count") - number("freelist_count")) * number("page_size");
    // The open hour comes on top.
    assert!(used < 150 << 10, "{used}");
}

#[test]
fn sparks_are_the_greatest_need_of_each_part() {
    let place = Place::new();
    let mut store = place.store();
    let end = TEN + 5400;
    for second in (TEN..=end).step_by(10) {
        let mut unknown = sample("bus.service", second, 0);
        unknown.memory.stat.anon = None;
        unknown.memory.current = Some(77);
        let mut samples = vec![sample("web.service", second, held(second)), unknown];
        if second < TEN + 600 {
            samples.push(sample("early.service", second, 9));
        }
        store.append(&batch(&samples)).expect("written");
    }
    let history = place.history();
    let (from, until) = (end - 3600, end);
    for buckets in [6, 60, 100] {
        let sparks = history
            .sparks(at(from), at(until), buckets)
            .expect("sparks");
        assert_eq!(sparks.len(), 2, "{sparks:?}");
        assert_eq!(sparks[&name("bus.service")], vec![Some(77); buckets]);
        let width = 3600.0 / buckets as f64;
        let mut expected = vec![None; buckets];
        // A minute is one point.
        let grain = if buckets == 100 { 1 } else { 60 };
        for second in (from..=until).step_by(10) {
            let begin = second - second.rem_euclid(grain);
            let at = ((begin - from) as f64 / width) as usize;
            let place = &mut expected[at.min(buckets - 1)];
            *place = (*place).max(Some(held(second)));
        }
        assert_eq!(sparks[&name("web.service")], expected, "{buckets}");
    }
    assert!(
        history
            .sparks(at(until), at(from), 5)
            .expect("none")
            .is_empty()
    );
    assert!(
        history
            .sparks(at(from), at(until), 0)
            .expect("none")
            .is_empty()
    );
}
