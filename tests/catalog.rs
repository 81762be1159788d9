//! The catalog explains every event, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use memctl::journal::Kind;

/// An entry: headers by name, and the text.
struct Explained {
    headers: BTreeMap<String, String>,
    text: String,
}

/// The entries by id, as `journalctl --update-catalog` understands the file.
fn catalog() -> BTreeMap<String, Explained> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("units/memctl.catalog");
    let text = std::fs::read_to_string(path).expect("a catalog");
    let lines: Vec<&str> = text.lines().collect();
    let mut entries = BTreeMap::new();
    let starts: Vec<usize> = (0..lines.len())
        .filter(|n| lines[*n].starts_with("-- "))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    for (start, end) in starts.iter().zip(ends) {
        assert!(
            lines[start - 1].is_empty(),
            "an empty line before {}",
            lines[*start]
        );
        let id = lines[*start].trim_start_matches("-- ").to_owned();
        let body = &lines[start + 1..end];
        let empty = body
            .iter()
            .position(|line| line.is_empty())
            .expect("a text");
        let headers = body[..empty].iter().map(|line| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_owned(), value.to_owned())
        });
        let explained = Explained {
            headers: headers.collect(),
            text: body[empty + 1..].join("\n"),
        };
        assert!(
            entries.insert(id.clone(), explained).is_none(),
            "{id} stands there twice"
        );
    }
    entries
}

/// The fields that a text wants to have put in: `@MEMCTL_UNIT@`.
fn fields(text: &str) -> BTreeSet<&str> {
    let field =
        |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    text.split('@').filter(field).collect()
}

#[test]
fn every_kind_of_event_is_explained_and_nothing_else() {
    let ids: BTreeSet<String> = Kind::ALL.iter().map(|kind| kind.id().to_owned()).collect();
    let explained: BTreeSet<String> = catalog().into_keys().collect();
    assert_eq!(ids, explained);
}

#[test]
fn each_says_what_it_is_and_where_to_read_on() {
    let known = ["Subject", "Defined-By", "Documentation"];
    for (id, entry) in catalog() {
        let names: Vec<&String> = entry.headers.keys().collect();
        assert_eq!(names, ["Defined-By", "Documentation", "Subject"], "{id}");
        assert_eq!(entry.headers["Defined-By"], "memctl", "{id}");
        assert!(known.iter().all(|name| !entry.headers[*name].is_empty()));
        assert!(
            entry.headers["Documentation"].starts_with("man:memctl(1)"),
            "{id}"
        );
        assert!(entry.text.lines().count() >= 4, "{id}: {}", entry.text);
    }
}

/// journalctl puts the field's name where the entry has no such field.
#[test]
fn a_text_names_only_fields_that_its_event_has() {
    let of_host = [
        Kind::Applied,
        Kind::Removed,
        Kind::RolledBack,
        Kind::Hold,
        Kind::Release,
        Kind::ProfileBad,
        Kind::Suppressed,
    ];
    let catalog = catalog();
    for kind in Kind::ALL {
        let entry = &catalog[kind.id()];
        let named = format!("{} {}", entry.headers["Subject"], entry.text);
        let expected = match of_host.contains(&kind) {
            true => BTreeSet::new(),
            false => BTreeSet::from(["MEMCTL_UNIT"]),
        };
        assert_eq!(fields(&named), expected, "{}", kind.name());
    }
}

#[test]
fn lines_fit_a_terminal_beside_journalctl_s_mark() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("units/memctl.catalog");
    let text = std::fs::read_to_string(path).expect("a catalog");
    for line in text.lines() {
        // The longest is the one that names a unit in a command, which nobody wraps.
        assert!(line.chars().count() <= 79 && line.is_ascii(), "{line}");
        assert_eq!(line, line.trim_end());
    }
}
