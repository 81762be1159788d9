//! A rule's keys, one by one.

use std::ops::Range;

use super::super::super::fault::{Concerns, Fault};
use super::super::super::grammar;
use super::super::super::raw::{Entry, Raw, Table};
use super::super::super::rule::{Action, Base, Condition, Holds, Metric, Scope, Signal, Threshold};
use super::super::{Checker, suggest};
use super::Owner;
use crate::units::{Span, quote};

/// The conditions, in the order in which they name a rule.
pub(super) const CONDITIONS: [&str; 10] = [
    "leak",
    "above",
    "grown",
    "exhausts_in",
    "event",
    "pressure",
    "stalled",
    "age",
    "tasks",
    "total",
];

/// What goes with them.
const OTHER_KEYS: [&str; 10] = [
    "name", "for", "settle", "of", "scope", "ignore", "repeat", "action", "signal", "grace",
];

/// A rule as far as it is read.
#[derive(Default)]
pub(super) struct Draft {
    pub conditions: Vec<Condition>,
    /// A condition was written, even if its value is at fault.
    pub conditional: bool,
    pub of_ceiling: Vec<Range<usize>>,
    pub name: Option<(String, Range<usize>)>,
    pub holds: Option<Holds>,
    pub settle: Option<Span>,
    pub metric: Metric,
    pub scope: Scope,
    pub ignores: (bool, bool),
    pub repeat: Option<Span>,
    pub action: Option<(String, Range<usize>)>,
    pub signal: Option<(Signal, Range<usize>)>,
    pub grace: Option<(Span, Range<usize>)>,
    pub total_at: Option<Range<usize>>,
}

impl Checker<'_> {
    pub(super) fn draft(&mut self, table: &Table, owner: &Owner<'_>) -> Draft {
        let mut draft = Draft::default();
        let concerns = owner.concerns();
        let keys = [CONDITIONS, OTHER_KEYS].concat();
        for entry in &table.0 {
            let at = entry.node.at.clone();
            match entry.key.as_str() {
                "name" => draft.name = self.rule_name(entry, &concerns).map(|name| (name, at)),
                "for" => draft.holds = self.read(entry, &concerns, grammar::holds),
                "settle" => draft.settle = self.read(entry, &concerns, grammar::finite),
                "repeat" => draft.repeat = self.read(entry, &concerns, grammar::positive),
                "of" => {
                    let words = Metric::NAMED.map(Metric::name);
                    if let Some(index) = self.word(entry, &words, &concerns) {
                        draft.metric = Metric::NAMED[index];
                    }
                }
                "scope" => {
                    if self.word(entry, &["worker"], &concerns).is_some() {
                        draft.scope = Scope::Worker;
                    }
                }
                "ignore" => draft.ignores = self.ignores(entry, &concerns),
                "action" => {
                    draft.action = Some((String::new(), at.clone()));
                    if let Some(index) = self.word(entry, &Action::NAMES, &concerns) {
                        draft.action = Some((Action::NAMES[index].to_owned(), at));
                    }
                }
                "signal" => {
                    draft.signal = self
                        .read(entry, &concerns, grammar::signal)
                        .map(|s| (s, at))
                }
                "grace" => {
                    draft.grace = self
                        .read(entry, &concerns, grammar::positive)
                        .map(|s| (s, at))
                }
                "window" | "idle" => self.push(
                    Fault::error(
                        entry.key_at.clone(),
                        concerns.clone(),
                        format!("`{}` is no key of a rule", entry.key),
                    )
                    .help("it is a setting of the unit's [….restart]"),
                ),
                key if CONDITIONS.contains(&key) => {
                    draft.conditional = true;
                    if key == "total" {
                        draft.total_at = Some(at);
                    }
                    let condition = self.condition(entry, &concerns, &mut draft.of_ceiling);
                    draft.conditions.extend(condition);
                }
                _ => {
                    // A misspelt condition is one, and a misspelt action.
                    match self.unknown_key(entry, &keys, "a rule", concerns.clone()) {
                        Some("action") => draft.action = Some((String::new(), at)),
                        Some(key) if CONDITIONS.contains(&key) => draft.conditional = true,
                        _ => {}
                    }
                }
            }
        }
        draft
    }

    fn condition(
        &mut self,
        entry: &Entry,
        concerns: &Concerns,
        of_ceiling: &mut Vec<Range<usize>>,
    ) -> Option<Condition> {
        match entry.key.as_str() {
            "leak" => match &entry.node.value {
                Raw::Boolean(true) => Some(Condition::Leak { cautious: false }),
                Raw::Text(text) if text == "cautious" => Some(Condition::Leak { cautious: true }),
                _ => {
                    let fault = self.wrong_type(entry, "true or \"cautious\"", concerns.clone());
                    self.push(fault.help("for no leak detection leave it out"));
                    None
                }
            },
            "stalled" => match &entry.node.value {
                Raw::Boolean(true) => Some(Condition::Stalled),
                _ => {
                    let fault = self.wrong_type(entry, "true", concerns.clone());
                    self.push(fault.help("where it is not wanted, leave it out"));
                    None
                }
            },
            "above" | "total" => {
                let threshold = self.read(entry, concerns, grammar::threshold)?;
                if let Threshold::Share {
                    of: Base::Ceiling, ..
                } = threshold
                {
                    of_ceiling.push(entry.node.at.clone());
                }
                Some(match entry.key.as_str() {
                    "above" => Condition::Above(threshold),
                    _ => Condition::Total(threshold),
                })
            }
            "grown" => self
                .read(entry, concerns, grammar::growth)
                .map(Condition::Grown),
            "exhausts_in" => self
                .read(entry, concerns, grammar::positive)
                .map(Condition::ExhaustsIn),
            "event" => self
                .read(entry, concerns, grammar::event)
                .map(Condition::Event),
            "pressure" => self
                .read(entry, concerns, grammar::pressure)
                .map(Condition::Pressure),
            "age" => self
                .read(entry, concerns, grammar::positive)
                .map(Condition::Age),
            "tasks" => match &entry.node.value {
                Raw::Integer(n) if n.parse::<u64>().is_ok_and(|n| n > 0) => {
                    n.parse().ok().map(Condition::Tasks)
                }
                _ => {
                    let fault =
                        self.wrong_type(entry, "a number of tasks above zero", concerns.clone());
                    self.push(fault.help("write it without quotes: tasks = 1000"));
                    None
                }
            },
            // Only called with the keys above.
            _ => None,
        }
    }

    /// Names stand in the journal, in file names and on command lines.
    fn rule_name(&mut self, entry: &Entry, concerns: &Concerns) -> Option<String> {
        let (text, at) = self.text_of(entry, concerns.clone())?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.+".contains(&b);
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            return Some(text.to_owned());
        }
        self.push(
            Fault::error(
                at,
                concerns.clone(),
                format!("{} is no name for a rule", quote(text)),
            )
            .note("allowed: up to 64 letters, digits and -_.+"),
        );
        None
    }

    fn ignores(&mut self, entry: &Entry, concerns: &Concerns) -> (bool, bool) {
        let mut ignores = (false, false);
        let Raw::Array(items) = &entry.node.value else {
            let fault = self.wrong_type(entry, "a list", concerns.clone());
            self.push(fault.help("write ignore = [\"window\", \"idle\"]"));
            return ignores;
        };
        for item in items {
            match &item.value {
                Raw::Text(text) if text == "window" => ignores.0 = true,
                Raw::Text(text) if text == "idle" => ignores.1 = true,
                _ => self.push(
                    Fault::error(item.at.clone(), concerns.clone(), "a rule can ignore the window and idleness")
                        .note("allowed: \"window\", \"idle\"; limit, cooldown, hold and protection always count"),
                ),
            }
        }
        ignores
    }

    /// The index of a word in a list of words.
    fn word(&mut self, entry: &Entry, words: &[&str], concerns: &Concerns) -> Option<usize> {
        let (text, at) = self.text_of(entry, concerns.clone())?;
        let found = words.iter().position(|word| *word == text);
        if found.is_none() {
            let message = format!("{}: {} is not one of its words", entry.key, quote(text));
            let fault = Fault::error(at, concerns.clone(), message)
                .maybe_help(
                    suggest::nearest(text, words)
                        .map(|word| format!("perhaps {} = \"{word}\"", entry.key)),
                )
                .note(format!("allowed: {}", words.join(", ")));
            self.push(fault);
        }
        found
    }
}
