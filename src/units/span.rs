//! Time spans as `systemd.time(7)` has them.

use std::fmt;

use super::{UnitError, WHITESPACE, quote, to_ascii, trim};

/// A time span in microseconds; `u64::MAX` is `infinity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
/// A twelfth of a year: 30.44 days.
const MONTH: u64 = 2_629_800 * SECOND;
/// 365.25 days.
const YEAR: u64 = 31_557_600 * SECOND;

/// Every unit name, in systemd's order: a name stands before every name that it begins with.
const NAMES: [(&str, u64); 30] = [
    ("seconds", SECOND),
    ("second", SECOND),
    ("sec", SECOND),
    ("s", SECOND),
    ("minutes", MINUTE),
    ("minute", MINUTE),
    ("min", MINUTE),
    ("months", MONTH),
    ("month", MONTH),
    ("M", MONTH),
    ("msec", 1000),
    ("ms", 1000),
    ("m", MINUTE),
    ("hours", HOUR),
    ("hour", HOUR),
    ("hr", HOUR),
    ("h", HOUR),
    ("days", DAY),
    ("day", DAY),
    ("d", DAY),
    ("weeks", WEEK),
    ("week", WEEK),
    ("w", WEEK),
    ("years", YEAR),
    ("year", YEAR),
    ("y", YEAR),
    ("usec", 1),
    ("us", 1),
    ("\u{3bc}s", 1),
    ("\u{b5}s", 1),
];

const ALLOWED: &str =
    "a time span (90, 30s, 5min, 1h 30min, 2d; a bare number counts seconds) or infinity";

impl Span {
    /// No end.
    pub const INFINITY: Self = Self(u64::MAX);

    /// A span of whole seconds.
    #[must_use]
    pub const fn seconds(n: u64) -> Self {
        Self(n.saturating_mul(SECOND))
    }

    /// Reads `5min`, `1h 30min`, `1.5h`, `90`, `infinity`.
    ///
    /// # Errors
    /// Anything that systemd's `parse_sec` refuses.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let (inner, start) = trim(text);
        read(inner).map(Self).map_err(|mut e| {
            e.at = start + e.at.start..start + e.at.end;
            e.suggest(suggest(inner))
        })
    }
}

impl fmt::Display for Span {
    /// The largest units first: `1h 30min`, `1s 500ms`, `0`, `infinity`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: [(&str, u64); 9] = [
            ("y", YEAR),
            ("month", MONTH),
            ("w", WEEK),
            ("d", DAY),
            ("h", HOUR),
            ("min", MINUTE),
            ("s", SECOND),
            ("ms", 1000),
            ("us", 1),
        ];
        if *self == Self::INFINITY {
            return f.write_str("infinity");
        }
        if self.0 == 0 {
            return f.write_str("0");
        }
        let mut left = self.0;
        let mut gap = "";
        for (name, unit) in SHOWN {
            // systemd refuses a count that reaches the largest possible one.
            let count = (left / unit).min(u64::MAX / unit - 1);
            if count > 0 {
                write!(f, "{gap}{count}{name}")?;
                left -= count * unit;
                gap = " ";
            }
        }
        Ok(())
    }
}

fn read(text: &str) -> Result<u64, UnitError> {
    let error = |at: std::ops::Range<usize>, problem: String| UnitError::new(at, problem, ALLOWED);
    let too_long = |at| error(at, "the time span is too long".to_owned());
    if text == "infinity" {
        return Ok(u64::MAX);
    }
    if text.is_empty() {
        return Err(error(0..0, "the value is empty".to_owned()));
    }
    let mut total: u64 = 0;
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(WHITESPACE);
        if rest.is_empty() {
            return Ok(total);
        }
        let start = text.len() - rest.len();
        if rest.starts_with('-') {
            let problem = "a time span cannot be negative".to_owned();
            return Err(error(start..text.len(), problem));
        }
        // ".5s" is half a second, "+.5s" is nothing: the sign belongs to the whole part.
        let signed = rest.strip_prefix('+').filter(|r| r.starts_with(is_digit));
        let after_sign = signed.unwrap_or(rest);
        let (digits, after) = split_digits(after_sign);
        let (decimals, after) = match after.strip_prefix('.') {
            Some(after) => {
                let (decimals, after) = split_digits(after);
                (Some(decimals), after)
            }
            None => (None, after),
        };
        let number_end = text.len() - after.len();
        match decimals {
            None if digits.is_empty() => {
                let (word, end) = word_at(text, start);
                let problem = format!("{} is not a time span", quote(word));
                return Err(error(start..end, problem));
            }
            Some("") => {
                let problem = "nothing follows the decimal point".to_owned();
                return Err(error(start..number_end, problem));
            }
            _ => {}
        }
        let whole = match digits {
            "" => 0,
            d => d
                .parse::<i64>()
                .ok()
                .and_then(|n| u64::try_from(n).ok())
                .ok_or_else(|| too_long(start..number_end))?,
        };
        let (unit, next) = unit_after(text, after)?;
        let end = text.len() - next.len();
        let fits = whole < u64::MAX / unit;
        total = fits
            .then(|| whole * unit)
            .and_then(|n| total.checked_add(n))
            .and_then(|n| fraction(decimals.unwrap_or_default(), unit, n))
            .filter(|n| *n < u64::MAX)
            .ok_or_else(|| too_long(start..end))?;
        rest = next;
    }
}

/// The unit that stands at the beginning of `after`, seconds where there is none, and what follows.
fn unit_after<'t>(text: &str, after: &'t str) -> Result<(u64, &'t str), UnitError> {
    let name_at = after.trim_start_matches(WHITESPACE);
    let named = NAMES
        .into_iter()
        .find_map(|(name, unit)| Some((unit, name_at.strip_prefix(name)?)));
    let start = text.len() - name_at.len();
    let (unit, next) = named.unwrap_or((SECOND, name_at));
    // "12.34.56" is refused, "12.34 .56" and "20 5s" are two spans.
    let two_numbers = named.is_none() && name_at.len() == after.len() && !after.is_empty();
    let no_number = next
        .trim_start_matches(WHITESPACE)
        .chars()
        .next()
        .is_some_and(|c| !is_digit(c) && c != '.' && c != '+' && c != '-');
    if two_numbers || no_number {
        let (word, end) = word_at(text, start);
        let problem = format!("{} is not a unit of time", quote(word));
        return Err(UnitError::new(start..end, problem, ALLOWED));
    }
    Ok((unit, next))
}

/// Adds the decimals digit by digit, each a tenth of the unit before, as systemd does; what is below a
/// microsecond is dropped.
fn fraction(decimals: &str, unit: u64, total: u64) -> Option<u64> {
    let mut place = unit;
    decimals.bytes().try_fold(total, |total, digit| {
        place /= 10;
        total.checked_add(u64::from(digit - b'0') * place)
    })
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// The word that begins at `start`, and its end; at least one character.
fn word_at(text: &str, start: usize) -> (&str, usize) {
    let rest = &text[start..];
    let end = rest
        .find(|c: char| c.is_whitespace() || c.is_ascii_digit())
        .filter(|end| *end > 0)
        .unwrap_or(rest.len());
    (&rest[..end], start + end)
}

/// What was perhaps meant: `5mins`, `5 Min`, `1,5h`, `never`.
fn suggest(text: &str) -> Option<String> {
    let clean = to_ascii(text).replace(',', ".").to_lowercase();
    if [
        "inf",
        "never",
        "none",
        "unlimited",
        "forever",
        "infinite",
        "infinity",
        "-1",
    ]
    .contains(&clean.as_str())
    {
        return Some("infinity".to_owned());
    }
    let mins = clean.replace("mins", "min");
    let secs = mins.replace("secs", "sec").replace("hrs", "hr");
    let commas = clean.replace('.', " ");
    [clean, mins, secs, commas]
        .into_iter()
        .find(|t| t != text && Span::parse(t).is_ok())
}
