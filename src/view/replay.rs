//! `memctl replay`: what rules would have done, as a table a trace and rule, or a line of JSON a verdict.

mod moment;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::profile::rule::Action;
use crate::replay::{Line, Played, Told, What};
use crate::systemd::names::UnitName;
use crate::units::Span;
use crate::view::explain::gate;
use crate::view::grid::{Cell, Column, Give, Style, lines};
use crate::view::trend;

pub use moment::{Moment, moment, moment_json};

/// What came of one recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The file; `None`: the unit's own history.
    pub trace: Option<String>,
    /// What came of it.
    pub played: Played,
}

/// What is the same for all recordings of a run.
#[derive(Debug, Clone)]
pub struct Run<'r> {
    /// The unit.
    pub unit: &'r UnitName,
    /// The profiles that are compared; one, where none is.
    pub profiles: Vec<String>,
    /// The zone in which times are shown.
    pub zone: TimeZone,
}

/// One verdict.
#[derive(Serialize)]
struct Object<'a> {
    v: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a str>,
    unit: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    time: &'a RawValue,
    rule: &'a str,
    action: &'a str,
    why: &'a str,
    change: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    need: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headroom: Option<f64>,
    trend: Map<String, Value>,
}

/// The verdicts of a recording, one line of JSON each.
#[must_use]
pub fn json(run: &Run<'_>, replayed: &Replayed) -> Vec<String> {
    let lines = replayed.played.lines.iter();
    lines
        .filter_map(|line| object(run, replayed, line))
        .collect()
}

fn object(run: &Run<'_>, replayed: &Replayed, line: &Line) -> Option<String> {
    let told = &line.told;
    let time = as_it_stands(&line.time)?;
    let is_deed = told.action != Action::Alert && told.what != What::Cleared;
    let object = Object {
        v: 1,
        trace: replayed.trace.as_deref(),
        unit: run.unit.as_str(),
        profile: match run.profiles.as_slice() {
            [_] => None,
            several => several.get(line.side).map(String::as_str),
        },
        time: &time,
        rule: &told.rule,
        action: told.action.name(),
        why: &told.why,
        change: told.what.name(),
        done: is_deed.then_some(told.is_done),
        withheld: told.withheld.as_ref().map(gate),
        need: told.need,
        current: told.current,
        limit: told.limit,
        // A ten-thousandth is more than anybody can use.
        headroom: told.headroom().map(|share| (share * 1e4).round() / 1e4),
        trend: trend::verdict(&told.trend),
    };
    serde_json::to_string(&object).ok()
}

/// A time as it stands in the recording: a number where JSON has such a number, else a text.
fn as_it_stands(time: &str) -> Option<Box<RawValue>> {
    let is_number = serde_json::from_str::<serde_json::Number>(time).is_ok();
    let text = match is_number {
        true => time.to_owned(),
        false => serde_json::to_string(time).ok()?,
    };
    RawValue::from_string(text).ok()
}

/// What came of a rule on a recording.
#[derive(Debug, Default)]
struct Outcome<'a> {
    /// The first time that it fired.
    first: Option<&'a Told>,
    /// The first time that what it wants was done.
    done: Option<&'a Told>,
    /// How often that was.
    times: usize,
}

/// The rules of a recording that fired, by their names, for each profile.
fn outcomes(played: &Played, sides: usize) -> BTreeMap<&str, Vec<Outcome<'_>>> {
    let mut all: BTreeMap<&str, Vec<Outcome<'_>>> = BTreeMap::new();
    for line in &played.lines {
        let told = &line.told;
        let sides = all
            .entry(&told.rule)
            .or_insert_with(|| (0..sides).map(|_| Outcome::default()).collect());
        let Some(outcome) = sides.get_mut(line.side) else {
            continue;
        };
        if told.what == What::Fired {
            outcome.first.get_or_insert(told);
        }
        if told.is_done {
            outcome.done.get_or_insert(told);
            outcome.times += line.times;
        }
    }
    all
}

/// The table: a line for each rule that fired on a recording, and one for a recording on which none did.
#[must_use]
pub fn table(run: &Run<'_>, all: &[Replayed], width: Option<usize>, colour: bool) -> Vec<String> {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for replayed in all {
        let played = &replayed.played;
        let outcomes = outcomes(played, 1);
        let mut add = |rule: &str, outcome: Option<&Outcome<'_>>| {
            rows.push(row(run, replayed, rule, outcome));
        };
        if outcomes.is_empty() {
            add("", None);
        }
        let mut by_time: Vec<_> = outcomes.iter().collect();
        by_time.sort_by_key(|(_, sides)| sides.first()?.first.map(|told| told.time));
        for (rule, sides) in by_time {
            add(rule, sides.first());
        }
    }
    let heads = [
        ("TRACE", false, Give::Middle),
        ("SPAN", true, Give::Way(1)),
        ("READINGS", true, Give::Way(2)),
        ("RULE", false, Give::Never),
        ("FIRES", false, Give::Never),
        ("LEFT", true, Give::Way(5)),
        ("COMES TO", false, Give::Way(6)),
        ("WHY", false, Give::End),
    ];
    let mut text = lines(columns(&heads, rows), width, colour);
    text.push(String::new());
    text.push(summary(run, all));
    text
}

fn columns(heads: &[(&'static str, bool, Give)], rows: Vec<Vec<Cell>>) -> Vec<Column> {
    let mut columns: Vec<Column> = heads
        .iter()
        .map(|(head, right, give)| Column {
            head,
            right: *right,
            give: *give,
            cells: Vec::new(),
        })
        .collect();
    for row in rows {
        for (column, cell) in columns.iter_mut().zip(row) {
            column.cells.push(cell);
        }
    }
    columns
}

fn row(run: &Run<'_>, replayed: &Replayed, rule: &str, outcome: Option<&Outcome<'_>>) -> Vec<Cell> {
    let first = outcome.and_then(|outcome| outcome.first);
    let text = |told: Option<&Told>, of: &dyn Fn(&Told) -> String| {
        told.map_or_else(Cell::default, |told| Cell::from(of(told)))
    };
    vec![
        Cell::from(name(replayed)),
        Cell::from(span(&replayed.played)),
        Cell::from(replayed.played.readings.to_string()),
        match outcome {
            Some(_) => Cell::from(rule.to_owned()),
            None => Cell::new("–", Style::Faint),
        },
        text(first, &|told| shown(told, &run.zone)),
        text(first, &left),
        outcome.map_or_else(Cell::default, |outcome| comes_to(run, outcome)),
        text(first, &|told| told.why.clone()),
    ]
}

fn name(replayed: &Replayed) -> String {
    replayed
        .trace
        .clone()
        .unwrap_or_else(|| "history".to_owned())
}

/// From the first reading to the last: `13d 23h`.
fn span(played: &Played) -> String {
    let length = played.from.zip(played.until);
    let seconds = length.map_or(0, |(from, until)| until.duration_since(from).as_secs());
    let text = Span::seconds(u64::try_from(seconds).unwrap_or(0)).to_string();
    let two: Vec<&str> = text.split(' ').take(2).collect();
    two.join(" ")
}

fn shown(told: &Told, zone: &TimeZone) -> String {
    zone.to_datetime(told.time).strftime("%F %T").to_string()
}

/// What is left below the limit.
fn left(told: &Told) -> String {
    let share = told.headroom();
    match share {
        None => "–".to_owned(),
        Some(..0.0) => "over".to_owned(),
        Some(share) => format!("{:.0}%", share * 100.0),
    }
}

/// What a rule's firing comes to: `alert`, `restart 3 times`, `restart from 2026-… on`, `withheld: window`.
fn comes_to(run: &Run<'_>, outcome: &Outcome<'_>) -> Cell {
    let Some(first) = outcome.first else {
        return Cell::default();
    };
    let action = first.action.name();
    let (Some(done), times) = (outcome.done, outcome.times) else {
        return match &first.withheld {
            Some(withheld) => {
                let text = format!("{action} withheld: {}", withheld.gate.name());
                Cell::new(text, Style::Caution)
            }
            None if first.action == Action::Alert => Cell::from(action.to_owned()),
            None => Cell::new(format!("{action} left to others"), Style::Faint),
        };
    };
    let mut text = action.to_owned();
    if done.time != first.time {
        text += &format!(" at {}", shown(done, &run.zone));
    }
    if times > 1 {
        text += &format!(", {times} times");
    }
    Cell::new(text, Style::Alarm)
}

/// `3 traces, 60480 readings; leak fires on 2, restart done on 2`.
fn summary(run: &Run<'_>, all: &[Replayed]) -> String {
    let readings: u64 = all.iter().map(|r| r.played.readings).sum();
    let mut text = format!(
        "{}, {}",
        count(all.len() as u64, "recording"),
        count(readings, "reading")
    );
    if run.profiles.len() > 1 {
        // What fires by which is told by rule.
        return text;
    }
    let mut fired: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for replayed in all {
        for (rule, sides) in outcomes(&replayed.played, run.profiles.len()) {
            let (fires, done) = fired.entry(rule).or_default();
            *fires += usize::from(sides.iter().any(|o| o.first.is_some()));
            *done += usize::from(sides.iter().any(|o| o.done.is_some()));
        }
    }
    if fired.is_empty() {
        text += "; no rule fires";
    }
    for (rule, (fires, done)) in fired {
        text += &format!("; {rule} fires on {fires}");
        if done > 0 {
            text += &format!(" and acts on {done}");
        }
    }
    text
}

fn count(n: u64, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{s}")
}

/// Two profiles beside each other: each rule that fires by one of them.
#[must_use]
pub fn comparison(
    run: &Run<'_>,
    all: &[Replayed],
    width: Option<usize>,
    colour: bool,
) -> Vec<String> {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut sums: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for replayed in all {
        for (rule, sides) in outcomes(&replayed.played, 2) {
            let [here, there] = sides.as_slice() else {
                continue;
            };
            let (at, words, style) = match (here.first, there.first) {
                (Some(_), Some(_)) => (0, "both", Style::Plain),
                (Some(_), None) => (1, "only here", Style::Caution),
                (None, Some(_)) => (2, "only there", Style::Caution),
                (None, None) => continue,
            };
            sums.entry(rule).or_default()[at] += 1;
            let cell = |outcome: &Outcome<'_>| match outcome.first {
                None => Cell::new("–", Style::Faint),
                Some(first) => {
                    let came = comes_to(run, outcome);
                    let text = format!(
                        "{} ({} left): {}",
                        shown(first, &run.zone),
                        left(first),
                        came.text
                    );
                    Cell::new(text, came.style)
                }
            };
            rows.push(vec![
                Cell::from(name(replayed)),
                Cell::from(rule.to_owned()),
                Cell::new(words, style),
                cell(here),
                cell(there),
            ]);
        }
    }
    let heads = [
        ("TRACE", false, Give::Middle),
        ("RULE", false, Give::Never),
        ("FIRES", false, Give::Never),
        ("HERE", false, Give::End),
        ("THERE", false, Give::End),
    ];
    let mut text = vec![
        format!("here:  {}", run.profiles.first().map_or("", String::as_str)),
        format!("there: {}", run.profiles.last().map_or("", String::as_str)),
        String::new(),
    ];
    if !rows.is_empty() {
        text.extend(lines(columns(&heads, rows), width, colour));
        text.push(String::new());
    }
    let names: BTreeSet<&str> = sums.keys().copied().collect();
    for rule in names {
        let [both, here, there] = sums[rule];
        text.push(format!(
            "{rule}: both {both}, only here {here}, only there {there}"
        ));
    }
    text.push(summary(run, all));
    text
}
