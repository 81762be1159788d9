//! Services that never were: families of them, each with its own way to use memory, 90 days in steps of ten minutes.

use jiff::Timestamp;
use memctl::recommend::{Held, Observation};

/// How many services a family has; the even ones are for tuning, the odd ones are reported.
pub const SEEDS: u64 = 100;
const DAYS: usize = 90;
/// Observations a day.
const STEPS: usize = 144;

/// A way to use memory.
pub struct Family {
    /// What it is called.
    pub name: &'static str,
    /// A hard limit is there to be hit by it.
    pub leaks: bool,
    make: fn(&mut Service),
}

/// All of them.
pub const FAMILIES: [Family; 12] = [
    family("steady", steady),
    family("daily cycle", daily),
    family("weekly batch", weekly),
    family("warming up (JVM)", warming),
    family("cache of its own, filling to a cap", filling),
    family("page cache beside a steady need", page_cache),
    family("saw of a garbage collector", saw),
    family("steps at deploys", deploys),
    family("rare spikes", spikes),
    family("fresh starts that need most", starts),
    family("growing with its users", growing),
    Family {
        name: "slow leak",
        leaks: true,
        make: leak,
    },
];

const fn family(name: &'static str, make: fn(&mut Service)) -> Family {
    Family {
        name,
        leaks: false,
        make,
    }
}

impl Family {
    /// One of its services.
    pub fn unit(&self, seed: u64) -> Vec<Observation> {
        let salt = self
            .name
            .bytes()
            .fold(seed, |a, b| a.wrapping_mul(0x0100_0000_01b3) ^ u64::from(b));
        let mut service = Service::new(salt);
        (self.make)(&mut service);
        service.observations()
    }
}

/// A service in the making: need as a multiple of its base.
struct Service {
    random: Random,
    base: f64,
    least: Vec<f64>,
    most: Vec<f64>,
    cache: Vec<f64>,
    starts: Vec<bool>,
}

impl Service {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let length = DAYS * STEPS;
        Self {
            // 10M to 4G, every size as likely as its double.
            base: random.between(10f64.log2(), 4096f64.log2()).exp2() * 1048576.0,
            random,
            least: vec![1.0; length],
            most: vec![1.0; length],
            cache: vec![0.0; length],
            starts: vec![false; length],
        }
    }

    /// Adds to the need of a step.
    fn add(&mut self, at: usize, least: f64, most: f64) {
        if let Some(slot) = self.least.get_mut(at) {
            *slot += least;
            self.most[at] += most.max(least);
        }
    }

    /// Wandering noise of a size, and short peaks above it.
    fn noise(&mut self, size: f64) {
        let mut level = 0.0;
        for at in 0..self.least.len() {
            level = 0.98 * level + 0.2 * self.random.normal() * size;
            let peak = level + self.random.normal().abs() * size * 0.5;
            self.add(at, level, peak);
        }
    }

    /// Restarts, some days apart; the steps since the last one.
    fn restarts(&mut self, days: f64) -> Vec<usize> {
        // It was started some time before anybody looked.
        let mut age = self.random.between(0.0, days * STEPS as f64) as usize;
        let mut ages = Vec::with_capacity(self.least.len());
        for at in 0..self.least.len() {
            if self.random.chance(1.0 / (days * STEPS as f64)) {
                self.starts[at] = true;
                age = 0;
            }
            ages.push(age);
            age += 1;
        }
        ages
    }

    fn observations(&self) -> Vec<Observation> {
        (0..self.least.len())
            .map(|at| {
                let bytes = |share: f64| (share.max(0.02) * self.base) as u64;
                let seconds = at as i64 * 600;
                let time = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(seconds);
                let mut observation = Observation::blank(time, 600.0);
                observation.readings = 60;
                observation.starts = u64::from(self.starts[at]);
                observation.need = Some(Held {
                    least: bytes(self.least[at]),
                    most: bytes(self.most[at]),
                    last: bytes(f64::midpoint(self.least[at], self.most[at])),
                });
                observation.cache = Some((self.cache[at] * self.base) as u64);
                observation
            })
            .collect()
    }
}

fn day(at: usize) -> f64 {
    at as f64 / STEPS as f64
}

fn steady(service: &mut Service) {
    let size = service.random.between(0.005, 0.03);
    service.restarts(30.0);
    service.noise(size);
}

fn daily(service: &mut Service) {
    let swing = service.random.between(0.1, 0.8);
    let weekend = service.random.between(0.3, 1.0);
    let jitter = service.random.between(0.03, 0.15);
    let first = service.random.between(0.0, 7.0);
    service.restarts(20.0);
    for today in 0..DAYS {
        let quiet = (today as f64 + first) % 7.0 >= 5.0;
        let height =
            swing * (1.0 + jitter * service.random.normal()) * if quiet { weekend } else { 1.0 };
        for step in 0..STEPS {
            let sun = (1.0 - (std::f64::consts::TAU * step as f64 / STEPS as f64).cos()) / 2.0;
            service.add(today * STEPS + step, height * sun, height * sun);
        }
    }
    service.noise(0.02);
}

fn weekly(service: &mut Service) {
    let height = service.random.between(0.3, 2.0);
    let jitter = service.random.between(0.03, 0.15);
    let length = service.random.between(6.0, 24.0) as usize;
    let mut at = service.random.between(0.0, 7.0 * STEPS as f64) as usize;
    service.restarts(30.0);
    while at < service.least.len() {
        let today = height * (1.0 + jitter * service.random.normal());
        for step in at..at + length {
            service.add(step, today * 0.3, today);
        }
        at += 7 * STEPS;
    }
    service.noise(0.02);
}

fn warming(service: &mut Service) {
    let missing = service.random.between(0.2, 0.6);
    let slowness = service.random.between(0.05, 3.0);
    let swing = service.random.between(0.05, 0.3);
    let ages = service.restarts(15.0);
    for (at, age) in ages.into_iter().enumerate() {
        let cold = missing * (-day(age) / slowness).exp();
        let full = swing * service.random.uniform();
        service.add(at, -cold - full, -cold);
    }
    service.noise(0.01);
}

fn filling(service: &mut Service) {
    let cap = service.random.between(0.5, 5.0);
    let days = service.random.between(1.0, 20.0);
    let ages = service.restarts(40.0);
    for (at, age) in ages.into_iter().enumerate() {
        let held = cap * (day(age) / days).min(1.0);
        service.add(at, held, held);
    }
    service.noise(0.01);
}

fn page_cache(service: &mut Service) {
    let days = service.random.between(0.5, 5.0);
    let cap = service.random.between(1.0, 10.0);
    let ages = service.restarts(30.0);
    for (at, age) in ages.into_iter().enumerate() {
        service.cache[at] = cap * (day(age) / days).min(1.0);
    }
    service.noise(0.02);
}

fn saw(service: &mut Service) {
    let height = service.random.between(0.2, 1.5);
    let jitter = service.random.between(0.03, 0.2);
    service.restarts(20.0);
    for at in 0..service.least.len() {
        let top = height * (1.0 + jitter * service.random.normal());
        service.add(at, 0.0, top);
    }
    service.noise(0.01);
}

fn deploys(service: &mut Service) {
    let size = service.random.between(0.02, 0.1);
    let days = service.random.between(3.0, 15.0);
    let ages = service.restarts(days);
    let mut level = 1.0f64;
    for (at, age) in ages.into_iter().enumerate() {
        if age == 0 {
            // A little more often up than down.
            level *= (0.01 + size * service.random.normal()).exp();
        }
        service.add(at, level - 1.0, level - 1.0);
    }
    service.noise(0.02);
}

fn spikes(service: &mut Service) {
    let days = service.random.between(3.0, 30.0);
    service.restarts(30.0);
    for at in 0..service.least.len() {
        if service.random.chance(1.0 / (days * STEPS as f64)) {
            // Pareto: half below 0.26, one in a hundred above 1.3.
            let height = 0.2 * service.random.uniform().max(1e-6).powf(-0.4);
            service.add(at, 0.0, height.min(4.0));
        }
    }
    service.noise(0.02);
}

fn starts(service: &mut Service) {
    let height = service.random.between(0.2, 1.0);
    let jitter = service.random.between(0.02, 0.1);
    let days = service.random.between(1.0, 14.0);
    let ages = service.restarts(days);
    for (at, age) in ages.into_iter().enumerate() {
        if age == 0 {
            let top = height * (1.0 + jitter * service.random.normal());
            service.add(at, -0.5, top);
        }
    }
    service.noise(0.02);
}

fn growing(service: &mut Service) {
    let yearly = service.random.between(0.1, 1.0);
    let swing = service.random.between(0.05, 0.3);
    service.restarts(20.0);
    for at in 0..service.least.len() {
        let level = yearly * day(at) / 365.0;
        let sun = swing * (1.0 - (std::f64::consts::TAU * day(at)).cos()) / 2.0;
        service.add(at, level + sun, level + sun);
    }
    service.noise(0.02);
}

fn leak(service: &mut Service) {
    let daily = service
        .random
        .between(0.005f64.log2(), 0.2f64.log2())
        .exp2();
    let days = service.random.between(10.0, 60.0);
    let ages = service.restarts(days);
    for (at, age) in ages.into_iter().enumerate() {
        service.add(at, daily * day(age), daily * day(age));
    }
    service.noise(0.02);
}

/// A small generator of random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to 1.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.uniform()
    }

    fn chance(&mut self, share: f64) -> bool {
        self.uniform() < share
    }

    /// Normally distributed.
    fn normal(&mut self) -> f64 {
        let (a, b) = (self.uniform().max(1e-12), self.uniform());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}
