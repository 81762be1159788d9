//! Whether a unit can live under a limit: asked before anything is lowered (FACTS 2, 3, 25).

use crate::kernel::cgroup::Held;

/// The memory limits that can kill or stall, in bytes; `u64::MAX` is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Throttling begins here.
    pub high: u64,
    /// Killing begins here.
    pub max: u64,
    /// Swap at most.
    pub swap: u64,
}

impl Bounds {
    /// No limits.
    pub const NONE: Self = Self {
        high: u64::MAX,
        max: u64::MAX,
        swap: u64::MAX,
    };

    /// Whether going from `self` to `after` takes something away that could kill or stall.
    #[must_use]
    pub fn lowers(self, after: Self) -> bool {
        after.high < self.high || after.max < self.max || after.swap < self.swap
    }
}

/// Why a unit cannot live under new limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misfit {
    /// What the unit would have to hold in memory, in bytes.
    pub demand: u64,
    /// MemoryMax is too low: the kernel would kill.
    pub max: bool,
    /// MemoryHigh is under it and there is no swap: throttled to a standstill (FACTS 25).
    pub high: bool,
    /// Lowering MemorySwapMax brings swapped memory back in.
    pub swap: bool,
}

/// The share of a new MemoryMax that may be full: above nine tenths a unit is killed before it can be
/// slowed down (FACTS 3). In tenths.
const FULL_TENTHS: u128 = 9;

/// Judges a change of limits by what the unit holds.
///
/// Only what lowers something is judged: a unit that is over its limits already is not made worse by
/// leaving them. `host_swap`: the machine has swap at all.
///
/// # Errors
/// The reasons why it cannot live under `after`.
pub fn fit(held: &Held, before: Bounds, after: Bounds, host_swap: bool) -> Result<(), Misfit> {
    // What is swapped out and may stay there is no burden; the rest comes back at the next touch (FACTS 3).
    let returning = held.swap.saturating_sub(after.swap);
    let demand = held.resident.saturating_add(returning);
    let over_max = u128::from(demand) * 10 > u128::from(after.max) * FULL_TENTHS;
    let swap_lowered = after.swap < before.swap && returning > 0;
    let max_lowered = after.max < before.max;
    let high_lowered = after.high < before.high;
    let room_in_swap = host_swap && after.swap > held.swap;
    let misfit = Misfit {
        demand,
        max: over_max && after.max != u64::MAX && (max_lowered || swap_lowered),
        high: high_lowered && !room_in_swap && demand > after.high,
        swap: swap_lowered && over_max,
    };
    if misfit.max || misfit.high {
        Err(misfit)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const M: u64 = 1 << 20;

    fn held(resident: u64, swap: u64) -> Held {
        Held {
            current: resident * M + 500 * M,
            resident: resident * M,
            swap: swap * M,
        }
    }

    fn to(max: u64) -> Bounds {
        Bounds {
            max: max * M,
            ..Bounds::NONE
        }
    }

    #[test]
    fn page_cache_is_no_burden_but_need_over_nine_tenths_is() {
        assert_eq!(fit(&held(90, 0), Bounds::NONE, to(100), false), Ok(()));
        let misfit = fit(&held(91, 0), Bounds::NONE, to(100), false).expect_err("too full");
        assert!(misfit.max && !misfit.high);
        assert_eq!(misfit.demand, 91 * M);
    }

    #[test]
    fn what_lowers_nothing_is_not_judged() {
        assert_eq!(fit(&held(95, 0), to(100), to(100), false), Ok(()));
        assert_eq!(fit(&held(95, 0), to(98), to(100), false), Ok(()));
    }

    #[test]
    fn swapped_memory_that_must_come_back_counts() {
        let before = to(100);
        let after = Bounds { swap: 0, ..before };
        assert!(fit(&held(60, 50), before, after, true).is_err_and(|m| m.max && m.swap));
        assert_eq!(fit(&held(60, 50), Bounds::NONE, to(100), true), Ok(()));
    }

    #[test]
    fn a_high_under_the_need_stalls_only_without_swap() {
        let after = Bounds {
            high: 50 * M,
            ..Bounds::NONE
        };
        assert!(fit(&held(60, 0), Bounds::NONE, after, false).is_err_and(|m| m.high));
        assert_eq!(fit(&held(60, 0), Bounds::NONE, after, true), Ok(()));
        let no_swap = Bounds { swap: 0, ..after };
        assert!(fit(&held(60, 0), Bounds::NONE, no_swap, true).is_err_and(|m| m.high));
    }
}
