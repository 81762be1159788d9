//! How far each rule is, for `explain` and `status`.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::condition::{UNJUDGED, is_judged};
use super::words::Judged;
use super::{Latch, Memory, Seen, lasting, rule};
use crate::profile::rule::{Action, Condition, Rule, Scope};

/// How a rule stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub rule: String,
    /// What it does.
    pub action: Action,
    /// Since when it holds, if it was told.
    pub latched: Option<Latch>,
    /// Its conditions, in the order of the manual.
    pub terms: Vec<Term>,
    /// Whether all of them hold at this reading; `None` if that cannot be told.
    pub holds: Option<bool>,
    /// How far `for` is: `2min of 5min`, `1 of the last 5 readings, 3 needed`; `None` without it, and of a rule that
    /// was told.
    pub lasting: Option<String>,
    /// What is missing until it fires: `17M more`, `in 12min`; nothing of a rule that was told.
    pub missing: Option<String>,
}

/// How a condition of a rule stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The key in the profile.
    pub key: &'static str,
    /// The figure: `need 383M`; `None` where it is unknown.
    pub figure: Option<String>,
    /// What it is held against: `80% (400M of MemoryHigh=500M)`.
    pub threshold: String,
    /// Whether it holds; of a rule that was told, whether it has not cleared. `None` if that cannot be told.
    pub holds: Option<bool>,
    /// What is missing until it holds, or is known.
    pub missing: Option<String>,
}

/// How each rule of a unit that runs stands; [`super::decide`] would judge this reading so. Nothing is remembered.
#[must_use]
pub fn standing(
    rules: &[Rule],
    memory: &BTreeMap<String, Memory>,
    seen: &Seen<'_>,
    now: Timestamp,
) -> Vec<Standing> {
    let of = |rule: &Rule| {
        let memory = memory.get(&rule.name).cloned().unwrap_or_default();
        one(rule, memory, seen, now)
    };
    rules.iter().map(of).collect()
}

fn one(rule: &Rule, mut memory: Memory, seen: &Seen<'_>, now: Timestamp) -> Standing {
    let latched = memory.latched;
    let stepped = rule::step(rule, &mut memory, seen, now);
    let judged = rule::terms(rule, &memory, seen, stepped.was_latched, now);
    let unjudged = unjudged(rule);
    let told = memory.latched.is_some();
    let (lasting, longer) = match lasting::left(&memory, rule.holds).filter(|_| !told) {
        Some((progress, longer)) => (Some(progress), Some(longer)),
        None => (None, None),
    };
    let missing: Vec<String> = match (unjudged, told) {
        (Some(why), _) => vec![format!("{why}: {UNJUDGED}")],
        (None, true) => Vec::new(),
        (None, false) => {
            let open = judged.iter().filter(|j| j.holds != Some(true));
            let missing = open.filter_map(|j| Some(format!("{}: {}", j.key, j.missing.as_ref()?)));
            missing.chain(longer.map(|l| format!("for: {l}"))).collect()
        }
    };
    Standing {
        rule: rule.name.clone(),
        action: rule.action,
        latched: latched.filter(|_| told),
        terms: judged.into_iter().map(term).collect(),
        holds: stepped.held.filter(|_| unjudged.is_none()),
        lasting,
        missing: (!missing.is_empty()).then(|| missing.join(", ")),
    }
}

fn term(judged: Judged) -> Term {
    Term {
        key: judged.key,
        figure: (!judged.figure.is_empty()).then_some(judged.figure),
        threshold: judged.threshold,
        holds: judged.holds,
        missing: judged.missing,
    }
}

/// What of a rule this version does not judge.
fn unjudged(rule: &Rule) -> Option<&'static str> {
    if is_judged(rule) {
        return None;
    }
    let later = |c: &Condition| {
        let key = c.key();
        ["tasks", "total"].contains(&key).then_some(key)
    };
    Some(match rule.scope {
        Scope::Worker => "scope",
        Scope::Unit => rule.conditions.iter().find_map(later).unwrap_or("action"),
    })
}
