//! How a unit is, and what a restart of it takes along, by whatever way the manager is asked.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::restart::{Dependent, Look};
use crate::systemd::figures::Properties;

/// The inverse of each directive by which a stop or restart is passed on to other units (FACTS 18), and the
/// directive. `Requisite=` is passed on as `Requires=` is, by systemd's source (`unit-dependency-atom.c`).
const PASSED_ON: [(&str, &str); 5] = [
    ("RequiredBy", "Requires"),
    ("RequisiteOf", "Requisite"),
    ("BoundBy", "BindsTo"),
    ("ConsistsOf", "PartOf"),
    ("PropagatesStopTo", "StopPropagatedFrom"),
];

/// The properties that are read, for those who must name them.
pub(super) const NAMES: [&str; 22] = [
    "LoadState",
    "ActiveState",
    "SubState",
    "InvocationID",
    "Result",
    "Job",
    "Type",
    "CanReload",
    "RefuseManualStop",
    "RefuseManualStart",
    "StartLimitBurst",
    "StartLimitIntervalUSec",
    "NRestarts",
    "InactiveExitTimestamp",
    "ActiveExitTimestampMonotonic",
    "ActiveEnterTimestampMonotonic",
    "FragmentPath",
    "RequiredBy",
    "RequisiteOf",
    "BoundBy",
    "ConsistsOf",
    "PropagatesStopTo",
];

/// A unit's properties, if it is loaded.
pub(super) type Found = Option<Box<dyn Properties>>;

/// Looks at a unit and, level by level, at those that go down with it; `all` answers a unit's properties, `None` for
/// one that is not loaded.
pub(super) fn look<E>(
    unit: &str,
    system: String,
    all: &mut dyn FnMut(&str) -> Result<Found, E>,
) -> Result<Look, E> {
    // One that is stopped may be unloaded at once: it does not run, and that is an answer. Seen on 252.
    let Some(mut own) = all(unit)? else {
        return Ok(Look {
            active: "inactive".to_owned(),
            sub: "dead".to_owned(),
            system,
            ..Look::default()
        });
    };
    let mut look = read(own.as_mut());
    look.system = system;
    let mut seen = BTreeSet::from([unit.to_owned()]);
    let mut below = passed_on(own.as_mut(), &mut seen);
    while let Some((name, by)) = below.pop() {
        let Some(mut properties) = all(&name)? else {
            continue;
        };
        let (active, invocation) = state(properties.as_mut());
        if !matches!(active.as_str(), "active" | "reloading" | "activating") {
            continue;
        }
        below.extend(passed_on(properties.as_mut(), &mut seen));
        look.dependents.push(Dependent {
            unit: name,
            by: by.to_owned(),
            invocation,
        });
    }
    look.dependents.sort_by(|a, b| a.unit.cmp(&b.unit));
    Ok(look)
}

fn state(from: &mut dyn Properties) -> (String, String) {
    let active = from.text("ActiveState").unwrap_or_default();
    let invocation = from.invocation();
    (
        active,
        invocation.map_or_else(String::new, |i| i.to_string()),
    )
}

fn read(from: &mut dyn Properties) -> Look {
    let (active, invocation) = state(from);
    let mut number = |name| from.number(name).unwrap_or(0);
    let (burst, interval) = (number("StartLimitBurst"), number("StartLimitIntervalUSec"));
    let (restarts, started) = (number("NRestarts"), number("InactiveExitTimestamp"));
    let exit = number("ActiveExitTimestampMonotonic");
    let enter = number("ActiveEnterTimestampMonotonic");
    let short = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let started = i64::try_from(started).ok().filter(|usec| *usec > 0);
    let refuses = ["RefuseManualStop", "RefuseManualStart"]
        .into_iter()
        .any(|name| from.flag(name) == Some(true));
    Look {
        active,
        invocation,
        sub: from.text("SubState").unwrap_or_default(),
        result: from.text("Result").unwrap_or_default(),
        job: from.has_job(),
        kind: from.text("Type").unwrap_or_default(),
        can_reload: from.flag("CanReload").unwrap_or(false),
        refuses,
        start_limit_burst: short(burst),
        start_limit_usec: interval,
        restarts: short(restarts),
        started: started.and_then(|usec| Timestamp::from_microsecond(usec).ok()),
        active_exit_usec: exit,
        active_enter_usec: enter,
        system: String::new(),
        dependents: Vec::new(),
    }
}

/// The units that a unit passes its stop on to, with the directive, but for those that were `seen`.
fn passed_on(
    from: &mut dyn Properties,
    seen: &mut BTreeSet<String>,
) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    for (inverse, directive) in PASSED_ON {
        for name in from.list(inverse) {
            if seen.insert(name.clone()) {
                found.push((name, directive));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
