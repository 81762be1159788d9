//! One rule at one reading: a new start, its conditions, `for`, and what is told.

use jiff::Timestamp;

use super::condition::{self, Judged, Scene};
use super::figure::elapsed;
use super::lasting::{self, Outcome};
use super::memory::{Memory, Started};
use super::{Change, Latch, News, Seen, event};
use crate::profile::rule::{Holds, Rule};
use crate::units::Span;

/// How long a told rule is believed of which nobody can tell whether it still holds.
const UNSURE: Span = Span::seconds(180);

/// What became of a rule.
pub(super) struct Stepped {
    /// What is to be told.
    pub news: Vec<News>,
    /// Its conditions, in its order.
    pub judged: Vec<Judged>,
    /// Whether all conditions hold at this very reading; `None` if that cannot be told.
    pub held: Option<bool>,
    /// Why, in words.
    pub why: String,
}

/// Judges a rule that this version judges whole.
pub(super) fn step(rule: &Rule, memory: &mut Memory, seen: &Seen<'_>, now: Timestamp) -> Stepped {
    let mut news = Vec::new();
    let mut tell = |change: Change, why: &str| {
        news.push(News {
            rule: rule.name.clone(),
            action: rule.action,
            change,
            why: why.to_owned(),
        });
    };
    memory.heal(now);
    let was_latched = memory.latched.is_some();
    let anew = begin(memory, seen, now);
    if anew && was_latched {
        tell(Change::Cleared, "the unit was started anew");
    }
    let scene = Scene {
        rule,
        seen,
        now,
        age: condition::age(memory, seen, now),
        is_latched: memory.latched.is_some(),
    };
    condition::note(memory, &scene, anew, anew && was_latched);
    let conditions = rule.conditions.iter();
    let judged: Vec<Judged> = conditions
        .map(|condition| condition::judge(condition, memory, &scene))
        .collect();
    let held = all(&judged);
    let outcome = lasting::note(memory, rule.holds, held, &condition::asked(rule), now);
    let why = why(rule, &judged, held);
    match (&mut memory.latched, outcome) {
        (None, Outcome::Lasts) => {
            memory.latched = Some(Latch {
                since: now,
                told: now,
            });
            tell(Change::Fired, &why);
        }
        (Some(_), Outcome::Over) => {
            forget(memory);
            tell(Change::Cleared, &why);
        }
        (Some(latch), Outcome::Lasts) if held == Some(true) && is_due(rule, latch, now) => {
            latch.told = now;
            tell(Change::Again, &why);
        }
        _ => {}
    }
    if memory.latched.is_some() && held.is_none() {
        let since = *memory.unsure.get_or_insert(now);
        if elapsed(since, now) >= UNSURE {
            forget(memory);
            tell(Change::Cleared, &why);
        }
    } else {
        memory.unsure = None;
    }
    event::save(memory, anew || was_latched != memory.latched.is_some(), now);
    Stepped {
        news,
        judged,
        held,
        why,
    }
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

/// All hold; one that does not is enough to know.
fn all(judged: &[Judged]) -> Option<bool> {
    if judged.iter().any(|j| j.holds == Some(false)) {
        return Some(false);
    }
    judged.iter().all(|j| j.holds == Some(true)).then_some(true)
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
