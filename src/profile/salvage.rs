//! What can still be read of a profile with syntax errors.
//!
//! At boot a typo in a rule must not cost a limit; and a limit must never be hung on a unit that it was not
//! written for, which is what a TOML parser does that steps over a broken header. So the text is taken
//! apart before it is parsed: sections begin at lines with a `[`, statements at lines with `KEY =`, and each
//! is parsed alone. What does not parse is blanked, keeping every position; where a line may have been
//! meant as a header, everything up to the next real one is. All of it is linear in the text.

use std::ops::Range;

use super::fault::{Concerns, Fault};
use super::raw::{self, SyntaxError, Table};
use crate::limits::key::Key;
use crate::units::quote;

/// More faults than this tell nothing new: the file is something else.
const MOST_FAULTS: usize = 20;

/// How often duplicates are taken out before the file is given up.
const ROUNDS: usize = 4;

/// Reads a text as far as it can be trusted: the tree, and every syntax fault.
pub(super) fn read(text: &str) -> (Table, Vec<Fault>) {
    let (table, errors) = raw::parse(text);
    if errors.is_empty() {
        return (table, Vec::new());
    }
    // Where a string may span lines, no line can be told from a string's inside.
    if text.contains("\"\"\"") || text.contains("'''") {
        let faults = errors.iter().take(1).map(|e| fault(text, e).note(
            "nothing of the file is used: with multi-line strings in it, one fault may change what every other line is",
        ));
        return (Table::default(), faults.collect());
    }
    let mut salvage = Salvage::new(text);
    salvage.take_apart();
    for _ in 0..ROUNDS {
        let clean = salvage.clean();
        let (table, errors) = raw::parse(&clean);
        if errors.is_empty() {
            return (table, salvage.finish());
        }
        for error in &errors {
            salvage.drop_duplicate(error);
        }
    }
    (Table::default(), salvage.finish())
}

/// A piece that is kept or blanked as a whole.
struct Piece {
    at: Range<usize>,
    /// A header carries its section.
    header: bool,
}

struct Salvage<'t> {
    text: &'t str,
    /// In order, without overlap.
    pieces: Vec<Piece>,
    /// In bytes; may overlap.
    blanked: Vec<Range<usize>>,
    faults: Vec<Fault>,
}

impl<'t> Salvage<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            pieces: Vec::new(),
            blanked: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Finds sections and statements, and blanks those that do not parse.
    fn take_apart(&mut self) {
        let lines = lines(self.text);
        let mut start = 0;
        while start < lines.len() {
            let next = (start + 1..lines.len())
                .find(|n| is_header(&self.text[lines[*n].clone()]))
                .unwrap_or(lines.len());
            self.section(&lines[start..next]);
            start = next;
        }
    }

    /// One section: its header, unless it is the beginning of the file, and its statements.
    fn section(&mut self, lines: &[Range<usize>]) {
        let text = self.text;
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
            return;
        };
        let end = last.end;
        let mut at = 0;
        if is_header(&text[first.clone()]) {
            at = 1;
            if let Some(error) = self.error_in(first.clone()) {
                let fault = fault(text, &error);
                self.leave_out(fault, first.start..end, lines.len() > 1);
                return;
            }
            self.pieces.push(Piece {
                at: first.clone(),
                header: true,
            });
        }
        while at < lines.len() {
            let line = &text[lines[at].clone()];
            let bare = line.trim();
            if bare.is_empty() || bare.starts_with('#') {
                if hides_header(line) {
                    let fault = Fault::warning(
                        lines[at].clone(),
                        Concerns::File,
                        "this may have been a header",
                    )
                    .label("a comment");
                    self.leave_out(fault, lines[at].start..end, true);
                    return;
                }
                at += 1;
                continue;
            }
            if statement_key(line).is_none() && may_be_header(bare) {
                let error = self.error_in(lines[at].clone());
                let fault = match &error {
                    Some(error) => fault(text, error),
                    None => Fault::error(
                        lines[at].clone(),
                        Concerns::File,
                        "this is neither a header nor a setting",
                    ),
                };
                self.leave_out(fault, lines[at].start..end, at + 1 < lines.len());
                return;
            }
            let length = statement_length(text, &lines[at..]);
            let place = lines[at].start..lines[at + length - 1].end;
            match self.error_in(place.clone()) {
                Some(error) => {
                    self.faults.push(fault(text, &error));
                    self.blanked.push(place.clone());
                }
                None => self.pieces.push(Piece {
                    at: place.clone(),
                    header: false,
                }),
            }
            at += length;
            if hides_header(&text[place.clone()]) && at < lines.len() {
                let fault =
                    Fault::warning(place, Concerns::File, "a header may be hidden in this line");
                self.leave_out(fault, lines[at].start..end, true);
                return;
            }
        }
    }

    /// The first thing that is wrong with a part of the text on its own.
    fn error_in(&self, place: Range<usize>) -> Option<SyntaxError> {
        let (_, errors) = raw::parse(&self.text[place.clone()]);
        let first = errors.into_iter().min_by_key(|e| e.at.start)?;
        let bound = |n: usize| (place.start + n).min(place.end);
        Some(SyntaxError {
            at: bound(first.at.start)..bound(first.at.end),
            ..first
        })
    }

    /// Blanks lines that may belong to another unit.
    fn leave_out(&mut self, fault: Fault, place: Range<usize>, more: bool) {
        self.faults.push(if more {
            fault.note("the lines from here to the next header are left out: whose they are is not certain")
        } else {
            fault
        });
        self.blanked.push(place);
    }

    /// What stands twice was written once too often: the first counts, as in the parser.
    fn drop_duplicate(&mut self, error: &SyntaxError) {
        self.faults.push(fault(self.text, error));
        let after = self
            .pieces
            .partition_point(|piece| piece.at.start <= error.at.start);
        let Some(index) = after.checked_sub(1) else {
            return;
        };
        let piece = &self.pieces[index];
        let end = match piece.header {
            true => self.pieces[after..]
                .iter()
                .find(|piece| piece.header)
                .map_or(self.text.len(), |piece| piece.at.start),
            false => piece.at.end,
        };
        self.blanked.push(piece.at.start..end);
    }

    /// The text with spaces for everything blanked.
    fn clean(&self) -> String {
        let mut bytes = self.text.as_bytes().to_vec();
        for place in &self.blanked {
            for byte in &mut bytes[place.clone()] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
        // Places begin and end at lines: no character was cut.
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn finish(self) -> Vec<Fault> {
        let mut faults = self.faults;
        faults.sort_by_key(|fault| fault.at.start);
        faults.dedup_by(|a, b| a.at == b.at && a.message == b.message);
        let more = faults.len().saturating_sub(MOST_FAULTS);
        faults.truncate(MOST_FAULTS);
        match faults.pop() {
            Some(last) if more > 0 => {
                faults.push(last.note(format!("and {more} more places that are no TOML")));
            }
            Some(last) => faults.push(last),
            None => {}
        }
        faults
    }
}

/// The lines with their line ends.
fn lines(text: &str) -> Vec<Range<usize>> {
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
fn is_header(line: &str) -> bool {
    line.trim_start_matches(['\u{feff}', ' ', '\t'])
        .starts_with('[')
}

/// The key of a line that begins a statement.
fn statement_key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim_matches(['\u{feff}', ' ', '\t']);
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let simple = !key.is_empty() && key.chars().all(bare);
    (simple || raw::parse(&format!("{key}=0")).1.is_empty()).then_some(key)
}

/// A broken line that may have been meant to begin a section.
fn may_be_header(line: &str) -> bool {
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
fn hides_header(text: &str) -> bool {
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
fn statement_length(text: &str, lines: &[Range<usize>]) -> usize {
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

/// A syntax error in an administrator's words.
fn fault(text: &str, error: &SyntaxError) -> Fault {
    let at = error.at.clone();
    let here = text.get(at.clone()).unwrap_or_default();
    let error_at = |message: &str| Fault::error(at.clone(), Concerns::File, message);
    let message = error.message.as_str();
    let quoted = || format!("write it in quotes: \"{}\"", quote(here).trim_matches('`'));
    let is = |start: &str| message.starts_with(start);
    if is("duplicate key") {
        let what = format!("{} stands here for the second time", quote(here));
        return error_at(&what)
            .label("the first one counts")
            .help("join the two, or remove one");
    }
    if is("cannot recurse") || is("recursion limit") {
        return error_at("brackets nested too deep").note("a profile needs four levels at most");
    }
    if is("string values must be quoted") {
        return error_at("text stands in quotes")
            .label("no quotes")
            .help(quoted());
    }
    if is("invalid basic string, expected `\"`") || is("invalid literal string, expected `'`") {
        return error_at("the closing quote is missing").label("the line ends here");
    }
    if is("key with no value") {
        return error_at("a key without a value").label("`= VALUE` is missing");
    }
    if is("unclosed array") {
        return error_at("the list is not closed").label("`]` is missing");
    }
    if is("unclosed inline table") {
        return error_at("the inline table is not closed").label("`}` is missing");
    }
    if is("unclosed table") {
        return error_at("the header is not closed").label("`]` is missing");
    }
    let shown: String = message.chars().flat_map(crate::units::visible).collect();
    error_at("this is not TOML").label(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that survive.
    fn kept(text: &str) -> Vec<String> {
        let mut salvage = Salvage::new(text);
        salvage.take_apart();
        let clean = salvage.clean();
        assert_eq!(clean.len(), text.len());
        clean
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_broken_header_takes_its_section_along() {
        let text = "[unit.\"a.service\"]\nMemoryMax = \"1G\"\n[unit.\"b.service\"\nMemoryMax = \"2G\"\nCPUQuota = \"5%\"\n[defaults]\n";
        assert_eq!(
            kept(text),
            ["[unit.\"a.service\"]", "MemoryMax = \"1G\"", "[defaults]"]
        );
        for header in [
            "unit.\"b.service\"]",
            "#[unit.\"b.service\"]",
            "# unit.\"b.service\"]",
            "b.service:",
            "{unit.\"b.service\"]",
        ] {
            let text = format!(
                "x = \n[unit.\"a.service\"]\nMemoryMax = \"1G\"\n{header}\nMemoryMax = \"2G\"\n"
            );
            assert_eq!(
                kept(&text),
                ["[unit.\"a.service\"]", "MemoryMax = \"1G\""],
                "{header}"
            );
        }
    }

    #[test]
    fn a_broken_statement_goes_alone() {
        let text = "[unit.\"a.service\"]\nMemoryHigh = 1G\nMemoryMax = \"1G\nTasksMax \"5\"\nrules = [\n { leak = tru },\n]\nCPUQuota = \"5%\"\n";
        assert_eq!(kept(text), ["[unit.\"a.service\"]", "CPUQuota = \"5%\""]);
        let text = "[unit.\"a.service\"]\nrules = [\n { leak = true },\nCPUQuota = \"5%\"\n[x]\n";
        assert_eq!(
            kept(text),
            ["[unit.\"a.service\"]", "CPUQuota = \"5%\"", "[x]"]
        );
    }

    #[test]
    fn a_header_at_the_end_of_a_line_is_seen() {
        let text =
            "[unit.\"a.service\"]\nMemoryMax = \"1G\" [unit.\"b.service\"]\nCPUQuota = \"5%\"\n";
        assert_eq!(kept(text), ["[unit.\"a.service\"]"]);
        let text = "x=\n[unit.\"a.service\"]\nMemoryMax = \"1G\" #[unit.\"b.service\"]\nCPUQuota = \"5%\"\n";
        assert_eq!(
            kept(text),
            [
                "[unit.\"a.service\"]",
                "MemoryMax = \"1G\" #[unit.\"b.service\"]"
            ]
        );
    }

    #[test]
    fn of_two_the_first_counts() {
        let text = "[unit.\"a.service\"]\nMemoryMax = \"1G\"\nMemoryMax = \"2G\"\n[unit.\"a.service\"]\nCPUQuota = \"5%\"\n";
        let (table, faults) = read(text);
        assert_eq!(faults.len(), 2, "{faults:?}");
        let shown = format!("{table:?}");
        assert!(
            shown.contains("1G") && !shown.contains("2G") && !shown.contains("5%"),
            "{shown}"
        );
    }
}
