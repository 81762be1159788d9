//! How memory is lost.

use crate::parts::Now;

/// A way to lose memory.
#[derive(Debug, Clone)]
pub struct Leak {
    /// How much, in shares of what the service needs at least, a second at a load of 1.
    pub rate: f64,
    pub pace: Pace,
    /// When it begins, in seconds since the trace did.
    pub onset: f64,
    /// What may be lost before it stops (what is lost was bounded after all).
    pub stops_at: Option<f64>,
    lost: f64,
    pending: f64,
    wait: f64,
}

/// When it is lost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// All the time.
    Constant,
    /// With each request: at night it stands.
    Request,
    /// Now and then, as much as so many seconds would lose.
    Jumps(f64),
    /// The faster the more there is: queues that retry, tables that are scanned. Doubles in so many seconds.
    Accelerating(f64),
    /// While the nightly job runs: from this second of the day, so many hours.
    Job(f64, f64),
}

impl Leak {
    pub fn new(rate: f64, pace: Pace, onset: f64) -> Self {
        Self {
            rate,
            pace,
            onset,
            stops_at: None,
            lost: 0.0,
            pending: 0.0,
            wait: 0.0,
        }
    }

    /// A restart gives back everything.
    pub fn restart(&mut self) {
        self.lost = 0.0;
        self.pending = 0.0;
    }

    /// Whether it is going on, so many seconds after the trace began.
    pub fn is_on(&self, since: f64) -> bool {
        since >= self.onset && self.stops_at.is_none_or(|most| self.lost < most)
    }

    /// What is lost after a tick.
    pub fn lose(&mut self, now: &mut Now<'_>, since: f64) -> f64 {
        if !self.is_on(since) {
            return self.lost;
        }
        let step = self.rate * now.tick;
        self.lost += match self.pace {
            Pace::Constant => step,
            Pace::Request => step * now.load,
            Pace::Jumps(apart) => {
                self.pending += step;
                self.wait -= now.tick;
                if self.wait > 0.0 {
                    return self.lost;
                }
                self.wait = apart * now.random.exponential();
                std::mem::take(&mut self.pending)
            }
            Pace::Accelerating(doubling) => {
                step + self.lost * std::f64::consts::LN_2 * now.tick / doubling
            }
            Pace::Job(from, hours) => {
                let at = (now.time - from).rem_euclid(86400.0);
                if at < hours * 3600.0 {
                    step * 24.0 / hours
                } else {
                    0.0
                }
            }
        };
        self.lost
    }
}
