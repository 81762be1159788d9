//! The families of services, and what all of them have.

mod healthy;
mod leaks;

use crate::load::{DAY, HOUR, Load, MINUTE};
use crate::parts::Part;
use crate::random::Random;
use crate::service::{Restarts, Spec};

/// How many services a family has by default; the even seeds are for tuning, the odd ones are reported.
pub const SEEDS: u64 = 96;

/// What is right to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Nothing: it stays below its limit for ever.
    Healthy,
    /// Nothing, but nobody can know from usage alone: it grows as a leak does and then stops.
    Undecidable,
    /// A restart before the limit.
    Leak,
    /// As one likes; shown apart and in no total.
    Apart,
}

/// A way to use memory.
#[derive(Debug)]
pub struct Family {
    pub name: &'static str,
    pub label: Label,
    make: fn(&mut Spec, &mut Random),
}

impl Family {
    const fn new(name: &'static str, label: Label, make: fn(&mut Spec, &mut Random)) -> Self {
        Self { name, label, make }
    }

    /// A service of this family.
    pub fn spec(&self, seed: u64) -> Spec {
        let mut random = Random::new(self.name, seed, 0);
        let mut spec = common(&mut random);
        (self.make)(&mut spec, &mut random);
        spec
    }
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Family> {
    healthy::FAMILIES.iter().chain(leaks::FAMILIES.iter())
}

/// What a service is before its family makes it something: some load, some noise, some garbage, a start now and then.
fn common(random: &mut Random) -> Spec {
    let bytes = random.scale(20e6, 8e9);
    let huge = bytes > 200e6 && random.chance(0.3);
    let short = random.chance(0.2);
    let mut spec = Spec {
        tick: if short { 10.0 } else { 60.0 },
        days: if short { 3.0 } else { 14.0 },
        bytes,
        // In the fifth week: none of what came before has a negative time.
        began: random.between(28.0 * DAY, 35.0 * DAY),
        age: if random.chance(0.5) {
            random.scale(HOUR, 20.0 * DAY)
        } else {
            0.0
        },
        load: Load {
            daily: random.between(0.0, 0.8),
            peak: random.between(10.0, 21.0) * HOUR,
            weekend: if random.chance(0.5) {
                random.between(0.0, 0.6)
            } else {
                0.0
            },
            noise: random.between(0.02, 0.25),
            ..Load::default()
        },
        parts: vec![
            Part::Working {
                size: random.scale(0.02, 0.4),
                lag: random.scale(30.0, HOUR),
                held: 0.0,
            },
            Part::Warm {
                size: random.between(0.02, 0.2),
                slowness: random.scale(MINUTE, HOUR),
            },
        ],
        leaks: Vec::new(),
        noise: random.scale(0.0005, 0.01),
        quantum: if huge { 2_097_152.0 } else { 4096.0 },
        restarts: Vec::new(),
        freeze: f64::INFINITY,
        cache: (random.scale(0.01, 10.0), random.scale(0.1, 10.0)),
        gaps: (0.0, 0.0),
        clock_set: 0.0,
        is_need: true,
        tells_cpu: random.chance(0.9),
        tells_start: random.chance(0.95),
        processors: random.scale(0.01, 4.0),
        // Half of them below 1.57: further away, hardly anything looks like a danger.
        room: 1.15 * (4.0f64 / 1.15).powf(random.uniform().powi(2)),
        lasts: 0.0,
        lost_in: (random.uniform() * 5.0) as usize,
    };
    if random.chance(0.5) {
        spec.parts
            .push(wander(random, (0.002, 0.02), (HOUR, 12.0 * HOUR)));
    }
    if random.chance(0.3) {
        spec.parts
            .push(saw(random, (0.02, 0.15), (5.0 * MINUTE, 2.0 * HOUR)));
    }
    if random.chance(0.2) {
        let rare = 1.0 / random.between(4.0, 14.0);
        spec.restarts.push(Restarts::Deploys(rare, 0.03));
    }
    if random.chance(0.1) {
        spec.gaps = (
            random.scale(0.2, 5.0),
            random.scale(5.0 * MINUTE, 2.0 * HOUR),
        );
    }
    spec
}

/// Fourteen days at a minute: a pattern that is longer than three days.
fn long(spec: &mut Spec) {
    spec.tick = 60.0;
    spec.days = 14.0;
}

fn saw(random: &mut Random, height: (f64, f64), period: (f64, f64)) -> Part {
    let height = random.scale(height.0, height.1);
    Part::Saw {
        height,
        period: random.scale(period.0, period.1),
        jitter: random.between(0.02, 0.25),
        held: 0.0,
        top: height,
    }
}

fn wander(random: &mut Random, deviation: (f64, f64), lasting: (f64, f64)) -> Part {
    Part::Wander {
        deviation: random.scale(deviation.0, deviation.1),
        lasting: random.scale(lasting.0, lasting.1),
        held: random.normal(),
    }
}

/// A load that is seen in memory.
fn busy(spec: &mut Spec, random: &mut Random, size: (f64, f64), lag: (f64, f64)) {
    spec.parts.push(Part::Working {
        size: random.scale(size.0, size.1),
        lag: random.scale(lag.0, lag.1),
        held: 0.0,
    });
}

/// An allocator under load that now and then has a peak.
fn ratchet(spec: &mut Spec, random: &mut Random) {
    spec.load.peaks = random.scale(0.2, 10.0);
    spec.load.height = random.between(0.1, 0.6);
    spec.load.lasting = random.scale(2.0 * MINUTE, 2.0 * HOUR);
    spec.parts.push(Part::Ratchet {
        size: random.between(0.1, 0.6),
        kept: random.between(0.4, 0.98),
        most: 0.0,
    });
}
