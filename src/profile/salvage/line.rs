//! What a line is, judged without parsing the text around it.

use std::ops::Range;

use super::super::raw;
use crate::limits::key::Key;

/// The lines with their line ends.
pub(super) fn lines(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let at = start..start + line.len();
            start = at.end;
            at
        })
        .collect()
}

/// No value of a profile has a line that begins so: its lists hold texts and tables.
pub(super) fn is_header(line: &str) -> bool {
    line.trim_start_matches(['\u{feff}', ' ', '\t'])
        .starts_with('[')
}

/// The key of a line that begins a statement.
pub(super) fn statement_key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim_matches(['\u{feff}', ' ', '\t']);
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let simple = !key.is_empty() && key.chars().all(bare);
    (simple || raw::parse(&format!("{key}=0")).1.is_empty()).then_some(key)
}

/// A broken line that may have been meant to begin a section.
pub(super) fn may_be_header(line: &str) -> bool {
    const SIGNS: [&str; 8] = [
        "unit", "default", ".service", ".slice", ".scope", ".rules", ".restart", "@.",
    ];
    let word = line
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .next();
    let known = word.is_some_and(|word| {
        Key::from_name(word).is_some()
            || ["rules", "restart", "override", "task_match"].contains(&word)
    });
    !known && (line.ends_with(']') && line != "]" || SIGNS.iter().any(|sign| line.contains(sign)))
}

/// A comment or a string with a header in it: one lost line end, or one `#` too many.
pub(super) fn hides_header(text: &str) -> bool {
    text.contains("[unit")
        || text.contains("[defaults")
        || text.lines().any(|line| {
            let line = line.trim();
            let comment = line.split_once('#').map_or("", |(_, comment)| comment);
            comment.ends_with(']') && (comment.contains("unit") || comment.contains("defaults"))
        })
}

/// How many lines the statement at the first one takes: until its brackets are closed. A limit never stands
/// within brackets, so one that begins a line ends an unclosed list before it.
pub(super) fn statement_length(text: &str, lines: &[Range<usize>]) -> usize {
    let mut depth = 0i64;
    for (index, at) in lines.iter().enumerate() {
        let line = &text[at.clone()];
        if index > 0 && statement_key(line).is_some_and(|key| Key::from_name(key).is_some()) {
            return index;
        }
        depth += bracket_balance(line);
        if depth <= 0 {
            return index + 1;
        }
    }
    lines.len()
}

/// Opening less closing brackets of a line, outside of its strings and its comment.
fn bracket_balance(line: &str) -> i64 {
    let mut balance = 0;
    let mut quote = None;
    let mut escaped = false;
    for c in line.chars() {
        match (quote, c) {
            (Some('"'), _) if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => balance += 1,
            (None, ']' | '}') => balance -= 1,
            (None, '#') => break,
            (None, _) => {}
        }
    }
    balance
}
