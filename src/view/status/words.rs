//! Figures in few characters.

use crate::kernel::psi::Pressure;
use crate::kernel::stat::MemoryEvents;
use crate::limits::plan::{Overridden, Row, When};
use crate::sample::Limit;
use crate::units::{Span, show_bytes};
use crate::view::plan::{text, when};

/// What nobody told.
pub(super) fn unknown() -> String {
    "–".to_owned()
}

pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0 => "0".to_owned(),
        bytes => show_bytes(bytes),
    }
}

pub(super) fn limit(limit: Limit) -> String {
    limit.bytes().map_or_else(|| "none".to_owned(), bytes)
}

/// Hundredths of a percent: `0%`, `0.12%`, `7.5%`, `43%`.
pub(super) fn percent(hundredths: u32) -> String {
    match hundredths {
        0 => "0%".to_owned(),
        n if n < 100 => format!("0.{n:02}%"),
        n if n < 1000 => format!("{:.1}%", f64::from(n) / 100.0),
        n => format!("{:.0}%", f64::from(n) / 100.0),
    }
}

/// A ratio in percent, rounded down: what is shown as 90 % is marked as 90 %.
pub(super) fn ratio(ratio: f64) -> String {
    // 0.29 times 100 is less than 29.
    format!("{}%", (ratio * 100.0 + 1e-9).floor())
}

/// `high 12 max 3 kill 1`; what never happened is left out.
pub(super) fn events(events: &MemoryEvents) -> String {
    let all = [
        ("high", events.high),
        ("max", events.max),
        ("kill", events.oom_kill),
    ];
    let told = all.iter().filter_map(|(name, n)| Some((name, (*n)?)));
    let some: Vec<String> = told
        .clone()
        .filter(|(_, n)| *n > 0)
        .map(|(name, n)| format!("{name} {}", count(n)))
        .collect();
    match (some.is_empty(), told.count()) {
        (false, _) => some.join(" "),
        (true, 0) => unknown(),
        (true, _) => "0".to_owned(),
    }
}

/// `950`, `12k`, `3.4M`: by thousands.
pub(super) fn count(n: u64) -> String {
    let (value, suffix) = match n {
        0..10_000 => return n.to_string(),
        10_000..1_000_000 => (n / 1000, "k"),
        1_000_000..1_000_000_000 => (n / 1_000_000, "M"),
        _ => (n / 1_000_000_000, "G"),
    };
    format!("{value}{suffix}")
}

/// Of the last 10 seconds, minute, five minutes, and in all.
pub(super) fn stall(stall: &crate::kernel::psi::Stall) -> String {
    format!(
        "{} of 10 s, {} of 1 min, {} of 5 min; {} in all",
        percent(stall.avg10),
        percent(stall.avg60),
        percent(stall.avg300),
        span(stall.total)
    )
}

pub(super) fn pressure(pressure: &Pressure) -> Vec<String> {
    let full = pressure
        .full
        .iter()
        .map(|full| format!("full {}", stall(full)));
    std::iter::once(format!("some {}", stall(&pressure.some)))
        .chain(full)
        .collect()
}

/// A directive that is not as its files or its profile say, and why.
pub(super) fn waiting(row: &Row) -> String {
    let name = row.key.name();
    match (&row.overridden, &row.withheld) {
        (Some(Overridden { by, value, wanted }), _) => {
            let path = by.path.display();
            format!(
                "{name} {value}, not the profile's {wanted}: {path}:{}",
                by.line
            )
        }
        (_, Some(wanted)) => format!("{name} {wanted}, {}", when(row)),
        _ => {
            let (before, after) = (text(row.before.as_ref()), text(row.after.as_ref()));
            format!("{name} {before} → {after}, {}", waits(row))
        }
    }
}

/// A change of the profile's own that is not in force although the profile is installed.
fn waits(row: &Row) -> &'static str {
    match row.when {
        When::Now => "pending: on disk and not in force",
        _ => when(row),
    }
}

/// Microseconds in two units: `2h 5min`, `3s 40ms`.
pub(super) fn span(usec: u64) -> String {
    let text = Span(usec).to_string();
    let words: Vec<&str> = text.split(' ').take(2).collect();
    words.join(" ")
}

/// Breaks a line between words.
pub(super) fn wrap(line: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let open = lines.last().map_or(0, |l| l.chars().count());
        if open > 0 && open + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(last) = lines.last_mut() {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_true() {
        assert_eq!(
            [0, 5, 99, 100, 750, 999, 1234, 10_000].map(percent),
            [
                "0%", "0.05%", "0.99%", "1.0%", "7.5%", "10.0%", "12%", "100%"
            ]
        );
        assert_eq!(
            [0.0, 0.004, 0.29, 0.996, 1.0, 1.099].map(ratio),
            ["0%", "0%", "29%", "99%", "100%", "109%"]
        );
        assert_eq!(
            [9999, 10_000, 1_999_999, 5_000_000_000].map(count),
            ["9999", "10k", "1M", "5G"]
        );
        assert_eq!(span(3_040_500), "3s 40ms");
        assert_eq!(span(0), "0");
    }

    #[test]
    fn events_that_never_happened_are_left_out_and_unknown_is_not_none() {
        let mut all = MemoryEvents::default();
        assert_eq!(events(&all), "–");
        all.high = Some(0);
        all.oom_kill = Some(0);
        assert_eq!(events(&all), "0");
        all.high = Some(12_345);
        all.max = Some(2);
        assert_eq!(events(&all), "high 12k max 2");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("one", 2), ["one"]);
    }
}
