//! Each look-alike and each leak as a small service, of ten to a thousand MiB, at a tick of a minute.

mod leaks;
mod lookalikes;
mod robust;
mod state;
mod words;

use super::{Detector, Finding, Point};

pub(super) const MIB: f64 = 1_048_576.0;
pub(super) const MINUTE: i64 = 60;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;
/// When every trace begins: a Monday's midnight.
pub(super) const BEGIN: i64 = 1_759_104_000;
/// Of every service here.
pub(super) const LIMIT: f64 = 1000.0;

/// Noise between -1 and 1 that is the same in each run.
pub(super) fn noise(time: i64, of: u64) -> f64 {
    let mut x =
        (time as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ of.wrapping_mul(0xD1B5_4A32_D192_ED03);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// A load between 0 and 1 with its peak at three in the afternoon.
pub(super) fn daily(time: i64) -> f64 {
    let part = (time - 3 * HOUR).rem_euclid(DAY) as f64 / DAY as f64;
    0.5 - 0.5 * (part * std::f64::consts::TAU).cos()
}

/// A reading of so many MiB, so many seconds after the beginning.
pub(super) fn point(time: i64, need: f64) -> Point {
    Point {
        time: BEGIN + time,
        need: (need.max(0.0) * MIB) as u64,
        is_need: true,
        limit: Some((LIMIT * MIB) as u64),
        cpu_usec: None,
        start: Some(1),
    }
}

/// What was found, and when first, by readings each `tick` seconds for so long; `need` is in MiB by the seconds.
pub(super) struct Seen {
    pub leak: Option<i64>,
    pub near: Option<i64>,
    pub growing: Option<i64>,
    pub last: Detector,
}

pub(super) fn watch_points(points: impl Iterator<Item = Point>) -> Seen {
    let mut seen = Seen {
        leak: None,
        near: None,
        growing: None,
        last: Detector::default(),
    };
    for point in points {
        seen.last.take(&point);
        let since = point.time - BEGIN;
        match seen.last.verdict().finding {
            Finding::Leak => seen.leak = seen.leak.or(Some(since)),
            Finding::NearLimit => seen.near = seen.near.or(Some(since)),
            Finding::Growing => seen.growing = seen.growing.or(Some(since)),
            Finding::Learning | Finding::Steady => {}
        }
    }
    seen
}

pub(super) fn watch(tick: i64, lasting: i64, need: impl Fn(i64) -> f64) -> Seen {
    watch_points(
        (0..lasting / tick)
            .map(|n| n * tick)
            .map(|time| point(time, need(time))),
    )
}
