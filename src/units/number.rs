//! Whole numbers as systemd's `safe_atoi` family reads them: decimal, `0x`, `0o`, `0b`, and octal after a
//! leading zero.

use super::{UnitError, WHITESPACE, quote};

const ALLOWED: &str = "a whole number";

/// Reads a number that may not be negative.
///
/// # Errors
/// Anything but digits, or a number that does not fit.
pub fn parse_unsigned(text: &str) -> Result<u64, UnitError> {
    let out_of_range = || UnitError::new(0..text.len(), "the number is too large", ALLOWED);
    match parse(text)? {
        (_, None) => Err(out_of_range()),
        // "-0" is zero to strtoull.
        (true, Some(n)) if n > 0 => Err(UnitError::new(
            0..text.len(),
            "the number is negative",
            ALLOWED,
        )),
        (_, Some(n)) => Ok(n),
    }
}

/// Reads a number with an optional sign.
///
/// # Errors
/// Anything but digits and one sign, or a number that does not fit.
pub fn parse_signed(text: &str) -> Result<i64, UnitError> {
    let (negative, magnitude) = parse(text)?;
    magnitude
        .and_then(|n| {
            let n = i128::from(n);
            i64::try_from(if negative { -n } else { n }).ok()
        })
        .ok_or_else(|| UnitError::new(0..text.len(), "the number is too large", ALLOWED))
}

/// Sign and magnitude; no magnitude when it does not fit 64 bits.
fn parse(text: &str) -> Result<(bool, Option<u64>), UnitError> {
    let wrong = |rest: &str| {
        let start = text.len() - rest.len();
        let problem = match text.trim_matches(WHITESPACE) {
            "" => "the number is missing".to_owned(),
            _ if rest.is_empty() => "the number is incomplete".to_owned(),
            _ => format!("{} is not part of a number", quote(rest)),
        };
        UnitError::new(start..text.len(), problem, ALLOWED)
    };
    let rest = text.trim_start_matches(WHITESPACE);
    let (rest, base) = match rest.get(..2) {
        Some("0b" | "0B") => (&rest[2..], Some(2)),
        Some("0o" | "0O") => (&rest[2..], Some(8)),
        _ => (rest, None),
    };
    // From here on it is strtol(3), which skips white space once more and takes the sign.
    let rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (rest, negative) = match rest.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (rest.strip_prefix('+').unwrap_or(rest), false),
    };
    let (digits, base) = match (base, rest.get(..2)) {
        (Some(base), _) => (rest, base),
        (None, Some("0x" | "0X")) => (&rest[2..], 16),
        (None, _) if rest.starts_with('0') => (rest, 8),
        (None, _) => (rest, 10),
    };
    if digits.is_empty() {
        return Err(wrong(digits));
    }
    let mut magnitude = Some(0u64);
    for (at, c) in digits.char_indices() {
        let digit = c.to_digit(base).ok_or_else(|| wrong(&digits[at..]))?;
        magnitude = magnitude
            .and_then(|n| n.checked_mul(u64::from(base)))
            .and_then(|n| n.checked_add(u64::from(digit)));
    }
    Ok((negative, magnitude))
}
