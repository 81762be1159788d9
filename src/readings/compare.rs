//! Two readings of the same host, one of the kernel and one of the manager: where they tell different things.

use crate::sample::{Limit, Reading, Sample};
use crate::systemd::names::UnitName;

/// A figure about which the kernel and the manager differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The unit.
    pub unit: UnitName,
    /// The figure.
    pub figure: Figure,
    /// What the kernel says; `None`: unknown there.
    pub kernel: Option<Limit>,
    /// What the manager says.
    pub manager: Option<Limit>,
}

/// Which figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// The unit's running at all: known to one of them alone. Has no figures.
    Presence,
    /// The limit, in whole pages: the manager was told one and the kernel has another (FACTS 1).
    High,
    /// Likewise.
    Max,
    /// Likewise.
    SwapMax,
    /// Memory in use. Known to one of them alone: accounting is off, or the controller is.
    Current,
    /// Swap in use.
    Swap,
}

impl Figure {
    /// The kernel's file and the manager's property.
    #[must_use]
    pub fn names(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Presence => return None,
            Self::High => ("memory.high", "MemoryHigh"),
            Self::Max => ("memory.max", "MemoryMax"),
            Self::SwapMax => ("memory.swap.max", "MemorySwapMax"),
            Self::Current => ("memory.current", "MemoryCurrent"),
            Self::Swap => ("memory.swap.current", "MemorySwapCurrent"),
        })
    }
}

/// Compares what the kernel and the manager say, unit by unit.
///
/// The two readings are some time apart, and memory moves: what is in use may differ by `slack` bytes. A unit that
/// was started anew between them is left out. `page` is what the kernel rounds limits down to (FACTS 9b).
#[must_use]
pub fn compare(kernel: &Reading, manager: &Reading, slack: u64, page: u64) -> Vec<Difference> {
    let mut found = Vec::new();
    for sample in &kernel.samples {
        match manager.get(&sample.unit) {
            Some(other) if sample.start.same(&other.start) => {
                found.extend(differ(sample, other, slack, page.max(1)));
            }
            Some(_) => {}
            None => found.push(absent(sample)),
        }
    }
    let strange = manager.samples.iter();
    let strange = strange.filter(|sample| kernel.get(&sample.unit).is_none());
    found.extend(strange.map(absent));
    found
}

fn absent(sample: &Sample) -> Difference {
    Difference {
        unit: sample.unit.clone(),
        figure: Figure::Presence,
        kernel: None,
        manager: None,
    }
}

fn differ(kernel: &Sample, manager: &Sample, slack: u64, page: u64) -> Vec<Difference> {
    let whole = |limit: Limit| match limit {
        Limit::Bytes(bytes) => Limit::Bytes(bytes / page * page),
        Limit::Infinity => Limit::Infinity,
    };
    let limit = |figure, kernel: Option<Limit>, manager: Option<Limit>| {
        // Unknown to the kernel: the controller is off there, which `Current` tells.
        let differs = kernel.zip(manager).is_some_and(|(k, m)| k != whole(m));
        differs.then_some((figure, kernel, manager))
    };
    let used = |figure, kernel: Option<u64>, manager: Option<u64>, needed: bool| {
        let differs = match (kernel, manager) {
            (Some(kernel), Some(manager)) => kernel.abs_diff(manager) > slack,
            // An older systemd does not tell of swap (FACTS 16).
            (kernel, manager) => needed && kernel.is_some() != manager.is_some(),
        };
        let bytes = |n: Option<u64>| n.map(Limit::Bytes);
        differs.then(|| (figure, bytes(kernel), bytes(manager)))
    };
    let unit = &kernel.unit;
    let (k, m) = (&kernel.limits, &manager.limits);
    let (held, told) = (&kernel.memory, &manager.memory);
    let all = [
        limit(Figure::High, k.high, m.high),
        limit(Figure::Max, k.max, m.max),
        limit(Figure::SwapMax, k.swap_max, m.swap_max),
        used(Figure::Current, held.current, told.current, true),
        used(Figure::Swap, held.swap, told.swap, false),
    ];
    let all = all.into_iter().flatten();
    all.map(|(figure, kernel, manager)| Difference {
        unit: unit.clone(),
        figure,
        kernel,
        manager,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Invocation, Source};
    use jiff::Timestamp;

    fn reading(source: Source, units: &[(&str, u128, u64, Option<u64>)]) -> Reading {
        let samples = units.iter().map(|(unit, start, max, current)| {
            let name = UnitName::parse(unit).expect(unit);
            let mut sample = Sample::blank(name, Timestamp::UNIX_EPOCH, source);
            sample.start.invocation = Some(Invocation(*start));
            sample.limits.max = Some(Limit::Bytes(*max));
            sample.memory.current = *current;
            sample
        });
        Reading {
            time: Timestamp::UNIX_EPOCH,
            host: None,
            samples: samples.collect(),
            faults: Vec::new(),
        }
    }

    #[test]
    fn limits_are_compared_as_the_kernel_rounds_them_and_use_with_slack() {
        let kernel = reading(
            Source::Cgroup,
            &[
                ("a.service", 1, 999_424, Some(100)),
                ("b.service", 1, 4096, Some(100)),
                ("bare.service", 1, 4096, None),
                ("here.service", 1, 4096, None),
                ("new.service", 1, 4096, Some(1)),
            ],
        );
        let manager = reading(
            Source::Bus,
            &[
                ("a.service", 1, 1_000_001, Some(150)),
                ("b.service", 1, 8192, Some(151)),
                ("bare.service", 1, 4096, Some(3)),
                ("new.service", 2, 8192, Some(999)),
                ("there.service", 1, 4096, None),
            ],
        );
        let found = compare(&kernel, &manager, 50, 4096);
        let told: Vec<String> = found
            .iter()
            .map(|d| format!("{} {:?}", d.unit, d.figure))
            .collect();
        assert_eq!(
            told,
            [
                "b.service Max",
                "b.service Current",
                "bare.service Current",
                "here.service Presence",
                "there.service Presence",
            ]
        );
        assert_eq!(found[0].kernel, Some(Limit::Bytes(4096)));
        assert_eq!(found[0].manager, Some(Limit::Bytes(8192)));
    }
}
