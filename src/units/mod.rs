//! Units of measure in systemd's own grammar: `1G` is 2^30 bytes, `infinity` is no limit, `1h 30min`.
//!
//! The readers take exactly what PID 1 takes, oddities included (`0x10%`, `1.5h`, `1G 512M`), because they
//! read administrators' unit files too. What systemd refuses is refused here with the reason, the place in
//! the text and, where it can be guessed, what was meant.

mod memory;
mod moment;
mod number;
mod share;
mod span;

use std::fmt;
use std::ops::Range;

pub use memory::{Memory, parse_tasks, show_bytes};
pub use moment::parse_moment;
pub use number::{parse_signed, parse_unsigned};
pub use share::{CpuQuota, parse_share};
pub use span::Span;

/// What systemd skips as white space within values.
const WHITESPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// Why a text is no amount of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitError {
    /// What is wrong, as half a sentence: `` `m` is not a suffix ``.
    pub problem: String,
    /// Where in the text that was read, in bytes; never outside of it, never in the middle of a character.
    pub at: Range<usize>,
    /// What may stand there instead.
    pub allowed: &'static str,
    /// What was perhaps meant; it reads well.
    pub suggestion: Option<String>,
}

impl UnitError {
    pub(crate) fn new(at: Range<usize>, problem: impl Into<String>, allowed: &'static str) -> Self {
        Self {
            problem: problem.into(),
            at,
            allowed,
            suggestion: None,
        }
    }

    pub(crate) fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; allowed: {}", self.problem, self.allowed)?;
        match &self.suggestion {
            Some(meant) => write!(f, " (perhaps {meant}?)"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UnitError {}

/// The text without the white space around it, and where it begins: systemd's reader of unit files drops
/// that before a directive sees its value.
fn trim(text: &str) -> (&str, usize) {
    let start = text.len() - text.trim_start_matches(WHITESPACE).len();
    (text.trim_matches(WHITESPACE), start)
}

/// A short extract for a message: messages quote what is wrong, never a page of it, and no control
/// characters (they would reach a terminal).
pub(crate) fn quote(text: &str) -> String {
    const MOST: usize = 48;
    let mut shown: String = text.chars().take(MOST).flat_map(visible).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// A character as it may be printed: control, direction and invisible characters as escapes.
pub(crate) fn visible(c: char) -> impl Iterator<Item = char> {
    let (plain, escaped) = if is_unsafe(c) {
        (None, Some(c.escape_unicode()))
    } else {
        (Some(c), None)
    };
    plain.into_iter().chain(escaped.into_iter().flatten())
}

/// Whether a character could command a terminal, reorder a line or hide in it.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Full-width digits and letters (U+FF01–FF5E) look like ASCII and are typed by input methods.
fn to_ascii(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => {
                char::from_u32(u32::from(c) - 0xff01 + u32::from('!')).unwrap_or(c)
            }
            _ => c,
        })
        .collect()
}

#[cfg(test)]
mod tests;
