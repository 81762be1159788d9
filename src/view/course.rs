//! A stretch of a unit's history, and what it comes to.

use jiff::{SignedDuration, Timestamp};

use crate::history::{Grain, Point, Spread};

/// A unit's points in a time.
#[derive(Debug, Clone)]
pub struct Course<'p> {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// The points, cut where nothing was recorded.
    pub stretches: Vec<Vec<Stretch<'p>>>,
    /// Where nothing was recorded between two points.
    pub gaps: Vec<Gap>,
}

/// A point and until when it counts.
#[derive(Debug, Clone, Copy)]
pub struct Stretch<'p> {
    /// The point.
    pub point: &'p Point,
    /// Until when.
    pub end: Timestamp,
}

/// A time in which nothing was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The end of the point before it.
    pub from: Timestamp,
    /// The point after it.
    pub until: Timestamp,
}

/// What the points of a course come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Over all points.
    pub need: Option<Spread>,
    /// Over all points.
    pub current: Option<Spread>,
    /// How often the unit was started anew.
    pub restarts: u64,
    /// OOM kills.
    pub oom_kills: u64,
    /// How often it was throttled at MemoryHigh.
    pub highs: u64,
}

impl<'p> Course<'p> {
    /// Arranges points, which are in the order of their times and of one grain.
    #[must_use]
    pub fn new(points: &'p [Point], from: Timestamp, until: Timestamp) -> Self {
        let pace = pace(points);
        let mut stretches: Vec<Vec<Stretch<'p>>> = Vec::new();
        let mut gaps = Vec::new();
        let mut open = Vec::new();
        for (at, point) in points.iter().enumerate() {
            let alone = point.time.saturating_add(pace).unwrap_or(until);
            let next = points.get(at + 1).map(|next| next.time);
            // One reading that is missing is no gap: clocks and busy machines are not that exact.
            let gap = next.filter(|next| next.duration_since(point.time) >= pace * 3);
            let end = match next {
                Some(next) if gap.is_none() => next,
                _ => alone,
            };
            open.push(Stretch { point, end });
            if let Some(next) = gap {
                gaps.push(Gap {
                    from: alone,
                    until: next,
                });
                stretches.push(std::mem::take(&mut open));
            }
        }
        if !open.is_empty() {
            stretches.push(open);
        }
        Self {
            from,
            until,
            stretches,
            gaps,
        }
    }
}

/// How far points are from each other, mostly; a minute's and an hour's are at least as long as they last.
fn pace(points: &[Point]) -> SignedDuration {
    let mut steps: Vec<SignedDuration> = points
        .windows(2)
        .map(|two| two[1].time.duration_since(two[0].time))
        .collect();
    steps.sort_unstable();
    let middle = steps.get(steps.len() / 2).copied();
    let least = match points.first().map(|p| p.grain) {
        Some(Grain::Minutes) => SignedDuration::from_mins(1),
        Some(Grain::Hours) => SignedDuration::from_hours(1),
        _ => SignedDuration::from_secs(1),
    };
    middle.unwrap_or(least).max(least)
}

/// What points come to.
#[must_use]
pub fn sum(points: &[Point]) -> Sum {
    let over = |spread: fn(&Point) -> Option<Spread>| {
        points.iter().filter_map(spread).reduce(Spread::then)
    };
    let count = |count: fn(&Point) -> u64| points.iter().map(count).fold(0, u64::saturating_add);
    Sum {
        need: over(|p| p.need),
        current: over(|p| p.current),
        restarts: count(|p| p.restarts),
        oom_kills: count(|p| p.oom_kills),
        highs: count(|p| p.highs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::history::tests::point;

    #[test]
    fn a_gap_is_where_three_readings_would_have_been() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let points: Vec<Point> = [0, 10, 20, 40, 50, 100, 110]
            .map(|second| point(second, Some(1), None))
            .to_vec();
        let course = Course::new(&points, at(0), at(200));
        let gap = Gap {
            from: at(60),
            until: at(100),
        };
        assert_eq!(course.gaps, [gap]);
        let ends: Vec<Vec<i64>> = course
            .stretches
            .iter()
            .map(|s| s.iter().map(|s| s.end.as_second()).collect())
            .collect();
        assert_eq!(ends, [vec![10, 20, 40, 50, 60], vec![110, 120]]);
    }
}
