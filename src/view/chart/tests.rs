use jiff::tz::Offset;
use proptest::prelude::*;

use super::*;
use crate::view::history::tests::point;

/// 2026-11-24 10:00 UTC.
const TEN: i64 = 1_795_514_400;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn zone() -> TimeZone {
    TimeZone::fixed(Offset::constant(0))
}

/// Two hours: growth to an OOM kill, a new start, a gap.
fn points() -> Vec<Point> {
    let mut points = Vec::new();
    for n in 0..120_u64 {
        if (90..105).contains(&n) {
            continue;
        }
        let need = if n < 60 { 50 + 5 * n } else { 60 + n / 4 };
        let mut point = point(TEN + 60 * n as i64, Some(need << 20), Some(400 << 20));
        point.current = Some(Spread::of((need + 60).min(400) << 20));
        point.last.high = Some(Some(350 << 20).into());
        if (30..40).contains(&n) {
            point.need = Some(Spread {
                min: (need - 60) << 20,
                max: need << 20,
                last: need << 20,
            });
        }
        point.restarts = u64::from(n == 60);
        point.oom_kills = u64::from(n == 59);
        points.push(point);
    }
    points
}

fn drawn(width: usize, height: usize, colour: bool) -> String {
    let points = points();
    let course = Course::new(&points, at(TEN), at(TEN + 7200));
    let canvas = Canvas {
        width,
        height,
        colour,
    };
    draw(&course, &zone(), canvas)
}

#[test]
fn a_leak_an_oom_kill_a_start_and_a_gap() {
    let expected = include_str!("leak.txt");
    assert_eq!(drawn(72, 16, false) + "\n", expected);
}

#[test]
fn colour_adds_nothing_but_colour() {
    let coloured = drawn(72, 16, true);
    assert!(coloured.contains("\x1b[36m█"), "{coloured}");
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain += before;
        rest = after.split_once('m').expect("the end of a sequence").1;
    }
    assert_eq!(plain + rest, drawn(72, 16, false));
    for line in coloured.lines().filter(|line| line.contains('\x1b')) {
        assert!(
            line.ends_with("\x1b[0m") || line.rfind("\x1b[0m") > line.rfind("\x1b[3"),
            "{line:?}"
        );
    }
}

#[test]
fn a_limit_far_above_is_left_out() {
    let points = [
        point(0, Some(10 << 20), Some(1 << 40)),
        point(10, Some(12 << 20), Some(1 << 40)),
    ];
    let course = Course::new(&points, at(0), at(20));
    let canvas = Canvas {
        width: 40,
        height: 10,
        colour: false,
    };
    let chart = draw(&course, &zone(), canvas);
    assert!(!chart.contains('━') && !chart.contains("max"), "{chart}");
    assert!(
        chart.lines().nth(1).expect("a line").contains('█'),
        "{chart}"
    );
}

#[test]
fn a_month_is_labelled_by_its_days() {
    let points: Vec<Point> = (0..720)
        .map(|n| point(TEN + n * 3600, Some(1), None))
        .collect();
    let course = Course::new(&points, at(TEN), at(TEN + 720 * 3600));
    let canvas = Canvas {
        width: 100,
        height: 8,
        colour: false,
    };
    let chart = draw(&course, &zone(), canvas);
    let labels = chart.lines().last().expect("labels");
    assert!(labels.contains("12-08"), "{labels}");
    assert!(!labels.contains(':'), "{labels}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_history_fits_into_its_canvas(
        rows in prop::collection::vec((0..100_000_i64, prop::option::of(any::<u64>()), prop::option::of(any::<u64>())), 0..40),
        width in 0..300_usize,
        height in 0..60_usize,
        length in 1..10_000_000_i64,
    ) {
        let mut points: Vec<Point> = rows.into_iter().map(|(second, need, max)| point(second, need, max)).collect();
        points.sort_by_key(|p| p.time);
        let course = Course::new(&points, at(0), at(length));
        let chart = draw(&course, &zone(), Canvas { width, height, colour: false });
        for line in chart.lines() {
            prop_assert!(line.chars().count() <= width.max(GUTTER + 11), "{}", line);
        }
        prop_assert!(chart.lines().count() <= height.max(6));
    }
}
