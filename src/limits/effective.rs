//! What a unit's files add up to for each directive, and which line has the last word.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::limits::key::{Key, Value};
use crate::systemd::files::{Origin, is_ours};
use crate::systemd::names::UnitName;
use crate::systemd::unit_file::Assignment;

/// The last word on a directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The value; `None` where the last word is an empty assignment, which resets to the default.
    pub value: Option<Value>,
    /// As written.
    pub text: String,
    /// Where.
    pub origin: Origin,
}

impl Effective {
    /// Whether one of memctl's drop-ins has the last word.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        let path = &self.origin.path;
        let name = path.file_name().and_then(|n| n.to_str());
        // A file of that name elsewhere masks ours: it is the administrator's.
        let generated = path
            .ancestors()
            .nth(2)
            .is_some_and(|dir| dir.ends_with("systemd/generator"));
        generated && name.is_some_and(is_ours)
    }
}

/// Merges the assignments of a unit, in the order of application; what systemd cannot read it ignores, so
/// the word before that stands.
#[must_use]
pub fn effective(
    unit: &UnitName,
    assignments: &[(Assignment, PathBuf)],
) -> BTreeMap<Key, Effective> {
    let section = unit.unit_type().section();
    let mut merged = BTreeMap::new();
    for (assignment, path) in assignments {
        if assignment.section != section {
            continue;
        }
        let Some(key) = Key::from_name(&assignment.key) else {
            continue;
        };
        let value = match assignment.value.as_str() {
            "" => None,
            text => match key.parse_value(text) {
                Ok(value) => Some(value),
                Err(_) => continue,
            },
        };
        let word = Effective {
            value,
            text: assignment.value.clone(),
            origin: Origin {
                path: path.clone(),
                line: assignment.line,
            },
        };
        merged.insert(key, word);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systemd::unit_file;
    use crate::units::Memory;

    #[test]
    fn the_last_readable_word_counts() {
        let unit = UnitName::parse("a.service").expect("a name");
        let read = |path: &str, text: &str| -> Vec<(Assignment, PathBuf)> {
            let parsed = unit_file::parse(text).into_iter();
            parsed.map(|a| (a, PathBuf::from(path))).collect()
        };
        let mut all = read(
            "/run/systemd/generator/a.service.d/00-memctl.conf",
            "[Service]\nMemoryMax=1G\nMemoryHigh=1G\nTasksMax=5\n",
        );
        all.extend(read(
            "/etc/x.conf",
            "[Slice]\nMemoryMax=2G\n[Service]\n\nMemoryMax=junk\nMemoryHigh=\nTasksMax=7\n",
        ));
        let merged = effective(&unit, &all);
        let max = &merged[&Key::MemoryMax];
        assert_eq!(max.value, Some(Value::Memory(Memory::Bytes(1 << 30))));
        assert!(max.is_ours());
        assert_eq!(merged[&Key::MemoryHigh].value, None);
        assert!(!merged[&Key::MemoryHigh].is_ours());
        assert_eq!(merged[&Key::TasksMax].origin.line, 7);
    }
}
