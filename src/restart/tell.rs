//! What is told of a restart or reload: one line each, readable at three in the morning.

use super::gate::Withheld;
use super::machine::Run;
use super::{Deed, Look, Wish, judge};
use crate::journal::{Event, Kind};
use crate::systemd::names::UnitName;
use crate::units::{Span, show_bytes};

/// It is wanted, and withheld.
#[must_use]
pub fn withheld(wish: &Wish, unit: &UnitName, by: &Withheld) -> Event {
    let message = format!("{unit} is not {}: {}", participle(wish.deed), by.why);
    let mut event = event(Kind::Withheld, wish, unit, message);
    event.why = Some(by.gate.name().to_owned());
    event.until = by.until;
    event
}

/// It would be done now, and is only told.
#[must_use]
pub fn would(wish: &Wish, unit: &UnitName, look: &Look) -> Event {
    let participle = participle(wish.deed);
    let mut message = format!("{unit} would be {participle} now: {}", reason(wish));
    if wish.deed == Deed::Restart && !look.dependents.is_empty() {
        let units = look.dependents.iter().map(|d| d.unit.as_str());
        message += &format!("; with it {}", list(units));
    }
    let mut event = event(Kind::Begun, wish, unit, message);
    event.dry_run = true;
    event
}

/// PID 1 is about to be asked.
pub(super) fn begun(run: &Run, unit: &UnitName) -> Event {
    let mut message = match run.wish.deed {
        Deed::Restart => format!("restarting {unit}: {}", reason(&run.wish)),
        Deed::Reload => format!("reloading {unit}: {}", reason(&run.wish)),
    };
    if run.wish.deed == Deed::Restart && !run.look.dependents.is_empty() {
        message += &format!("; with it {}", list(dependents(run)));
    }
    let mut event = event(Kind::Begun, &run.wish, unit, message);
    event.need = run.need;
    event
}

/// It is done, and the unit is alive.
pub(super) fn done(run: &Run, unit: &UnitName) -> Event {
    let alive = run.alive.as_ref();
    let need = alive.and_then(|alive| alive.need);
    let downtime = alive.and_then(|alive| alive.downtime_usec);
    let freed = judge::freed(run.need, need);
    let mut message = format!("{} {unit}", participle(run.wish.deed));
    if let Some(usec) = downtime {
        message += &format!(" in {}", show_usec(usec));
    }
    if let (Some(before), Some(after), Some(freed)) = (run.need, need, freed) {
        let freed = match freed {
            0 => "nothing".to_owned(),
            bytes => show_bytes(bytes),
        };
        let (before, after) = (show_bytes(before), show_bytes(after));
        message += &format!(": freed {freed} (need {before} → {after})");
    }
    message += &format!("; {}", reason(&run.wish));
    let again = alive
        .map(|alive| alive.again.as_slice())
        .unwrap_or_default();
    if !again.is_empty() {
        message += &format!(
            "; started again: {}",
            list(again.iter().map(String::as_str))
        );
    }
    let mut event = event(Kind::Done, &run.wish, unit, message);
    event.need = need;
    event.freed = freed;
    event.downtime_usec = downtime;
    event
}

/// It failed: how, and how the unit is now.
pub(super) fn failed(
    run: &Run,
    unit: &UnitName,
    how: &str,
    look: Option<&Look>,
    why: String,
) -> Event {
    let verb = match run.wish.deed {
        Deed::Restart => "restarting",
        Deed::Reload => "reloading",
    };
    let mut message = format!("{verb} {unit} failed: {how}");
    if let Some(look) = look {
        message += &format!("; it is {} ({}", look.active, look.sub);
        if !matches!(look.result.as_str(), "" | "success") && look.result != look.sub {
            message += &format!(", {}", look.result);
        }
        message.push(')');
        let is_up = |unit: &str| look.dependents.iter().any(|d| d.unit == unit);
        let down: Vec<&str> = dependents(run).filter(|unit| !is_up(unit)).collect();
        if run.wish.deed == Deed::Restart && !down.is_empty() {
            message += &format!("; down with it: {}", list(down));
        }
    }
    message += &format!("; {}", reason(&run.wish));
    let mut event = event(Kind::Failed, &run.wish, unit, message);
    event.need = run.need;
    event.why = Some(why);
    event
}

/// A unit that went down with it is not up again.
pub(super) fn dependent_failed(run: &Run, unit: &UnitName, dependent: &str, why: &str) -> Event {
    let message = format!("{dependent}, which went down with {unit}, is not up again: {why}");
    let mut event = event(Kind::Failed, &run.wish, unit, message);
    event.why = Some("dependent".to_owned());
    event
}

/// A service that is to run after it failed.
pub(super) fn after_failed(run: &Run, unit: &UnitName, after: &str, why: &str) -> Event {
    let done = participle(run.wish.deed);
    let message = format!("{unit} is {done}, but {after}, which is to run after, failed: {why}");
    let mut event = event(Kind::Failed, &run.wish, unit, message);
    event.why = Some("after".to_owned());
    event
}

/// It did not help, and that is enough.
pub(super) fn ineffective(run: &Run, unit: &UnitName, need: Option<u64>) -> Event {
    let (verb, end) = match run.wish.deed {
        Deed::Restart => ("restarting", "restarted"),
        Deed::Reload => ("reloading", "reloaded"),
    };
    let mut message = format!("{verb} {unit} does not help: again its need was back within 5min");
    if let (Some(before), Some(need)) = (run.need, need) {
        message += &format!(" ({} before, {} now)", show_bytes(before), show_bytes(need));
    }
    message += &format!(
        "; it is not {end} any more for a day, until `memctl release {unit}`, or until its profile or unit changes; {}",
        reason(&run.wish)
    );
    let mut event = event(Kind::Ineffective, &run.wish, unit, message);
    event.need = need;
    event
}

/// An event of a wish.
fn event(kind: Kind, wish: &Wish, unit: &UnitName, message: String) -> Event {
    let mut event = Event::new(kind, Some(unit), message);
    event.rule = wish.rules.first().cloned();
    let action = match wish.deed {
        Deed::Restart => "restart",
        Deed::Reload => "reload",
    };
    event.action = Some(action.to_owned());
    event
}

fn participle(deed: Deed) -> &'static str {
    match deed {
        Deed::Restart => "restarted",
        Deed::Reload => "reloaded",
    }
}

/// `rule grown: need 412M, …`; `by hand`.
fn reason(wish: &Wish) -> String {
    let rules = wish.rules.join(", ");
    match (wish.rules.len(), wish.why.as_str()) {
        (0, "") => "by hand".to_owned(),
        (0, why) => why.to_owned(),
        (1, why) => format!("rule {rules}: {why}"),
        (_, why) => format!("rules {rules}: {why}"),
    }
}

fn dependents(run: &Run) -> impl Iterator<Item = &str> {
    run.look.dependents.iter().map(|d| d.unit.as_str())
}

/// `a, b, c and 4 more`: a line stays a line.
fn list<'a>(units: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 5;
    let units: Vec<&str> = units.into_iter().collect();
    let shown = units
        .iter()
        .take(MOST)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match units.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// `84 ms`, `2.1 s`, `1min 3s`.
fn show_usec(usec: u64) -> String {
    match usec {
        0..1_000_000 => format!("{} ms", usec.div_ceil(1000)),
        1_000_000..59_950_000 => {
            let tenths = (usec + 50_000) / 100_000;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        _ => Span::seconds((usec + 500_000) / 1_000_000).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_for_people() {
        for (usec, shown) in [
            (0, "0 ms"),
            (83_001, "84 ms"),
            (999_999, "1000 ms"),
            (1_000_000, "1.0 s"),
            (2_149_999, "2.1 s"),
            (59_949_999, "59.9 s"),
            (59_950_000, "1min"),
            (63_200_000, "1min 3s"),
        ] {
            assert_eq!(show_usec(usec), shown);
        }
    }

    #[test]
    fn lists_end() {
        let units: Vec<String> = (0..9).map(|n| format!("{n}.service")).collect();
        let shown = list(units.iter().map(String::as_str));
        assert_eq!(
            shown,
            "0.service, 1.service, 2.service, 3.service, 4.service and 4 more"
        );
        assert_eq!(list(["a.service"]), "a.service");
    }
}
