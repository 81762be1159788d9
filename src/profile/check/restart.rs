//! Restart settings.

use std::ops::Range;

use super::super::Restart;
use super::super::fault::{Concerns, Fault};
use super::super::grammar;
use super::super::raw::{Entry, Raw};
use super::Checker;
use crate::systemd::names::{UnitName, UnitType};

const KEYS: [&str; 9] = [
    "window", "cooldown", "limit", "jitter", "idle", "wait", "before", "after", "snapshot",
];

impl Checker<'_> {
    /// The restart settings of a unit, or of `[defaults]`.
    pub(super) fn restart(&mut self, entry: &Entry, unit: Option<&UnitName>) -> Restart {
        let concerns = Concerns::Restart(unit.map(ToString::to_string));
        let mut restart = Restart::default();
        let Some(table) = self.table_of(entry, concerns.clone()) else {
            return restart;
        };
        if let Some(unit) = unit.filter(|unit| unit.unit_type() != UnitType::Service) {
            self.push(
                Fault::error(
                    entry.key_at.clone(),
                    concerns,
                    "restart settings are for services",
                )
                .label(format!("{unit} is a {}", unit.unit_type().suffix())),
            );
            return restart;
        }
        for entry in &table.0 {
            let c = &concerns;
            match entry.key.as_str() {
                "window" => restart.window = self.read(entry, c, grammar::window),
                "cooldown" => restart.cooldown = self.read(entry, c, grammar::finite),
                "limit" => restart.limit = self.read(entry, c, grammar::limit),
                "jitter" => restart.jitter = self.read(entry, c, grammar::finite),
                "idle" => restart.idle = self.read(entry, c, grammar::idle),
                "wait" => restart.wait = self.read(entry, c, grammar::finite),
                "before" => restart.before = self.helpers(entry, c),
                "after" => restart.after = self.helpers(entry, c),
                "snapshot" => restart.snapshot = self.read(entry, c, grammar::positive),
                _ => {
                    self.unknown_key(entry, &KEYS, "restart settings", concerns.clone());
                }
            }
        }
        restart
    }

    /// One service to start, or a list of them.
    fn helpers(&mut self, entry: &Entry, concerns: &Concerns) -> Option<Vec<UnitName>> {
        let Raw::Array(items) = &entry.node.value else {
            return self
                .read(entry, concerns, grammar::helper)
                .map(|name| vec![name]);
        };
        let mut names = Vec::new();
        for node in items {
            // Each item is read as if it stood alone, so that a fault points at it.
            let item = Entry {
                key: entry.key.clone(),
                key_at: Range::clone(&entry.key_at),
                node: node.clone(),
            };
            names.extend(self.read(&item, concerns, grammar::helper));
        }
        Some(names)
    }
}
