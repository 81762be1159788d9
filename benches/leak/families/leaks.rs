//! Services that lose memory.

use super::{Family, Label, busy, long, ratchet, saw, wander};
use crate::leaking::{Leak, Pace};
use crate::load::{DAY, HOUR, MINUTE};
use crate::parts::Part;
use crate::random::Random;
use crate::service::{Restarts, Spec};

use Label::{Apart, Leak as Leaks};

pub static FAMILIES: [Family; 25] = [
    Family::new("constant leak", Leaks, constant),
    Family::new("leak per request", Leaks, request),
    Family::new("leak in jumps", Leaks, jumps),
    Family::new("accelerating leak", Leaks, accelerating),
    Family::new("fast leak, 20 minutes to 6 hours", Leaks, fast),
    Family::new("slow leak, 8 days and more", Leaks, slow),
    Family::new("leak that begins late", Leaks, late),
    Family::new("leak that begins at 60 % of the limit", Leaks, at_60),
    Family::new("leak under a saw", Leaks, under_saw),
    Family::new("leak under a long saw", Leaks, under_long_saw),
    Family::new("leak under workers replaced in turn", Leaks, under_workers),
    Family::new("leak under a daily cycle", Leaks, under_days),
    Family::new("leak under a weekly cycle", Leaks, under_weeks),
    Family::new("leak under growing load", Leaks, under_growth),
    Family::new("leak after a warm-up", Leaks, after_warm_up),
    Family::new("leak over a ratchet", Leaks, over_ratchet),
    Family::new("leak in a wandering working set", Leaks, wandering),
    Family::new("leak under jobs at any time", Leaks, under_jobs),
    Family::new("leak in a nightly job", Leaks, job),
    Family::new("leak since a deploy", Leaks, deployed),
    Family::new("leak anew with each start", Leaks, anew),
    Family::new("two leaks", Leaks, two),
    Family::new("leak and gaps", Leaks, gaps),
    Family::new("leak and several others", Leaks, several),
    Family::new("leak that deploys keep short", Apart, kept_short),
];

/// Adds a leak that begins at a part of the time and lasts for so long at the least and most.
fn add(spec: &mut Spec, random: &mut Random, pace: Pace, begins: f64, lasts: (f64, f64)) {
    let days = spec.days * DAY;
    let onset = begins * days;
    let most = lasts.1.min((days - onset) * 0.87);
    spec.lasts = random.scale(lasts.0.min(most), most);
    spec.leaks = vec![Leak::new(1.0, pace, onset)];
    if onset == 0.0 {
        // A leak is as old as its start.
        spec.age = 0.0;
    }
}

/// How long an ordinary leak takes.
const ORDINARY: (f64, f64) = (3.0 * HOUR, 12.0 * DAY);

fn steady_pace(random: &mut Random) -> Pace {
    if random.chance(0.5) {
        Pace::Constant
    } else {
        Pace::Request
    }
}

/// From the start in half of the cases, later in the others.
fn begins(random: &mut Random) -> f64 {
    if random.chance(0.5) {
        0.0
    } else {
        random.between(0.05, 0.6)
    }
}

fn ordinary(spec: &mut Spec, random: &mut Random) {
    let pace = steady_pace(random);
    let begins = begins(random);
    add(spec, random, pace, begins, ORDINARY);
}

fn constant(spec: &mut Spec, random: &mut Random) {
    let begins = begins(random);
    add(spec, random, Pace::Constant, begins, ORDINARY);
}

fn request(spec: &mut Spec, random: &mut Random) {
    spec.load.daily = random.between(0.3, 0.95);
    let begins = begins(random);
    add(
        spec,
        random,
        Pace::Request,
        begins,
        (12.0 * HOUR, 12.0 * DAY),
    );
}

fn jumps(spec: &mut Spec, random: &mut Random) {
    let begins = begins(random);
    add(
        spec,
        random,
        Pace::Constant,
        begins,
        (12.0 * HOUR, 12.0 * DAY),
    );
    // Six jumps or more.
    let apart = spec.lasts / random.scale(6.0, 200.0);
    spec.leaks[0].pace = Pace::Jumps(apart);
}

fn accelerating(spec: &mut Spec, random: &mut Random) {
    let begins = begins(random);
    add(spec, random, Pace::Constant, begins, (DAY, 12.0 * DAY));
    spec.leaks[0].pace = Pace::Accelerating(spec.lasts / random.between(1.5, 4.0));
}

fn fast(spec: &mut Spec, random: &mut Random) {
    let pace = steady_pace(random);
    let begins = random.between(0.0, 0.8);
    add(spec, random, pace, begins, (20.0 * MINUTE, 6.0 * HOUR));
}

fn slow(spec: &mut Spec, random: &mut Random) {
    long(spec);
    let pace = steady_pace(random);
    add(spec, random, pace, 0.0, (8.0 * DAY, 13.0 * DAY));
    spec.restarts.clear();
}

fn late(spec: &mut Spec, random: &mut Random) {
    let pace = steady_pace(random);
    let begins = random.between(0.3, 0.8);
    add(spec, random, pace, begins, ORDINARY);
}

fn at_60(spec: &mut Spec, random: &mut Random) {
    spec.room = 1.0 / 0.6;
    let pace = steady_pace(random);
    let begins = random.between(0.1, 0.7);
    add(spec, random, pace, begins, ORDINARY);
}

fn under_saw(spec: &mut Spec, random: &mut Random) {
    ordinary(spec, random);
    let longest = (spec.lasts / 6.0).clamp(10.0 * MINUTE, 6.0 * HOUR);
    let part = saw(random, (0.2, 2.0), (2.0 * MINUTE, longest));
    spec.parts.push(part);
}

fn under_long_saw(spec: &mut Spec, random: &mut Random) {
    long(spec);
    let pace = steady_pace(random);
    add(spec, random, pace, 0.0, (4.0 * DAY, 13.0 * DAY));
    let longest = spec.lasts / 3.0;
    let part = saw(random, (0.2, 1.5), (6.0 * HOUR, longest));
    spec.parts.push(part);
}

fn under_workers(spec: &mut Spec, random: &mut Random) {
    ordinary(spec, random);
    let longest = (spec.lasts / 3.0).max(HOUR);
    let count = 2 + (random.uniform() * 15.0) as usize;
    spec.parts.push(Part::Workers {
        height: random.scale(0.2, 2.0),
        period: random.scale(30.0 * MINUTE, longest),
        jitter: random.between(0.0, 0.3),
        held: vec![(0.0, 1.0); count],
    });
}

fn under_days(spec: &mut Spec, random: &mut Random) {
    spec.load.daily = random.between(0.5, 0.95);
    busy(spec, random, (0.3, 3.0), (MINUTE, 4.0 * HOUR));
    let begins = begins(random);
    let pace = steady_pace(random);
    add(spec, random, pace, begins, (DAY, 12.0 * DAY));
}

fn under_weeks(spec: &mut Spec, random: &mut Random) {
    long(spec);
    spec.load.daily = random.between(0.2, 0.9);
    spec.load.weekend = random.between(0.3, 0.9);
    busy(spec, random, (0.3, 2.0), (MINUTE, 4.0 * HOUR));
    let begins = random.between(0.0, 0.4);
    add(spec, random, Pace::Request, begins, (3.0 * DAY, 12.0 * DAY));
}

fn under_growth(spec: &mut Spec, random: &mut Random) {
    long(spec);
    spec.load.growth = random.between(0.05, 0.8) / 14.0;
    busy(spec, random, (0.2, 1.0), (MINUTE, HOUR));
    let begins = begins(random);
    add(spec, random, Pace::Request, begins, (DAY, 12.0 * DAY));
}

fn after_warm_up(spec: &mut Spec, random: &mut Random) {
    let pace = steady_pace(random);
    add(spec, random, pace, 0.0, (6.0 * HOUR, 12.0 * DAY));
    spec.parts.push(Part::Warm {
        size: random.between(0.3, 2.0),
        slowness: random.scale(5.0 * MINUTE, spec.lasts / 4.0),
    });
}

fn over_ratchet(spec: &mut Spec, random: &mut Random) {
    ratchet(spec, random);
    let begins = begins(random);
    let pace = steady_pace(random);
    add(spec, random, pace, begins, (12.0 * HOUR, 12.0 * DAY));
}

fn wandering(spec: &mut Spec, random: &mut Random) {
    let part = wander(random, (0.02, 0.1), (2.0 * HOUR, 2.0 * DAY));
    spec.parts.push(part);
    let begins = begins(random);
    let pace = steady_pace(random);
    add(spec, random, pace, begins, (12.0 * HOUR, 12.0 * DAY));
}

fn under_jobs(spec: &mut Spec, random: &mut Random) {
    spec.parts.push(Part::Jobs {
        a_day: random.scale(2.0, 100.0),
        height: random.scale(0.2, 2.0),
        longest: random.scale(10.0 * MINUTE, 8.0 * HOUR),
        running: Vec::new(),
    });
    let begins = begins(random);
    let pace = steady_pace(random);
    add(spec, random, pace, begins, (12.0 * HOUR, 12.0 * DAY));
}

fn job(spec: &mut Spec, random: &mut Random) {
    long(spec);
    let hour = random.between(0.0, 24.0) * HOUR;
    let hours = random.scale(0.5, 8.0);
    add(
        spec,
        random,
        Pace::Job(hour, hours),
        0.0,
        (4.0 * DAY, 12.0 * DAY),
    );
    spec.parts.push(Part::Batch {
        height: random.scale(0.05, 1.0),
        jitter: random.between(0.0, 0.2),
        hour,
        hours,
        days: 1,
        now: 0.5,
    });
}

/// The new version loses memory, and may need more to begin with.
fn deployed(spec: &mut Spec, random: &mut Random) {
    long(spec);
    let pace = steady_pace(random);
    let begins = random.between(0.1, 0.7);
    add(spec, random, pace, begins, ORDINARY);
    // The clock's own day on which the leak begins; the restart recurs only after the trace's end.
    let at = spec.began + spec.leaks[0].onset;
    spec.restarts = vec![Restarts::Nightly(at % (60.0 * DAY), 60)];
    spec.parts.push(Part::Warm {
        size: random.between(0.05, 0.5),
        slowness: random.scale(2.0 * MINUTE, 2.0 * HOUR),
    });
}

/// Deploys give back what is lost, until they cease for a while.
fn anew(spec: &mut Spec, random: &mut Random) {
    long(spec);
    let pace = steady_pace(random);
    add(spec, random, pace, 0.0, (2.5 * DAY, 6.5 * DAY));
    let apart = spec.lasts / DAY * random.between(0.15, 0.35);
    spec.restarts = vec![Restarts::Deploys(1.0 / apart, 0.02)];
    spec.freeze = random.between(0.2, 0.5) * spec.days * DAY;
}

fn two(spec: &mut Spec, random: &mut Random) {
    let days = spec.days;
    let pace = steady_pace(random);
    add(
        spec,
        random,
        pace,
        0.0,
        (0.15 * days * DAY, 0.85 * days * DAY),
    );
    let second = random.between(0.1, 0.6) * spec.lasts;
    let share = random.between(0.2, 0.8);
    let pace = steady_pace(random);
    spec.leaks[0].rate = share;
    spec.leaks.push(Leak::new(1.0 - share, pace, second));
}

fn gaps(spec: &mut Spec, random: &mut Random) {
    spec.gaps = (
        random.scale(0.5, 20.0),
        random.scale(5.0 * MINUTE, 8.0 * HOUR),
    );
    spec.clock_set = random.between(0.0, 1.0);
    let begins = begins(random);
    let pace = steady_pace(random);
    add(spec, random, pace, begins, (12.0 * HOUR, 12.0 * DAY));
}

fn several(spec: &mut Spec, random: &mut Random) {
    type Make = fn(&mut Spec, &mut Random);
    let patterns: [Make; 6] = [
        under_saw,
        under_workers,
        under_days,
        over_ratchet,
        wandering,
        after_warm_up,
    ];
    // The last one's leak is the one that stays.
    for _ in 0..2 {
        let nth = (random.uniform() * patterns.len() as f64) as usize;
        patterns[nth](spec, random);
    }
}

/// Deploys come far more often than it takes to the limit.
fn kept_short(spec: &mut Spec, random: &mut Random) {
    long(spec);
    let pace = steady_pace(random);
    add(spec, random, pace, 0.0, (8.0 * DAY, 12.0 * DAY));
    spec.lasts = random.between(8.0, 30.0) * DAY;
    let days = if random.chance(0.5) { 1 } else { 2 };
    spec.restarts = vec![Restarts::Nightly(random.between(0.0, 24.0) * HOUR, days)];
}
