//! One condition of a rule, held against what is seen.

use jiff::Timestamp;

use super::figure::{self, elapsed, measured, relaxed};
use super::memory::Memory;
use super::{Seen, baseline, event, pressure, stalled, trend};
use crate::profile::rule::{
    Action, Condition, EventRate, Growth, Pressure, Rule, Scope, Threshold,
};
use crate::units::Span;

/// What this version does not judge.
pub(super) const UNJUDGED: &str = "not judged by this version";

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
    let known =
        |condition: &Condition| !matches!(condition, Condition::Tasks(_) | Condition::Total(_));
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
                let (taken, of) = (&mut memory.baseline, &mut memory.live.baseline_of);
                baseline::note(taken, of, scene.rule, value, scene.age, now);
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

/// Whether a condition holds; `None` if that cannot be told. It is asked at every reading of every unit, and words are
/// made of it only where something is told: see [`super::words::judge`].
pub(super) fn holds(condition: &Condition, memory: &mut Memory, scene: &Scene<'_>) -> Option<bool> {
    let holds = match condition {
        Condition::Above(threshold) => above(*threshold, scene),
        Condition::Grown(growth) => grown(*growth, memory, scene),
        Condition::Event(asked) => of_event(*asked, memory, scene),
        Condition::Pressure(asked) => of_pressure(*asked, memory, scene),
        Condition::Stalled => {
            let (seen, now) = (scene.seen, scene.now);
            stalled::judge(&mut memory.throttled, seen, scene.is_latched, now).holds
        }
        // A start that was old enough stays so, whatever becomes of the clock.
        Condition::Age(asked) => Some(scene.is_latched || scene.age >= *asked),
        Condition::Leak { cautious } => {
            let found = scene.seen.trend?;
            Some(trend::leaks(found, *cautious, scene.is_latched))
        }
        Condition::ExhaustsIn(span) => {
            let found = scene.seen.trend?;
            Some(trend::exhausts(found, *span, scene.is_latched, scene.now))
        }
        Condition::Tasks(_) | Condition::Total(_) => None,
    };
    match unsettled(condition, scene) {
        Some(_) => holds.map(|_| false),
        None => holds,
    }
}

/// How long a `settle` that the profile gives still keeps a condition from being judged.
pub(super) fn unsettled(condition: &Condition, scene: &Scene<'_>) -> Option<Span> {
    let settle = scene.rule.settle?;
    let asks = matches!(condition, Condition::Above(_) | Condition::Grown(_));
    (asks && scene.age < settle).then(|| Span(settle.0 - scene.age.0))
}

fn above(asked: Threshold, scene: &Scene<'_>) -> Option<bool> {
    let value = measured(scene.rule.metric, scene.seen, false)?;
    let bytes = figure::bytes(asked, scene.seen)?;
    Some(value > relaxed(bytes, scene.is_latched))
}

fn grown(asked: Growth, memory: &Memory, scene: &Scene<'_>) -> Option<bool> {
    let value = measured(scene.rule.metric, scene.seen, true)?;
    let Some(base) = memory.baseline.as_ref().and_then(|b| b.bytes()) else {
        return Some(false);
    };
    Some(value > grown_over(base, figure::growth(asked, base)?, scene))
}

/// What a grown unit is over. The share of it at which it has cleared is one of the growth, not of the whole: a small
/// growth would never be over.
pub(super) fn grown_over(base: u64, growth: u64, scene: &Scene<'_>) -> u64 {
    base.saturating_add(relaxed(growth, scene.is_latched))
}

/// The events within the time, and how many are too many.
pub(super) fn events(asked: EventRate, memory: &Memory, scene: &Scene<'_>) -> (u64, u64) {
    let count = memory.live.events.as_ref();
    let count = count.map_or(0, |c| c.within(event::span(asked), scene.now));
    let limit = asked.rate.map_or(0, |(limit, _)| limit);
    (count, relaxed(limit, scene.is_latched))
}

fn of_event(asked: EventRate, memory: &Memory, scene: &Scene<'_>) -> Option<bool> {
    let (count, threshold) = events(asked, memory, scene);
    let known = event::counter(asked.event, scene.seen).is_some();
    let holds = count > threshold;
    // An OOM kill that systemd tells of needs no counter.
    (known || holds).then_some(holds)
}

fn of_pressure(asked: Pressure, memory: &Memory, scene: &Scene<'_>) -> Option<bool> {
    if scene.seen.crossed.contains(&asked) {
        return Some(true);
    }
    let figure = pressure::figure(&memory.live, asked, scene.seen, scene.is_latched)?;
    Some(figure >= pressure::threshold(asked, scene.is_latched))
}

/// How old this start is: since systemd began it, and where nobody says, since memctl saw it first.
pub(super) fn age(memory: &Memory, seen: &Seen<'_>, now: Timestamp) -> Span {
    let first = memory.start.as_ref().map_or(now, |start| start.seen);
    elapsed(seen.since.unwrap_or(first), now)
}
