//! How busy a service is: days, weeks, noise, growth, rare peaks.

use crate::random::Random;

pub const MINUTE: f64 = 60.0;
pub const HOUR: f64 = 3600.0;
pub const DAY: f64 = 86400.0;

/// How busy a service is; about 1 on average.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// How far it swings over a day: 0 to 0.95.
    pub daily: f64,
    /// At what second of the day it is greatest.
    pub peak: f64,
    /// By which part Saturday and Sunday are quieter.
    pub weekend: f64,
    /// The deviation of noise that lasts some ten minutes.
    pub noise: f64,
    /// By which part it grows in a day.
    pub growth: f64,
    /// Rare peaks a day,
    pub peaks: f64,
    /// how high they are, and
    pub height: f64,
    /// how many seconds they last.
    pub lasting: f64,
    /// A surge: when it begins and ends, and what it multiplies the load by.
    pub surge: Option<(f64, f64, f64)>,
    /// What it is at: the noise, the peak of now, and when that ends.
    pub drift: f64,
    pub peak_now: f64,
    pub peak_until: f64,
}

impl Load {
    /// The load at a time in seconds since a Monday's midnight, the trace having begun at `began`.
    pub fn at(&mut self, time: f64, began: f64, tick: f64, random: &mut Random) -> f64 {
        let mut load = 1.0;
        if self.daily > 0.0 {
            let angle = std::f64::consts::TAU * (time - self.peak) / DAY;
            load += self.daily * angle.cos();
        }
        let day = (time / DAY) as u64 % 7;
        if day >= 5 {
            load *= 1.0 - self.weekend;
        }
        load *= (1.0 + self.growth * (time - began) / DAY).max(0.2);
        if self.noise > 0.0 {
            let keep = (-tick / (10.0 * MINUTE)).exp();
            let renewed = (1.0 - keep * keep).sqrt();
            self.drift = self.drift * keep + renewed * random.normal();
            load *= (self.noise * self.drift).exp();
        }
        if let Some((from, to, factor)) = self.surge
            && (from..to).contains(&time)
        {
            load *= factor;
        }
        if self.peaks > 0.0 {
            if time < self.peak_until {
                load += self.peak_now;
            } else if random.chance(self.peaks * tick / DAY) {
                // A heavy tail: the record is broken again and again, more and more rarely.
                let tail = random.uniform().max(1e-4).powf(-0.4);
                self.peak_now = (self.height * tail).min(8.0 * self.height);
                self.peak_until = time + self.lasting * random.exponential();
            }
        }
        load.max(0.01)
    }
}
