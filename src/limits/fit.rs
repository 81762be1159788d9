//! Whether a unit can live under a limit: asked before anything is lowered (FACTS 2, 3, 25).

use crate::error::Result;
use crate::kernel::cgroup::Held;
use crate::limits::key::Key;

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

    /// The directives that they are.
    pub const KEYS: [Key; 3] = [Key::MemoryHigh, Key::MemoryMax, Key::MemorySwapMax];

    /// Bounds as `read` has them.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn by(mut read: impl FnMut(Key) -> Result<u64>) -> Result<Self> {
        Ok(Self {
            high: read(Key::MemoryHigh)?,
            max: read(Key::MemoryMax)?,
            swap: read(Key::MemorySwapMax)?,
        })
    }

    /// The bound that a directive is; `u64::MAX` for those that are none.
    #[must_use]
    pub fn of(self, key: Key) -> u64 {
        match key {
            Key::MemoryHigh => self.high,
            Key::MemoryMax => self.max,
            Key::MemorySwapMax => self.swap,
            _ => u64::MAX,
        }
    }

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
    /// It is too much for MemoryMax: the kernel would kill.
    pub max: bool,
    /// It is more than MemoryHigh, and swap has no room for the rest: throttled to a standstill (FACTS 25).
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
/// leaving them. `room`: what the machine and the slices above have left for swapping out, in bytes.
///
/// # Errors
/// The reasons why it cannot live under `after`.
pub fn fit(
    held: &Held,
    before: Bounds,
    after: Bounds,
    room: u64,
) -> std::result::Result<(), Misfit> {
    // What is swapped out and may stay there is no burden; the rest comes back at the next touch (FACTS 3).
    let returning = held.swap.saturating_sub(after.swap);
    let demand = held.resident.saturating_add(returning);
    let room = room.min(after.swap.saturating_sub(held.swap));
    let swap_lowered = after.swap < before.swap && returning > 0;
    let over_max =
        after.max != u64::MAX && u128::from(demand) * 10 > u128::from(after.max) * FULL_TENTHS;
    let over_high = demand.saturating_sub(room) > after.high;
    let max = over_max && (after.max < before.max || swap_lowered);
    let high = over_high && (after.high < before.high || swap_lowered);
    if !max && !high {
        return Ok(());
    }
    Err(Misfit {
        demand,
        max,
        high,
        swap: swap_lowered,
    })
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
        assert_eq!(fit(&held(90, 0), Bounds::NONE, to(100), 0), Ok(()));
        let misfit = fit(&held(91, 0), Bounds::NONE, to(100), 0).expect_err("too full");
        assert!(misfit.max && !misfit.high);
        assert_eq!(misfit.demand, 91 * M);
    }

    #[test]
    fn what_lowers_nothing_is_not_judged() {
        assert_eq!(fit(&held(95, 0), to(100), to(100), 0), Ok(()));
        assert_eq!(fit(&held(95, 0), to(98), to(100), 0), Ok(()));
    }

    #[test]
    fn swapped_memory_that_must_come_back_counts() {
        let before = to(100);
        let after = Bounds { swap: 0, ..before };
        assert!(fit(&held(60, 50), before, after, u64::MAX).is_err_and(|m| m.max && m.swap));
        assert_eq!(fit(&held(60, 50), Bounds::NONE, to(100), u64::MAX), Ok(()));
    }

    #[test]
    fn a_high_under_the_need_stalls_only_without_swap() {
        let after = Bounds {
            high: 50 * M,
            ..Bounds::NONE
        };
        let stalls =
            |after, room| fit(&held(60, 0), Bounds::NONE, after, room).is_err_and(|m| m.high);
        assert!(stalls(after, 0));
        assert!(stalls(after, 9 * M), "swap for a part of it is no way out");
        assert!(!stalls(after, 10 * M));
        let no_swap = Bounds { swap: 0, ..after };
        assert!(stalls(no_swap, u64::MAX));
        let little = Bounds {
            swap: 9 * M,
            ..after
        };
        assert!(stalls(little, u64::MAX));
    }

    #[test]
    fn swapped_memory_that_returns_may_stall_at_a_high_that_stays() {
        let before = Bounds {
            high: 70 * M,
            ..Bounds::NONE
        };
        let after = Bounds { swap: 0, ..before };
        let misfit = fit(&held(60, 50), before, after, u64::MAX).expect_err("stalls");
        assert!(misfit.high && misfit.swap && !misfit.max);
        assert_eq!(fit(&held(60, 5), before, after, u64::MAX), Ok(()));
    }
}
