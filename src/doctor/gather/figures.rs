//! The kernel's figures beside the manager's, of the profiles' units.

use super::Look;
use crate::doctor::Area;
use crate::doctor::facts::{Disagreement, Facts};
use crate::error::Result;
use crate::readings::bus::BusReadings;
use crate::readings::cgroup::CgroupReadings;
use crate::readings::compare::{Difference, Figure, compare};
use crate::readings::{Readings as _, Wanted};
use crate::sample::{Limit, Reading};
use crate::systemd::manager::Manager;
use crate::systemd::names::UnitName;
use crate::units::show_bytes;

/// By how much memory in use may differ: the two are not read at the same moment.
const SLACK: u64 = 1 << 20;

pub(super) fn look(look: Look<'_>, manager: Box<dyn Manager + '_>, facts: &mut Facts) {
    let ours: Vec<UnitName> = facts
        .units
        .iter()
        .filter(|u| u.profile.is_some() && u.reading.is_some())
        .map(|u| u.name.clone())
        .collect();
    // Each unit costs PID 1 a call or two.
    if ours.is_empty() {
        return;
    }
    let wanted = |unit: &UnitName| ours.contains(unit);
    match differing(look, manager, &wanted) {
        Ok(found) => {
            let found = found.iter().filter(|d| ours.contains(&d.unit));
            facts.limits.disagreements = found.map(disagreement).collect();
        }
        Err(e) => {
            let why = format!("systemd's own figures: {}", e.message());
            facts.cannot_see(Area::Limits, why);
        }
    }
}

/// What differs from the manager's figures in the kernel's, before and after them alike: a figure between the two only
/// moved.
fn differing(
    look: Look<'_>,
    manager: Box<dyn Manager + '_>,
    wanted: Wanted<'_>,
) -> Result<Vec<Difference>> {
    let mut kernel = CgroupReadings::new(look.root, look.scope)?;
    let before = kernel.read(look.now, wanted)?;
    let told = BusReadings::new(look.root, manager).read(look.now, wanted)?;
    let after = kernel.read(look.now, wanted)?;
    let differ = |kernel: &Reading| compare(kernel, &told, SLACK, page());
    let again = differ(&after);
    let mut found = differ(&before);
    // A limit that the kernel does not have is pending: another finding.
    let limit = |figure| matches!(figure, Figure::High | Figure::Max | Figure::SwapMax);
    found.retain(|d| {
        let same = |other: &&Difference| other.unit == d.unit && other.figure == d.figure;
        !limit(d.figure) && again.iter().find(same).is_some_and(|o| side(o) == side(d))
    });
    Ok(found)
}

/// On which side of the manager's figure the kernel's is.
fn side(difference: &Difference) -> Option<std::cmp::Ordering> {
    let kernel = difference.kernel.and_then(Limit::bytes)?;
    Some(kernel.cmp(&difference.manager.and_then(Limit::bytes)?))
}

fn page() -> u64 {
    u64::try_from(rustix::param::page_size()).unwrap_or(4096)
}

fn disagreement(difference: &Difference) -> Disagreement {
    let text = |bytes: Option<Limit>| match bytes {
        Some(Limit::Bytes(bytes)) => show_bytes(bytes),
        Some(Limit::Infinity) => "infinity".to_owned(),
        None => "unknown".to_owned(),
    };
    let what = match difference.figure.names() {
        Some((file, property)) => format!(
            "{file} is {}, and {property} {}",
            text(difference.kernel),
            text(difference.manager)
        ),
        None => "only one of the kernel and systemd says that it runs".to_owned(),
    };
    Disagreement {
        unit: difference.unit.clone(),
        what,
    }
}
