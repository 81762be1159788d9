//! A profile's bytes, and what has to be right about them before anybody looks for TOML.

use std::path::PathBuf;

use super::fault::{Concerns, Fault};

/// A profile larger than this is no profile: a thousand units with all limits take a third of it.
pub const MAX_BYTES: usize = 1 << 20;

/// The longest name of a profile, so that `NAME.toml` is a file name everywhere.
const MAX_NAME: usize = 200;

/// A profile as it was found.
#[derive(Debug, Clone)]
pub struct Source {
    /// The profile's name: the stem of its file.
    pub name: String,
    /// The file, for messages.
    pub path: PathBuf,
    text: String,
    broken: Option<Fault>,
}

impl Source {
    /// Takes the bytes of a file; what is no UTF-8 text becomes a fault of the check.
    #[must_use]
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        let (text, broken) = decode(bytes);
        Self {
            name: name.into(),
            path: path.into(),
            text,
            broken,
        }
    }

    /// The text; replacement characters where it was no UTF-8, empty where it was no text at all.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why the text cannot be read as TOML.
    pub(super) fn broken(&self) -> Option<&Fault> {
        self.broken.as_ref()
    }
}

/// Whether a profile may be called so: letters, digits and `-_.@+:`, no dot in front.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.@+:".contains(&b);
    (1..=MAX_NAME).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(allowed)
}

fn decode(bytes: Vec<u8>) -> (String, Option<Fault>) {
    let whole = |message: String| Fault::error(0..0, Concerns::File, message);
    if bytes.len() > MAX_BYTES {
        let fault = whole(format!(
            "the file is too large for a profile ({})",
            crate::units::show_bytes(bytes.len() as u64)
        ))
        .note("a profile has at most 1M");
        return (String::new(), Some(fault));
    }
    if is_utf16(&bytes) {
        let fault = whole("the file is UTF-16, not UTF-8".to_owned())
            .help("convert it: iconv -f UTF-16 -t UTF-8 OLD >NEW");
        return (String::new(), Some(fault));
    }
    match String::from_utf8(bytes) {
        Ok(text) => {
            let fault = text.find('\0').map(|at| {
                Fault::error(at..at + 1, Concerns::File, "a NUL byte in the file")
                    .label("here")
                    .note("a profile is text; this file is damaged or something else")
            });
            (text, fault)
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let byte = error.as_bytes().get(at).copied().unwrap_or_default();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            // What stands before the first bad byte is the same in both.
            let end = at + char::REPLACEMENT_CHARACTER.len_utf8();
            let fault = Fault::error(at..end, Concerns::File, "the file is not UTF-8")
                .label(format!("the byte 0x{byte:02x}"))
                .help("if it was written as Latin-1: iconv -f LATIN1 -t UTF-8 OLD >NEW");
            (text, Some(fault))
        }
    }
}

/// By its byte order mark, or by the NUL that UTF-16 has beside every ASCII letter.
fn is_utf16(bytes: &[u8]) -> bool {
    let start = bytes.get(..4).unwrap_or(bytes);
    matches!(
        start,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, 0, 1..=255] | [1..=255, 0, 1..=255, 0]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        let message = |bytes: &[u8]| {
            Source::new("x", "x.toml", bytes.to_vec())
                .broken()
                .map(|f| f.message.clone())
        };
        assert_eq!(message(b"format = 1\n"), None);
        assert_eq!(message("\u{feff}format = 1 # ä\n".as_bytes()), None);
        assert_eq!(message(b""), None);
        for bytes in [&b"\xff\xfef\0"[..], b"\xfe\xff\0f", b"f\0o\0", b"\0f\0o"] {
            assert!(
                message(bytes).is_some_and(|m| m.contains("UTF-16")),
                "{bytes:?}"
            );
        }
        assert!(message(b"# \xe4\n").is_some_and(|m| m.contains("not UTF-8")));
        assert!(message(b"# \0\n").is_some_and(|m| m.contains("NUL")));
        assert!(message(&vec![b'#'; MAX_BYTES + 1]).is_some_and(|m| m.contains("too large")));
        assert_eq!(message(&vec![b'#'; MAX_BYTES]), None);
    }

    #[test]
    fn names_are_file_names() {
        for name in ["homework", "10-web", "a.b", "x@y"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            ".hidden",
            "a/b",
            "..",
            "a b",
            "ä",
            "a\u{1b}",
            &"x".repeat(201),
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
