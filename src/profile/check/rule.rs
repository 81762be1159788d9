//! Rules: conditions, what goes with them, and the action.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::fault::{Concerns, Fault};
use super::super::grammar;
use super::super::raw::{Entry, Node, Raw, Table};
use super::super::rule::{
    Action, Base, Condition, Holds, Metric, Rule, SETTLE, Scope, Signal, Threshold,
};
use super::Checker;
use crate::systemd::names::{UnitName, UnitType};
use crate::units::{Span, quote};

/// Whose rules are read.
pub(super) enum Owner<'a> {
    Defaults,
    Unit(&'a UnitName),
}

impl Owner<'_> {
    fn concerns(&self) -> Concerns {
        Concerns::Rule(match self {
            Self::Defaults => None,
            Self::Unit(name) => Some(name.to_string()),
        })
    }
}

const KEYS: [&str; 22] = [
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
    "name",
    "for",
    "settle",
    "of",
    "scope",
    "ignore",
    "repeat",
    "action",
    "signal",
    "grace",
    "window",
    "idle",
];

/// The conditions, for messages; in the order in which they name a rule.
const CONDITIONS: &str =
    "leak, above, grown, exhausts_in, event, pressure, stalled, age, tasks, total";

/// A rule as far as it is read.
#[derive(Default)]
struct Draft {
    conditions: Vec<Condition>,
    /// A condition was written, even if its value is at fault.
    conditional: bool,
    of_ceiling: Vec<Range<usize>>,
    name: Option<(String, Range<usize>)>,
    holds: Option<Holds>,
    settle: Option<Span>,
    metric: Metric,
    scope: Scope,
    ignores: (bool, bool),
    repeat: Option<Span>,
    action: Option<(String, Range<usize>)>,
    signal: Option<(Signal, Range<usize>)>,
    grace: Option<(Span, Range<usize>)>,
    total_at: Option<Range<usize>>,
}

impl Checker<'_> {
    /// The rules of a unit, or of `[defaults]`.
    pub(super) fn rules(&mut self, entry: &Entry, owner: &Owner<'_>) -> Vec<Rule> {
        let items = match &entry.node.value {
            Raw::Array(items) => items,
            _ => {
                let fault = self.wrong_type(entry, "a list of tables", owner.concerns());
                self.push(fault.help("write rules = [ { above = \"80%\", action = \"alert\" } ], or a [[…rules]] header"));
                return Vec::new();
            }
        };
        let mut rules = Vec::new();
        let mut names: BTreeMap<String, Range<usize>> = BTreeMap::new();
        for item in items {
            let Some((rule, name_at)) = self.rule(item, owner) else {
                continue;
            };
            match names.get(&rule.name) {
                Some(first) => self.push(
                    Fault::error(name_at, owner.concerns(), format!("two rules are called {}", quote(&rule.name)))
                        .label("the second")
                        .related(first.clone(), "the first")
                        .help("tell them apart: name = \"…\" (without, a rule is called after its conditions)"),
                ),
                None => {
                    names.insert(rule.name.clone(), name_at);
                }
            }
            rules.push(rule);
        }
        rules
    }

    /// One rule, and where its name stands.
    fn rule(&mut self, node: &Node, owner: &Owner<'_>) -> Option<(Rule, Range<usize>)> {
        let Raw::Table(table) = &node.value else {
            let message = "a rule is a table";
            self.push(
                Fault::error(node.at.clone(), owner.concerns(), message)
                    .label(format!("this is {}", node.kind()))
                    .help("write { above = \"80%\", action = \"alert\" }"),
            );
            return None;
        };
        let draft = self.draft(table, owner);
        let concerns = owner.concerns();
        if !draft.conditional {
            self.push(
                Fault::error(
                    node.at.clone(),
                    concerns.clone(),
                    "a rule without a condition",
                )
                .label("when?")
                .note(format!("conditions: {CONDITIONS}")),
            );
        }
        if let Some(at) = &draft.total_at
            && draft.scope != Scope::Worker
        {
            self.push(
                Fault::error(
                    at.clone(),
                    concerns.clone(),
                    "`total` is over the sum of workers",
                )
                .help("add scope = \"worker\"; for the whole unit write `above`"),
            );
        }
        let action = self.action(node, &draft, owner);
        let mut conditions = draft.conditions;
        conditions.sort_by_key(|c| KEYS.iter().position(|key| *key == c.key()));
        let (name, name_at) = match draft.name {
            Some(name) => name,
            None => {
                let keys: Vec<&str> = conditions.iter().map(Condition::key).collect();
                (keys.join("+"), node.at.clone())
            }
        };
        if conditions.is_empty() {
            return None;
        }
        let rule = Rule {
            name,
            at: node.at.clone(),
            conditions,
            of_ceiling: draft.of_ceiling,
            holds: draft.holds.unwrap_or(Holds::Once),
            settle: draft.settle.unwrap_or(SETTLE),
            metric: draft.metric,
            scope: draft.scope,
            ignores_window: draft.ignores.0,
            ignores_idle: draft.ignores.1,
            action: action?,
            repeat: draft.repeat,
        };
        Some((rule, name_at))
    }

    fn draft(&mut self, table: &Table, owner: &Owner<'_>) -> Draft {
        let mut draft = Draft::default();
        let concerns = owner.concerns();
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
                key if KEYS.contains(&key) => {
                    draft.conditional = true;
                    if key == "total" {
                        draft.total_at = Some(at);
                    }
                    let condition = self.condition(entry, &concerns, &mut draft.of_ceiling);
                    draft.conditions.extend(condition);
                }
                _ => self.unknown_key(entry, &KEYS[..20], "a rule", concerns.clone()),
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
            "stalled" => match self.truth(entry, concerns.clone())? {
                true => Some(Condition::Stalled),
                false => {
                    let fault = self.wrong_type(entry, "true", concerns.clone());
                    self.push(fault.help("leave it out instead"));
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

    /// What the rule does, if that can be done there.
    fn action(&mut self, node: &Node, draft: &Draft, owner: &Owner<'_>) -> Option<Action> {
        let concerns = owner.concerns();
        let Some((word, at)) = &draft.action else {
            self.push(
                Fault::error(node.at.clone(), concerns, "a rule without an action")
                    .label("what then?")
                    .note(format!("actions: {}", Action::NAMES.join(", "))),
            );
            return None;
        };
        let action = match word.as_str() {
            "alert" => Action::Alert,
            "restart" => Action::Restart,
            "reload" => Action::Reload,
            "reclaim" => Action::Reclaim,
            "signal" => Action::Signal {
                signal: draft
                    .signal
                    .as_ref()
                    .map_or(Signal::TERM, |(signal, _)| *signal),
                grace: draft.grace.as_ref().map(|(grace, _)| *grace),
            },
            // Its word is at fault, and was told.
            _ => return None,
        };
        if let Owner::Unit(unit) = owner
            && let Some(reason) = forbidden(action, unit)
        {
            let message = format!("`{word}` is for services");
            self.push(
                Fault::error(at.clone(), concerns.clone(), message)
                    .label(reason)
                    .help("use alert or reclaim here, or a rule of the service"),
            );
            return None;
        }
        let is_signal = matches!(action, Action::Signal { .. });
        if is_signal && draft.scope != Scope::Worker {
            self.push(
                Fault::error(at.clone(), concerns.clone(), "only workers are signalled").help(
                    "add scope = \"worker\"; a whole service is restarted: action = \"restart\"",
                ),
            );
            return None;
        }
        let signal_keys = [
            ("signal", draft.signal.as_ref().map(|(_, at)| at)),
            ("grace", draft.grace.as_ref().map(|(_, at)| at)),
        ];
        for (key, at) in signal_keys.into_iter().filter(|_| !is_signal) {
            if let Some(at) = at {
                let message = format!("`{key}` belongs to action = \"signal\"");
                self.push(
                    Fault::error(at.clone(), concerns.clone(), message)
                        .label(format!("the action is {word}")),
                );
            }
        }
        Some(action)
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
    pub(super) fn word(
        &mut self,
        entry: &Entry,
        words: &[&str],
        concerns: &Concerns,
    ) -> Option<usize> {
        let (text, at) = self.text_of(entry, concerns.clone())?;
        let found = words.iter().position(|word| *word == text);
        if found.is_none() {
            let message = format!("{}: {} is not one of its words", entry.key, quote(text));
            let fault = Fault::error(at, concerns.clone(), message)
                .maybe_help(super::suggest::nearest(text, words))
                .note(format!("allowed: {}", words.join(", ")));
            self.push(fault);
        }
        found
    }
}

/// Why a unit cannot have an action.
pub(super) fn forbidden(action: Action, unit: &UnitName) -> Option<String> {
    let needs_service = matches!(
        action,
        Action::Restart | Action::Reload | Action::Signal { .. }
    );
    let kind = unit.unit_type();
    (needs_service && kind != UnitType::Service).then(|| format!("{unit} is a {}", kind.suffix()))
}
