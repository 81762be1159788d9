//! The text of unit files and drop-ins: sections, assignments, continuations (`systemd.syntax(7)`).

/// One `Key=value` of a unit file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The section without brackets.
    pub section: String,
    /// Left of the equals sign.
    pub key: String,
    /// Right of it; continuation lines joined with a space.
    pub value: String,
    /// The line on which it begins, from 1.
    pub line: usize,
}

/// Reads a unit file; lines that are no assignment are skipped, as systemd does.
///
/// ```text
/// [Service]
/// # a comment
/// ExecStart=/bin/x \
///   --long
/// ```
#[must_use]
pub fn parse(text: &str) -> Vec<Assignment> {
    let mut found = Vec::new();
    let mut section = String::new();
    let mut pending: Option<(usize, String)> = None;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        // Comments end nothing: a continuation goes on after them.
        if trimmed.starts_with(['#', ';']) {
            continue;
        }
        let (start, mut whole) = match pending.take() {
            Some((start, sofar)) => (start, sofar + " " + trimmed),
            None => (at + 1, trimmed.to_owned()),
        };
        if whole.ends_with('\\') {
            whole.pop();
            pending = Some((start, whole.trim_end().to_owned()));
            continue;
        }
        take_line(&whole, start, &mut section, &mut found);
    }
    if let Some((start, whole)) = pending {
        take_line(&whole, start, &mut section, &mut found);
    }
    found
}

fn take_line(line: &str, number: usize, section: &mut String, found: &mut Vec<Assignment>) {
    let line = line.trim();
    if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
        name.clone_into(section);
    } else if let Some((key, value)) = line.split_once('=') {
        found.push(Assignment {
            section: section.clone(),
            key: key.trim_end().to_owned(),
            value: value.trim().to_owned(),
            line: number,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_carry_section_and_line() {
        let text = "; c\n[Unit]\nDescription = x\n\n[Service]\nExecStart=/bin/a \\\n# between\n  b=c\nMemoryMax=\njunk\n";
        let found: Vec<(String, String, String, usize)> = parse(text)
            .into_iter()
            .map(|a| (a.section, a.key, a.value, a.line))
            .collect();
        let expect = [
            ("Unit", "Description", "x", 3),
            ("Service", "ExecStart", "/bin/a b=c", 6),
            ("Service", "MemoryMax", "", 9),
        ];
        assert_eq!(
            found,
            expect.map(|(s, k, v, l)| (s.to_owned(), k.to_owned(), v.to_owned(), l))
        );
    }

    #[test]
    fn a_continuation_at_the_end_is_kept() {
        assert_eq!(parse("[S]\nA=1 \\")[0].value, "1");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC*|[\\[\\]a=\\\\\n#; ]*") {
            let _ = parse(&text);
        }
    }
}
