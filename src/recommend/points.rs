//! Observations from the history's points.

use jiff::Timestamp;

use super::{Held, Observation};
use crate::history::{Point, Spread};
use crate::sample::gained;

const HOUR: i64 = 3600;
const MINUTE: i64 = 60;
/// Two readings that are further apart than this have a gap between them; for hours: than an hour.
const GAP: f64 = 300.0;

/// From the second on at which the finer of two series is whole, and so replaces the coarser one.
///
/// The coarse point in which the fine ones begin has the part that they lack.
fn whole_from(coarse: &[Point], fine: &[Point], width: i64) -> Option<i64> {
    let begins = fine.first()?.time.as_second();
    let before = begins - begins.rem_euclid(width);
    let older = coarse.first().is_some_and(|p| p.time.as_second() < before);
    Some(if !older {
        // All that is known is known finely.
        i64::MIN
    } else if begins == before {
        begins
    } else {
        before + width
    })
}

/// One series of three: hours where there is nothing finer, then minutes, then the readings that are in no minute yet.
#[must_use]
pub fn observations(hours: &[Point], minutes: &[Point], raw: &[Point]) -> Vec<Observation> {
    let second = |point: &&Point| point.time.as_second();
    let minutes_from = whole_from(hours, minutes, HOUR).unwrap_or(i64::MAX);
    let hours = hours.iter().filter(|p| second(p) < minutes_from);
    let hours: Vec<&Point> = hours.collect();
    let minutes: Vec<&Point> = minutes
        .iter()
        .filter(|p| second(p) >= minutes_from)
        .collect();
    let covered = match (minutes.last(), hours.last()) {
        (Some(minute), _) => second(minute) + MINUTE,
        (None, Some(hour)) => second(hour) + HOUR,
        (None, None) => i64::MIN,
    };
    let raw = raw.iter().filter(|p| second(p) >= covered);
    let hour_count = hours.len();
    let points: Vec<&Point> = hours.into_iter().chain(minutes).chain(raw).collect();
    let mut observations = Vec::with_capacity(points.len());
    for (at, point) in points.iter().enumerate() {
        let most = if at < hour_count { HOUR as f64 } else { GAP };
        let until = points.get(at + 1).map(|next| next.time);
        let seconds = until.map_or(0.0, |until| seconds(point.time, until).min(most));
        let before = at.checked_sub(1).map(|at| points[at]);
        observations.push(observation(before, point, seconds));
    }
    observations
}

fn observation(before: Option<&Point>, point: &Point, seconds_until_next: f64) -> Observation {
    let mut observation = Observation::blank(point.time, seconds_until_next);
    observation.readings = point.readings;
    observation.starts = point.restarts;
    observation.need = point.need.map(held);
    observation.current = point.current.map(held);
    observation.cache = (|| Some(point.current?.last.saturating_sub(point.last.resident()?)))();
    observation.high = point.last.high;
    observation.max = point.last.max;
    observation.throttled = point.highs;
    observation.oom_kills = point.oom_kills;
    if let Some(before) = before {
        let same = point.restarts == 0;
        let gain = |of: fn(&Point) -> Option<u64>| gained(of(before), of(point), same);
        observation.at_max = gain(|p| p.last.max_events).unwrap_or(0);
        let elapsed = seconds(before.time, point.time);
        let waited = gain(|p| p.last.pressure_some_usec);
        observation.stalled = waited
            .filter(|_| elapsed > 0.0)
            .map(|usec| (usec as f64 / 1e6 / elapsed).min(1.0));
    }
    observation
}

fn seconds(from: Timestamp, until: Timestamp) -> f64 {
    until.duration_since(from).as_secs_f64().max(0.0)
}

fn held(spread: Spread) -> Held {
    Held {
        least: spread.min,
        most: spread.max,
        last: spread.last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Figures, Grain};
    use crate::sample::{Source, Start};

    fn point(grain: Grain, second: i64) -> Point {
        Point {
            time: Timestamp::from_second(second).expect("a time"),
            grain,
            readings: 6,
            start: Start::default(),
            source: Source::Cgroup,
            current: Some(Spread::of(300)),
            need: Some(Spread {
                min: 100,
                max: 200,
                last: 150,
            }),
            last: Figures {
                anon: Some(150),
                ..Figures::default()
            },
            restarts: 0,
            oom_kills: 0,
            highs: 0,
        }
    }

    fn series(grain: Grain, step: i64, from: i64, until: i64) -> Vec<Point> {
        (from..until)
            .step_by(step as usize)
            .map(|second| point(grain, second))
            .collect()
    }

    fn times(observations: &[Observation]) -> Vec<i64> {
        observations.iter().map(|o| o.time.as_second()).collect()
    }

    #[test]
    fn the_finest_that_is_whole_counts_and_nothing_twice() {
        // Hours from 0, minutes from 2:10, readings from 2:40.
        let hours = series(Grain::Hours, 3600, 0, 4 * 3600);
        let minutes = series(Grain::Minutes, 60, 7800, 11_400);
        let raw = series(Grain::Raw, 10, 9600, 11_500);
        let found = observations(&hours, &minutes, &raw);
        let mut expected = vec![0, 3600, 7200];
        expected.extend((10_800..11_400).step_by(60));
        expected.extend((11_400..11_500).step_by(10));
        assert_eq!(times(&found), expected);
        let days: f64 = found.iter().map(|o| o.seconds).sum();
        assert_eq!(days, 11_490.0);
    }

    #[test]
    fn what_is_only_known_finely_is_taken_so() {
        // Half an hour of history: the hour of it says nothing more.
        let hours = series(Grain::Hours, 3600, 0, 3600);
        let minutes = series(Grain::Minutes, 60, 600, 2400);
        let raw = series(Grain::Raw, 10, 610, 2430);
        let found = observations(&hours, &minutes, &raw);
        assert_eq!(found.len(), 30 + 3);
        assert_eq!(observations(&[], &[], &raw).len(), raw.len());
        assert_eq!(observations(&hours, &[], &[]).len(), 1);
        assert_eq!(observations(&[], &[], &[]), []);
    }

    #[test]
    fn gaps_are_not_watched() {
        let mut raw = series(Grain::Raw, 10, 0, 100);
        raw.extend(series(Grain::Raw, 10, 100_000, 100_100));
        let watched: f64 = observations(&[], &[], &raw).iter().map(|o| o.seconds).sum();
        assert_eq!(watched, 90.0 + GAP + 90.0);
    }

    #[test]
    fn counters_count_from_the_point_before() {
        let mut raw = series(Grain::Raw, 10, 0, 30);
        for (point, (max, waited)) in raw.iter_mut().zip([(7, 0), (9, 5_000_000), (2, 1_000_000)]) {
            point.last.max_events = Some(max);
            point.last.pressure_some_usec = Some(waited);
        }
        // The third reading is of another start: its counters began anew.
        raw[2].restarts = 1;
        let found = observations(&[], &[], &raw);
        assert_eq!(
            found.iter().map(|o| o.at_max).collect::<Vec<_>>(),
            [0, 2, 2]
        );
        let stalled: Vec<_> = found.iter().map(|o| o.stalled).collect();
        assert_eq!(stalled, [None, Some(0.5), Some(0.1)]);
        assert_eq!(found[2].starts, 1);
        assert_eq!(found[1].cache, Some(150));
        assert_eq!(
            found[1].need.map(|n| (n.least, n.most, n.last)),
            Some((100, 200, 150))
        );
    }
}
