//! The manual pages are complete: every verb, every option, every directive.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use memctl::cli::Cli;
use memctl::journal::{Event, Kind};
use memctl::limits::key::Key;
use memctl::profile::check::settings::SETTINGS;
use memctl::scope::Scope;
use memctl::systemd::names::UnitName;

/// A page's text without roff's escapes and fonts; headings begin with §.
fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(name);
    let source = fs::read_to_string(&path).expect("a manual page");
    let mut text = String::new();
    for line in source.lines().filter(|line| !line.starts_with(".\\\"")) {
        let words = match line.strip_prefix('.') {
            // Two fonts in turn are one word unless a space is quoted.
            Some(request) => {
                let (name, rest) = request.split_once(' ').unwrap_or((request, ""));
                match name {
                    "SH" | "SS" => format!("§{rest}"),
                    "BI" | "BR" | "IB" | "IR" | "RB" | "RI" => join(rest),
                    _ => rest.to_owned(),
                }
            }
            None => line.to_owned(),
        };
        text += &words;
        text.push('\n');
    }
    for (escape, meaning) in [
        ("\\-", "-"),
        ("\\fB", ""),
        ("\\fI", ""),
        ("\\fR", ""),
        ("\\(dq", "\""),
    ] {
        text = text.replace(escape, meaning);
    }
    text
}

/// The arguments of a request, joined: `memctl " (1)"` is `memctl (1)`.
fn join(arguments: &str) -> String {
    let mut joined = String::new();
    let mut quoted = false;
    for c in arguments.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => {}
            c => joined.push(c),
        }
    }
    joined
}

/// Whether a word stands in a text, and not only as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-');
    text.match_indices(word).any(|(at, _)| {
        !inside(text[..at].chars().next_back()) && !inside(text[at + word.len()..].chars().next())
    })
}

#[test]
fn every_verb_and_option_is_in_memctl_1() {
    let text = page("memctl.1");
    let mut missing = Vec::new();
    let mut command = Cli::command();
    command.build();
    let mut look = |section: &str, command: &clap::Command| {
        for option in command.get_arguments() {
            let long = option.get_long().map(|long| format!("--{long}"));
            let short = option.get_short().map(|short| format!("-{short}"));
            let names = long.into_iter().chain(short);
            let absent = names.filter(|name| !has_word(section, name));
            missing.extend(absent.map(|name| format!("{} {name}", command.get_name())));
        }
    };
    look(&text, &command);
    let common = text.split_once("\n§OPTIONS\n").expect("OPTIONS").1;
    for verb in command.get_subcommands().filter(|v| v.get_name() != "help") {
        // The verb's own section, and what goes with every verb.
        let start = text.find(&format!("\n§{}", verb.get_name()));
        let start = start.unwrap_or_else(|| panic!("no section for {}", verb.get_name()));
        let section = &text[start + 3..];
        let end = section.find('§').expect("another section");
        look(&format!("{}\n{common}", &section[..end]), verb);
    }
    assert!(missing.is_empty(), "man/memctl.1 lacks {missing:?}");
}

#[test]
fn every_directive_is_in_memctl_profile_5() {
    let text = page("memctl.profile.5");
    let names = Key::ALL.map(Key::name);
    let missing: Vec<&str> = names
        .into_iter()
        .filter(|name| !has_word(&text, name))
        .collect();
    assert!(missing.is_empty(), "man/memctl.profile.5 lacks {missing:?}");
}

#[test]
fn every_setting_is_in_memctl_toml_5() {
    let text = page("memctl.toml.5");
    let missing: Vec<&str> = SETTINGS
        .into_iter()
        .filter(|name| !has_word(&text, name))
        .collect();
    assert!(missing.is_empty(), "man/memctl.toml.5 lacks {missing:?}");
}

#[test]
fn every_event_and_field_is_in_memctl_1() {
    let text = page("memctl.1");
    let (_, text) = text.split_once("§JOURNAL").expect("JOURNAL");
    let section = text.split('§').next().expect("a section");
    let settings = page("memctl.toml.5");
    let mut missing = Vec::new();
    for kind in Kind::ALL {
        let words = [kind.name(), kind.id()];
        missing.extend(words.into_iter().filter(|word| !has_word(section, word)));
        let alerts = has_word(&settings, kind.name());
        assert_eq!(alerts, kind.alerts(), "{} in memctl.toml.5", kind.name());
    }
    assert!(missing.is_empty(), "man/memctl.1 lacks {missing:?}");
    let full = Event {
        profile: Some(String::new()),
        rule: Some(String::new()),
        action: Some(String::new()),
        need: Some(0),
        limit: Some(0),
        freed: Some(0),
        downtime_usec: Some(0),
        why: Some(String::new()),
        until: Some(jiff::Timestamp::UNIX_EPOCH),
        count: Some(0),
        dry_run: true,
        ..Event::new(Kind::Done, UnitName::parse("a.service").ok().as_ref(), "")
    };
    for (name, _) in full.fields(&Scope::System, Some("0")) {
        assert!(section.contains(name), "man/memctl.1 lacks {name}");
    }
}

#[test]
fn the_pages_are_of_this_version() {
    let pages = [
        "memctl.1",
        "memctl-generator.8",
        "memctl.profile.5",
        "memctl.toml.5",
    ];
    for name in pages {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(name);
        let source = fs::read_to_string(&path).expect("a manual page");
        let version = format!("\"memctl {}\"", env!("CARGO_PKG_VERSION"));
        assert!(source.contains(&version), "{name} is not of {version}");
    }
    let changelog = Path::new(env!("CARGO_MANIFEST_DIR")).join("debian/changelog");
    let changelog = fs::read_to_string(changelog).expect("debian/changelog");
    let version = format!("memctl ({})", env!("CARGO_PKG_VERSION"));
    assert!(
        changelog.starts_with(&version),
        "debian/changelog is not of {version}"
    );
}
