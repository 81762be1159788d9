//! One rule at one reading: a new start, its conditions, `for`, and what is told.

use jiff::Timestamp;

use super::condition::{self, Scene};
use super::figure::elapsed;
use super::lasting::{self, Outcome};
use super::memory::{Memory, Started};
use super::words::{self, Asked, Judged};
use super::{Change, Latch, News, Seen, event};
use crate::profile::rule::{Holds, Rule};
use crate::units::Span;

/// How long a told rule is believed of which nobody can tell whether it still holds.
const UNSURE: Span = Span::seconds(180);

/// What became of a rule.
pub(super) struct Stepped {
    /// What is to be told.
    pub news: Vec<News>,
    /// Whether all conditions hold at this very reading; `None` if that cannot be told.
    pub held: Option<bool>,
    /// Whether the rule was told before this reading: what it was held against.
    pub was_latched: bool,
}

/// Judges a rule that this version judges whole. Words are made only of what is told.
pub(super) fn step(rule: &Rule, memory: &mut Memory, seen: &Seen<'_>, now: Timestamp) -> Stepped {
    let mut news = Vec::new();
    let mut tell = |change: Change, why: String| {
        news.push(News {
            rule: rule.name.clone(),
            action: rule.action,
            change,
            why,
        });
    };
    memory.heal(now);
    let was_latched = memory.latched.is_some();
    let anew = begin(memory, seen, now);
    if anew && was_latched {
        tell(Change::Cleared, "the unit was started anew".to_owned());
    }
    let scene = scene(rule, memory, seen, memory.latched.is_some(), now);
    condition::note(memory, &scene, anew, anew && was_latched);
    let held = all(rule, memory, &scene);
    let outcome = lasting(rule, memory, held, now);
    let words = |memory: &Memory| why(rule, &judged(memory, &scene), held);
    match (memory.latched, outcome) {
        (None, Outcome::Lasts) => {
            memory.latched = Some(Latch {
                since: now,
                told: now,
            });
            tell(Change::Fired, words(memory));
        }
        (Some(_), Outcome::Over) => {
            forget(memory);
            tell(Change::Cleared, words(memory));
        }
        (Some(latch), Outcome::Lasts) if held == Some(true) && is_due(rule, &latch, now) => {
            memory.latched = Some(Latch { told: now, ..latch });
            tell(Change::Again, words(memory));
        }
        _ => {}
    }
    if memory.latched.is_some() && held.is_none() {
        let since = *memory.unsure.get_or_insert(now);
        if elapsed(since, now) >= UNSURE {
            forget(memory);
            tell(Change::Cleared, words(memory));
        }
    } else {
        memory.unsure = None;
    }
    event::save(memory, anew || was_latched != memory.latched.is_some(), now);
    Stepped {
        news,
        held,
        was_latched: scene.is_latched,
    }
}

/// A rule and a reading of a unit.
fn scene<'a>(
    rule: &'a Rule,
    memory: &Memory,
    seen: &'a Seen<'a>,
    is_latched: bool,
    now: Timestamp,
) -> Scene<'a> {
    Scene {
        rule,
        seen,
        now,
        age: condition::age(memory, seen, now),
        is_latched,
    }
}

/// The conditions of a rule in words, as they were at the reading that was just judged.
pub(super) fn terms(
    rule: &Rule,
    memory: &Memory,
    seen: &Seen<'_>,
    was_latched: bool,
    now: Timestamp,
) -> Vec<Judged> {
    judged(memory, &scene(rule, memory, seen, was_latched, now))
}

/// Why a rule holds that was just judged.
pub(super) fn reason(
    rule: &Rule,
    memory: &Memory,
    seen: &Seen<'_>,
    was_latched: bool,
    now: Timestamp,
) -> String {
    why(
        rule,
        &terms(rule, memory, seen, was_latched, now),
        Some(true),
    )
}

fn judged(memory: &Memory, scene: &Scene<'_>) -> Vec<Judged> {
    // To judge a condition once more changes nothing that was not changed at first, but nothing is to hang on that.
    let mut memory = memory.clone();
    let conditions = scene.rule.conditions.iter();
    conditions
        .map(|condition| words::judge(condition, &mut memory, scene))
        .collect()
}

/// Counts the reading for `for`.
fn lasting(rule: &Rule, memory: &mut Memory, held: Option<bool>, now: Timestamp) -> Outcome {
    if rule.holds == Holds::Once {
        return lasting::note(memory, rule.holds, held, "", now);
    }
    let asked = Asked::of(rule, memory.live.asked.take());
    let outcome = lasting::note(memory, rule.holds, held, &asked.text, now);
    memory.live.asked = Some(asked);
    outcome
}

/// Looks whether the unit was started anew since the last reading; if so, all begins anew but the counters.
fn begin(memory: &mut Memory, seen: &Seen<'_>, now: Timestamp) -> bool {
    let start = seen.sample.start;
    if memory.start.as_mut().is_some_and(|known| known.is(start)) {
        return false;
    }
    let anew = memory.start.is_some();
    memory.start = Some(Started::new(start, now));
    if anew {
        forget(memory);
        memory.baseline = None;
        memory.throttled = None;
    }
    anew
}

/// It holds no more, and has to last anew.
pub(super) fn forget(memory: &mut Memory) {
    memory.latched = None;
    memory.lasting = None;
    memory.unsure = None;
}

/// All hold; one that does not is enough to know. All are asked: each takes down what it needs later.
fn all(rule: &Rule, memory: &mut Memory, scene: &Scene<'_>) -> Option<bool> {
    let mut all = Some(true);
    for condition in &rule.conditions {
        all = match (condition::holds(condition, memory, scene), all) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (None, _) | (_, None) => None,
            (Some(true), Some(true)) => Some(true),
        };
    }
    all
}

/// The figures: of all conditions if they hold, and else of those that are in the way.
fn why(rule: &Rule, judged: &[Judged], held: Option<bool>) -> String {
    let told = judged.iter().filter(|j| j.holds == held);
    let told: Vec<String> = told.map(Judged::phrase).collect();
    let mut why = told.join(", and ");
    if held == Some(true) && rule.holds != Holds::Once {
        let lasting = match rule.holds {
            Holds::Readings { .. } => format!(", in {} readings", rule.holds),
            _ => format!(", for {}", rule.holds),
        };
        why += &lasting;
    }
    why
}

/// Whether it is to be told again. With `for`, in whole minutes, as all else of such a rule.
fn is_due(rule: &Rule, latch: &Latch, now: Timestamp) -> bool {
    let Some(repeat) = rule.repeat else {
        return false;
    };
    match rule.holds {
        Holds::Once => elapsed(latch.told, now) >= repeat,
        _ => lasting::minutes_between(latch.told, now) >= lasting::minutes(repeat),
    }
}
