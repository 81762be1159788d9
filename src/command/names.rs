//! The names that were typed: what units they mean, and whether there are such.

use crate::command::Context;
use crate::error::Result;
use crate::sample::Reading;
use crate::status::typed::{is_unit, typed, unknown};
use crate::systemd::files::{Fragment, UnitFiles};
use crate::systemd::manager::UnitInfo;
use crate::systemd::names::{NameKind, UnitName};

/// Names as they are meant.
pub(super) struct Names<'a> {
    context: &'a Context,
    files: UnitFiles<'a>,
    /// The names: those of units instead of their aliases.
    pub(super) names: Vec<UnitName>,
}

impl<'a> Names<'a> {
    /// Reads what was typed.
    pub(super) fn read(context: &'a Context, texts: &[String]) -> Result<Self> {
        let files = UnitFiles::scan(&context.root, &context.scope)?;
        let mut names = Vec::new();
        for text in texts {
            let name = typed(text)?;
            names.push(match files.fragment(&name)? {
                Fragment::Alias(real) => real,
                _ => name,
            });
        }
        names.sort();
        names.dedup();
        Ok(Self {
            context,
            files,
            names,
        })
    }

    /// The unit, if one alone was typed.
    pub(super) fn alone(&self) -> Option<UnitName> {
        match self.names.as_slice() {
            [unit] if is_unit(unit) => Some(unit.clone()),
            _ => None,
        }
    }

    /// Whether there is something behind each name; answers what is to be said of those that mean nothing now.
    ///
    /// # Errors
    /// Names that nobody knows.
    pub(super) fn check(
        self,
        reading: &Reading,
        listed: Option<&[UnitInfo]>,
    ) -> Result<Vec<String>> {
        let running = reading.samples.iter().map(|s| &s.unit);
        let listed = listed
            .unwrap_or_default()
            .iter()
            .filter(|unit| unit.exists());
        let alive: Vec<&UnitName> = running.chain(listed.map(|u| &u.name)).collect();
        let (mut notes, mut strangers) = (Vec::new(), Vec::new());
        let on_disk = self.on_disk();
        for name in &self.names {
            let means = |unit: &UnitName| unit != name && name.covers(unit);
            let is_there = alive.contains(&name) || self.files.fragment(name)? != Fragment::Missing;
            if is_unit(name) {
                // An instance is any that its template could make, running or not.
                let template = name
                    .template()
                    .map(|t| self.files.fragment(&t))
                    .transpose()?;
                if !is_there && template.is_none_or(|f| f == Fragment::Missing) {
                    strangers.push(name.clone());
                }
            } else if !reading.samples.iter().any(|s| means(&s.unit)) {
                let told = match name.kind() {
                    NameKind::Template => format!("No instance of {name} runs."),
                    _ => format!("No unit that {name} means runs."),
                };
                let known =
                    is_there || alive.iter().any(|unit| means(unit)) || on_disk.iter().any(means);
                match known {
                    true => notes.push(told),
                    false => strangers.push(name.clone()),
                }
            }
        }
        if strangers.is_empty() {
            return Ok(notes);
        }
        let mut known: Vec<UnitName> = alive.into_iter().cloned().collect();
        known.extend(on_disk);
        known.sort();
        known.dedup();
        Err(unknown(&strangers, &known))
    }

    /// The names of unit files.
    fn on_disk(&self) -> Vec<UnitName> {
        let dirs = self.context.scope.unit_dirs().into_iter();
        let names = dirs.flat_map(|dir| self.context.root.list(&dir).unwrap_or_default());
        names
            .filter_map(|name| UnitName::parse(&name).ok())
            .collect()
    }
}
