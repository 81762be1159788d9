//! Sizes with base 1024, shares of RAM, and no limit at all: what `MemoryMax=` takes.

use std::fmt;

use super::share::{self, write_percent};
use super::{UnitError, WHITESPACE, number, quote, to_ascii, trim};

/// An amount of memory as a directive takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Memory {
    /// Bytes.
    Bytes(u64),
    /// Share of RAM in hundredths of a percent (`80%` is 8000).
    Share(u32),
    /// `infinity`.
    Infinity,
}

/// The suffixes, largest first: within one value they may only become smaller.
const SUFFIXES: [(&str, u64); 8] = [
    ("E", 1 << 60),
    ("P", 1 << 50),
    ("T", 1 << 40),
    ("G", 1 << 30),
    ("M", 1 << 20),
    ("K", 1 << 10),
    ("B", 1),
    ("", 1),
];

const ALLOWED: &str =
    "a size (400M, 1.5G; K M G T P E count by 1024), a share of RAM (80%) or infinity";
const TASKS_ALLOWED: &str =
    "a number of tasks (512), a share of the system's limit (10%) or infinity";

impl Memory {
    /// Reads `400M`, `1.5G`, `1G 512M`, `80%`, `12.5%`, `800‰`, `infinity`.
    ///
    /// Zero is read: whether a directive takes it is the directive's affair.
    ///
    /// # Errors
    /// Anything that systemd would ignore.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let (inner, start) = trim(text);
        if inner == "infinity" {
            return Ok(Self::Infinity);
        }
        let read = if share::is_share(inner) {
            share::read(inner, ALLOWED).and_then(|n| match n {
                n if n <= share::WHOLE => Ok(Self::Share(n)),
                _ => Err(UnitError::new(
                    0..inner.len(),
                    "more than 100% of RAM",
                    ALLOWED,
                )),
            })
        } else {
            read_size(inner).map(Self::Bytes)
        };
        read.map_err(|mut e| {
            e.at = start + e.at.start..start + e.at.end;
            e.suggest(suggest(inner))
        })
    }

    /// The bytes that systemd makes of it on a machine with `ram` bytes; `None` is no limit.
    ///
    /// A share is taken of whole pages and rounded down to one (`physical_memory_scale`, the same from
    /// systemd 252 to 262). `ram` is what systemd takes for it: the lesser of the kernel's page count
    /// (`MemTotal`) and the root cgroup's `memory.max`.
    #[must_use]
    pub fn resolve(self, ram: u64) -> Option<u64> {
        self.resolve_by_page(ram, rustix::param::page_size() as u64)
    }

    fn resolve_by_page(self, ram: u64, page: u64) -> Option<u64> {
        match self {
            Self::Bytes(n) => Some(n),
            Self::Infinity => None,
            Self::Share(share::WHOLE) => Some(ram),
            Self::Share(n) => {
                let pages = u128::from(ram / page) * u128::from(n) / u128::from(share::WHOLE);
                // More than 64 bits: systemd makes that "no limit" too.
                u64::try_from(pages * u128::from(page)).ok()
            }
        }
    }
}

impl fmt::Display for Memory {
    /// The shortest text that reads back as exactly this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Infinity => f.write_str("infinity"),
            Self::Share(n) => write_percent(f, u64::from(*n)),
            Self::Bytes(n) => f.write_str(&shortest_size(*n)),
        }
    }
}

/// Reads what `TasksMax=` takes: a number above zero, a share of what the system allows, or `infinity`.
///
/// # Errors
/// Anything that systemd would ignore.
pub fn parse_tasks(text: &str) -> Result<Memory, UnitError> {
    let (inner, start) = trim(text);
    if inner == "infinity" {
        return Ok(Memory::Infinity);
    }
    let whole = 0..inner.len();
    let read = if share::is_share(inner) {
        share::read(inner, TASKS_ALLOWED).and_then(|n| match n {
            n if n <= share::WHOLE => Ok(Memory::Share(n)),
            _ => Err(UnitError::new(whole, "more than 100%", TASKS_ALLOWED)),
        })
    } else {
        number::parse_unsigned(inner).and_then(|n| match n {
            0 => Err(UnitError::new(
                whole,
                "no tasks at all: the unit could not start",
                TASKS_ALLOWED,
            )),
            u64::MAX => Err(UnitError::new(
                whole,
                "the number is too large",
                TASKS_ALLOWED,
            )),
            n => Ok(Memory::Bytes(n)),
        })
    };
    read.map_err(|mut e| {
        e.at = start + e.at.start..start + e.at.end;
        e.allowed = TASKS_ALLOWED;
        let meant = suggest(inner).filter(|t| parse_tasks(t).is_ok());
        e.suggest(meant)
    })
}

/// Bytes for people, rounded: `1.4G`, `350M`, `12K`, `512B`.
#[must_use]
pub fn show_bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut suffixes = ["B", "K", "M", "G", "T", "P", "E"].into_iter().peekable();
    let mut suffix = suffixes.next().unwrap_or("");
    // 1023.7M rounds to 1024M, which is 1G.
    while value.round() >= 1024.0 {
        let Some(next) = suffixes.next() else { break };
        value /= 1024.0;
        suffix = next;
    }
    let tenths = (value * 10.0).round();
    if tenths < 100.0 && tenths % 10.0 != 0.0 {
        format!("{:.1}{suffix}", tenths / 10.0)
    } else {
        format!("{}{suffix}", value.round())
    }
}

/// systemd's `parse_size` with base 1024: numbers with ever smaller suffixes, added up.
fn read_size(text: &str) -> Result<u64, UnitError> {
    let error = |at: std::ops::Range<usize>, problem: &str| UnitError::new(at, problem, ALLOWED);
    let too_large = |at| error(at, "the size does not fit in 64 bits");
    let mut total: u64 = 0;
    let mut rest = text;
    let mut first_suffix = 0;
    loop {
        rest = rest.trim_start_matches(WHITESPACE);
        let start = text.len() - rest.len();
        let unsigned = rest.strip_prefix('+').unwrap_or(rest);
        let digits = leading_digits(unsigned);
        if digits.is_empty() {
            return Err(no_number(text, start));
        }
        let after = &unsigned[digits.len()..];
        let whole: u64 = digits
            .parse()
            .map_err(|_| too_large(start..start + digits.len()))?;
        let (fraction, after) = match after.strip_prefix('.') {
            None => (0.0, after),
            Some(after) => {
                let decimals = leading_digits(after);
                let fraction = match decimals {
                    // "10.M" is systemd's 10M.
                    "" => 0.0,
                    _ => {
                        let n: u64 = decimals.parse().map_err(|_| {
                            error(start..text.len() - after.len(), "too many decimals")
                        })?;
                        // The same steps in the same order as systemd: the last bit must agree.
                        decimals.bytes().fold(n as f64, |f, _| f / 10.0)
                    }
                };
                (fraction, &after[decimals.len()..])
            }
        };
        let after = after.trim_start_matches(WHITESPACE);
        let end = text.len() - after.len();
        let Some((index, (suffix, factor))) = SUFFIXES
            .into_iter()
            .enumerate()
            .skip(first_suffix)
            .find(|(_, (suffix, _))| after.starts_with(suffix))
        else {
            return Err(error(
                start..text.len(),
                "nothing can follow a number without suffix",
            ));
        };
        if suffix.is_empty() && !after.is_empty() {
            return Err(no_suffix(text, end, first_suffix));
        }
        let fits = whole
            .checked_add(u64::from(fraction > 0.0))
            .is_some_and(|n| n <= u64::MAX / factor);
        let sum = fits
            .then(|| whole * factor + (fraction * factor as f64) as u64)
            .and_then(|n| total.checked_add(n));
        total = sum.ok_or_else(|| too_large(start..end + suffix.len()))?;
        rest = &after[suffix.len()..];
        first_suffix = index + 1;
        if rest.is_empty() {
            break;
        }
    }
    match total {
        // systemd uses that number for "infinity" and takes it in no size.
        u64::MAX => Err(too_large(0..text.len())),
        n => Ok(n),
    }
}

fn leading_digits(text: &str) -> &str {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    &text[..end]
}

/// A number was expected at `at`.
fn no_number(text: &str, at: usize) -> UnitError {
    let rest = &text[at..];
    let problem = match rest {
        "" if text.is_empty() => "the value is empty".to_owned(),
        "" => "a number is missing at the end".to_owned(),
        _ if rest.starts_with('-') => "a size cannot be negative".to_owned(),
        _ if at > 0 => return no_suffix(text, at, 0),
        _ => format!("{} is not a size", quote(rest)),
    };
    UnitError::new(at..text.len(), problem, ALLOWED)
}

/// What stands at `at` cannot follow the number before it.
fn no_suffix(text: &str, at: usize, first_suffix: usize) -> UnitError {
    // With "400MB" the fault is the whole "MB", not the B that was left over.
    let letters = text[..at]
        .bytes()
        .rev()
        .take_while(u8::is_ascii_alphabetic)
        .count();
    let from = at - letters;
    let word = text[from..].split([' ', '\t']).next().unwrap_or_default();
    let to = from + word.len();
    let larger_after_smaller = first_suffix > 0
        && SUFFIXES
            .iter()
            .any(|(suffix, _)| !suffix.is_empty() && *suffix == word);
    let problem = if larger_after_smaller {
        format!(
            "{} after a smaller unit: the largest comes first",
            quote(word)
        )
    } else {
        format!("{} is not a suffix of sizes", quote(word))
    };
    UnitError::new(from..to, problem, ALLOWED)
}

/// The size with the fewest characters that reads back as `n`; the larger unit of two.
fn shortest_size(n: u64) -> String {
    let mut best = n.to_string();
    // Smallest first, so that of two equally short ones the larger unit remains.
    for (suffix, factor) in SUFFIXES.into_iter().rev().filter(|(_, f)| *f > 1) {
        let hundredths = u128::from(n) * 100;
        let factor = u128::from(factor);
        if n == 0 || !hundredths.is_multiple_of(factor) {
            continue;
        }
        let hundredths = hundredths / factor;
        let (whole, part) = (hundredths / 100, hundredths % 100);
        let text = match part {
            0 => format!("{whole}{suffix}"),
            p if p % 10 == 0 => format!("{whole}.{}{suffix}", p / 10),
            p => format!("{whole}.{p:02}{suffix}"),
        };
        // Decimals go through floating point: what does not come back exactly is no candidate.
        if text.len() <= best.len() && read_size(&text) == Ok(n) {
            best = text;
        }
    }
    best
}

/// What was perhaps meant: `400m`, `400MB`, `400 MiB`, `1,5G`, `80 %`, `４００M`, `unlimited`.
fn suggest(text: &str) -> Option<String> {
    let clean = to_ascii(text).replace(',', ".").to_ascii_uppercase();
    let clean = join(&clean);
    let words = [
        "INFINITY",
        "INF",
        "UNLIMITED",
        "MAX",
        "NONE",
        "NO",
        "OFF",
        "-1",
        "∞",
    ];
    if words.contains(&clean.as_str()) {
        return Some("infinity".to_owned());
    }
    let bare = ["IB", "BYTES", "BYTE", "B"]
        .into_iter()
        .find_map(|unit| clean.strip_suffix(unit))
        .unwrap_or(&clean);
    [clean.as_str(), bare]
        .into_iter()
        .find(|t| {
            *t != text
                && (share::read(t, "").is_ok_and(|n| n <= share::WHOLE) || read_size(t).is_ok())
        })
        .map(str::to_owned)
}

/// Drops the white space before a suffix or a sign; between two numbers it means something.
fn join(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        if digit(out.chars().last()) && digit(word.chars().next()) {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_taken_of_whole_pages() {
        let ram = 906 * 1024 * 1024 + 4096;
        assert_eq!(
            Memory::Share(8000).resolve_by_page(ram, 4096),
            Some(760_008_704)
        );
        assert_eq!(Memory::Share(1).resolve_by_page(ram, 4096), Some(94_208));
        assert_eq!(Memory::Share(10_000).resolve_by_page(ram, 4096), Some(ram));
        assert_eq!(Memory::Share(0).resolve_by_page(ram, 4096), Some(0));
        assert_eq!(
            Memory::Share(9999).resolve_by_page(u64::MAX, 4096),
            Some(18_444_899_399_302_172_672)
        );
        assert_eq!(Memory::Bytes(5).resolve_by_page(ram, 4096), Some(5));
        assert_eq!(Memory::Infinity.resolve_by_page(ram, 4096), None);
    }
}
