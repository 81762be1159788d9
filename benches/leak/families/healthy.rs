//! Services that never reach their limit, many of which look as if they would.

use super::{Family, Label, busy, long, ratchet, saw, wander};
use crate::leaking::{Leak, Pace};
use crate::load::{DAY, HOUR, MINUTE};
use crate::parts::Part;
use crate::random::Random;
use crate::service::{Restarts, Spec};

use Label::{Apart, Healthy, Undecidable};

pub static FAMILIES: [Family; 30] = [
    Family::new("steady", Healthy, |_, _| {}),
    Family::new("daily cycle", Healthy, daily),
    Family::new("weekly cycle", Healthy, weekly),
    Family::new("load seen hours later", Healthy, late_load),
    Family::new("load growing", Healthy, growing),
    Family::new("surge of load", Healthy, surge),
    Family::new("warm-up", Healthy, warm),
    Family::new("logarithmic growth", Healthy, logarithm),
    Family::new("saw of minutes to hours", Healthy, short_saw),
    Family::new("saw of hours to days", Healthy, long_saw),
    Family::new("two saws", Healthy, two_saws),
    Family::new("workers replaced in turn", Healthy, workers),
    Family::new("cleared each night", Healthy, cleared),
    Family::new("allocator ratchet", Healthy, |spec, random| {
        ratchet(spec, random);
    }),
    Family::new("wandering working set", Healthy, wandering),
    Family::new("jumps between levels", Healthy, jumps),
    Family::new("steps at deploys", Healthy, deploys),
    Family::new("nightly batch", Healthy, nightly),
    Family::new("weekly batch", Healthy, weekly_batch),
    Family::new("jobs at any time", Healthy, jobs),
    Family::new("short peaks close to the limit", Healthy, peaks),
    Family::new("restarted each night", Healthy, restarted),
    Family::new("restarted all the time", Healthy, crashing),
    Family::new("gaps and a clock that is set", Healthy, gaps),
    Family::new("page cache and slab move", Healthy, page_cache),
    Family::new("several at once", Healthy, several),
    Family::new("cache filling to its cap", Undecidable, filling),
    Family::new("leak that stops", Undecidable, stops),
    Family::new("sized to its limit", Apart, sized),
    Family::new("memory.current alone", Apart, current),
];

fn daily(spec: &mut Spec, random: &mut Random) {
    spec.load.daily = random.between(0.4, 0.95);
    busy(spec, random, (0.3, 3.0), (30.0, 2.0 * HOUR));
}

fn weekly(spec: &mut Spec, random: &mut Random) {
    long(spec);
    spec.load.daily = random.between(0.0, 0.9);
    spec.load.weekend = random.between(0.3, 0.9);
    busy(spec, random, (0.3, 2.0), (MINUTE, 12.0 * HOUR));
}

fn late_load(spec: &mut Spec, random: &mut Random) {
    spec.load.daily = random.between(0.3, 0.95);
    busy(spec, random, (0.3, 3.0), (2.0 * HOUR, 2.0 * DAY));
}

fn growing(spec: &mut Spec, random: &mut Random) {
    long(spec);
    spec.load.growth = random.between(0.05, 0.8) / 14.0;
    busy(spec, random, (0.2, 2.0), (MINUTE, HOUR));
}

fn surge(spec: &mut Spec, random: &mut Random) {
    let begin = spec.began + random.between(0.1, 0.7) * spec.days * DAY;
    let lasting = random.scale(2.0 * HOUR, 2.0 * DAY);
    let factor = random.between(1.4, 4.0);
    spec.load.surge = Some((begin, begin + lasting, factor));
    busy(spec, random, (0.1, 1.0), (5.0 * MINUTE, 12.0 * HOUR));
}

fn warm(spec: &mut Spec, random: &mut Random) {
    spec.age = 0.0;
    let longest = spec.days * DAY / 4.0;
    spec.parts.push(Part::Warm {
        size: random.between(0.2, 3.0),
        slowness: random.scale(5.0 * MINUTE, longest),
    });
    if random.chance(0.4) {
        spec.parts
            .push(saw(random, (0.05, 0.4), (10.0 * MINUTE, 4.0 * HOUR)));
    }
    restarted_now_and_then(spec, random);
}

fn restarted_now_and_then(spec: &mut Spec, random: &mut Random) {
    if random.chance(0.4) {
        let rare = 1.0 / random.between(2.0, 7.0);
        spec.restarts.push(Restarts::Deploys(rare, 0.02));
    }
}

fn logarithm(spec: &mut Spec, random: &mut Random) {
    if random.chance(0.7) {
        spec.age = 0.0;
    }
    spec.parts.push(Part::Logarithm {
        size: random.between(0.05, 0.4),
        slowness: random.scale(5.0 * MINUTE, 12.0 * HOUR),
    });
    restarted_now_and_then(spec, random);
}

fn short_saw(spec: &mut Spec, random: &mut Random) {
    let part = saw(random, (0.2, 3.0), (2.0 * MINUTE, 6.0 * HOUR));
    spec.parts.push(part);
}

fn long_saw(spec: &mut Spec, random: &mut Random) {
    long(spec);
    let part = saw(random, (0.2, 2.0), (6.0 * HOUR, 3.0 * DAY));
    spec.parts.push(part);
}

fn two_saws(spec: &mut Spec, random: &mut Random) {
    let young = saw(random, (0.1, 0.5), (MINUTE, HOUR));
    let old = saw(random, (0.2, 2.0), (2.0 * HOUR, DAY));
    spec.parts.extend([young, old]);
}

fn workers(spec: &mut Spec, random: &mut Random) {
    let count = 2 + (random.uniform() * 15.0) as usize;
    let jitter = random.between(0.0, 0.3);
    spec.parts.push(Part::Workers {
        height: random.scale(0.2, 3.0),
        period: random.scale(HOUR, 2.0 * DAY),
        jitter,
        held: vec![(0.0, 1.0); count],
    });
}

fn cleared(spec: &mut Spec, random: &mut Random) {
    spec.parts.push(Part::Cleared {
        height: random.scale(0.2, 3.0),
        hour: random.between(0.0, 6.0) * HOUR,
        held: 0.0,
        last: 0.0,
    });
}

fn wandering(spec: &mut Spec, random: &mut Random) {
    let part = wander(random, (0.03, 0.2), (2.0 * HOUR, 3.0 * DAY));
    spec.parts.push(part);
}

fn jumps(spec: &mut Spec, random: &mut Random) {
    spec.parts.push(Part::Jumps {
        size: random.scale(0.1, 2.0),
        every: random.scale(0.1, 0.7) * spec.days * DAY,
        held: 0.0,
        next: 0.0,
    });
}

fn deploys(spec: &mut Spec, random: &mut Random) {
    let often = random.scale(0.15, 2.0);
    let size = random.between(0.03, 0.15);
    spec.restarts = vec![Restarts::Deploys(often, size)];
}

fn batch(spec: &mut Spec, random: &mut Random, days: u64) {
    spec.parts.push(Part::Batch {
        height: random.scale(0.2, 4.0),
        jitter: random.between(0.0, 0.2),
        hour: random.between(0.0, days as f64 * 24.0) * HOUR,
        hours: random.scale(0.3, 10.0),
        days,
        now: 0.5,
    });
}

fn nightly(spec: &mut Spec, random: &mut Random) {
    batch(spec, random, 1);
}

fn weekly_batch(spec: &mut Spec, random: &mut Random) {
    long(spec);
    batch(spec, random, 7);
}

fn jobs(spec: &mut Spec, random: &mut Random) {
    spec.parts.push(Part::Jobs {
        a_day: random.scale(2.0, 100.0),
        height: random.scale(0.2, 2.0),
        longest: random.scale(10.0 * MINUTE, 8.0 * HOUR),
        running: Vec::new(),
    });
}

/// Who sets a limit that tight knows the service.
fn peaks(spec: &mut Spec, random: &mut Random) {
    const LONGEST: f64 = 20.0 * MINUTE;
    spec.room = random.between(1.03, 1.12);
    if random.chance(0.5) {
        spec.parts.push(Part::Jobs {
            a_day: random.scale(1.0, 30.0),
            height: random.scale(0.3, 2.0),
            longest: LONGEST,
            running: Vec::new(),
        });
    } else {
        spec.load.peaks = random.scale(0.5, 20.0);
        spec.load.height = random.between(0.5, 2.0);
        spec.load.lasting = random.scale(2.0 * MINUTE, LONGEST / 2.0);
        busy(spec, random, (0.3, 1.0), (30.0, 2.0 * MINUTE));
    }
}

/// A heap or a pool of buffers that was given all there is; it stands close below the limit, and never moves.
fn sized(spec: &mut Spec, random: &mut Random) {
    spec.room = random.between(1.03, 1.12);
    spec.noise = spec.noise.min(0.002);
    spec.parts = vec![Part::Warm {
        size: random.between(0.5, 5.0),
        slowness: random.scale(MINUTE, 6.0 * HOUR),
    }];
}

fn restarted(spec: &mut Spec, random: &mut Random) {
    spec.age = 0.0;
    let days = if random.chance(0.7) { 1 } else { 3 };
    let hour = random.between(0.0, 6.0) * HOUR;
    spec.restarts = vec![Restarts::Nightly(hour, days)];
    let part = if random.chance(0.5) {
        Part::Warm {
            size: random.between(0.2, 2.0),
            slowness: random.scale(HOUR, DAY),
        }
    } else {
        Part::Logarithm {
            size: random.between(0.05, 0.4),
            slowness: random.scale(5.0 * MINUTE, 4.0 * HOUR),
        }
    };
    spec.parts.push(part);
}

fn crashing(spec: &mut Spec, random: &mut Random) {
    spec.age = 0.0;
    spec.restarts = vec![Restarts::Crashes(random.scale(2.0, 60.0))];
    spec.parts.push(Part::Warm {
        size: random.between(0.2, 2.0),
        slowness: random.scale(MINUTE, 4.0 * HOUR),
    });
    if random.chance(0.5) {
        spec.parts.push(Part::Startup {
            height: random.between(0.2, 2.0),
            lasting: random.scale(30.0, 10.0 * MINUTE),
        });
    }
}

fn gaps(spec: &mut Spec, random: &mut Random) {
    spec.gaps = (
        random.scale(0.5, 20.0),
        random.scale(5.0 * MINUTE, 8.0 * HOUR),
    );
    spec.clock_set = random.between(0.0, 1.0);
    daily(spec, random);
    if random.chance(0.5) {
        short_saw(spec, random);
    }
}

/// Need hardly moves; what moves is beside it, and small things the kernel holds for the service.
fn page_cache(spec: &mut Spec, random: &mut Random) {
    spec.cache = (random.scale(0.5, 20.0), random.scale(1.0, 20.0));
    let part = wander(random, (0.005, 0.06), (HOUR, DAY));
    spec.parts.push(part);
}

fn several(spec: &mut Spec, random: &mut Random) {
    type Make = fn(&mut Spec, &mut Random);
    let patterns: [Make; 10] = [
        daily, warm, short_saw, two_saws, workers, cleared, wandering, nightly, deploys, jobs,
    ];
    for _ in 0..3 {
        let nth = (random.uniform() * patterns.len() as f64) as usize;
        patterns[nth](spec, random);
    }
}

fn filling(spec: &mut Spec, random: &mut Random) {
    spec.age = 0.0;
    spec.parts.push(Part::Fill {
        cap: random.scale(0.3, 4.0),
        slowness: random.scale(2.0 * HOUR, spec.days * DAY * 0.9),
        by_load: random.chance(0.7),
        doubling: random.chance(0.1),
        held: 0.0,
    });
}

/// No restart was needed, so none is right; while it grows it is a leak, and the limit is near the line it draws.
fn stops(spec: &mut Spec, random: &mut Random) {
    let days = spec.days * DAY;
    let pace = if random.chance(0.5) {
        Pace::Constant
    } else {
        Pace::Request
    };
    let mut leak = Leak::new(1.0, pace, random.between(0.0, 0.4) * days);
    // Far below: at most 87 % of the limit.
    spec.room = spec.room.max(1.5);
    leak.stops_at = Some(random.between(0.2, 0.6));
    spec.lasts = random.scale(6.0 * HOUR, days * 0.6);
    spec.leaks = vec![leak];
}

/// Where the kernel's statistics are not at hand: page cache fills whatever the limit leaves, for good.
fn current(spec: &mut Spec, random: &mut Random) {
    spec.is_need = false;
    spec.cache = (random.scale(0.5, 20.0), random.scale(1.0, 20.0));
    daily(spec, random);
}
