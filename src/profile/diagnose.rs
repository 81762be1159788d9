//! Faults as text, in the manner of rustc: the line itself, a mark below it, and what to do.
//!
//! ```text
//! error: MemoryMax: `MB` is not a suffix of sizes
//!  --> /etc/memctl/profiles.d/web.toml:2:17
//!   |
//! 2 | MemoryMax = "400MB"
//!   |                 ^^
//!   = help: perhaps MemoryMax = "400M"
//! ```

use std::fmt;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::fault::{Fault, Note, Severity};
use super::source::Source;
use crate::units::{is_unsafe, visible};

/// A terminal's usual width; texts are broken so that they are legible in it.
const WIDTH: usize = 80;

/// The part of a long line that is shown, in characters.
const SHOWN: usize = 68;

/// So much of it stands before the mark.
const BEFORE: usize = 30;

/// Two places further apart than this are shown as two.
const FAR: usize = 100;

/// How many faults of which severity in how many files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// What forbids to apply.
    pub errors: usize,
    /// What does not.
    pub warnings: usize,
    /// Files with either.
    pub files: usize,
}

impl Count {
    /// Counts the faults of several files.
    #[must_use]
    pub fn of<'a>(files: impl IntoIterator<Item = &'a [Fault]>) -> Self {
        let mut count = Self::default();
        for faults in files {
            let errors = faults
                .iter()
                .filter(|f| f.severity == Severity::Error)
                .count();
            count.errors += errors;
            count.warnings += faults.len() - errors;
            count.files += usize::from(!faults.is_empty());
        }
        count
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        match (self.errors, self.warnings) {
            (0, 0) => return f.write_str("no faults"),
            (0, warnings) => f.write_str(&plural(warnings, "warning"))?,
            (errors, 0) => f.write_str(&plural(errors, "fault"))?,
            (errors, warnings) => write!(
                f,
                "{} and {}",
                plural(errors, "fault"),
                plural(warnings, "warning")
            )?,
        }
        write!(f, " in {}", plural(self.files, "file"))
    }
}

/// All faults of all files in one text that ends with their number and what came of it
/// (`3 faults in 2 files; nothing was changed`). Empty where there is no fault.
#[must_use]
pub fn render(files: &[(&Source, &[Fault])], outcome: &str, styled: bool) -> String {
    let count = Count::of(files.iter().map(|(_, faults)| *faults));
    if count == Count::default() {
        return String::new();
    }
    let renderer = if styled {
        Renderer::styled()
    } else {
        Renderer::plain()
    }
    .term_width(WIDTH);
    let mut out = String::new();
    for (source, faults) in files {
        let file = File::new(source);
        for fault in *faults {
            let text = renderer.render(&[file.group(fault)]);
            out.push_str(&file.at_its_place(&text, fault));
            out.push_str("\n\n");
        }
    }
    let last = format!("{count}; {outcome}");
    out.push_str(&last.chars().flat_map(visible).collect::<String>());
    out.push('\n');
    out
}

/// A file with its lines found, once for all its faults.
struct File<'a> {
    text: &'a str,
    path: String,
    starts: Vec<usize>,
}

impl<'a> File<'a> {
    fn new(source: &'a Source) -> Self {
        let text = source.text();
        let ends = text
            .bytes()
            .enumerate()
            .filter(|(_, b)| *b == b'\n')
            .map(|(at, _)| at + 1);
        Self {
            text,
            path: source
                .path
                .to_string_lossy()
                .chars()
                .flat_map(visible)
                .collect(),
            starts: std::iter::once(0).chain(ends).collect(),
        }
    }

    fn group(&self, fault: &Fault) -> Group<'static> {
        let level = match fault.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(fault.message.clone()));
        // A fault of the file as a whole has no line to show.
        if fault.at == (0..0) {
            group = group.element(Origin::path(self.path.clone()));
        } else {
            for snippet in self.snippets(fault) {
                group = group.element(snippet.path(self.path.clone()));
            }
        }
        for note in &fault.notes {
            group = group.element(match note {
                Note::Help(text) => Level::HELP.message(wrap(text)),
                Note::Note(text) => Level::NOTE.message(wrap(text)),
            });
        }
        group
    }

    /// The renderer counts columns in the text that it shows, which is not the file's where a line was cut
    /// or holds escapes.
    fn at_its_place(&self, rendered: &str, fault: &Fault) -> String {
        let (line, column) = self.position(fault.at.start);
        let place = format!("{}:{}:", self.path, line + 1);
        let arrow = rendered.find("-->").unwrap_or_default();
        match rendered[arrow..].find(&place) {
            Some(found) if fault.at != (0..0) => {
                let (before, after) = rendered.split_at(arrow + found + place.len());
                let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{before}{column}{after}")
            }
            _ => rendered.to_owned(),
        }
    }

    /// The line of the fault with its mark, and the line that belongs to it.
    fn snippets(&self, fault: &Fault) -> Vec<Snippet<'static, Annotation<'static>>> {
        let (line, _) = self.position(fault.at.start);
        let label = (!fault.label.is_empty()).then(|| fault.label.clone());
        let primary = |span| AnnotationKind::Primary.span(span).label(label.clone());
        let Some((at, note)) = &fault.related else {
            let (text, span) = self.line(line, &fault.at);
            return vec![
                Snippet::source(text)
                    .line_start(line + 1)
                    .annotation(primary(span)),
            ];
        };
        let (other, _) = self.position(at.start);
        let related = |span| AnnotationKind::Context.span(span).label(note.clone());
        if other.abs_diff(line) > FAR {
            let (text, span) = self.line(line, &fault.at);
            let (other_text, other_span) = self.line(other, at);
            return vec![
                Snippet::source(text)
                    .line_start(line + 1)
                    .annotation(primary(span)),
                Snippet::source(other_text)
                    .line_start(other + 1)
                    .annotation(related(other_span)),
            ];
        }
        let first = line.min(other);
        let mut text = String::new();
        let mut snippet_spans = (0..0, 0..0);
        for n in first..=line.max(other) {
            let start = text.len();
            let shift = |span: Range<usize>| start + span.start..start + span.end;
            let (shown, span) = self.line(n, if n == line { &fault.at } else { at });
            if n == line {
                snippet_spans.0 = shift(span.clone());
            }
            if n == other {
                let span = if n == line { self.line(n, at).1 } else { span };
                snippet_spans.1 = shift(span);
            }
            text.push_str(&shown);
            text.push('\n');
        }
        vec![
            Snippet::source(text)
                .line_start(first + 1)
                .annotation(primary(snippet_spans.0))
                .annotation(related(snippet_spans.1)),
        ]
    }

    /// Line (from 0) and column in characters (from 1) of a byte.
    fn position(&self, at: usize) -> (usize, usize) {
        let line = self
            .starts
            .partition_point(|start| *start <= at)
            .saturating_sub(1);
        // What is missing at the end of a file is missing after its last line.
        let line = match self.starts[line] {
            start if line > 0 && start == self.text.len() => line - 1,
            _ => line,
        };
        let before = self.text.get(self.starts[line]..at).unwrap_or_default();
        (line, before.trim_end_matches('\n').chars().count() + 1)
    }

    /// A line as it may be shown, and where a place of the file lies in it: control characters as escapes,
    /// a long line cut around the place.
    fn line(&self, line: usize, place: &Range<usize>) -> (String, Range<usize>) {
        let start = self.starts[line];
        let end = self
            .starts
            .get(line + 1)
            .map_or(self.text.len(), |next| next - 1);
        let whole = self.text[start..end].trim_end_matches('\r');
        let inside = |at: usize| at.clamp(start, start + whole.len()) - start;
        let (from, to) = (inside(place.start), inside(place.end));
        let skipped = whole[..from].chars().count().saturating_sub(BEFORE);
        let long = whole.chars().count() > SHOWN;
        let skipped = if long { skipped } else { 0 };
        let mut out = String::new();
        let mut span = (None, None);
        if skipped > 0 {
            out.push('…');
        }
        for (shown, (at, c)) in whole.char_indices().skip(skipped).enumerate() {
            if long && shown == SHOWN {
                out.push('…');
                break;
            }
            if at >= from {
                span.0.get_or_insert(out.len());
            }
            if at >= to {
                span.1.get_or_insert(out.len());
            }
            match c {
                '\t' => out.push_str("    "),
                '\u{feff}' => {}
                c if is_unsafe(c) => out.extend(c.escape_unicode()),
                c => out.push(c),
            }
        }
        let (from, to) = (span.0.unwrap_or(out.len()), span.1.unwrap_or(out.len()));
        (out, from..to)
    }
}

/// Breaks a text into lines that fit behind `= help: `.
fn wrap(text: &str) -> String {
    const ROOM: usize = WIDTH - 16;
    let mut out = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > ROOM {
            out.push('\n');
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::fault::Concerns;
    use super::*;

    fn shown(text: &str, at: Range<usize>) -> String {
        let source = Source::new("x", "x.toml", text.as_bytes().to_vec());
        let fault = Fault::error(at, Concerns::File, "wrong").label("here");
        render(&[(&source, &[fault])], "nothing was changed", false)
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        let source = Source::new("x", "x.toml", Vec::new());
        assert_eq!(render(&[(&source, &[])], "done", false), "");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let text = shown("a = \"\u{1b}[2J\u{202e}\"\n", 4..12);
        assert!(!text.chars().any(|c| is_unsafe(c) && c != '\n'), "{text}");
        assert!(text.contains("\\u{1b}[2J\\u{202e}"), "{text}");
        assert!(text.contains("x.toml:1:5"), "{text}");
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let text = shown(
            &format!("{}HERE{}", "x".repeat(5000), "y".repeat(5000)),
            5000..5004,
        );
        assert!(text.contains("xHEREy") && text.contains("1:5001"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
    }

    #[test]
    fn what_is_missing_at_the_end_is_missing_after_the_last_line() {
        let text = shown("a = [\n", 6..6);
        assert!(
            text.contains("x.toml:1:6") && text.contains("a = ["),
            "{text}"
        );
        shown("", 0..0);
        shown("\n", 1..1);
        shown("ä", 0..2);
    }

    #[test]
    fn counts_are_sentences() {
        let fault = |severity| Fault {
            severity,
            ..Fault::error(0..0, Concerns::File, "x")
        };
        let (error, warning) = (fault(Severity::Error), fault(Severity::Warning));
        let (one, two) = ([error.clone()], [error, warning.clone()]);
        assert_eq!(Count::of([&one[..]]).to_string(), "1 fault in 1 file");
        assert_eq!(
            Count::of([&one[..], &two[..], &[]]).to_string(),
            "2 faults and 1 warning in 2 files"
        );
        assert_eq!(
            Count::of([&[warning][..]]).to_string(),
            "1 warning in 1 file"
        );
    }
}
