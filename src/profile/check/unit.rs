//! Units and what stands under them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::super::fault::{Concerns, Fault};
use super::super::raw::{Entry, Raw, Table};
use super::super::{Restart, Rule, Setting, UnitProfile};
use super::Checker;
use super::rule::Owner;
use crate::limits::key::Key;
use crate::systemd::names::{NameKind, UnitName, UnitType, dropin_names};
use crate::units::quote;

/// What `[defaults]` says.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    limits: BTreeMap<Key, Setting>,
    rules: Vec<Rule>,
    restart: Restart,
}

/// The keys of a unit that are no limits.
const OTHER_KEYS: [&str; 4] = ["rules", "restart", "override", "task_match"];

fn keys_with_limits(others: &[&'static str]) -> Vec<&'static str> {
    Key::ALL
        .iter()
        .map(|key| key.name())
        .chain(others.iter().copied())
        .collect()
}

impl Checker<'_> {
    pub(super) fn defaults(&mut self, entry: &Entry) -> Defaults {
        let mut defaults = Defaults::default();
        let Some(table) = self.table_of(entry, Concerns::File) else {
            return defaults;
        };
        for entry in &table.0 {
            match (Key::from_name(&entry.key), entry.key.as_str()) {
                (Some(key), _) => {
                    if let Some(setting) = self.limit(key, entry, None) {
                        defaults.limits.insert(key, setting);
                    }
                }
                (None, "rules") => defaults.rules = self.rules(entry, &Owner::Defaults),
                (None, "restart") => defaults.restart = self.restart(entry, None),
                (None, _) => {
                    let keys = keys_with_limits(&["rules", "restart"]);
                    self.unknown_key(entry, &keys, "[defaults]", Concerns::File);
                }
            }
        }
        defaults
    }

    /// Every unit, in the order of the file.
    pub(super) fn units(&mut self, entry: &Entry, defaults: &Defaults) -> Vec<UnitProfile> {
        let Some(table) = self.table_of(entry, Concerns::File) else {
            return Vec::new();
        };
        table
            .0
            .iter()
            .filter_map(|entry| self.unit(entry, defaults))
            .collect()
    }

    fn unit(&mut self, entry: &Entry, defaults: &Defaults) -> Option<UnitProfile> {
        let name = self.unit_name(entry)?;
        let concerns = Concerns::Unit(name.to_string());
        let table = self.table_of(entry, concerns.clone())?;
        let mut unit = UnitProfile {
            at: entry.key_at.clone(),
            overrides: false,
            limits: BTreeMap::new(),
            rules: Vec::new(),
            restart: Restart::default(),
            task_match: None,
            name,
        };
        let mut has_rules = false;
        for entry in &table.0 {
            match (Key::from_name(&entry.key), entry.key.as_str()) {
                (Some(key), _) => {
                    if let Some(setting) = self.limit(key, entry, Some(&unit.name)) {
                        unit.limits.insert(key, setting);
                    }
                }
                (None, "rules") => {
                    has_rules = true;
                    unit.rules = self.rules(entry, &Owner::Unit(&unit.name));
                }
                (None, "restart") => unit.restart = self.restart(entry, Some(&unit.name)),
                (None, "override") => {
                    unit.overrides = self.truth(entry, concerns.clone()).unwrap_or_default();
                }
                (None, "task_match") => {
                    let concerns = Concerns::Rule(Some(unit.name.to_string()));
                    unit.task_match = self
                        .text_of(entry, concerns)
                        .map(|(text, _)| text.to_owned());
                }
                (None, _) => {
                    let keys = keys_with_limits(&OTHER_KEYS);
                    self.unknown_key(entry, &keys, "a unit", concerns.clone());
                }
            }
        }
        self.apply_defaults(&mut unit, defaults, has_rules);
        self.contradictions(&unit.name, &unit.limits);
        Some(unit)
    }

    /// What the unit does not say itself.
    fn apply_defaults(&mut self, unit: &mut UnitProfile, defaults: &Defaults, has_rules: bool) {
        for (key, setting) in &defaults.limits {
            if key.applies_to(unit.name.unit_type()) {
                unit.limits.entry(*key).or_insert_with(|| setting.clone());
            }
        }
        unit.restart = std::mem::take(&mut unit.restart).or(&defaults.restart);
        if has_rules {
            return;
        }
        unit.rules.clone_from(&defaults.rules);
        for rule in &defaults.rules {
            if let Some(reason) = super::rule::forbidden(rule.action, &unit.name) {
                let message = format!(
                    "the {} rule of [defaults] cannot be for {}",
                    rule.action.name(),
                    unit.name
                );
                self.push(
                    Fault::error(
                        unit.at.clone(),
                        Concerns::Rule(Some(unit.name.to_string())),
                        message,
                    )
                    .label(reason)
                    .related(rule.at.clone(), "the rule")
                    .help("give the unit rules of its own, or none: rules = []"),
                );
            }
        }
    }

    /// A limit in `[defaults]` that no unit takes.
    pub(super) fn unused_defaults(&mut self, defaults: &Defaults, units: &[UnitProfile]) {
        if units.is_empty() {
            return;
        }
        for (key, setting) in &defaults.limits {
            if !units
                .iter()
                .any(|unit| key.applies_to(unit.name.unit_type()))
            {
                let concerns = Concerns::Limit {
                    unit: None,
                    key: *key,
                };
                let message = format!("{key} fits none of the profile's units");
                self.push(
                    Fault::warning(setting.at.clone(), concerns, message).label("has no effect"),
                );
            }
        }
    }

    pub(super) fn table_of<'e>(
        &mut self,
        entry: &'e Entry,
        concerns: Concerns,
    ) -> Option<&'e Table> {
        match &entry.node.value {
            Raw::Table(table) => Some(table),
            _ => {
                let fault = self.wrong_type(entry, "a table", concerns);
                self.push(match entry.key.as_str() {
                    "unit" => fault.help(
                        "a unit's limits stand under a header such as [unit.\"nginx.service\"]",
                    ),
                    _ => fault,
                });
                None
            }
        }
    }

    /// A bare percentage needs a ceiling to be taken of. The unit's own slices are not known here, so any
    /// slice of this profile counts, and a prefix or template that covers the unit; what only the unit's own
    /// files say is named as `80% MemoryMax`.
    pub(super) fn ceilings(&mut self, units: &[UnitProfile]) {
        let has_ceiling = |unit: &UnitProfile| {
            [Key::MemoryHigh, Key::MemoryMax].iter().any(|key| {
                unit.limits
                    .get(key)
                    .is_some_and(|setting| is_finite(&setting.value))
            })
        };
        if units
            .iter()
            .any(|unit| unit.name.unit_type() == UnitType::Slice && has_ceiling(unit))
        {
            return;
        }
        let wide: BTreeSet<&str> = units
            .iter()
            .filter(|unit| covers_many(&unit.name) && has_ceiling(unit))
            .map(|unit| unit.name.as_str())
            .collect();
        for unit in units {
            if has_ceiling(unit) || is_covered(&unit.name, &wide) {
                continue;
            }
            for at in unit.rules.iter().flat_map(|rule| &rule.of_ceiling) {
                let fault = self.no_ceiling(unit, at.clone());
                self.push(fault);
            }
        }
    }

    fn no_ceiling(&self, unit: &UnitProfile, at: Range<usize>) -> Fault {
        let share = self.text.get(at.clone()).unwrap_or_default();
        let share = quote(share);
        let share = share.trim_matches(['`', '"', '\'']);
        let message = format!(
            "{share} of nothing: {} has neither MemoryHigh nor MemoryMax here",
            unit.name
        );
        Fault::error(at, Concerns::Rule(Some(unit.name.to_string())), message)
            .label("of which ceiling?")
            .help("set one of them, or name what it is a share of: \"80% RAM\", or \"80% MemoryMax\" if the unit's own file sets that")
    }
}

/// A template or a prefix.
pub(super) fn covers_many(name: &UnitName) -> bool {
    matches!(name.kind(), NameKind::Template | NameKind::Prefix)
}

/// Whether drop-ins of one of these names reach the unit.
pub(super) fn is_covered(name: &UnitName, by: &BTreeSet<&str>) -> bool {
    !by.is_empty()
        && dropin_names(name)
            .iter()
            .any(|folder| by.contains(folder.as_str()))
}

/// Whether a limit limits.
pub(super) fn is_finite(value: &crate::limits::key::Value) -> bool {
    use crate::limits::key::Value;
    use crate::units::Memory;
    !matches!(value, Value::Memory(Memory::Infinity))
}
