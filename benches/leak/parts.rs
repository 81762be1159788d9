//! What a healthy service's need is made of, beside what it needs at least.

use crate::load::{DAY, HOUR};
use crate::random::Random;

/// What a part is told at each tick.
#[derive(Debug)]
pub struct Now<'a> {
    /// Seconds since a Monday's midnight.
    pub time: f64,
    pub tick: f64,
    /// Seconds since the service's start.
    pub age: f64,
    /// About 1 on average.
    pub load: f64,
    pub random: &'a mut Random,
}

/// One of the parts; sizes are shares of what the service needs at least.
#[derive(Debug, Clone)]
pub enum Part {
    /// What requests under way hold, with some inertia: connections, buffers, a cache whose entries expire.
    Working { size: f64, lag: f64, held: f64 },
    /// Growth to a size: code loaded, pools filled, methods compiled.
    Warm { size: f64, slowness: f64 },
    /// Growth by the logarithm of age.
    Logarithm { size: f64, slowness: f64 },
    /// A garbage collector's saw, or a memtable that is flushed: filled at the speed of the load.
    Saw {
        height: f64,
        period: f64,
        jitter: f64,
        held: f64,
        top: f64,
    },
    /// Workers that grow and are replaced after so many requests; they all begin together.
    Workers {
        height: f64,
        period: f64,
        jitter: f64,
        held: Vec<(f64, f64)>,
    },
    /// An allocator that gives back only a part of what the greatest load took.
    Ratchet { size: f64, kept: f64, most: f64 },
    /// A working set that wanders about its mean.
    Wander {
        deviation: f64,
        lasting: f64,
        held: f64,
    },
    /// Levels that it jumps between without a restart: another data set, a reload.
    Jumps {
        size: f64,
        every: f64,
        held: f64,
        next: f64,
    },
    /// A job each so many days, at this second of them.
    Batch {
        height: f64,
        jitter: f64,
        hour: f64,
        hours: f64,
        days: u64,
        now: f64,
    },
    /// What is gathered until it is cleared at an hour: sessions, a log in a tmpfs.
    Cleared {
        height: f64,
        hour: f64,
        held: f64,
        last: f64,
    },
    /// A cache filling to its cap; `doubling`: a table that doubles whenever it is full.
    Fill {
        cap: f64,
        slowness: f64,
        by_load: bool,
        doubling: bool,
        held: f64,
    },
    /// Jobs that come at any time, so many a day: builds, reports, compactions. Most are small and short.
    Jobs {
        a_day: f64,
        height: f64,
        longest: f64,
        running: Vec<(f64, f64)>,
    },
    /// More than usual at the start.
    Startup { height: f64, lasting: f64 },
}

impl Part {
    /// A restart: nothing is held any more.
    pub fn restart(&mut self) {
        match self {
            Self::Working { held, .. }
            | Self::Cleared { held, .. }
            | Self::Fill { held, .. }
            | Self::Saw { held, .. } => *held = 0.0,
            Self::Ratchet { most, .. } => *most = 0.0,
            Self::Workers { held, .. } => held.iter_mut().for_each(|worker| worker.0 = 0.0),
            Self::Jobs { running, .. } => running.clear(),
            // These are of the world, not of the process.
            Self::Wander { .. } | Self::Jumps { .. } | Self::Batch { .. } => {}
            Self::Warm { .. } | Self::Logarithm { .. } | Self::Startup { .. } => {}
        }
    }

    /// What it holds after a tick.
    pub fn hold(&mut self, now: &mut Now<'_>) -> f64 {
        match self {
            Self::Working { size, lag, held } => {
                *held += (now.load * *size - *held) * (now.tick / *lag).min(1.0);
                *held
            }
            Self::Warm { size, slowness } => *size * (1.0 - (-now.age / *slowness).exp()),
            Self::Logarithm { size, slowness } => *size * (now.age / *slowness).ln_1p(),
            Self::Saw {
                height,
                period,
                jitter,
                held,
                top,
            } => {
                *held += *height * now.load * now.tick / *period;
                if *held >= *top {
                    *held = 0.0;
                    *top = *height * (1.0 + *jitter * now.random.normal());
                }
                *held
            }
            Self::Workers {
                height,
                period,
                jitter,
                held,
            } => {
                let count = held.len() as f64;
                let step = now.load * now.tick / *period;
                let mut sum = 0.0;
                for (filled, top) in held {
                    *filled += step;
                    if *filled >= *top {
                        *filled = 0.0;
                        *top = 1.0 + *jitter * now.random.normal();
                    }
                    sum += *filled;
                }
                sum * *height / count
            }
            Self::Ratchet { size, kept, most } => {
                let held = *size * now.load;
                *most = most.max(held);
                held.max(*kept * *most)
            }
            Self::Wander {
                deviation,
                lasting,
                held,
            } => {
                let keep = (-now.tick / *lasting).exp();
                *held = *held * keep + (1.0 - keep * keep).sqrt() * now.random.normal();
                *deviation * *held
            }
            Self::Jumps {
                size,
                every,
                held,
                next,
            } => {
                if now.time >= *next {
                    if *next > 0.0 {
                        *held = *size * now.random.uniform();
                    }
                    *next = now.time + *every * now.random.exponential();
                }
                *held
            }
            Self::Batch {
                height,
                jitter,
                hour,
                hours,
                days,
                now: today,
            } => {
                let since = (now.time - *hour).rem_euclid(*days as f64 * DAY);
                if since < now.tick {
                    *today = *height * (1.0 + *jitter * now.random.normal());
                }
                let length = *hours * HOUR;
                if since >= length {
                    return 0.0;
                }
                // It reads in for a third of the time.
                *today * (since / length * 3.0).min(1.0)
            }
            Self::Cleared {
                height,
                hour,
                held,
                last,
            } => {
                let since = (now.time - *hour).rem_euclid(DAY);
                if since < *last {
                    *held = 0.0;
                }
                *last = since;
                *held += *height * now.load * now.tick / DAY;
                *held
            }
            Self::Fill {
                cap,
                slowness,
                by_load,
                doubling,
                held,
            } => {
                let load = if *by_load { now.load } else { 1.0 };
                *held = (*held + *cap * load * now.tick / *slowness).min(*cap);
                if *doubling && *held > 0.0 {
                    // Of 16 sizes, the last of which is the cap.
                    let size = (*held / *cap).log2().ceil().max(-16.0).exp2();
                    return *cap * size;
                }
                *held
            }
            Self::Jobs {
                a_day,
                height,
                longest,
                running,
            } => {
                running.retain(|(until, _)| now.time < *until);
                if now.random.chance(*a_day * now.load * now.tick / DAY) {
                    let size = *height * now.random.scale(0.05, 1.0);
                    let length = *longest * now.random.scale(0.01, 1.0);
                    running.push((now.time + length, size));
                }
                running.iter().map(|(_, size)| size).sum()
            }
            Self::Startup { height, lasting } => {
                if now.age < *lasting {
                    *height
                } else {
                    0.0
                }
            }
        }
    }
}
