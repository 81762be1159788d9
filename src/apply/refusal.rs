//! Why a change is refused before anything is touched: who would be killed or stall, and the ways out.

use crate::error::{Error, Result};
use crate::kernel::cgroup::Tree;
use crate::limits::lowering::Lowering;
use crate::systemd::names::UnitType;
use crate::units::show_bytes;

/// One mebibyte.
const MIB: u64 = 1 << 20;
/// How many members of a slice are named.
const NAMED: usize = 3;

/// The refusal for units that could not live under their new limits.
///
/// # Errors
/// A cgroup's file that says something strange, while looking for what fills a slice.
pub fn refusal(
    tree: &Tree<'_>,
    cgroups: &[crate::kernel::cgroup::Cgroup],
    misfits: &[Lowering],
) -> Result<Error> {
    let mut lines = Vec::new();
    for lowering in misfits {
        let Some(misfit) = lowering.misfit else {
            continue;
        };
        let unit = &lowering.cgroup.unit;
        let demand = show_bytes(misfit.demand);
        let mut line = if misfit.max {
            format!(
                "{unit} needs {demand}; MemoryMax={} would kill it (it fits from {}M on)",
                show_bytes(lowering.after.max),
                enough(misfit.demand)
            )
        } else {
            format!(
                "{unit} needs {demand}; MemoryHigh={} would throttle it to a standstill: {}",
                show_bytes(lowering.after.high),
                swap_left(lowering)
            )
        };
        if misfit.swap {
            line += &format!(
                ", because MemorySwapMax={} brings swapped memory back",
                show_bytes(lowering.after.swap)
            );
        }
        if unit.unit_type() == UnitType::Slice {
            line += &members(tree, cgroups, lowering)?;
        }
        if let Some(origin) = lowering.origin().filter(|_| !lowering.ours) {
            line += &format!(
                "; not from a profile: {}:{} is not in force yet, and any reload would realize it",
                origin.path.display(),
                origin.line
            );
        }
        lines.push(format!("  {line}"));
    }
    let what = if lines.len() == 1 {
        "a running unit holds"
    } else {
        "running units hold"
    };
    Ok(Error::failed(format!(
        "refused: {what} more than the new limits allow\n{}",
        lines.join("\n")
    ))
    .remedy(
        "give them a higher limit; or --restart (restarts them gracefully first); \
         or --next-start (their limits wait until they start anew)",
    ))
}

/// Why the rest cannot go to swap.
fn swap_left(lowering: &Lowering) -> String {
    let allowed = lowering.after.swap.saturating_sub(lowering.held.swap);
    match lowering.room.min(allowed) {
        0 => "there is no swap for the rest".to_owned(),
        room => format!("swap has room for {} of the rest", show_bytes(room)),
    }
}

/// The least MemoryMax that leaves a demand under nine tenths, in whole mebibytes.
fn enough(demand: u64) -> u64 {
    let bytes = u128::from(demand) * 10 / 9;
    u64::try_from(bytes / u128::from(MIB) + 1).unwrap_or(u64::MAX)
}

/// What fills a slice: its biggest members.
fn members(
    tree: &Tree<'_>,
    cgroups: &[crate::kernel::cgroup::Cgroup],
    lowering: &Lowering,
) -> Result<String> {
    let mut held = Vec::new();
    for cgroup in cgroups {
        let inside = cgroup.path != lowering.cgroup.path
            && cgroup.path.starts_with(&lowering.cgroup.path)
            && cgroup.unit.unit_type() != UnitType::Slice;
        if inside && let Some(h) = tree.held(cgroup)? {
            held.push((h.need(), &cgroup.unit));
        }
    }
    held.sort_by(|a, b| b.cmp(a));
    let named: Vec<String> = held
        .iter()
        .take(NAMED)
        .map(|(need, unit)| format!("{unit} {}", show_bytes(*need)))
        .collect();
    Ok(match named.as_slice() {
        [] => String::new(),
        some => format!("; in it: {}", some.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_enough_fits() {
        use crate::kernel::cgroup::Held;
        use crate::limits::fit::{Bounds, fit};
        for demand in [1, MIB, 380 * MIB, 9 * MIB, 12_345_678_901] {
            let held = Held {
                current: demand,
                resident: demand,
                swap: 0,
            };
            let after = Bounds {
                max: enough(demand) * MIB,
                ..Bounds::NONE
            };
            assert_eq!(fit(&held, Bounds::NONE, after, 0), Ok(()));
        }
    }
}
