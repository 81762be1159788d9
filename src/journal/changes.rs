//! What is told of a change of limits: of each unit that got others, of each profile that changed none.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, Kind};
use crate::apply::{Edit, Outcome};
use crate::error::{self, Error};
use crate::limits::dropin::Installed;
use crate::limits::plan::{Row, Shown, When};
use crate::systemd::names::UnitName;
use crate::systemd::reach::Reach;

/// The events of a change that was made: `counted` are the profiles that count since.
#[must_use]
pub fn changes(outcome: &Outcome, counted: &[Installed], edits: &[Edit]) -> Vec<Event> {
    let mut events = Vec::new();
    for unit in &outcome.restarted {
        let message = format!("{unit} was restarted to make room for its new limits");
        events.push(Event {
            action: Some("restart".to_owned()),
            why: Some("apply".to_owned()),
            ..Event::new(Kind::Done, Some(unit), message)
        });
    }
    if !outcome.changed {
        return events;
    }
    let reach = Reach::new(counted.iter().flat_map(|installed| {
        let units = installed.profile.units.iter();
        units.map(|unit| (&unit.name, installed.profile.name.as_str()))
    }));
    let mut rows: BTreeMap<&UnitName, Vec<&Row>> = BTreeMap::new();
    let changed = |row: &&Row| row.ours && row.when != When::Unchanged;
    for row in outcome.plan.rows.iter().filter(changed) {
        rows.entry(&row.unit).or_default().push(row);
    }
    let mut told = BTreeSet::new();
    for (unit, rows) in rows {
        // Several reach a unit where one of them names a prefix or a template; the first by name is enough to look at.
        let profile = reach.covering(unit).into_iter().min().copied();
        told.extend(profile);
        events.extend(of_unit(unit, profile, &rows));
    }
    events.extend(of_files(counted, edits, &told));
    events
}

/// What is told of a unit: what is in force or will be when it starts, and what waits although it runs.
fn of_unit(unit: &UnitName, profile: Option<&str>, rows: &[&Row]) -> Vec<Event> {
    let listed = |pick: &dyn Fn(&Row) -> bool| -> Option<String> {
        let rows = rows.iter().filter(|row| pick(row));
        let texts: Vec<String> = rows.map(|row| change(row)).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    };
    let now = listed(&|row| row.when == When::Now);
    let later = listed(&|row| row.when == When::NotRunning);
    let withheld = |row: &Row| row.when == When::NextStart && row.withheld.is_some();
    let waiting = listed(&withheld);
    let next = listed(&|row| row.when == When::NextStart && row.withheld.is_none());
    let event = |kind, message, why: Option<&str>| Event {
        profile: profile.map(str::to_owned),
        why: why.map(str::to_owned),
        ..Event::new(kind, Some(unit), message)
    };
    let done = if profile.is_some() {
        Kind::Applied
    } else {
        Kind::Removed
    };
    let mut events = Vec::new();
    if let Some(list) = now {
        let message = match done {
            Kind::Removed => format!("{unit} has its own limits again: {list}"),
            _ => format!("{unit} has new limits: {list}"),
        };
        events.push(event(done, message, None));
    }
    if let Some(list) = later {
        let message = format!("{unit} does not run; when it starts: {list}");
        events.push(event(done, message, None));
    }
    if let Some(list) = waiting {
        let message = format!(
            "{unit} holds too much for its new limits, which wait for its next start: {list}"
        );
        events.push(event(Kind::Pending, message, Some("need")));
    }
    if let Some(list) = next {
        let message = match done {
            Kind::Removed => {
                format!("{unit} has its own values again from its next start on: {list}")
            }
            _ => format!("{unit} has new values from its next start on: {list}"),
        };
        events.push(event(Kind::Pending, message, Some("directive")));
    }
    events
}

/// `MemoryMax 1G → 400M`.
fn change(row: &Row) -> String {
    let text = |shown: Option<&str>| shown.unwrap_or("–").to_owned();
    let shown = |shown: &Option<Shown>| text(shown.as_ref().map(|s| s.text.as_str()));
    let after = match &row.withheld {
        Some(wanted) => wanted.clone(),
        None => shown(&row.after),
    };
    format!("{} {} → {after}", row.key, shown(&row.before))
}

/// The profiles whose files have changed and that changed no unit: only rules, say, or a description.
fn of_files(counted: &[Installed], edits: &[Edit], told: &BTreeSet<&str>) -> Vec<Event> {
    profiles_of(edits)
        .into_iter()
        .filter(|name| !told.contains(name.as_str()))
        .map(|name| {
            let found = counted.iter().find(|i| i.profile.name == name);
            let (kind, message) = match found {
                Some(installed) => {
                    let units = installed.profile.units.len();
                    let rules: usize = installed.profile.units.iter().map(|u| u.rules.len()).sum();
                    let count = |n: usize, noun: &str| match n {
                        1 => format!("1 {noun}"),
                        n => format!("{n} {noun}s"),
                    };
                    let (units, rules) = (count(units, "unit"), count(rules, "rule"));
                    (
                        Kind::Applied,
                        format!("profile {name} is installed: {units}, {rules}; no limit changed"),
                    )
                }
                None => (Kind::Removed, format!("profile {name} was removed")),
            };
            Event {
                profile: Some(name),
                ..Event::new(kind, None, message)
            }
        })
        .collect()
}

/// The names of the profiles that edits are of.
fn profiles_of(edits: &[Edit]) -> BTreeSet<String> {
    let stem = |edit: &Edit| Some(edit.path.file_stem()?.to_str()?.to_owned());
    edits.iter().filter_map(stem).collect()
}

/// The events of a change that was taken back, or as much of it as could be.
#[must_use]
pub fn rolled_back(error: &Error, edits: &[Edit]) -> Vec<Event> {
    let why = match error.kind() {
        error::Kind::Partial => "partial",
        _ => "whole",
    };
    let names = profiles_of(edits);
    let profiles = match names.is_empty() {
        true => vec![None],
        false => names.into_iter().map(Some).collect(),
    };
    let cause = error.message().replace('\n', "; ");
    // Where all of it was, the error begins so.
    let (outcome, cause) = match cause.strip_prefix("rolled back: ") {
        Some(cause) => ("failed and was taken back", cause),
        None => ("failed", cause.as_str()),
    };
    let event = |profile: Option<String>| {
        let of = profile
            .as_ref()
            .map_or("of limits".to_owned(), |name| format!("of profile {name}"));
        let message = format!("the change {of} {outcome}: {cause}");
        Event {
            profile,
            why: Some(why.to_owned()),
            ..Event::new(Kind::RolledBack, None, message)
        }
    };
    profiles.into_iter().map(event).collect()
}

/// The event of an earlier change that was cut short, and is in order again.
#[must_use]
pub fn interrupted() -> Event {
    Event {
        why: Some("interrupted".to_owned()),
        ..Event::new(
            Kind::RolledBack,
            None,
            "an earlier change of limits was interrupted; what it left half-done is in order again",
        )
    }
}

#[cfg(test)]
mod tests;
