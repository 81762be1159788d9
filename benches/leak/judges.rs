//! Who is measured: memctl's detector, and what else one could use.

use memctl::policy::leak::{Detector, Finding, Point};

use crate::baselines::{Backward, MannKendall, Predict, Ratchet, Threshold};
use crate::prototype::Prototype;

/// A reason to restart the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    Leak,
    /// Little is left, however it came to that.
    NearLimit,
}

/// Somebody who says when to restart.
pub trait Judge {
    /// Takes up a sample.
    fn take(&mut self, point: &Point) -> Option<Alarm>;

    /// The unit was restarted because this judge said so. Those that follow a start by its number need no word of it.
    fn restarted(&mut self) {}
}

/// A judge's name, and how to make one.
pub struct Kind {
    pub name: &'static str,
    pub make: fn() -> Box<dyn Judge>,
}

/// Those that are memctl's own come first.
pub const OWN: usize = 4;

/// All of them, in the order of the tables.
pub static KINDS: [Kind; 14] = [
    Kind {
        name: "memctl",
        make: || Box::new(Memctl::new(false, true)),
    },
    Kind {
        name: "memctl, cautious",
        make: || Box::new(Memctl::new(true, true)),
    },
    Kind {
        name: "`leak` alone",
        make: || Box::new(Memctl::new(false, false)),
    },
    Kind {
        name: "`leak` alone, cautious",
        make: || Box::new(Memctl::new(true, false)),
    },
    Kind {
        name: "90 % of the limit",
        make: || Box::new(Threshold::new(0.9)),
    },
    Kind {
        name: "predict_linear 1h → 4h",
        make: || Box::new(Predict::new(3600, 4 * 3600, 0)),
    },
    Kind {
        name: "predict_linear 6h → 24h",
        make: || Box::new(Predict::new(6 * 3600, 24 * 3600, 0)),
    },
    Kind {
        name: "predict_linear 6h → 24h, for 1h",
        make: || Box::new(Predict::new(6 * 3600, 24 * 3600, 3600)),
    },
    Kind {
        name: "Mann–Kendall, 24 h",
        make: || Box::<MannKendall>::default(),
    },
    Kind {
        name: "backward regression",
        make: || Box::<Backward>::default(),
    },
    Kind {
        name: "ratchet, 20 × 10 MiB",
        make: || Box::new(Ratchet::new(|_| 10.0 * 1_048_576.0)),
    },
    Kind {
        name: "ratchet, 20 × 1 % of the limit",
        make: || Box::new(Ratchet::new(|limit| 0.01 * limit)),
    },
    Kind {
        name: "prototype",
        make: || Box::new(Prototype::new(1.5)),
    },
    Kind {
        name: "prototype, cautious",
        make: || Box::new(Prototype::new(1.0)),
    },
];

/// memctl's detector: a leak is restarted, as a rule `leak` does it; with the net also what is near its limit, as a rule
/// beside it would.
struct Memctl {
    detector: Detector,
    cautious: bool,
    net: bool,
}

impl Memctl {
    fn new(cautious: bool, net: bool) -> Self {
        Self {
            detector: Detector::default(),
            cautious,
            net,
        }
    }
}

impl Judge for Memctl {
    fn take(&mut self, point: &Point) -> Option<Alarm> {
        self.detector.take(point);
        let verdict = self.detector.verdict();
        match verdict.finding {
            Finding::Leak if verdict.is_cautious || !self.cautious => Some(Alarm::Leak),
            Finding::NearLimit if self.net => Some(Alarm::NearLimit),
            _ => None,
        }
    }
}
