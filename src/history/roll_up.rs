//! From readings to minutes and hours: min, max and last over *all* readings, and what was counted in all.

use jiff::Timestamp;

use super::{Grain, Point};

impl Grain {
    /// How long one of its points is, in milliseconds; a reading has no length.
    pub(super) fn length(self) -> i64 {
        match self {
            Self::Raw => 0,
            Self::Minutes => 60_000,
            Self::Hours => 3_600_000,
        }
    }

    /// Where the point begins that a time lies in.
    pub(super) fn begin(self, time: Timestamp) -> Timestamp {
        let ms = time.as_millisecond();
        let begin = match self.length() {
            0 => ms,
            length => ms - ms.rem_euclid(length),
        };
        // Whole milliseconds of a time that there is: only the first ones ever have no beginning.
        Timestamp::from_millisecond(begin).unwrap_or(time)
    }
}

/// Rolls points up to a coarser grain. Points come as they were written; where a clock was set back, those of one
/// minute may come apart: they are one point all the same.
pub fn roll_up(points: impl IntoIterator<Item = Point>, grain: Grain) -> Vec<Point> {
    let mut rolled = Vec::new();
    for point in points {
        let point = Point {
            time: grain.begin(point.time),
            grain,
            ..point
        };
        merge(&mut rolled, point);
    }
    rolled
}

/// Takes up a point where it belongs by its time: of a minute or an hour into the one that is there already, as later
/// than that; of two readings of one millisecond, which only a clock that was set back makes, the later counts.
pub fn merge(points: &mut Vec<Point>, point: Point) {
    match points.last_mut() {
        Some(last) if last.time == point.time => *last = last.then(&point),
        Some(last) if last.time > point.time => {
            match points.binary_search_by_key(&point.time, |p| p.time) {
                Ok(at) => points[at] = points[at].then(&point),
                Err(at) => points.insert(at, point),
            }
        }
        _ => points.push(point),
    }
}

impl Point {
    /// This point and a later one as one.
    fn then(&self, later: &Self) -> Self {
        if self.grain == Grain::Raw {
            return *later;
        }
        let both = |a: Option<super::Spread>, b: Option<super::Spread>| match (a, b) {
            (Some(a), Some(b)) => Some(a.then(b)),
            (a, b) => b.or(a),
        };
        Self {
            time: self.time,
            grain: self.grain,
            readings: self.readings.saturating_add(later.readings),
            start: later.start,
            source: later.source,
            current: both(self.current, later.current),
            need: both(self.need, later.need),
            last: later.last,
            restarts: self.restarts.saturating_add(later.restarts),
            oom_kills: self.oom_kills.saturating_add(later.oom_kills),
            highs: self.highs.saturating_add(later.highs),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Spread;
    use super::super::row::tests::any_row;
    use super::*;

    fn any_points() -> impl Strategy<Value = Vec<Point>> {
        // Two hours, in any order: the clock may have been set back.
        prop::collection::vec((0..7_200_000_i64, any_row(), 0..3_u64), 0..24).prop_map(|rows| {
            let point = |(ms, row, count): (i64, super::super::row::Row, u64)| {
                let time = Timestamp::from_millisecond(ms).expect("in range");
                let mut point = row.point(time, Grain::Raw);
                point.current = point.current.map(|s| Spread::of(s.last));
                point.need = point.need.map(|s| Spread::of(s.last));
                Point {
                    readings: 1,
                    restarts: count,
                    oom_kills: count * 2,
                    highs: count * 3,
                    ..point
                }
            };
            rows.into_iter().map(point).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// What is promised, worked out another way: by looking for each bucket's readings.
        #[test]
        fn each_bucket_says_what_all_its_readings_say(points in any_points()) {
            for grain in [Grain::Minutes, Grain::Hours] {
                let rolled = roll_up(points.iter().copied(), grain);
                prop_assert!(rolled.is_sorted_by(|a, b| a.time < b.time));
                let readings: u64 = rolled.iter().map(|p| p.readings).sum();
                prop_assert_eq!(readings, points.len() as u64);
                for bucket in rolled {
                    let begin = bucket.time.as_millisecond();
                    let within = begin..begin + grain.length();
                    let of: Vec<&Point> = points
                        .iter()
                        .filter(|p| within.contains(&p.time.as_millisecond()))
                        .collect();
                    let need = || of.iter().filter_map(|p| p.need);
                    prop_assert_eq!(bucket.need.map(|s| s.min), need().map(|s| s.last).min());
                    prop_assert_eq!(bucket.need.map(|s| s.max), need().map(|s| s.last).max());
                    prop_assert_eq!(bucket.need.map(|s| s.last), need().map(|s| s.last).next_back());
                    let current = || of.iter().filter_map(|p| p.current);
                    prop_assert_eq!(bucket.current.map(|s| s.min), current().map(|s| s.last).min());
                    prop_assert_eq!(bucket.current.map(|s| s.max), current().map(|s| s.last).max());
                    prop_assert_eq!(bucket.last, of[of.len() - 1].last);
                    prop_assert_eq!(bucket.start, of[of.len() - 1].start);
                    prop_assert_eq!(bucket.restarts, of.iter().map(|p| p.restarts).sum::<u64>());
                    prop_assert_eq!(bucket.oom_kills, of.iter().map(|p| p.oom_kills).sum::<u64>());
                    prop_assert_eq!(bucket.highs, of.iter().map(|p| p.highs).sum::<u64>());
                }
            }
        }

        #[test]
        fn hours_are_the_same_by_way_of_minutes(points in any_points()) {
            // Of one order, or "last" is another: minutes are sorted.
            let mut points = points;
            points.sort_by_key(|p| p.time);
            let minutes = roll_up(points.iter().copied(), Grain::Minutes);
            let hours = roll_up(minutes, Grain::Hours);
            prop_assert_eq!(hours, roll_up(points, Grain::Hours));
        }
    }
}
