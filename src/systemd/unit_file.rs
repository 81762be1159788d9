//! The text of unit files and drop-ins: sections, assignments, continuations (`systemd.syntax(7)`), read as PID 1
//! reads them (`config_parse`), oddities included.

use std::borrow::Cow;

/// One `Key=value` of a unit file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The section without brackets; empty where none was opened, which systemd ignores.
    pub section: String,
    /// Left of the equals sign.
    pub key: String,
    /// Right of it, as written, quotes and all; in a continuation a space stands for the backslash.
    pub value: String,
    /// The line on which it begins, from 1.
    pub line: usize,
}

/// What systemd skips around lines, keys and values: no other white space.
const WHITESPACE: [char; 4] = [' ', '\t', '\n', '\r'];
const LINE_ENDS: [u8; 3] = *b"\n\r\0";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a unit file; see [`parse_bytes`].
#[must_use]
pub fn parse(text: &str) -> Vec<Assignment> {
    parse_bytes(text.as_bytes())
}

/// Reads a unit file; lines that are no assignment are skipped, as systemd does.
///
/// ```text
/// [Service]
/// # a comment
/// ExecStart=/bin/x \
///   --long
/// ```
///
/// A broken section header, or a line other than a comment that is no UTF-8, ends the file: systemd refuses what
/// comes after it and keeps what came before.
#[must_use]
pub fn parse_bytes(text: &[u8]) -> Vec<Assignment> {
    let mut reader = Reader::default();
    let mut pending: Option<(usize, Vec<u8>)> = None;
    let mut marked = false;
    let mut rest = text;
    let mut number = 0;
    while let Some(mut line) = next_line(&mut rest) {
        number += 1;
        // Comments end nothing: a continuation goes on after them.
        let begins = line.iter().find(|b| !WHITESPACE.contains(&char::from(**b)));
        if matches!(begins, Some(b'#' | b';')) {
            continue;
        }
        if !marked && let Some(after) = line.strip_prefix(BYTE_ORDER_MARK) {
            line = after;
            marked = true;
        }
        let (start, mut whole) = match pending.take() {
            Some((start, mut sofar)) => {
                sofar.extend_from_slice(line);
                (start, Cow::Owned(sofar))
            }
            None => (number, Cow::Borrowed(line)),
        };
        if goes_on(&whole) {
            if let Some(last) = whole.to_mut().last_mut() {
                *last = b' ';
            }
            pending = Some((start, whole.into_owned()));
        } else if !reader.take(&whole, start) {
            return reader.found;
        }
    }
    if let Some((start, whole)) = pending {
        reader.take(&whole, start);
    }
    reader.found
}

/// Cuts off the next line, without its end: a newline, a carriage return or a NUL, or one of each together.
fn next_line<'t>(rest: &mut &'t [u8]) -> Option<&'t [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = rest.iter().position(|b| LINE_ENDS.contains(b));
    let (line, tail) = rest.split_at(end.unwrap_or(rest.len()));
    let same_end = |at: &usize| {
        let seen = &tail[..*at];
        let goes_on = tail
            .get(*at)
            .is_some_and(|b| LINE_ENDS.contains(b) && !seen.contains(b));
        goes_on && !seen.contains(&0)
    };
    let ends = (0..LINE_ENDS.len()).take_while(same_end).count();
    *rest = &tail[ends..];
    Some(line)
}

/// Whether the line's last backslash is itself not escaped by one before it.
fn goes_on(line: &[u8]) -> bool {
    line.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

#[derive(Default)]
struct Reader {
    section: String,
    found: Vec<Assignment>,
}

impl Reader {
    /// Takes a whole line, continuations joined; `false` where systemd gives the file up.
    fn take(&mut self, line: &[u8], number: usize) -> bool {
        let Ok(line) = std::str::from_utf8(line) else {
            return false;
        };
        let line = line.trim_matches(WHITESPACE);
        if let Some(name) = line.strip_prefix('[') {
            let name = name.strip_suffix(']').filter(|name| is_safe(name));
            return match name {
                Some(name) => {
                    name.clone_into(&mut self.section);
                    true
                }
                None => false,
            };
        }
        if let Some((key, value)) = line.split_once('=').filter(|(key, _)| !key.is_empty()) {
            self.found.push(Assignment {
                section: self.section.clone(),
                key: key.trim_matches(WHITESPACE).to_owned(),
                value: value.trim_matches(WHITESPACE).to_owned(),
                line: number,
            });
        }
        true
    }
}

/// `string_is_safe`: no control characters, quotes or backslashes.
fn is_safe(name: &str) -> bool {
    !name.contains(|c: char| c.is_ascii_control() || "\"'\\".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Section.Key=value@line`, one for each assignment.
    fn shown(text: &[u8]) -> Vec<String> {
        let show = |a: Assignment| format!("{}.{}={}@{}", a.section, a.key, a.value, a.line);
        parse_bytes(text).into_iter().map(show).collect()
    }

    #[test]
    fn assignments_carry_section_and_line() {
        let text = "; c\n[Unit]\nDescription = x\n\n[Service]\nExecStart=/bin/a \\\n# between\n  b=c\nMemoryMax=\njunk\n =no key\n";
        let expect = [
            "Unit.Description=x@3",
            "Service.ExecStart=/bin/a    b=c@6",
            "Service.MemoryMax=@9",
        ];
        assert_eq!(shown(text.as_bytes()), expect);
    }

    #[test]
    fn sections_may_be_opened_again_and_quotes_stay() {
        let text = b"A=0\n[S]\nA=1\n[T]\nA=2\n [S] \n B = \"2G\" \n";
        assert_eq!(
            shown(text),
            [".A=0@1", "S.A=1@3", "T.A=2@5", "S.B=\"2G\"@7"]
        );
    }

    #[test]
    fn only_an_odd_backslash_continues() {
        assert_eq!(parse("[S]\nA=1 \\")[0].value, "1");
        assert_eq!(shown(b"[S]\nA=1\\\\\nB=2\n"), ["S.A=1\\\\@2", "S.B=2@3"]);
        assert_eq!(shown(b"[S]\nA=1 \\ \nB=2\n"), ["S.A=1 \\@2", "S.B=2@3"]);
        // An empty line ends it; a section header in the middle is none.
        assert_eq!(
            shown(b"[S]\nA=1\\\n\nB=2\\\n[T]\nC=3\n"),
            ["S.A=1@2", "S.B=2 [T]@4", "S.C=3@6"]
        );
    }

    #[test]
    fn lines_end_as_anywhere() {
        assert_eq!(
            shown(b"[S]\r\nA=1\r\n\r\nB=2\rC=3\0D=4\n\rE=5\n\nF=6"),
            [
                "S.A=1@2", "S.B=2@4", "S.C=3@5", "S.D=4@6", "S.E=5@7", "S.F=6@9"
            ]
        );
        assert_eq!(shown(b"\xef\xbb\xbf[S]\nA=\xc2\xa01\n"), ["S.A=\u{a0}1@2"]);
    }

    #[test]
    fn what_systemd_gives_up_at_ends_the_file() {
        for broken in ["[S", "[S\"]", "[", "B=\\\n[ \u{1}\n[\u{1}]"] {
            let text = format!("[S]\nA=1\n{broken}\nC=3\n");
            assert!(
                shown(text.as_bytes()).iter().all(|a| !a.contains("C=")),
                "{broken:?}"
            );
        }
        assert_eq!(shown(b"[S]\nA=1\nB=\xe4\nC=3\n"), ["S.A=1@2"]);
        assert_eq!(shown(b"[S]\nA=1\n# \xe4\nC=3\n"), ["S.A=1@2", "S.C=3@4"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC*|[\\[\\]a=\\\\\n\r\0#; ]*") {
            let _ = parse(&text);
        }
    }
}
