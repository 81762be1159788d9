//! One condition of a rule, held against what is seen.

use jiff::Timestamp;

use super::figure::{
    self, elapsed, measured, no_threshold, relaxed, show_percent, show_span, show_threshold,
};
use super::memory::Memory;
use super::{Seen, baseline, event, pressure, stalled};
use crate::profile::rule::{
    Action, Condition, EventRate, Growth, Metric, Pressure, Rule, Scope, Threshold,
};
use crate::units::{Span, show_bytes};

/// What this version does not judge.
pub(super) const UNJUDGED: &str = "not judged by this version";

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

/// A rule and a reading of a unit, and all that is needed to judge one by the other.
pub(super) struct Scene<'a> {
    pub rule: &'a Rule,
    pub seen: &'a Seen<'a>,
    pub now: Timestamp,
    /// How long this start lasts.
    pub age: Span,
    /// The rule was told: 5 % below its thresholds it is over.
    pub is_latched: bool,
}

/// Whether this version judges all that the rule asks.
pub fn is_judged(rule: &Rule) -> bool {
    let known = |condition: &Condition| {
        !matches!(
            condition,
            Condition::Leak { .. }
                | Condition::ExhaustsIn(_)
                | Condition::Tasks(_)
                | Condition::Total(_)
        )
    };
    rule.scope == Scope::Unit
        && !matches!(rule.action, Action::Signal { .. })
        && !rule.conditions.is_empty()
        && rule.conditions.iter().all(known)
}

/// Takes down of a reading what conditions will need later. `anew` and `used` as [`event::note`] has them.
pub(super) fn note(memory: &mut Memory, scene: &Scene<'_>, anew: bool, used: bool) {
    let (seen, now) = (scene.seen, scene.now);
    let mut grown = false;
    let mut counts = false;
    let mut stalls = false;
    for condition in &scene.rule.conditions {
        match condition {
            Condition::Grown(_) => {
                grown = true;
                let value = measured(scene.rule.metric, seen, true);
                baseline::note(&mut memory.baseline, scene.rule, value, scene.age, now);
            }
            Condition::Event(asked) => {
                counts = true;
                event::note(memory, *asked, seen, now, (anew, used));
            }
            Condition::Pressure(asked) => pressure::note(&mut memory.live, *asked, seen, now, anew),
            Condition::Stalled => stalls = true,
            _ => {}
        }
    }
    // A rule that was changed needs no more of what it needed before.
    if !grown {
        memory.baseline = None;
    }
    if !counts {
        (memory.events, memory.live.events) = (None, None);
    }
    if !stalls {
        memory.throttled = None;
    }
}

/// Judges a condition.
pub(super) fn judge(condition: &Condition, memory: &mut Memory, scene: &Scene<'_>) -> Judged {
    let key = condition.key();
    let judged = match condition {
        Condition::Above(threshold) => above(*threshold, scene),
        Condition::Grown(growth) => grown(*growth, memory, scene),
        Condition::Event(asked) => of_event(*asked, memory, scene),
        Condition::Pressure(asked) => of_pressure(*asked, memory, scene),
        Condition::Stalled => {
            let (seen, now) = (scene.seen, scene.now);
            let found = stalled::judge(&mut memory.throttled, seen, scene.is_latched, now);
            Judged {
                key,
                figure: found.figure,
                threshold: "true".to_owned(),
                holds: found.holds,
                missing: found.missing,
            }
        }
        Condition::Age(age) => of_age(*age, scene),
        Condition::Leak { .. } => unjudged(key, "true".to_owned()),
        Condition::ExhaustsIn(span) => unjudged(key, span.to_string()),
        Condition::Tasks(count) => unjudged(key, count.to_string()),
        Condition::Total(threshold) => unjudged(key, threshold.to_string()),
    };
    match unsettled(condition, scene) {
        Some(left) if judged.holds.is_some() => Judged {
            holds: Some(false),
            missing: Some(format!("in {} (settle)", show_span(left))),
            ..judged
        },
        _ => judged,
    }
}

fn unjudged(key: &'static str, threshold: String) -> Judged {
    Judged {
        key,
        figure: String::new(),
        threshold,
        holds: None,
        missing: Some(UNJUDGED.to_owned()),
    }
}

/// How long a `settle` that the profile gives still keeps a condition from being judged.
fn unsettled(condition: &Condition, scene: &Scene<'_>) -> Option<Span> {
    let settle = scene.rule.settle?;
    let asks = matches!(condition, Condition::Above(_) | Condition::Grown(_));
    (asks && scene.age < settle).then(|| Span(settle.0 - scene.age.0))
}

/// Whether a figure is over a threshold, and how much is missing.
fn over(value: u64, threshold: u64) -> (Option<bool>, Option<String>) {
    match threshold.checked_sub(value) {
        None => (Some(true), None),
        Some(left) => {
            let more = left.saturating_add(1);
            (Some(false), Some(format!("{} more", show_bytes(more))))
        }
    }
}

fn figure_of(metric: Metric, value: u64) -> String {
    format!("{} {}", metric.name(), show_bytes(value))
}

fn unread(metric: Metric) -> Option<String> {
    Some(format!("its {} is not known", metric.name()))
}

fn above(asked: Threshold, scene: &Scene<'_>) -> Judged {
    let metric = scene.rule.metric;
    let value = measured(metric, scene.seen, false);
    let bytes = figure::bytes(asked, scene.seen);
    let (holds, missing) = match (value, bytes) {
        (Some(value), Some(bytes)) => over(value, relaxed(bytes, scene.is_latched)),
        (None, _) => (None, unread(metric)),
        (_, None) => (None, Some(no_threshold(asked, scene.seen))),
    };
    Judged {
        key: "above",
        figure: value.map_or_else(String::new, |value| figure_of(metric, value)),
        threshold: show_threshold(asked, scene.seen),
        holds,
        missing,
    }
}

fn grown(asked: Growth, memory: &Memory, scene: &Scene<'_>) -> Judged {
    let metric = scene.rule.metric;
    let value = measured(metric, scene.seen, true);
    let taken = memory.baseline.as_ref().and_then(|b| b.bytes());
    let mut judged = Judged {
        key: "grown",
        figure: value.map_or_else(String::new, |value| figure_of(metric, value)),
        threshold: asked.to_string(),
        holds: None,
        missing: None,
    };
    let Some(value) = value else {
        judged.missing = unread(metric);
        return judged;
    };
    let Some(base) = taken else {
        judged.holds = Some(false);
        judged.missing = Some(no_baseline(memory, scene));
        return judged;
    };
    let Some(growth) = figure::growth(asked, base) else {
        judged.missing = Some("a share of a baseline of 0 is nothing; write bytes".to_owned());
        return judged;
    };
    // Of the growth, not of the whole: a small one would never be over.
    let threshold = base.saturating_add(relaxed(growth, scene.is_latched));
    let shown = show_bytes(base.saturating_add(growth));
    judged.threshold = format!("{asked} ({shown}, its baseline is {})", show_bytes(base));
    (judged.holds, judged.missing) = over(value, threshold);
    judged
}

fn no_baseline(memory: &Memory, scene: &Scene<'_>) -> String {
    let settle = scene.rule.settle();
    let until = Span(settle.0.saturating_sub(scene.age.0));
    let taking = memory.baseline.as_ref();
    let taking = taking.map_or(Span::seconds(60), |b| b.left(scene.now));
    let left = Span(until.0.saturating_add(taking.0));
    format!("a baseline, in {}", show_span(left))
}

fn of_event(asked: EventRate, memory: &Memory, scene: &Scene<'_>) -> Judged {
    let name = asked.event.name();
    let span = event::span(asked);
    let known = event::counter(asked.event, scene.seen).is_some();
    let count = memory
        .live
        .events
        .as_ref()
        .map_or(0, |c| c.within(span, scene.now));
    let limit = asked.rate.map_or(0, |(limit, _)| limit);
    let threshold = relaxed(limit, scene.is_latched);
    let holds = count > threshold;
    Judged {
        key: "event",
        figure: match known {
            true => format!("{count} {name} in {span}"),
            false => String::new(),
        },
        threshold: asked.to_string(),
        // An OOM kill that systemd tells of needs no counter.
        holds: (known || holds).then_some(holds),
        missing: match (known || holds, holds) {
            (false, _) => Some("memory.events is not known".to_owned()),
            (true, true) => None,
            (true, false) => {
                let more = (threshold - count).saturating_add(1);
                Some(format!("{more} more {name} within {span}"))
            }
        },
    }
}

fn of_pressure(asked: Pressure, memory: &Memory, scene: &Scene<'_>) -> Judged {
    let kind = asked.kind();
    let crossed = scene.seen.crossed.contains(&asked);
    let figure = pressure::figure(&memory.live, asked, scene.seen, scene.is_latched);
    let threshold = pressure::threshold(asked, scene.is_latched);
    let holds = match figure {
        _ if crossed => Some(true),
        Some(figure) => Some(figure >= threshold),
        None => None,
    };
    Judged {
        key: "pressure",
        figure: match (crossed, figure) {
            (true, _) => format!(
                "{kind} {} or more",
                show_percent(u64::from(asked.hundredths))
            ),
            (false, Some(figure)) => format!("{kind} {}", show_percent(figure)),
            (false, None) => String::new(),
        },
        threshold: asked.to_string(),
        holds,
        missing: match (holds, figure) {
            (Some(false), Some(figure)) => {
                Some(format!("{} more", show_percent(threshold - figure)))
            }
            (None, _) => Some("its pressure is not known".to_owned()),
            _ => None,
        },
    }
}

fn of_age(asked: Span, scene: &Scene<'_>) -> Judged {
    // A start that was old enough stays so, whatever becomes of the clock.
    let holds = scene.is_latched || scene.age >= asked;
    let left = Span(asked.0.saturating_sub(scene.age.0));
    Judged {
        key: "age",
        figure: format!("age {}", show_span(scene.age)),
        threshold: asked.to_string(),
        holds: Some(holds),
        missing: (!holds).then(|| format!("in {}", show_span(left))),
    }
}

/// How old this start is: since systemd began it, and where nobody says, since memctl saw it first.
pub(super) fn age(memory: &Memory, seen: &Seen<'_>, now: Timestamp) -> Span {
    let first = memory.start.as_ref().map_or(now, |start| start.seen);
    elapsed(seen.since.unwrap_or(first), now)
}

/// The text of what a rule asks: another one is another rule.
pub(super) fn asked(rule: &Rule) -> String {
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
                Condition::Leak { .. } | Condition::Stalled => "true".to_owned(),
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
