//! Figures: what is measured, what it is held against, and how both are said.

use jiff::Timestamp;

use super::Seen;
use crate::limits::key::Key;
use crate::profile::rule::{Base, Growth, Metric, Threshold};
use crate::sample::Limit;
use crate::units::{self, Span, show_bytes};

/// A latched rule has cleared when its figure is so much of the threshold or less, in percent.
const CLEARED: u64 = 95;

/// From `then` on until `now`; nothing where that is in the future.
pub(super) fn elapsed(then: Timestamp, now: Timestamp) -> Span {
    let micros = now.as_microsecond().saturating_sub(then.as_microsecond());
    Span(u64::try_from(micros).unwrap_or(0))
}

/// `whole * part / of`, without overflow.
pub(super) fn share(whole: u64, part: u64, of: u64) -> u64 {
    let share = u128::from(whole) * u128::from(part) / u128::from(of.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// A threshold, as far down as a rule that was told must fall to be over.
pub(super) fn relaxed(threshold: u64, is_latched: bool) -> u64 {
    if is_latched {
        share(threshold, CLEARED, 100)
    } else {
        threshold
    }
}

/// A time for people: its two greatest units.
pub(super) fn show_span(span: Span) -> String {
    const SECOND: u64 = 1_000_000;
    // Rounded up: what is told as missing is not told as over before it is.
    let rounded = match span.0 {
        0..SECOND => span.0,
        n => n.div_ceil(SECOND).saturating_mul(SECOND),
    };
    let text = Span(rounded).to_string();
    let two: Vec<&str> = text.split(' ').take(2).collect();
    two.join(" ")
}

/// Hundredths of a percent for people, to a tenth.
pub(super) fn show_percent(hundredths: u64) -> String {
    let tenths = hundredths.saturating_add(5) / 10;
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole}%"),
        (whole, tenth) => format!("{whole}.{tenth}%"),
    }
}

/// What a metric is now; `None` where that was not read. Need counts swap or does not.
pub(super) fn measured(metric: Metric, seen: &Seen<'_>, with_swap: bool) -> Option<u64> {
    let memory = &seen.sample.memory;
    match metric {
        Metric::Need if with_swap => memory.need(),
        Metric::Need => memory.resident(),
        Metric::Current => memory.current,
        Metric::Anon => memory.stat.anon,
        Metric::Swap => memory.swap,
        Metric::Pss => seen.pss,
    }
}

/// The bytes of a threshold.
pub(super) fn bytes(threshold: Threshold, seen: &Seen<'_>) -> Option<u64> {
    match threshold {
        Threshold::Bytes(bytes) => Some(bytes),
        Threshold::Share { hundredths, of } => {
            Some(share(base(of, seen)?, u64::from(hundredths), 10_000))
        }
    }
}

fn base(of: Base, seen: &Seen<'_>) -> Option<u64> {
    match of {
        Base::Ceiling => seen.ceiling.as_ref().map(|ceiling| ceiling.bytes),
        Base::Ram => seen.ram,
        Base::Limit(key) => own_limit(key, seen)?.bytes(),
    }
}

fn own_limit(key: Key, seen: &Seen<'_>) -> Option<Limit> {
    let limits = &seen.sample.limits;
    match key {
        Key::MemoryHigh => limits.high,
        Key::MemoryMax => limits.max,
        Key::MemorySwapMax => limits.swap_max,
        _ => None,
    }
}

/// `80% (400M of MemoryHigh=500M)`, `400M`, `80%`.
pub(super) fn show_threshold(threshold: Threshold, seen: &Seen<'_>) -> String {
    let (Threshold::Share { of, .. }, Some(bytes)) = (threshold, bytes(threshold, seen)) else {
        return threshold.to_string();
    };
    let base = show_bytes(base(of, seen).unwrap_or_default());
    let base = match (of, &seen.ceiling) {
        (Base::Ceiling, Some(ceiling)) => {
            let whose = match &ceiling.unit {
                unit if *unit == seen.sample.unit => String::new(),
                unit => format!(" of {unit}"),
            };
            format!("{}={base}{whose}", ceiling.bound.directive())
        }
        // Its name stands in the share already.
        (Base::Limit(_) | Base::Ram, _) | (Base::Ceiling, None) => base,
    };
    format!("{threshold} ({} of {base})", show_bytes(bytes))
}

/// Why a threshold has no bytes.
pub(super) fn no_threshold(threshold: Threshold, seen: &Seen<'_>) -> String {
    match threshold {
        Threshold::Share {
            of: Base::Limit(key),
            ..
        } => match own_limit(key, seen) {
            Some(_) => format!("there is no {key}"),
            None => format!("its {key} is not known"),
        },
        Threshold::Share { of: Base::Ram, .. } => "the machine's memory is not known".to_owned(),
        _ => "no ceiling is known".to_owned(),
    }
}

/// How much growth over a baseline that is in bytes; `None` for a share of nothing.
pub(super) fn growth(growth: Growth, baseline: u64) -> Option<u64> {
    match growth {
        Growth::Bytes(bytes) => Some(bytes),
        Growth::Share(hundredths) => (baseline > 0).then(|| share(baseline, hundredths, 10_000)),
    }
}

/// `400M`, without rounding where it is a round number.
pub(super) fn show_exact(bytes: u64) -> String {
    units::Memory::Bytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_by_their_two_greatest_units() {
        for (span, text) in [
            (0, "0"),
            (999_999, "999ms 999us"),
            (1_000_001, "2s"),
            (61_000_000, "1min 1s"),
            (90_061_000_000, "1d 1h"),
        ] {
            assert_eq!(show_span(Span(span)), text);
        }
        assert!(!show_span(Span(u64::MAX)).is_empty());
    }

    #[test]
    fn shares_do_not_overflow() {
        assert_eq!(share(u64::MAX, 50, 100), u64::MAX / 2);
        assert_eq!(share(u64::MAX, u64::MAX, 1), u64::MAX);
        assert_eq!(share(1, 1, 0), 1);
        assert_eq!(show_percent(98_50), "98.5%");
        assert_eq!(show_percent(u64::MAX), "184467440737095516.1%");
    }
}
