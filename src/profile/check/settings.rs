//! `memctl.toml`: the watch's own settings, checked as profiles are.

use std::path::PathBuf;

use super::super::fault::{Concerns, Fault};
use super::super::grammar;
use super::super::raw::{Entry, Raw, Table};
use super::super::salvage;
use super::super::source::Source;
use super::{Checker, Options};
use crate::config::settings::{Config, Interval};
use crate::systemd::names::{UnitName, UnitType};
use crate::units::{UnitError, parse_share};

/// Every setting by its last word, for the manual page.
pub const SETTINGS: [&str; 9] = [
    "interval", "act", "protect", "raw", "minutes", "hours", "unit", "textfile", "above",
];

const KEYS: [&str; 7] = [
    "interval", "act", "protect", "history", "alerts", "metrics", "guard",
];

/// Reads one file of settings over what earlier files said, and tells every fault. What is faulty leaves the earlier
/// setting as it is.
#[must_use]
pub fn settings(source: &Source, config: &mut Config) -> Vec<Fault> {
    let mut checker = Checker {
        text: source.text(),
        options: &Options::default(),
        faults: Vec::new(),
    };
    match source.broken() {
        Some(fault) => checker.push(fault.clone()),
        None => checker.settings(config),
    }
    let mut faults = checker.faults;
    faults.sort_by_key(|fault| (fault.at.start, fault.at.end));
    faults
}

impl Checker<'_> {
    fn settings(&mut self, config: &mut Config) {
        let (root, syntax) = salvage::read(self.text);
        self.faults.extend(syntax);
        let other = Concerns::Other;
        for entry in &root.0 {
            match entry.key.as_str() {
                "interval" => set(&mut config.interval, self.read(entry, &other, interval)),
                "act" => set(&mut config.act, self.truth(entry, other.clone())),
                "protect" => set(&mut config.protect, self.protect(entry)),
                "history" => self.history(entry, config),
                "alerts" => self.alerts(entry, config),
                "metrics" => self.metrics(entry, config),
                "guard" => self.guard(entry, config),
                _ => {
                    self.unknown_key(entry, &KEYS, "memctl.toml", other.clone());
                }
            }
        }
    }

    /// The entries of a table.
    fn table<'e>(&mut self, entry: &'e Entry) -> &'e [Entry] {
        let table: Option<&Table> = self.table_of(entry, Concerns::Other);
        table.map_or(&[], |table| &table.0)
    }

    fn history(&mut self, entry: &Entry, config: &mut Config) {
        let other = Concerns::Other;
        for entry in self.table(entry) {
            let kept = &mut config.history;
            let place = match entry.key.as_str() {
                "raw" => &mut kept.raw,
                "minutes" => &mut kept.minutes,
                "hours" => &mut kept.hours,
                _ => {
                    let keys = ["raw", "minutes", "hours"];
                    self.unknown_key(entry, &keys, "[history]", other.clone());
                    continue;
                }
            };
            set(place, self.read(entry, &other, grammar::positive));
        }
    }

    fn alerts(&mut self, entry: &Entry, config: &mut Config) {
        for entry in self.table(entry) {
            match entry.key.as_str() {
                "unit" => {
                    let unit = self.read(entry, &Concerns::Other, alert_unit);
                    config.alert_unit = unit.or(config.alert_unit.take());
                }
                _ => {
                    self.unknown_key(entry, &["unit"], "[alerts]", Concerns::Other);
                }
            }
        }
    }

    fn metrics(&mut self, entry: &Entry, config: &mut Config) {
        for entry in self.table(entry) {
            match entry.key.as_str() {
                "textfile" => {
                    let path = self.read(entry, &Concerns::Other, textfile);
                    config.textfile = path.or(config.textfile.take());
                }
                _ => {
                    self.unknown_key(entry, &["textfile"], "[metrics]", Concerns::Other);
                }
            }
        }
    }

    fn guard(&mut self, entry: &Entry, config: &mut Config) {
        for entry in self.table(entry) {
            match entry.key.as_str() {
                "above" => {
                    let above = self.read(entry, &Concerns::Other, share_of_ram);
                    config.guard_above = above.or(config.guard_above);
                }
                _ => {
                    self.unknown_key(entry, &["above"], "[guard]", Concerns::Other);
                }
            }
        }
    }

    /// A list of units that are never acted on.
    fn protect(&mut self, entry: &Entry) -> Option<Vec<UnitName>> {
        let Raw::Array(items) = &entry.node.value else {
            let fault = self.wrong_type(entry, "a list of unit names", Concerns::Other);
            self.push(fault.help(format!("{} = [\"postgresql.service\"]", entry.key)));
            return None;
        };
        let mut names = Vec::new();
        for node in items {
            // Each item is read as if it stood alone, so that a fault points at it.
            let item = Entry {
                key: entry.key.clone(),
                key_at: entry.key_at.clone(),
                node: node.clone(),
            };
            names.extend(self.read(&item, &Concerns::Other, unit));
        }
        Some(names)
    }
}

/// A setting that could be read takes the place of the one before.
fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn interval(text: &str) -> Result<Interval, UnitError> {
    let span = grammar::positive(text)?;
    Interval::new(span).ok_or_else(|| {
        let problem = format!("{span} is no interval between two readings");
        UnitError::new(0..text.len(), problem, Interval::ALLOWED)
    })
}

fn unit(text: &str) -> Result<UnitName, UnitError> {
    let allowed = "the name of a unit (postgresql.service)";
    UnitName::parse(text).map_err(|e| UnitError::new(0..text.len(), e.to_string(), allowed))
}

fn alert_unit(text: &str) -> Result<UnitName, UnitError> {
    let name = unit(text)?;
    if name.unit_type() == UnitType::Service {
        return Ok(name);
    }
    let problem = format!("{name} cannot be started for an alert");
    Err(UnitError::new(
        0..text.len(),
        problem,
        "a service, or a template that gets the event's id as its instance",
    ))
}

fn textfile(text: &str) -> Result<PathBuf, UnitError> {
    let allowed = "an absolute path that ends in .prom, as node_exporter reads it";
    let path = PathBuf::from(text);
    let problem = if !path.is_absolute() {
        "not an absolute path"
    } else if path.extension().is_none_or(|e| e != "prom") {
        "node_exporter reads files that end in .prom alone"
    } else {
        return Ok(path);
    };
    Err(UnitError::new(0..text.len(), problem, allowed))
}

fn share_of_ram(text: &str) -> Result<u32, UnitError> {
    match parse_share(text)? {
        share @ 1..=10_000 => Ok(share),
        _ => Err(UnitError::new(
            0..text.len(),
            "no share of RAM",
            "more than 0% and at most 100%",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;

    const fn seconds(n: u64) -> Span {
        Span(n * 1_000_000)
    }

    fn read(text: &str) -> (Config, Vec<String>) {
        let source = Source::new("memctl", "memctl.toml", text.as_bytes().to_vec());
        let mut config = Config::default();
        let faults = settings(&source, &mut config);
        (config, faults.into_iter().map(|f| f.message).collect())
    }

    #[test]
    fn the_designs_example_is_read_whole() {
        let (config, faults) = read(
            "interval = \"20s\"\nact = false\nprotect = [\"postgresql.service\", \"db@.service\"]\n\
             [history]\nraw = \"1d\"\nminutes = \"7d\"\nhours = \"2month\"\n\
             [alerts]\nunit = \"memctl-alert@.service\"\n\
             [metrics]\ntextfile = \"/var/lib/prometheus/node-exporter/memctl.prom\"\n\
             [guard]\nabove = \"85%\"\n",
        );
        assert_eq!(faults, [""; 0]);
        assert_eq!(config.interval.span(), seconds(20));
        assert!(!config.act);
        assert_eq!(config.protect.len(), 2);
        assert_eq!(config.history.raw, seconds(86_400));
        assert_eq!(
            config.alert_unit.map(|u| u.to_string()).as_deref(),
            Some("memctl-alert@.service")
        );
        assert!(config.textfile.is_some_and(|p| p.ends_with("memctl.prom")));
        assert_eq!(config.guard_above, Some(8500));
    }

    #[test]
    fn every_fault_is_told_and_leaves_the_setting() {
        let (config, faults) = read(
            "interval = \"5min\"\nact = \"no\"\nprotect = [\"x.target\", 3]\nintervall = \"1s\"\n\
             [history]\nraw = \"0\"\nday = \"1d\"\n[alerts]\nunit = \"x.slice\"\n\
             [metrics]\ntextfile = \"memctl.txt\"\n[guard]\nabove = \"850%\"\n",
        );
        assert_eq!(faults.len(), 10, "{faults:#?}");
        let expected = Config {
            // What of a list can be read, is.
            protect: Vec::new(),
            ..Config::default()
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn faults_of_a_profile_are_none_of_these_keys() {
        let (_, faults) = read("MemoryMax = \"1G\"\n[unit.\"a.service\"]\n");
        assert_eq!(faults.len(), 2, "{faults:#?}");
    }
}
