//! Texts that somebody has damaged: no limit comes to stand under another unit, and nothing is worse than told.

use std::ops::Range;

use proptest::prelude::*;

use super::*;

/// Three sections whose limits are all different, so that a stray one is seen.
const SECTIONS: &str = "budget = \"4G\"
# the first
[unit.\"a.service\"]
MemoryHigh = \"101M\" # high
MemoryMax = \"102M\"
rules = [
  { above = \"80%\", action = \"alert\" },
  { leak = true, action = \"restart\" },
]
CPUQuota = \"11%\"

[unit.\"b.service\"]
MemoryMax = \"201M\"
TasksMax = 21
[unit.\"b.service\".restart]
window = \"02:00-05:00\"

[[unit.\"b.service\".rules]]
leak = true
action = \"alert\"
# the last
[unit.'c@.service']
MemoryLow = \"301M\"
MemoryMax = \"302M\"
restart = { cooldown = \"1h\", wait = \"5min\" }
TimeoutStopSec = \"31s\"
";

/// Every limit of a corrupted text stands under its own unit, unless the corruption lies in the unit's name
/// or in the limit itself.
fn nothing_strays(original: &[Placed], corrupted: &str, at: usize, grown: isize) {
    // A text without syntax errors means what it says, even if somebody meant otherwise.
    if raw::parse(corrupted).1.is_empty() {
        return;
    }
    for (unit, key, text, place) in limits(&read(corrupted).profile) {
        let known = original
            .iter()
            .any(|(u, k, t, _)| (u, k, t) == (&unit, &key, &text));
        let start = corrupted[..place.start].rfind('\n').map_or(0, |n| n + 1);
        let end = corrupted[place.start..]
            .find('\n')
            .map_or(corrupted.len(), |n| place.start + n);
        let touched = |line: Range<usize>| {
            line.start as isize - 1 <= at as isize && at as isize <= line.end as isize + grown.abs()
        };
        let header = corrupted[..start].rfind("\n[").map(|n| n + 1);
        let in_header = header.is_some_and(|from| {
            let to = corrupted[from..]
                .find('\n')
                .map_or(corrupted.len(), |n| from + n);
            touched(from..to) && corrupted[from..to].contains(&unit)
        });
        assert!(
            known || touched(start..end) || in_header,
            "{unit} got {key}={text} when byte {at} was corrupted:\n{corrupted}"
        );
    }
}

#[test]
fn no_corrupted_byte_hangs_a_limit_on_another_unit() {
    assert_eq!(read(SECTIONS).faults, []);
    let original = limits(&read(SECTIONS).profile);
    for at in 0..SECTIONS.len() {
        let (before, after) = (&SECTIONS[..at], &SECTIONS[at + 1..]);
        nothing_strays(&original, &format!("{before}{after}"), at, -1);
        for new in [
            '#', '[', ']', '"', '\'', '=', '{', '}', '\n', ' ', 'x', '.', ',', '\\',
        ] {
            nothing_strays(&original, &format!("{before}{new}{after}"), at, 0);
            nothing_strays(
                &original,
                &format!("{before}{new}{}", &SECTIONS[at..]),
                at,
                1,
            );
        }
    }
}

#[test]
fn no_lost_line_hangs_a_limit_on_another_unit() {
    // A text with a fault elsewhere, of which one line is lost or broken in two: what is left of a section
    // whose header is broken must not be read.
    let lines: Vec<&str> = SECTIONS.lines().collect();
    let original = limits(&read(SECTIONS).profile);
    for (n, line) in lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.starts_with("[unit"))
    {
        for broken in [
            line.trim_start_matches('[').to_owned(),
            format!("#{line}"),
            format!("# {line}"),
            line.trim_end_matches(']').to_owned(),
            format!("x{line}"),
            line.replace('"', ""),
            line.replace('.', " "),
            format!("{line} x"),
        ] {
            let mut text: Vec<&str> = lines.clone();
            text[n] = &broken;
            let text = format!("broken\n{}\n", text.join("\n"));
            for (unit, key, value, _) in limits(&read(&text).profile) {
                let known = original
                    .iter()
                    .any(|(u, k, t, _)| (u, k, t) == (&unit, &key, &value));
                assert!(known, "{unit} got {key}={value}:\n{text}");
            }
        }
    }
}

/// What holds for the check of any text.
fn sound(source: &Source) {
    let text = source.text();
    let checked = check(source, &Options { systemd: Some(252) });
    for fault in &checked.faults {
        assert!(
            text.get(fault.at.clone()).is_some(),
            "{fault:?} in {text:?}"
        );
        if let Some((at, _)) = &fault.related {
            assert!(text.get(at.clone()).is_some(), "{fault:?} in {text:?}");
        }
        let mut shown = format!("{fault:?}");
        shown.retain(|c| c != '\n');
        assert!(!fault.message.contains(is_unsafe), "{shown}");
    }
    for (_, _, value, at) in limits(&checked.profile) {
        assert!(!value.contains(is_unsafe) && text.get(at).is_some());
    }
    let shown = super::super::super::diagnose::render(&[(source, &checked.faults)], "done", false);
    assert!(!shown.contains(|c| is_unsafe(c) && c != '\n'), "{shown:?}");
    assert_eq!(shown.is_empty(), checked.faults.is_empty());
}

proptest! {
    #[test]
    fn any_bytes_are_checked(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        sound(&source(bytes));
    }

    #[test]
    fn any_text_is_checked(text in "(\\PC|[\\[\\]{}\"'=.#\n\\\\]|unit|rules|MemoryMax|\\.service){0,60}") {
        sound(&source(text));
    }

    #[test]
    fn mutated_profiles_are_checked(cuts in proptest::collection::vec((any::<prop::sample::Index>(), "[\\PC\n\"\\[\\]{}=#]{0,3}", 0usize..4), 1..6)) {
        let mut text = EXAMPLE.to_owned();
        for (at, new, length) in cuts {
            let floor = |n: usize| (0..=n.min(text.len())).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0);
            let start = floor(at.index(text.len() + 1));
            let end = floor(start + length).max(start);
            text.replace_range(start..end, &new);
        }
        sound(&source(text));
    }

    #[test]
    fn any_value_of_any_key_is_checked(key in 0usize..Key::ALL.len(), value in "\\PC{0,20}|[0-9.KMG%a-z \n\t-]{0,12}") {
        let quoted: String = value.escape_unicode().map(|c| match c { '{' => ' ', '}' => ' ', c => c }).collect();
        // TOML's escapes have eight digits.
        let quoted = quoted.split("\\u").filter(|s| !s.is_empty()).map(|s| format!("\\U{:0>8}", s.trim())).collect::<String>();
        let text = format!("[unit.\"a.service\"]\n{} = \"{quoted}\"\n", Key::ALL[key]);
        let checked = read(&text);
        for (_, _, kept, _) in limits(&checked.profile) {
            prop_assert_eq!(&kept, value.trim_matches(' '));
        }
        sound(&source(text));
    }
}
