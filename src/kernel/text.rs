//! Kernel files as text: what went wrong in one, and the flat form that most of them have.

use std::fmt;

/// The longest extract of a kernel file that a message shows, in characters.
const EXTRACT: usize = 40;

/// A kernel file that says something strange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The line, counted from 1; 0 for the whole of a file that yields nothing.
    pub line: usize,
    /// What stands there, shortened.
    pub found: String,
}

impl Malformed {
    /// A strange line.
    #[must_use]
    pub fn at(line: usize, found: &str) -> Self {
        Self {
            line,
            found: found.chars().take(EXTRACT).collect(),
        }
    }

    /// A file without anything that could be used.
    #[must_use]
    pub fn nothing(text: &str) -> Self {
        Self::at(0, text.trim_end())
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.found.is_empty()) {
            (_, true) => f.write_str("the file is empty"),
            (0, _) => write!(f, "nothing known in it: {:?}", self.found),
            (line, _) => write!(f, "line {line}: unexpected {:?}", self.found),
        }
    }
}

/// What a parser of a kernel file answers.
pub type Parsed<T> = Result<T, Malformed>;

/// The lines of a flat-keyed file (`memory.stat`, `memory.events`, `cpu.stat`), for the keys that are wanted:
///
/// ```text
/// anon 12058624
/// file 4096
/// ```
///
/// `slot` answers where a key's figure goes; unknown keys, which newer kernels add, are skipped whatever stands
/// behind them.
///
/// # Errors
/// A wanted key without a number; no wanted key at all.
pub fn flat<T: Default>(text: &str, slot: Slot<T>) -> Parsed<T> {
    let mut all = T::default();
    let mut found = false;
    for (at, line) in text.lines().enumerate() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        let Some(slot) = slot(&mut all, key) else {
            continue;
        };
        let number = value.trim().parse();
        *slot = Some(number.map_err(|_| Malformed::at(at + 1, line))?);
        found = true;
    }
    if found {
        Ok(all)
    } else {
        Err(Malformed::nothing(text))
    }
}

/// The place of a key's figure, if the key is wanted.
pub type Slot<T> = for<'a> fn(&'a mut T, &str) -> Option<&'a mut Option<u64>>;

/// A file of one number (`memory.current`).
///
/// # Errors
/// Anything else.
pub fn number(text: &str) -> Parsed<u64> {
    let number = text.trim_end().parse();
    number.map_err(|_| Malformed::at(1, text.trim_end()))
}

/// A file of one limit (`memory.max`): a number, or `max` for none.
///
/// # Errors
/// Anything else.
pub fn limit(text: &str) -> Parsed<Option<u64>> {
    match text.trim_end() {
        "max" => Ok(None),
        _ => number(text).map(Some),
    }
}
