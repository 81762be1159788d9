//! `memctl explain`: a unit's rules, and what would withhold a restart.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::policy::{BuiltIn, Standing};
use crate::profile::rule::Action;
use crate::restart::gate::Withheld;
use crate::restart::machine::Run;
use crate::restart::{Deed, Look};
use crate::sample::{Ceiling, Sample};
use crate::state::UnitState;
use crate::systemd::names::UnitName;
use crate::units::show_bytes;
use crate::view::grid::Style;
use crate::view::trend;
use crate::watch::agent::Detected;

/// What is known of a unit, its rules and its restarts.
#[derive(Debug)]
pub struct Explained<'e> {
    /// Which.
    pub unit: &'e UnitName,
    /// Its reading, if it runs.
    pub sample: Option<&'e Sample>,
    /// Its ceiling.
    pub ceiling: Option<Ceiling>,
    /// The profile that names it.
    pub profile: Option<&'e Path>,
    /// How its rules stand.
    pub rules: &'e [Standing],
    /// What the leak detector says of it.
    pub detected: Option<&'e Detected>,
    /// When it was read.
    pub now: Timestamp,
    /// What would withhold a restart that a rule wants; `None` for what is never restarted.
    pub withheld: Option<&'e Vec<Withheld>>,
    /// As PID 1 knows it.
    pub look: Option<&'e Look>,
    /// A restart that is under way or being judged.
    pub run: Option<&'e Run>,
    /// What is remembered of it.
    pub state: &'e UnitState,
    /// Whether memctl acts at all, by its settings.
    pub act: bool,
}

/// For people.
#[must_use]
pub fn lines(explained: &Explained<'_>, zone: &TimeZone, colour: bool) -> Vec<String> {
    let mut lines = vec![heading(explained)];
    let path = explained.profile.map(Path::display);
    lines.push(match (path, explained.sample) {
        (Some(path), Some(_)) => format!("Rules of {path}, and memctl's own:"),
        (Some(path), None) => format!("{path} names it; its rules are judged when it runs."),
        (None, _) => "No profile names it: it has no rules.".to_owned(),
    });
    for rule in explained.rules {
        lines.push(String::new());
        lines.extend(rule_lines(rule, zone, colour));
    }
    if let Some(detected) = explained.detected {
        lines.push(String::new());
        lines.extend(trend::page(
            &detected.verdict,
            &detected.reasons,
            explained.now,
            colour,
        ));
    }
    if explained.sample.is_none() && explained.profile.is_none() {
        return lines;
    }
    if let Some(withheld) = explained.withheld {
        lines.push(String::new());
        lines.extend(restart_lines(explained, withheld, colour));
        lines.extend(past(explained, zone));
    }
    lines
}

fn heading(explained: &Explained<'_>) -> String {
    let Some(sample) = explained.sample else {
        return format!("{} does not run.", explained.unit);
    };
    let mut text = explained.unit.to_string();
    match sample.memory.need() {
        Some(need) => text += &format!(": need {}", show_bytes(need)),
        None => text += ": need unknown",
    }
    match &explained.ceiling {
        Some(ceiling) => {
            let whose = match ceiling.unit == *explained.unit {
                true => String::new(),
                false => format!(" of {}", ceiling.unit),
            };
            let limit = show_bytes(ceiling.bytes);
            text += &format!(", ceiling {limit} ({}{whose})", ceiling.bound.directive());
        }
        None => text += ", no ceiling",
    }
    text
}

pub(super) fn rule_lines(rule: &Standing, zone: &TimeZone, colour: bool) -> Vec<String> {
    let holds = rule.latched.map(|latch| latch.since);
    let (word, style) = match (holds, rule.holds) {
        (Some(since), _) => (format!("holds since {}", local(since, zone)), Style::Alarm),
        (None, Some(true)) => ("holds at this reading".to_owned(), Style::Caution),
        (None, Some(false)) => ("does not hold".to_owned(), Style::Faint),
        (None, None) => ("cannot be told".to_owned(), Style::Caution),
    };
    let name = match BuiltIn::named(&rule.rule) {
        Some(_) => rule.rule.clone(),
        None => format!("rule {}", rule.rule),
    };
    let action = match rule.action {
        Action::Alert => "alert".to_owned(),
        other => other.name().to_owned(),
    };
    let mut lines = vec![format!("{name} → {action}: {}", style.paint(&word, colour))];
    for term in &rule.terms {
        let mark = match term.holds {
            Some(true) => "yes",
            Some(false) => "no",
            None => "?",
        };
        let figure = term.figure.as_deref().unwrap_or("unknown");
        let missing = term.missing.as_ref();
        let missing = missing.map_or_else(String::new, |missing| format!("  ({missing})"));
        let (key, threshold) = (term.key, &term.threshold);
        lines.push(format!(
            "  {key:<11} {mark:<4} {figure}; {threshold}{missing}"
        ));
    }
    if let Some(lasting) = &rule.lasting {
        lines.push(format!("  {:<11}      {lasting}", "for"));
    }
    if let Some(missing) = &rule.missing {
        lines.push(format!("  until it fires: {missing}"));
    }
    lines
}

fn restart_lines(explained: &Explained<'_>, withheld: &[Withheld], colour: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(run) = explained.run {
        lines.push(match run.is_busy() {
            true => "A restart is under way.".to_owned(),
            false => "Whether the last restart has helped is being judged.".to_owned(),
        });
    }
    if !explained.act {
        lines.push("memctl acts on nothing (act = false in memctl.toml).".to_owned());
    }
    match withheld {
        [] => lines.push("A restart that a rule wants would go ahead now.".to_owned()),
        all => {
            let told = "A restart that a rule wants would be withheld now:";
            lines.push(Style::Caution.paint(told, colour));
            lines.extend(
                all.iter()
                    .map(|w| format!("  {:<19} {}", w.gate.name(), w.why)),
            );
        }
    }
    let dependents = explained.look.map(|look| look.dependents.as_slice());
    let dependents = dependents.unwrap_or_default();
    if !dependents.is_empty() {
        let names: Vec<String> = dependents
            .iter()
            .map(|d| format!("{} ({}=)", d.unit, d.by))
            .collect();
        lines.push(format!("A restart takes along: {}", names.join(", ")));
    }
    if explained.look.is_none() {
        lines.push("systemd could not be asked: what it would say is not counted.".to_owned());
    }
    lines
}

/// What memctl did to it before.
fn past(explained: &Explained<'_>, zone: &TimeZone) -> Vec<String> {
    let done = restarts(explained.state);
    let Some(last) = done.last() else {
        return vec!["memctl has not restarted it in the last 31 days.".to_owned()];
    };
    let times = match done.len() {
        1 => "once".to_owned(),
        n => format!("{n} times"),
    };
    let last = local(*last, zone);
    vec![format!(
        "memctl has restarted it {times} in the last 31 days, the last time at {last}."
    )]
}

/// When it was restarted; a reload is none.
fn restarts(state: &UnitState) -> Vec<Timestamp> {
    let restarts = state.done.iter().filter(|d| d.deed == Deed::Restart);
    restarts.map(|done| done.time).collect()
}

fn local(time: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(time).strftime("%F %T").to_string()
}

/// `"v": 1`.
#[must_use]
pub fn json(explained: &Explained<'_>) -> Value {
    let mut map = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        map.extend(value.map(|value| (name.to_owned(), value)));
    };
    add("v", Some(json!(1)));
    add("unit", Some(json!(explained.unit.as_str())));
    add("running", Some(json!(explained.sample.is_some())));
    let need = explained.sample.and_then(|sample| sample.memory.need());
    add("need", need.map(|need| json!(need)));
    if explained.sample.is_some() {
        let ceiling = explained.ceiling.as_ref().map(|ceiling| ceiling.bytes);
        add("ceiling", Some(json!(ceiling)));
    }
    let profile = explained
        .profile
        .map(|path| json!(path.display().to_string()));
    add("profile", profile);
    let rules = explained.rules.iter().map(rule).collect::<Vec<_>>();
    add("rules", Some(json!(rules)));
    let detector = explained.detected.map(|detected| {
        let mut found = trend::verdict(&detected.verdict);
        found.insert("reasons".to_owned(), trend::reasons(&detected.reasons));
        Value::Object(found)
    });
    add("detector", detector);
    let withheld = explained.withheld;
    add(
        "withheld",
        withheld.map(|all| json!(all.iter().map(gate).collect::<Vec<_>>())),
    );
    let along = explained.look.map(|look| {
        let units = look.dependents.iter().map(|d| d.unit.as_str());
        json!(units.collect::<Vec<_>>())
    });
    add("takes_along", along);
    let done = restarts(explained.state);
    let done = done.iter().map(ToString::to_string);
    add("restarts", Some(json!(done.collect::<Vec<_>>())));
    add("act", Some(json!(explained.act)));
    Value::Object(map)
}

/// What withholds a restart.
pub(super) fn gate(w: &Withheld) -> Value {
    let mut gate = json!({ "gate": w.gate.name(), "why": w.why });
    if let Some(until) = w.until {
        gate["until"] = json!(until.to_string());
    }
    gate
}

/// How a rule stands.
pub(super) fn rule(rule: &Standing) -> Value {
    let term = |term: &crate::policy::Term| {
        let mut value = json!({ "condition": term.key, "threshold": term.threshold });
        let texts = [("figure", &term.figure), ("missing", &term.missing)];
        for (name, text) in texts {
            if let Some(text) = text {
                value[name] = json!(text);
            }
        }
        if let Some(holds) = term.holds {
            value["holds"] = json!(holds);
        }
        value
    };
    let mut value = json!({
        "rule": rule.rule,
        "action": rule.action.name(),
        "conditions": rule.terms.iter().map(term).collect::<Vec<_>>(),
    });
    if let Some(latch) = rule.latched {
        value["since"] = json!(latch.since.to_string());
    }
    if let Some(holds) = rule.holds {
        value["holds"] = json!(holds);
    }
    for (name, text) in [("for", &rule.lasting), ("missing", &rule.missing)] {
        if let Some(text) = text {
            value[name] = json!(text);
        }
    }
    value
}

#[cfg(test)]
mod tests;
