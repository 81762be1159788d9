//! Limits: single ones, and those that contradict each other.

use std::collections::BTreeMap;

use super::super::Setting;
use super::super::fault::{Concerns, Fault};
use super::super::raw::{Entry, Raw};
use super::Checker;
use crate::limits::key::{Key, Value};
use crate::systemd::names::{UnitName, UnitType};
use crate::units::{Memory, Span};

impl Checker<'_> {
    /// One limit of a unit, or of `[defaults]`.
    pub(super) fn limit(
        &mut self,
        key: Key,
        entry: &Entry,
        unit: Option<&UnitName>,
    ) -> Option<Setting> {
        let concerns = Concerns::Limit {
            unit: unit.map(ToString::to_string),
            key,
        };
        if let Some(unit) = unit
            && !key.applies_to(unit.unit_type())
        {
            let kind = unit.unit_type().suffix();
            let message = format!("{key} does nothing in a {kind}");
            self.push(
                Fault::error(entry.key_at.clone(), concerns, message)
                    .label(format!("{unit} is a {kind}"))
                    .note(format!("{key} is for {}", types_of(key))),
            );
            return None;
        }
        let (text, at) = self.limit_text(key, entry, &concerns)?;
        let value = match key.parse_value(&text) {
            Ok(value) => value,
            Err(error) => {
                let fault = self.bad_value(entry, &text, error, concerns);
                self.push(fault);
                return None;
            }
        };
        if key == Key::TimeoutStopSec
            && value == Value::Span(Span(0))
            && unit.is_none_or(|unit| unit.unit_type() == UnitType::Service)
        {
            self.push(
                Fault::warning(
                    at.clone(),
                    concerns.clone(),
                    "TimeoutStopSec of 0 is no limit at all",
                )
                .help("write \"infinity\" if that is meant, or a time"),
            );
        }
        if is_in_another_base(&text)
            && value.to_string().trim_end_matches('%') != text.trim_end_matches('%')
        {
            let message = format!("{key}: systemd reads {text} as {value}");
            self.push(
                Fault::warning(at.clone(), concerns.clone(), message)
                    .label("a leading zero has a meaning")
                    .help(format!(
                        "write {key} = \"{value}\" if that is meant, or no zero in front"
                    )),
            );
        }
        // What stands in [defaults] is meant for services first of all.
        let unit_type = unit.map_or(UnitType::Service, UnitName::unit_type);
        self.too_new(key, unit_type, entry, concerns);
        Some(Setting { value, text, at })
    }

    /// The text of a limit. Where systemd takes a mere number or a boolean, TOML's own will do.
    fn limit_text(
        &mut self,
        key: Key,
        entry: &Entry,
        concerns: &Concerns,
    ) -> Option<(String, std::ops::Range<usize>)> {
        let at = entry.node.at.clone();
        match (&entry.node.value, key) {
            (
                Raw::Integer(n),
                Key::CPUWeight | Key::IOWeight | Key::TasksMax | Key::OOMScoreAdjust,
            ) => return Some((n.clone(), at)),
            (Raw::Boolean(b), Key::MemoryPressureWatch) => {
                return Some((if *b { "yes" } else { "no" }.to_owned(), at));
            }
            (Raw::Integer(n) | Raw::Float(n), _) => {
                let fault = self.wrong_type(entry, "text in quotes, with a unit", concerns.clone());
                let meant = match &entry.node.value {
                    Raw::Integer(n) if n == "0" => n.clone(),
                    value => format!("{n}{}", unit_for(key, matches!(value, Raw::Float(_)))),
                };
                let good = key.parse_value(&meant).is_ok();
                self.push(fault.maybe_help(good.then(|| format!("perhaps {key} = \"{meant}\""))));
                return None;
            }
            _ => {}
        }
        let (text, at) = self.text_of(entry, concerns.clone())?;
        Some((text.to_owned(), at))
    }

    /// A directive that the running systemd does not know yet.
    fn too_new(&mut self, key: Key, unit_type: UnitType, entry: &Entry, concerns: Concerns) {
        let (Some(since), Some(running)) = (key.since_for(unit_type), self.options.systemd) else {
            return;
        };
        if running < since {
            let message = format!("{key} needs systemd {since}; this is {running}");
            self.push(
                Fault::warning(entry.key_at.clone(), concerns, message)
                    .label("has no effect here")
                    .note("the other limits apply"),
            );
        }
    }

    /// Amounts of one kind that exclude each other.
    pub(super) fn contradictions(&mut self, unit: &UnitName, limits: &BTreeMap<Key, Setting>) {
        for (lower, upper) in [
            (Key::MemoryHigh, Key::MemoryMax),
            (Key::MemoryLow, Key::MemoryMax),
            (Key::MemoryMin, Key::MemoryMax),
        ] {
            let (Some(low), Some(high)) = (limits.get(&lower), limits.get(&upper)) else {
                continue;
            };
            if !exceeds(&low.value, &high.value) {
                continue;
            }
            let consequence = match lower {
                Key::MemoryHigh => "the unit would be killed before it is ever throttled",
                _ => "more would be kept for the unit than it may have",
            };
            self.push(
                Fault::error(
                    low.at.clone(),
                    Concerns::Limit {
                        unit: Some(unit.to_string()),
                        key: lower,
                    },
                    format!(
                        "{lower} {} is over {upper} {} ({unit})",
                        low.value, high.value
                    ),
                )
                .label(format!("at most {}", high.value))
                .related(high.at.clone(), upper.name())
                .note(consequence),
            );
        }
    }
}

/// Only sizes with sizes and shares with shares: how much RAM there is differs from host to host.
fn exceeds(low: &Value, high: &Value) -> bool {
    match (low, high) {
        (Value::Memory(Memory::Bytes(low)), Value::Memory(Memory::Bytes(high))) => low > high,
        (Value::Memory(Memory::Share(low)), Value::Memory(Memory::Share(high))) => low > high,
        _ => false,
    }
}

/// systemd reads whole numbers and percentages as C does: `0100` is octal. Sizes and times it does not.
fn is_in_another_base(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']).as_bytes();
    let number = text
        .bytes()
        .all(|b| b.is_ascii_hexdigit() || b"xXoObB+-.%".contains(&b));
    number
        && matches!(
            digits,
            [
                b'0',
                b'0'..=b'9' | b'x' | b'X' | b'o' | b'O' | b'b' | b'B',
                ..
            ]
        )
}

/// The unit that a bare number most likely lacks.
fn unit_for(key: Key, decimal: bool) -> &'static str {
    match key {
        Key::CPUQuota | Key::ManagedOOMMemoryPressureLimit => "%",
        Key::TimeoutStopSec => "s",
        Key::MemoryPressureThresholdSec => "ms",
        Key::MemoryMin
        | Key::MemoryLow
        | Key::MemoryHigh
        | Key::MemoryMax
        | Key::MemorySwapMax
        | Key::MemoryZSwapMax => match decimal {
            true => "G",
            false => "M",
        },
        _ => "",
    }
}

/// `services and scopes`.
fn types_of(key: Key) -> &'static str {
    let [service, slice, scope] =
        [UnitType::Service, UnitType::Slice, UnitType::Scope].map(|t| key.applies_to(t));
    match (service, slice, scope) {
        (true, false, true) => "services and scopes",
        (true, true, false) => "services and slices",
        (true, true, true) => "services, slices and scopes",
        _ => "services",
    }
}
