//! A service with its limit: where that lies, and when a leak gets there if nobody does anything.

use crate::families::{Family, Label};
use crate::leaking::Pace;
use crate::load::DAY;
use crate::service::{Sample, Service, Spec};

/// One service, ready to be watched.
#[derive(Debug, Clone)]
pub struct Trace {
    pub family: &'static Family,
    pub seed: u64,
    pub spec: Spec,
    pub limit: u64,
    /// When the first leak begins, in seconds since the watch did.
    pub onset: f64,
    /// When the limit is hit, if nobody does anything.
    pub hit: Option<f64>,
}

impl Trace {
    pub fn new(family: &'static Family, seed: u64) -> Self {
        let mut spec = family.spec(seed);
        let leaks = std::mem::take(&mut spec.leaks);
        let onset = leaks.iter().map(|leak| leak.onset).fold(f64::MAX, f64::min);
        let mut trace = Self {
            family,
            seed,
            spec,
            limit: u64::MAX,
            onset,
            hit: None,
        };
        let (mean, most) = trace.healthy();
        // The kernel counts in pages.
        trace.limit = (trace.spec.room * most / 4096.0) as u64 * 4096;
        trace.spec.leaks = leaks;
        trace.pace(mean, most);
        trace
    }

    /// The service from its beginning.
    pub fn service(&self) -> Service {
        Service::new(&self.spec, self.limit, self.family.name, self.seed)
    }

    /// Mean and maximum of need without any leak.
    fn healthy(&self) -> (f64, f64) {
        let (mut sum, mut count, mut most) = (0.0, 0.0, 0u64);
        let mut service = self.service();
        while let Some(sample) = service.next() {
            sum += sample.need as f64;
            count += 1.0;
            most = most.max(sample.need);
        }
        (sum / f64::max(count, 1.0), most as f64)
    }

    /// Gives the leaks a rate that fills what is free in about the time that was asked for.
    fn pace(&mut self, mean: f64, most: f64) {
        if self.spec.leaks.is_empty() {
            return;
        }
        let limit = self.limit as f64;
        let free = (limit - mean) / self.spec.bytes;
        let lasts = self.spec.lasts;
        for leak in &mut self.spec.leaks {
            if let Some(part) = leak.stops_at {
                leak.stops_at = Some(part * (limit - most) / self.spec.bytes);
            }
            leak.rate *= match leak.pace {
                Pace::Accelerating(doubling) => {
                    let speed = std::f64::consts::LN_2 / doubling;
                    free * speed / (speed * lasts).exp_m1()
                }
                _ => free / lasts,
            };
        }
        self.hit = self.first_hit();
        if self.family.label != Label::Leak {
            return;
        }
        // Restarts and quiet weekends can keep it from getting there in time.
        for _ in 0..20 {
            if self.hit.is_some() {
                break;
            }
            self.scale(1.3);
            self.hit = self.first_hit();
        }
        // Peaks of the load get there before the mean does; with restarts, nothing is to be set right.
        let rounds = if self.spec.restarts.is_empty() { 4 } else { 0 };
        for _ in 0..rounds {
            let Some(part) = self.time_to_limit().map(|whole| whole / lasts) else {
                break;
            };
            if (0.87..1.15).contains(&part) {
                break;
            }
            let before = (self.spec.leaks.clone(), self.hit);
            self.scale(part.clamp(0.5, 2.0));
            self.hit = self.first_hit();
            if self.hit.is_none() {
                (self.spec.leaks, self.hit) = before;
                break;
            }
        }
    }

    fn scale(&mut self, factor: f64) {
        for leak in &mut self.spec.leaks {
            leak.rate *= factor;
        }
    }

    fn first_hit(&self) -> Option<f64> {
        let mut service = self.service();
        while let Some(sample) = service.next() {
            if self.is_hit(&sample) {
                return Some(sample.since);
            }
        }
        None
    }

    /// The limit is hit by a leak. A healthy service that was started anew draws other numbers than the one whose
    /// maximum the limit was made of, and may brush it: that is no hit.
    pub fn is_hit(&self, sample: &Sample) -> bool {
        sample.is_leaking && sample.need >= self.limit
    }

    /// The time from the leak's onset to the limit, if nobody does anything.
    pub fn time_to_limit(&self) -> Option<f64> {
        self.hit.map(|hit| hit - self.onset)
    }

    /// What it is, for somebody who looks into a failure.
    pub fn describe(&self) -> String {
        let spec = &self.spec;
        let leaks: Vec<String> = spec
            .leaks
            .iter()
            .map(|leak| format!("{:?} from day {:.2}", leak.pace, leak.onset / DAY))
            .collect();
        let hit = self
            .hit
            .map_or("never".to_owned(), |hit| format!("day {:.2}", hit / DAY));
        format!(
            "tick {} s, {} days, age {:.2} days, least {:.0} MiB, limit {:.0} MiB ({:.2} times the healthy maximum), hit \
             {hit}, leaks [{}], restarts {:?}, load {:?}, parts {:?}",
            spec.tick,
            spec.days,
            spec.age / DAY,
            spec.bytes / 1048576.0,
            self.limit as f64 / 1048576.0,
            spec.room,
            leaks.join(", "),
            spec.restarts,
            spec.load,
            spec.parts,
        )
    }
}
