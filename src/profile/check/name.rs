//! Unit names: whether they are some, and what was perhaps meant.

use super::super::fault::{Concerns, Fault};
use super::super::raw::{Entry, Node, Raw};
use super::Checker;
use crate::systemd::names::{NameError, UnitName, UnitType};
use crate::units::quote;

impl Checker<'_> {
    /// The name of a unit that can be limited; a fault otherwise.
    pub(super) fn unit_name(&mut self, entry: &Entry) -> Option<UnitName> {
        let written = entry.key.as_str();
        let concerns = || Concerns::Unit(quote(written).trim_matches('`').to_owned());
        let fault = |message: String| Fault::error(entry.key_at.clone(), concerns(), message);
        let explain = |error: NameError| {
            if let Some(whole) = unquoted_name(written, &entry.node) {
                return fault("a unit name is written in quotes".to_owned())
                    .label("the dot ends the key here")
                    .help(format!("write [unit.\"{whole}\"]"));
            }
            let text = error.to_string();
            // What is allowed stands in brackets at its end.
            let (problem, allowed) = match text.split_once(" (") {
                Some((problem, rest)) => (problem, rest.strip_suffix(')')),
                None => (text.as_str(), None),
            };
            let fault = match written {
                "" => fault(problem.to_owned()),
                _ => fault(format!("{}: {problem}", quote(written))),
            };
            let fault = match allowed {
                Some(allowed) => fault.note(allowed.to_owned()),
                None => fault,
            };
            match meant_name(written, &error) {
                Some(meant) => fault.help(meant),
                None => fault,
            }
        };
        let name = match UnitName::parse(written) {
            Ok(name) => name,
            Err(error) => {
                self.push(explain(error));
                return None;
            }
        };
        let (message, note) = match name.unit_type() {
            _ if ["init.scope", "-.slice"].contains(&name.as_str()) => (
                "cannot be limited",
                "it holds PID 1 or everything there is: a limit there takes the machine down",
            ),
            UnitType::Service | UnitType::Slice | UnitType::Scope => return Some(name),
            _ => (
                "is of a type that profiles do not limit",
                "allowed: .service, .slice and .scope",
            ),
        };
        self.push(fault(format!("{name} {message}")).note(note));
        None
    }
}

/// `[unit.nginx.service]` is a table in a table.
fn unquoted_name(first: &str, node: &Node) -> Option<String> {
    let Raw::Table(table) = &node.value else {
        return None;
    };
    let mut name = first.to_owned();
    let mut table = table;
    // No name has more dots than this in practice.
    for _ in 0..8 {
        let [entry] = table.0.as_slice() else {
            return None;
        };
        name = format!("{name}.{}", entry.key);
        if UnitName::parse(&name).is_ok() {
            return Some(name);
        }
        let Raw::Table(inner) = &entry.node.value else {
            return None;
        };
        table = inner;
    }
    None
}

/// What was perhaps meant by a name that is none.
fn meant_name(written: &str, error: &NameError) -> Option<String> {
    let valid = |name: &str| UnitName::parse(name).is_ok();
    match error {
        NameError::NoType => {
            let (stem, suffix) = written.rsplit_once('.').unwrap_or((written, ""));
            let near = ["service", "slice", "scope"].into_iter().find(|t| {
                !suffix.is_empty()
                    && suffix.len() < 20
                    && strsim::damerau_levenshtein(t, suffix) <= 2
            });
            let name = match near {
                Some(suffix) => format!("{stem}.{suffix}"),
                None => format!("{written}.service"),
            };
            valid(&name).then(|| format!("perhaps {name}"))
        }
        NameError::Glob => {
            let (before, after) = written.split_once(['*', '?', '['])?;
            let suffix = after
                .rsplit_once('.')
                .map_or("service", |(_, suffix)| suffix);
            let name = match before {
                _ if before.ends_with(['-', '@']) => format!("{before}.{suffix}"),
                _ => format!("{before}-.{suffix}"),
            };
            valid(&name).then(|| {
                format!(
                    "{name} covers every {suffix} whose name begins with {}",
                    name.trim_end_matches(suffix).trim_end_matches('.')
                )
            })
        }
        NameError::Character('/') => {
            Some("a unit is named, not its file: nginx.service".to_owned())
        }
        NameError::Character(' ') => {
            let name = written.trim();
            valid(name).then(|| format!("perhaps {name}"))
        }
        _ => None,
    }
}
