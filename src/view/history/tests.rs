use jiff::tz::Offset;

use super::*;
use crate::history::Figures;
use crate::sample::{Invocation, Start};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

/// A reading with so much need and a MemoryMax.
pub fn point(second: i64, need: Option<u64>, max: Option<u64>) -> Point {
    Point {
        time: at(second),
        grain: Grain::Raw,
        readings: 1,
        start: Start::default(),
        source: Source::Cgroup,
        current: need.map(Spread::of),
        need: need.map(Spread::of),
        last: Figures {
            anon: need,
            max: Some(max.into()),
            ..Figures::default()
        },
        restarts: 0,
        oom_kills: 0,
        highs: 0,
    }
}

fn zone() -> TimeZone {
    TimeZone::fixed(Offset::constant(1))
}

#[test]
fn a_trace_says_what_is_unknown_and_what_is_no_limit() {
    let mut first = point(1_795_514_400, Some(5), None);
    first.start.invocation = Some(Invocation(0xab));
    first.last.high = Some(Limit::Bytes(7));
    let second = point(1_795_514_410, None, Some(9));
    let text = csv(&[first, second]).expect("CSV");
    assert_eq!(
        text,
        "time,current,anon,file,shmem,slab_unreclaimable,kernel_stack,pagetables,percpu,sock,swap,\
         cpu_usec,high,max,invocation\n\
         2026-11-24T10:00:00Z,5,5,,,,,,,,,,7,infinity,000000000000000000000000000000ab\n\
         2026-11-24T10:00:10Z,,,,,,,,,,,,,9,\n"
    );
    // Whatever reads CSV gets it back.
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let heads = reader.headers().expect("heads").clone();
    let max = heads.iter().position(|h| h == "max").expect("a column");
    let limits: Vec<f64> = reader
        .records()
        .map(|r| r.expect("a record")[max].parse().expect("a number"))
        .collect();
    assert_eq!(limits, [f64::INFINITY, 9.0]);
}

#[test]
fn figures_in_words() {
    let mut points: Vec<Point> = (0..6)
        .map(|n| point(n * 10, Some((n as u64 + 1) << 20), Some(8 << 20)))
        .collect();
    points[2].restarts = 1;
    points[4].oom_kills = 2;
    points[4].highs = 3;
    points[5].last.ceiling = Some(7 << 20);
    points.push(point(200, Some(1 << 20), Some(8 << 20)));
    points[6].last.ceiling = Some(7 << 20);
    let course = Course::new(&points, at(0), at(210));
    assert_eq!(
        figures(&course, &points, &zone()).join("\n"),
        "█ need   • current   ━ MemoryMax   R restart   K OOM kill\n\
         need 1M to 6M, last 1M; current 1M to 6M, last 1M\n\
         limits: MemoryMax 8M, 7M by its slice\n\
         1 restart (last 1970-01-01 01:00), 2 OOM kills (last 1970-01-01 01:00)\n\
         throttled at MemoryHigh 3 times\n\
         resolution: every reading (7 points), 1 gap of 2min 20s"
    );
    let mut unknown = point(0, None, None);
    unknown.current = Some(Spread::of(77));
    unknown.source = Source::Bus;
    let points = [unknown];
    let course = Course::new(&points, at(0), at(60));
    assert_eq!(
        figures(&course, &points, &zone()).join("\n"),
        "• current\nneed is not known; current 77B to 77B, last 77B\nno limits\n\
         no restart, no OOM kill\nresolution: every reading (1 point), no gap\n\
         partly from systemd over D-Bus, which does not tell need"
    );
}

#[test]
fn nothing_in_this_time_says_when_there_is_something() {
    let unit = UnitName::parse("web.service").expect("a name");
    let course = Course::new(&[], at(0), at(3600));
    let all = [point(7200, Some(1), None), point(9000, Some(1), None)];
    assert_eq!(
        nothing(&unit, &course, &zone(), &all),
        "Nothing of web.service is recorded between 1970-01-01 01:00 and 1970-01-01 02:00.\n\
         There is something from 1970-01-01 03:00 to 1970-01-01 03:30; what is older than that\n\
         may be kept by the minute or the hour (--resolution)."
    );
}
