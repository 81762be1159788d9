//! What is allowed and may still end badly: warnings before limits are put on units.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::limits::dropin::{Installed, dropins, overlay};
use crate::limits::effective::effective;
use crate::limits::key::Key;
use crate::limits::slices::slice_of;
use crate::scope::Scope;
use crate::systemd::files::{Overlay, UnitFiles};
use crate::systemd::names::{NameKind, UnitName, UnitType};
use crate::units::show_bytes;

/// What systemd wants free in `/run` for a reload; 252 and 257 refuse below (FACTS 9).
const RUN_LEAST: u64 = 16 << 20;

/// How many units a warning names.
const NAMED: usize = 3;

/// The warnings for the units of `profiles`.
///
/// # Errors
/// A unit file that is there and cannot be read.
pub fn cautions(
    profiles: &[Installed],
    files: &UnitFiles<'_>,
    scope: &Scope,
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut dying: BTreeMap<String, Vec<&UnitName>> = BTreeMap::new();
    let generated = overlay(&dropins(profiles).0);
    for unit in profiles.iter().flat_map(|p| &p.profile.units) {
        let name = &unit.name;
        if name.kind() == NameKind::Prefix {
            continue;
        }
        let all = files.assignments(name, &generated)?;
        let last = |key: &str| {
            let mut words = all.iter().filter(|(a, _)| a.section == "Service");
            words
                .rfind(|(a, _)| a.key == key)
                .map(|(a, _)| a.value.clone())
        };
        let known = all.iter().any(|(a, _)| a.key == "ExecStart");
        let limited = unit.limits.contains_key(&Key::MemoryMax);
        if name.unit_type() == UnitType::Service
            && known
            && limited
            && let Some(restart) =
                stays_dead(last("Restart").as_deref(), last("OOMPolicy").as_deref())
        {
            dying.entry(restart).or_default().push(name);
        }
        for key in [Key::MemoryMin, Key::MemoryLow] {
            if unit.limits.contains_key(&key) {
                let slice = slice_of(name, &all, scope);
                found.extend(unprotected(name, key, slice, files, &generated)?);
            }
        }
    }
    let mut told: Vec<String> = dying.iter().map(|(r, units)| dead(r, units)).collect();
    told.extend(found);
    Ok(told)
}

/// An OOM kill ends a service for good unless it is restarted, or goes on without the victim. Answers the `Restart=`
/// that leaves it dead.
///
/// The service's result is `oom-kill` then, neither a signal nor a core dump to systemd: `on-abort` does not mean it,
/// `on-abnormal` does (systemd #36529; `systemd.service(5)` has no row for it).
#[must_use]
pub fn stays_dead(restart: Option<&str>, policy: Option<&str>) -> Option<String> {
    let restart = restart.filter(|r| !r.is_empty()).unwrap_or("no");
    let dead = matches!(restart, "no" | "on-success" | "on-abort" | "on-watchdog");
    let goes_on = policy == Some("continue");
    (dead && !goes_on).then(|| restart.to_owned())
}

/// One warning for all services of a kind: a line for each would bury the others.
fn dead(restart: &str, units: &[&UnitName]) -> String {
    if let [name] = units {
        return format!(
            "{name} has Restart={restart}: if the kernel kills it at MemoryMax it stays dead \
             (Restart=on-failure in its unit would bring it back)"
        );
    }
    let mut names: Vec<&str> = units.iter().take(NAMED).map(|u| u.as_str()).collect();
    if units.len() > NAMED {
        names.push("…");
    }
    format!(
        "{} services have Restart={restart} ({}): what the kernel kills at MemoryMax stays dead \
         (Restart=on-failure in its unit would bring it back)",
        units.len(),
        names.join(", ")
    )
}

/// Protection holds only as far as every slice above has it too (FACTS 9c).
fn unprotected(
    name: &UnitName,
    key: Key,
    slice: Option<UnitName>,
    files: &UnitFiles<'_>,
    generated: &Overlay,
) -> Result<Option<String>> {
    let Some(slice) = slice.filter(|s| s.as_str() != "-.slice") else {
        return Ok(None);
    };
    let all = files.assignments(&slice, generated)?;
    let passes_on = effective(&slice, &all).contains_key(&key);
    Ok((!passes_on).then(|| {
        format!(
            "{name}: {}= holds only as far as {slice} has it too, and that has none",
            key.name()
        )
    }))
}

/// Directives that the running systemd does not know yet.
#[must_use]
pub fn too_old(profiles: &[Installed], running: u32) -> Vec<String> {
    let mut found = Vec::new();
    for unit in profiles.iter().flat_map(|p| &p.profile.units) {
        for key in unit.limits.keys() {
            if let Some(since) = key.since_for(unit.name.unit_type())
                && running < since
            {
                found.push(format!(
                    "{}: {} came with systemd {since}, this is {running}: recorded, without effect",
                    unit.name,
                    key.name()
                ));
            }
        }
    }
    found
}

/// Whether a reload may be refused for want of room.
#[must_use]
pub fn room_in_run() -> Option<String> {
    let stat = rustix::fs::statvfs("/run").ok()?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    (free < RUN_LEAST).then(|| {
        format!(
            "/run has {} left; systemd refuses to reload with less than {}",
            show_bytes(free),
            show_bytes(RUN_LEAST)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_restart_makes_of_an_oom_kill() {
        let dead = |restart: &str, policy: &str| stays_dead(Some(restart), Some(policy)).is_some();
        for restart in ["no", "", "on-success", "on-abort", "on-watchdog"] {
            assert!(dead(restart, "stop"), "{restart}");
            assert!(dead(restart, "kill"), "{restart}");
            assert!(!dead(restart, "continue"), "{restart}");
        }
        for restart in ["always", "on-failure", "on-abnormal"] {
            assert!(!dead(restart, "stop"), "{restart}");
        }
        assert_eq!(stays_dead(None, None).as_deref(), Some("no"));
    }
}
