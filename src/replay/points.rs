//! Readings from the history's points: the finest that there is of each time.

use jiff::{SignedDuration, Timestamp};

use super::Reading;
use crate::history::{Grain, Point};
use crate::kernel::stat::{MemoryEvents, MemoryStat};
use crate::sample::Memory;

/// One series of three: hours where there is nothing finer, then minutes, then the readings that are in no minute yet,
/// or are finer than it. Of a minute and an hour the last reading counts, at its end: one that ends when something finer
/// has begun would tell what was to come.
#[must_use]
pub fn readings(hours: &[Point], minutes: &[Point], raw: &[Point]) -> Vec<Reading> {
    let first = |points: &[Point]| points.first().map_or(Timestamp::MAX, |point| point.time);
    let raw_from = first(raw);
    let minutes_from = first(minutes).min(raw_from);
    let hours = hours.iter().filter(|point| end(point) <= minutes_from);
    let minutes = minutes.iter().filter(|point| end(point) <= raw_from);
    let mut readings: Vec<Reading> = hours.chain(minutes).chain(raw).map(reading).collect();
    readings.sort_by_key(|reading| reading.time);
    readings
}

/// When a point's last reading was, at the latest.
fn end(point: &Point) -> Timestamp {
    let length = match point.grain {
        Grain::Raw => SignedDuration::ZERO,
        Grain::Minutes => SignedDuration::from_mins(1),
        Grain::Hours => SignedDuration::from_hours(1),
    };
    point.time.saturating_add(length).unwrap_or(Timestamp::MAX)
}

fn reading(point: &Point) -> Reading {
    let last = &point.last;
    Reading {
        start: point.start,
        memory: Memory {
            current: point.current.map(|current| current.last),
            peak: last.peak,
            swap: last.swap,
            stat: MemoryStat {
                anon: last.anon,
                file: last.file,
                shmem: last.shmem,
                slab_unreclaimable: last.slab_unreclaimable,
                kernel_stack: last.kernel_stack,
                pagetables: last.pagetables,
                percpu: last.percpu,
                sock: last.sock,
                ..MemoryStat::default()
            },
        },
        high: last.high,
        max: last.max,
        ceiling: last.ceiling,
        cpu_usec: last.cpu_usec,
        events: MemoryEvents {
            high: last.high_events,
            max: last.max_events,
            oom_kill: last.oom_kill,
            ..MemoryEvents::default()
        },
        ..Reading::blank(end(point))
    }
}
