//! Random numbers that are the same on every machine and in every year: a crate's generator may change with its
//! version, and with it every figure in docs/detector.md.

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A stream of its own for each of a trace's parts: what one of them draws moves no other.
    pub fn new(family: &str, seed: u64, stream: u64) -> Self {
        // FNV-1a: a family keeps its traces when another one is added before it.
        let name = family.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut random = Self::plain(name ^ seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        random.0 = random.next() ^ stream.wrapping_mul(0x9e6c_63d0_876a_68ee);
        random.next();
        random
    }

    pub fn plain(state: u64) -> Self {
        Self(state)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to 1, 1 excluded.
    pub fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.uniform()
    }

    /// Between two figures that lie orders of magnitude apart: each order is as likely.
    pub fn scale(&mut self, least: f64, most: f64) -> f64 {
        self.between(least.ln(), most.ln()).exp()
    }

    pub fn chance(&mut self, share: f64) -> bool {
        self.uniform() < share
    }

    /// Of mean 0 and variance 1, near enough to normal (a sum of four 16-bit numbers; never beyond 3.5), and cheap:
    /// it is drawn for every sample.
    pub fn normal(&mut self) -> f64 {
        let bits = self.next();
        let sum: u64 = (0..4).map(|nth| (bits >> (16 * nth)) & 0xffff).sum();
        (sum as f64 / 65535.0 - 2.0) * 3f64.sqrt()
    }

    /// Of mean 1: the time to the next of things that happen at random.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.uniform()).ln()
    }
}
