//! Rules: conditions, what goes with them, and the action.

mod draft;

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::fault::{Concerns, Fault};
use super::super::raw::{Entry, Node, Raw};
use super::super::rule::{Action, Condition, Holds, Rule, Scope, Signal};
use super::Checker;
use crate::systemd::names::{UnitName, UnitType};
use crate::units::quote;
use draft::{CONDITIONS, Draft};

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
                .note(format!("conditions: {}", CONDITIONS.join(", "))),
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
        conditions.sort_by_key(|c| CONDITIONS.iter().position(|key| *key == c.key()));
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
            settle: draft.settle,
            metric: draft.metric,
            scope: draft.scope,
            ignores_window: draft.ignores.0,
            ignores_idle: draft.ignores.1,
            action: action?,
            repeat: draft.repeat,
        };
        Some((rule, name_at))
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
