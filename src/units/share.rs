//! Percentages with up to two decimals, per mille and per myriad (systemd's `parse_permyriad`), and the
//! CPU quota, which may exceed 100 %.

use std::fmt;

use super::number::parse_signed;
use super::{UnitError, WHITESPACE, quote, to_ascii, trim};

/// `CPUQuota=`: hundredths of a percent of one CPU; `None` is no quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuQuota(pub Option<u64>);

const QUOTA_ALLOWED: &str = "percent of one CPU: 80%, 12.5%, 200% for two";
const SHARE_ALLOWED: &str = "a percentage from 0% to 100%, with at most two decimals";

/// One hundred percent in hundredths of a percent.
pub(super) const WHOLE: u32 = 10_000;

impl CpuQuota {
    /// Reads `80%`, `12.5%`, `200%`, `800‰`.
    ///
    /// systemd has no word for "no quota" here: an empty assignment is one, and not a value.
    ///
    /// # Errors
    /// Anything that systemd would ignore: no percent sign, zero, more than two decimals.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let fail = |e: UnitError| {
            let meant = suggest(text, |t| read(t, QUOTA_ALLOWED).is_ok_and(|n| n > 0));
            e.suggest(meant)
        };
        match read(text, QUOTA_ALLOWED).map_err(fail)? {
            0 => Err(UnitError::new(
                0..text.len(),
                "a quota of nothing would stop the unit",
                QUOTA_ALLOWED,
            )),
            n => Ok(Self(Some(u64::from(n)))),
        }
    }
}

impl fmt::Display for CpuQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(n) => write_percent(f, n),
            None => f.write_str("infinity"),
        }
    }
}

/// Reads a share of something, in hundredths of a percent: `80%` is 8000.
///
/// # Errors
/// Anything that systemd would ignore, above 100 % included.
pub fn parse_share(text: &str) -> Result<u32, UnitError> {
    let fail = |e: UnitError| {
        e.suggest(suggest(text, |t| {
            read(t, SHARE_ALLOWED).is_ok_and(|n| n <= WHOLE)
        }))
    };
    let n = read(text, SHARE_ALLOWED).map_err(fail)?;
    if n > WHOLE {
        return Err(UnitError::new(
            0..text.len(),
            "a share of more than 100%",
            SHARE_ALLOWED,
        ));
    }
    Ok(n)
}

/// Whether a text is meant as a percentage.
pub(super) fn is_share(text: &str) -> bool {
    text.trim_end().ends_with(['%', '‰', '‱', '％'])
}

/// Writes hundredths of a percent: `80%`, `12.5%`, `0.01%`.
pub(super) fn write_percent(f: &mut fmt::Formatter<'_>, hundredths: u64) -> fmt::Result {
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    match rest {
        0 => write!(f, "{whole}%"),
        r if r % 10 == 0 => write!(f, "{whole}.{}%", r / 10),
        r => write!(f, "{whole}.{r:02}%"),
    }
}

/// systemd's `parse_permyriad_unbounded`: how many decimals are left depends on the sign.
pub(super) fn read(text: &str, allowed: &'static str) -> Result<u32, UnitError> {
    let (inner, start) = trim(text);
    let (number, places) = [('%', 2), ('‰', 1), ('‱', 0)]
        .into_iter()
        .find_map(|(sign, places)| Some((inner.strip_suffix(sign)?, places)))
        .ok_or_else(|| {
            let problem = match inner {
                "" => "the value is empty".to_owned(),
                _ => "the percent sign is missing".to_owned(),
            };
            UnitError::new(0..text.len(), problem, allowed)
        })?;
    let bare = number.trim_end_matches(WHITESPACE);
    if bare.len() < number.len() && !bare.is_empty() {
        let at = start + bare.len()..start + number.len();
        return Err(UnitError::new(
            at,
            "no space may stand before the percent sign",
            allowed,
        ));
    }
    let (whole, decimals) = match number.split_once('.') {
        Some((whole, decimals)) if places > 0 => (whole, Some(decimals)),
        _ => (number, None),
    };
    let shift = 10i64.pow(places);
    let fraction = match decimals {
        None => 0,
        Some(d) => {
            let at = start + whole.len() + 1;
            let good = (1..=places as usize).contains(&d.len());
            if !good || !d.bytes().all(|b| b.is_ascii_digit()) {
                let problem = match d {
                    "" => "nothing follows the decimal point".to_owned(),
                    _ if d.bytes().all(|b| b.is_ascii_digit()) => "too many decimals".to_owned(),
                    _ => format!("{} is not a number", quote(number)),
                };
                return Err(UnitError::new(at..at + d.len(), problem, allowed));
            }
            // One of two places counts tenfold.
            d.bytes().fold(0, |n, b| n * 10 + i64::from(b - b'0'))
                * 10i64.pow(places - u32::try_from(d.len()).unwrap_or(places))
        }
    };
    let whole_part = parse_signed(whole).map_err(|mut e| {
        e.at = start + e.at.start..start + e.at.end;
        e.allowed = allowed;
        e
    })?;
    let at = start..start + inner.len();
    if whole_part < 0 {
        return Err(UnitError::new(at, "the percentage is negative", allowed));
    }
    // systemd counts in an int.
    whole_part
        .checked_mul(shift)
        .and_then(|n| n.checked_add(fraction))
        .and_then(|n| i32::try_from(n).ok())
        .and_then(|n| u32::try_from(n).ok())
        .ok_or_else(|| UnitError::new(at, "the percentage is too large", allowed))
}

/// What was perhaps meant: the space before the sign, a decimal comma, full-width digits, no sign at all.
pub(super) fn suggest(text: &str, accepts: impl Fn(&str) -> bool) -> Option<String> {
    let clean: String = to_ascii(text)
        .replace(',', ".")
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    let with_sign = format!("{clean}%");
    [clean, with_sign]
        .into_iter()
        .find(|t| t != text && accepts(t))
}
