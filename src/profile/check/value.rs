//! Single values: their type, their characters, and how a reader's error becomes a fault.

use std::ops::Range;

use super::super::fault::{Concerns, Fault};
use super::super::raw::{Entry, Raw};
use super::{Checker, suggest};
use crate::units::{UnitError, is_unsafe, quote};

/// Texts in a profile are read in one line of a terminal.
const LONGEST: usize = 1000;

impl Checker<'_> {
    /// The text of a value, trimmed, and where it stands; faults otherwise.
    ///
    /// No control character passes: what is written into a drop-in is one line, and what is shown cannot
    /// command a terminal.
    pub(super) fn text_of<'e>(
        &mut self,
        entry: &'e Entry,
        concerns: Concerns,
    ) -> Option<(&'e str, Range<usize>)> {
        let Raw::Text(text) = &entry.node.value else {
            let fault = self.wrong_type(entry, "text in quotes", concerns);
            let fault = match &entry.node.value {
                Raw::Integer(n) | Raw::Float(n) => fault.maybe_help(with_unit(&entry.key, n)),
                _ => fault,
            };
            self.push(fault);
            return None;
        };
        self.plain(&entry.key, text, entry.node.at.clone(), concerns)
    }

    /// A text without control characters and of reasonable length.
    pub(super) fn plain<'e>(
        &mut self,
        key: &str,
        text: &'e str,
        at: Range<usize>,
        concerns: Concerns,
    ) -> Option<(&'e str, Range<usize>)> {
        if let Some(c) = text.chars().find(|c| is_unsafe(*c)) {
            let message = format!(
                "{}: a control character in the value",
                quote(key).trim_matches('`')
            );
            self.push(
                Fault::error(at, concerns, message)
                    .label(format!("holds U+{:04X}", u32::from(c)))
                    .help("write the value in one line, of visible characters"),
            );
            return None;
        }
        if text.len() > LONGEST {
            let message = format!("{}: the value is too long", quote(key).trim_matches('`'));
            self.push(Fault::error(at, concerns, message).note(format!("at most {LONGEST} bytes")));
            return None;
        }
        Some((text.trim_matches(' '), at))
    }

    /// Reads a text value by a grammar.
    pub(super) fn read<T>(
        &mut self,
        entry: &Entry,
        concerns: &Concerns,
        grammar: impl Fn(&str) -> Result<T, UnitError>,
    ) -> Option<T> {
        let (text, _) = self.text_of(entry, concerns.clone())?;
        grammar(text)
            .map_err(|error| {
                let fault = self.bad_value(entry, text, error, concerns.clone());
                self.push(fault);
            })
            .ok()
    }

    /// `true` or a fault; `false` is a fault where only `true` says anything.
    pub(super) fn truth(&mut self, entry: &Entry, concerns: Concerns) -> Option<bool> {
        match entry.node.value {
            Raw::Boolean(value) => Some(value),
            _ => {
                let fault = self.wrong_type(entry, "true or false", concerns);
                self.push(fault);
                None
            }
        }
    }

    pub(super) fn wrong_type(&self, entry: &Entry, takes: &str, concerns: Concerns) -> Fault {
        let message = format!("{} takes {takes}", shown_key(entry));
        Fault::error(entry.node.at.clone(), concerns, message)
            .label(format!("this is {}", entry.node.kind()))
    }

    /// What a reader had against a value.
    pub(super) fn bad_value(
        &self,
        entry: &Entry,
        text: &str,
        error: UnitError,
        concerns: Concerns,
    ) -> Fault {
        let message = format!("{}: {}", shown_key(entry), error.problem);
        let at = self.within(&entry.node.at, text, &error.at);
        let meant = error
            .suggestion
            .map(|meant| format!("perhaps {} = \"{meant}\"", shown_key(entry)));
        Fault::error(at, concerns, message)
            .maybe_help(meant)
            .note(format!("allowed: {}", error.allowed))
    }

    /// Where a part of a text value stands in the file, if it is written there as it reads (a value with
    /// escapes is not); else the whole value.
    pub(super) fn within(
        &self,
        value: &Range<usize>,
        text: &str,
        part: &Range<usize>,
    ) -> Range<usize> {
        let raw = self.text.get(value.clone()).unwrap_or_default();
        match raw.find(text) {
            Some(start) if !raw.contains('\\') && !part.is_empty() => {
                let start = value.start + start;
                start + part.start..start + part.end
            }
            _ => value.clone(),
        }
    }

    /// A key that is none; the one that was perhaps meant.
    pub(super) fn unknown_key<'k>(
        &mut self,
        entry: &Entry,
        keys: &[&'k str],
        of: &str,
        concerns: Concerns,
    ) -> Option<&'k str> {
        let written = match &entry.node.value {
            // `Memory.Max = …` is a table to TOML.
            Raw::Table(table) => table
                .0
                .first()
                .map(|inner| format!("{}{}", entry.key, inner.key)),
            _ => None,
        };
        let meant = suggest::nearest(&entry.key, keys)
            .or_else(|| written.and_then(|written| suggest::nearest(&written, keys)));
        let message = format!("{} is no key of {of}", quote(&entry.key));
        let fault = Fault::error(entry.key_at.clone(), concerns, message).label("unknown key");
        self.push(match meant {
            Some(meant) => fault.help(format!("perhaps {meant}")),
            None => fault.note(format!("keys of {of}: {}", suggest::list(keys))),
        });
        meant
    }
}

/// A key for a message: keys that checks know are plain, but a quoted key may be anything.
fn shown_key(entry: &Entry) -> String {
    quote(&entry.key).trim_matches('`').to_owned()
}

/// A bare number with the units that it most likely lacks.
fn with_unit(key: &str, n: &str) -> Option<String> {
    match key {
        "age" | "exhausts_in" | "repeat" | "settle" | "for" | "grace" | "cooldown" | "jitter"
        | "wait" | "snapshot" => Some(format!("a time has a unit: {key} = \"{n}s\" or \"{n}min\"")),
        "above" | "total" | "budget" => {
            Some(format!("a size has a unit: {key} = \"{n}M\" or \"{n}%\""))
        }
        "grown" => Some(format!(
            "growth has a sign and a unit: {key} = \"+{n}%\" or \"+{n}M\""
        )),
        _ => None,
    }
}
