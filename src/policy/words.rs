//! A condition in words: its figure, what it is held against, and what is missing.

use super::condition::{self, Scene, UNJUDGED, unsettled};
use super::figure::{
    self, measured, no_threshold, relaxed, show_percent, show_span, show_threshold,
};
use super::memory::Memory;
use super::{event, pressure, stalled, trend};
use crate::profile::rule::{
    Condition, EventRate, Growth, Holds, Metric, Pressure, Rule, Threshold,
};
use crate::units::{Span, show_bytes};

/// A condition, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    /// The key in the profile.
    pub key: &'static str,
    /// The figure, in words; empty where it is unknown.
    pub figure: String,
    /// What it is held against, in words.
    pub threshold: String,
    /// Whether it holds; `None` if that cannot be told.
    pub holds: Option<bool>,
    /// What is missing until it holds, or known.
    pub missing: Option<String>,
}

/// Judges a condition, in words.
pub(super) fn judge(condition: &Condition, memory: &mut Memory, scene: &Scene<'_>) -> Judged {
    let key = condition.key();
    let holds = condition::holds(condition, memory, scene);
    let (figure, threshold, missing) = match condition {
        Condition::Above(threshold) => above(*threshold, scene),
        Condition::Grown(growth) => grown(*growth, memory, scene),
        Condition::Event(asked) => of_event(*asked, memory, scene),
        Condition::Pressure(asked) => of_pressure(*asked, memory, scene),
        Condition::Stalled => {
            let (seen, now) = (scene.seen, scene.now);
            let found = stalled::judge(&mut memory.throttled, seen, scene.is_latched, now);
            (found.figure, "true".to_owned(), found.missing)
        }
        Condition::Age(age) => of_age(*age, scene),
        Condition::Leak { cautious } => trend::say_leak(*cautious, scene),
        Condition::ExhaustsIn(span) => trend::say_exhausts(*span, scene),
        Condition::Tasks(count) => unjudged(count.to_string()),
        Condition::Total(threshold) => unjudged(threshold.to_string()),
    };
    let missing = match unsettled(condition, scene) {
        Some(left) if holds.is_some() => Some(format!("in {} (settle)", show_span(left))),
        _ if holds == Some(true) => None,
        _ => missing,
    };
    Judged {
        key,
        figure,
        threshold,
        holds,
        missing,
    }
}

/// Figure, threshold, and what is missing where it does not hold.
pub(super) type Words = (String, String, Option<String>);

fn unjudged(threshold: String) -> Words {
    (String::new(), threshold, Some(UNJUDGED.to_owned()))
}

/// How much is missing until a figure is over a threshold.
fn more(value: u64, threshold: u64) -> Option<String> {
    let left = threshold.checked_sub(value)?;
    Some(format!("{} more", show_bytes(left.saturating_add(1))))
}

fn figure_of(metric: Metric, value: Option<u64>) -> String {
    value.map_or_else(String::new, |value| {
        format!("{} {}", metric.name(), show_bytes(value))
    })
}

fn unread(metric: Metric) -> Option<String> {
    Some(format!("its {} is not known", metric.name()))
}

fn above(asked: Threshold, scene: &Scene<'_>) -> Words {
    let metric = scene.rule.metric;
    let value = measured(metric, scene.seen, false);
    let missing = match (value, figure::bytes(asked, scene.seen)) {
        (Some(value), Some(bytes)) => more(value, relaxed(bytes, scene.is_latched)),
        (None, _) => unread(metric),
        (_, None) => Some(no_threshold(asked, scene.seen)),
    };
    (
        figure_of(metric, value),
        show_threshold(asked, scene.seen),
        missing,
    )
}

fn grown(asked: Growth, memory: &Memory, scene: &Scene<'_>) -> Words {
    let metric = scene.rule.metric;
    let value = measured(metric, scene.seen, true);
    let shown = figure_of(metric, value);
    let Some(value) = value else {
        return (shown, asked.to_string(), unread(metric));
    };
    let Some(base) = memory.baseline.as_ref().and_then(|b| b.bytes()) else {
        return (shown, asked.to_string(), Some(no_baseline(memory, scene)));
    };
    let Some(growth) = figure::growth(asked, base) else {
        let missing = "a share of a baseline of 0 is nothing; write bytes".to_owned();
        return (shown, asked.to_string(), Some(missing));
    };
    let over = show_bytes(base.saturating_add(growth));
    let threshold = format!("{asked} ({over}, its baseline is {})", show_bytes(base));
    let missing = more(value, condition::grown_over(base, growth, scene));
    (shown, threshold, missing)
}

fn no_baseline(memory: &Memory, scene: &Scene<'_>) -> String {
    let settle = scene.rule.settle();
    let until = Span(settle.0.saturating_sub(scene.age.0));
    let taking = memory.baseline.as_ref();
    let taking = taking.map_or(Span::seconds(60), |b| b.left(scene.now));
    let left = Span(until.0.saturating_add(taking.0));
    format!("a baseline, in {}", show_span(left))
}

fn of_event(asked: EventRate, memory: &Memory, scene: &Scene<'_>) -> Words {
    let name = asked.event.name();
    let span = event::span(asked);
    let known = event::counter(asked.event, scene.seen).is_some();
    let (count, threshold) = condition::events(asked, memory, scene);
    let figure = match known {
        true => format!("{count} {name} in {span}"),
        false => String::new(),
    };
    let missing = match known {
        false => "memory.events is not known".to_owned(),
        true => {
            let more = threshold.saturating_sub(count).saturating_add(1);
            format!("{more} more {name} within {span}")
        }
    };
    (figure, asked.to_string(), Some(missing))
}

fn of_pressure(asked: Pressure, memory: &Memory, scene: &Scene<'_>) -> Words {
    let kind = asked.kind();
    let crossed = scene.seen.crossed.contains(&asked);
    let figure = pressure::figure(&memory.live, asked, scene.seen, scene.is_latched);
    let threshold = pressure::threshold(asked, scene.is_latched);
    let shown = match (crossed, figure) {
        (true, _) => format!(
            "{kind} {} or more",
            show_percent(u64::from(asked.hundredths))
        ),
        (false, Some(figure)) => format!("{kind} {}", show_percent(figure)),
        (false, None) => String::new(),
    };
    let missing = match figure {
        Some(figure) => format!("{} more", show_percent(threshold.saturating_sub(figure))),
        None => "its pressure is not known".to_owned(),
    };
    (shown, asked.to_string(), Some(missing))
}

fn of_age(asked: Span, scene: &Scene<'_>) -> Words {
    let left = Span(asked.0.saturating_sub(scene.age.0));
    (
        format!("age {}", show_span(scene.age)),
        asked.to_string(),
        Some(format!("in {}", show_span(left))),
    )
}

/// The text of what a rule asks: another one is another rule.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    conditions: Vec<Condition>,
    metric: Metric,
    holds: Holds,
    pub text: String,
}

impl Asked {
    /// Of a rule; the one that is known, if it is of this very rule.
    pub fn of(rule: &Rule, known: Option<Self>) -> Self {
        let is_same = |known: &Self| {
            (known.metric, known.holds) == (rule.metric, rule.holds)
                && known.conditions == rule.conditions
        };
        known.filter(is_same).unwrap_or_else(|| Self {
            conditions: rule.conditions.clone(),
            metric: rule.metric,
            holds: rule.holds,
            text: asked(rule),
        })
    }
}

fn asked(rule: &Rule) -> String {
    let mut words: Vec<String> = rule
        .conditions
        .iter()
        .map(|condition| {
            let value = match condition {
                Condition::Above(threshold) | Condition::Total(threshold) => threshold.to_string(),
                Condition::Grown(growth) => growth.to_string(),
                Condition::Event(asked) => asked.to_string(),
                Condition::Pressure(asked) => asked.to_string(),
                Condition::Age(span) | Condition::ExhaustsIn(span) => span.to_string(),
                Condition::Tasks(count) => count.to_string(),
                Condition::Leak { cautious: true } => "cautious".to_owned(),
                Condition::Leak { cautious: false } | Condition::Stalled => "true".to_owned(),
            };
            format!("{} {value}", condition.key())
        })
        .collect();
    words.push(format!("of {}", rule.metric.name()));
    words.push(format!("for {}", rule.holds));
    words.join(", ")
}

impl Judged {
    /// What it says of the unit: `need 412M over above = 80% (400M of MemoryHigh=500M)`.
    pub fn phrase(&self) -> String {
        let Self {
            key,
            figure,
            threshold,
            ..
        } = self;
        match (self.holds, *key) {
            (Some(true), "stalled") => format!("stalled: {figure}"),
            (Some(true), "leak") => format!("leak: {figure}"),
            (Some(true), "exhausts_in") => format!("{figure}, within {key} = {threshold}"),
            (Some(false), "leak") => format!("no longer a leak: {figure}"),
            (Some(false), "exhausts_in") => {
                format!("{figure}, no longer within {key} = {threshold}")
            }
            (Some(true), _) => format!("{figure} over {key} = {threshold}"),
            (Some(false), "stalled") if figure.is_empty() => "no longer stalled".to_owned(),
            (Some(false), "stalled") => format!("no longer stalled: {figure}"),
            (Some(false), _) => format!("{figure} no longer over {key} = {threshold}"),
            (None, _) => {
                let why = self.missing.as_deref().unwrap_or("unknown");
                format!("{key} cannot be told: {why}")
            }
        }
    }
}
