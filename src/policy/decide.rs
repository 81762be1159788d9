//! All rules of a unit at one reading.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::condition::{UNJUDGED, is_judged};
use super::memory::Memories;
use super::rule::{forget, step};
use super::{Change, Memory, News, Seen, Verdict, Want};
use crate::profile::rule::{Action, Rule};

/// Judges the rules of a unit that runs, at one reading: all of them, those that it has by itself included, for what is
/// remembered of others is forgotten. `memory` is what the call before left, of this process or of an earlier one; it is
/// to be saved when it has changed.
///
/// All rules that begin to hold, hold still or hold no more are told. Of those that were told and hold the strongest
/// action is wanted, if it is more than to tell; among equals that of the rule that need wait for least.
#[must_use]
pub fn decide(
    rules: &[Rule],
    memory: &mut BTreeMap<String, Memory>,
    seen: &Seen<'_>,
    now: Timestamp,
) -> Verdict {
    let mut verdict = Verdict {
        news: orphans(rules, memory),
        want: None,
    };
    let mut holding: Vec<(&Rule, String)> = Vec::new();
    for rule in rules.iter().filter(|rule| is_judged(rule)) {
        let memory = memory.entry(rule.name.clone()).or_default();
        let stepped = step(rule, memory, seen, now);
        verdict.news.extend(stepped.news);
        if memory.latched.is_some() && stepped.held == Some(true) {
            holding.push((rule, stepped.why));
        }
    }
    verdict.want = want(&holding);
    verdict
}

/// The unit does not run any more: what was told of it is over.
#[must_use]
pub fn gone(rules: &[Rule], memory: &mut BTreeMap<String, Memory>) -> Verdict {
    let mut news = orphans(rules, memory);
    for rule in rules {
        if let Some(memory) = memory.get_mut(&rule.name)
            && memory.latched.is_some()
        {
            forget(memory);
            news.push(cleared(&rule.name, rule.action, "the unit does not run"));
        }
    }
    Verdict { news, want: None }
}

/// Forgets rules that there are no more, or that are not judged; what was told of them is over.
fn orphans(rules: &[Rule], memory: &mut Memories) -> Vec<News> {
    let mut news = Vec::new();
    memory.retain(|name, memory| {
        let rule = rules.iter().find(|rule| rule.name == *name);
        let (action, why) = match rule {
            Some(rule) if is_judged(rule) => return true,
            Some(rule) => (rule.action, UNJUDGED),
            None => (Action::Alert, "there is no such rule any more"),
        };
        if memory.latched.is_some() {
            news.push(cleared(name, action, why));
        }
        false
    });
    news
}

fn cleared(rule: &str, action: Action, why: &str) -> News {
    News {
        rule: rule.to_owned(),
        action,
        change: Change::Cleared,
        why: why.to_owned(),
    }
}

fn want(holding: &[(&Rule, String)]) -> Option<Want> {
    let strength = |rule: &Rule| (rule.action, rule.ignores_window, rule.ignores_idle);
    // Of equals the first.
    let (asks, why) = holding
        .iter()
        .rev()
        .max_by_key(|(rule, _)| strength(rule))?;
    if asks.action == Action::Alert {
        return None;
    }
    let others = holding.iter().filter(|(rule, _)| rule.name != asks.name);
    let names = std::iter::once(*asks).chain(others.map(|(rule, _)| *rule));
    Some(Want {
        action: asks.action,
        rules: names.map(|rule| rule.name.clone()).collect(),
        why: why.clone(),
        ignores_window: asks.ignores_window,
        ignores_idle: asks.ignores_idle,
    })
}
