//! One cell of a trace: a time, a number of bytes, a limit, an invocation.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::sample::{Invocation, Limit};

/// What cgroup v1 and some programs write for no limit: the greatest number of bytes in whole pages, and more.
const NONE: u64 = i64::MAX as u64 - 4095;

/// A cell is not what its column says; where it stands its reader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrong;

/// A number and nothing else; the fast way, which nearly every cell goes.
#[must_use]
pub fn digits(cell: &[u8]) -> Option<u64> {
    if cell.is_empty() || cell.len() > 19 {
        return None;
    }
    // 19 digits are less than 2^64.
    cell.iter().try_fold(0_u64, |n, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| n * 10 + u64::from(digit))
    })
}

/// A count: whole, or with decimals, which are cut (a mean is no whole number). Empty or `NaN` is unknown.
///
/// # Errors
/// It is none of these.
pub fn count(cell: &[u8]) -> Result<Option<u64>, Wrong> {
    if let Some(n) = digits(cell) {
        return Ok(Some(n));
    }
    let text = std::str::from_utf8(cell).map_err(|_| Wrong)?.trim();
    if text.is_empty() || text.eq_ignore_ascii_case("nan") {
        return Ok(None);
    }
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    match is_number(whole) && is_number(decimals) {
        true => whole.parse().map(Some).map_err(|_| Wrong),
        false => Err(Wrong),
    }
}

/// A limit: bytes, or `infinity`, or `max` as the kernel has it.
///
/// # Errors
/// It is none of these.
pub fn limit(cell: &[u8]) -> Result<Option<Limit>, Wrong> {
    match count(cell) {
        Ok(None) => Ok(None),
        Ok(Some(bytes)) if bytes < NONE => Ok(Some(Limit::Bytes(bytes))),
        Ok(Some(_)) => Ok(Some(Limit::Infinity)),
        Err(Wrong) => {
            let cell = cell.trim_ascii();
            let is = |word: &str| cell.eq_ignore_ascii_case(word.as_bytes());
            match ["infinity", "max", "inf", "+inf"].into_iter().any(is) {
                true => Ok(Some(Limit::Infinity)),
                false => Err(Wrong),
            }
        }
    }
}

/// A time: seconds since 1970, also with decimals, or as RFC 3339 has it.
///
/// # Errors
/// It is neither, or no calendar has it.
pub fn time(cell: &[u8]) -> Result<Timestamp, Wrong> {
    if let Some(second) = digits(cell) {
        let second = i64::try_from(second).map_err(|_| Wrong)?;
        return Timestamp::from_second(second).map_err(|_| Wrong);
    }
    let text = std::str::from_utf8(cell).map_err(|_| Wrong)?.trim();
    seconds(text).or_else(|| text.parse().ok()).ok_or(Wrong)
}

/// `-12`, `1700000000.25`.
fn seconds(text: &str) -> Option<Timestamp> {
    let (sign, number) = match text.strip_prefix('-') {
        Some(number) => (-1, number),
        None => (1, text),
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) {
        return None;
    }
    let nanos: String = format!("{decimals:0<9}").chars().take(9).collect();
    let (whole, nanos): (i64, i32) = (whole.parse().ok()?, nanos.parse().ok()?);
    Timestamp::new(sign * whole, i32::try_from(sign).ok()? * nanos).ok()
}

/// An invocation: systemd's number, or any other text that is another one for each start.
#[must_use]
pub fn invocation(cell: &[u8]) -> Option<Invocation> {
    let text = cell.trim_ascii();
    if text.is_empty() {
        return None;
    }
    let id = std::str::from_utf8(text).ok().and_then(Invocation::parse);
    id.or_else(|| {
        let hash = Sha256::digest(text);
        let bytes = hash.iter().take(16);
        Some(Invocation(
            bytes.fold(0, |n, byte| (n << 8) | u128::from(*byte)),
        ))
    })
}
