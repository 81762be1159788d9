//! All rules of a unit at one reading.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::condition::{UNJUDGED, is_judged};
use super::memory::Memories;
use super::rule::{forget, reason, step};
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
    let weighed = weigh(rules, memory, seen, now);
    let want = weighed.want(rules, memory, seen, now);
    Verdict {
        news: weighed.news,
        want,
    }
}

/// What [`decide`] comes to, before what is wanted is put in words: a reading in which nothing changes allocates
/// nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Weighed {
    /// What is to be told, in the order of the rules.
    pub news: Vec<News>,
    /// The rules that were told and hold, in their order, and whether each was told before.
    holding: Vec<(usize, bool)>,
}

/// The first half of [`decide`].
#[must_use]
pub fn weigh(
    rules: &[Rule],
    memory: &mut BTreeMap<String, Memory>,
    seen: &Seen<'_>,
    now: Timestamp,
) -> Weighed {
    let mut weighed = Weighed::default();
    let mut judged = 0;
    for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| is_judged(rule)) {
        judged += 1;
        let memory = match memory.get_mut(&rule.name) {
            Some(memory) => memory,
            None => memory.entry(rule.name.clone()).or_default(),
        };
        let stepped = step(rule, memory, seen, now);
        weighed.news.extend(stepped.news);
        if memory.latched.is_some() && stepped.held == Some(true) {
            weighed.holding.push((at, stepped.was_latched));
        }
    }
    if memory.len() > judged {
        weighed.news.splice(0..0, orphans(rules, memory));
    }
    weighed
}

impl Weighed {
    /// The rule whose action is wanted.
    #[must_use]
    pub fn strongest<'r>(&self, rules: &'r [Rule]) -> Option<&'r Rule> {
        self.asks(rules).map(|(rule, _)| rule)
    }

    fn asks<'r>(&self, rules: &'r [Rule]) -> Option<(&'r Rule, bool)> {
        let strength = |rule: &Rule| (rule.action, rule.ignores_window, rule.ignores_idle);
        let holding = self.holding.iter().rev();
        let rules = holding.filter_map(|(at, told)| Some((rules.get(*at)?, *told)));
        // Of equals the first.
        let strongest = rules.max_by_key(|(rule, _)| strength(rule));
        strongest.filter(|(rule, _)| rule.action != Action::Alert)
    }

    /// What is wanted, in words, of the rules and the reading that were weighed.
    #[must_use]
    pub fn want(
        &self,
        rules: &[Rule],
        memory: &BTreeMap<String, Memory>,
        seen: &Seen<'_>,
        now: Timestamp,
    ) -> Option<Want> {
        let (asks, was_latched) = self.asks(rules)?;
        let why = reason(asks, memory.get(&asks.name)?, seen, was_latched, now);
        let holding = self.holding.iter().filter_map(|(at, _)| rules.get(*at));
        let others = holding.filter(|rule| rule.name != asks.name);
        let names = std::iter::once(asks).chain(others);
        Some(Want {
            action: asks.action,
            rules: names.map(|rule| rule.name.clone()).collect(),
            why,
            ignores_window: asks.ignores_window,
            ignores_idle: asks.ignores_idle,
        })
    }
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
