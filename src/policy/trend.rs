//! `leak` and `exhausts_in`: what the detector says of a unit, held against what a rule asks.

use jiff::Timestamp;

use super::condition::Scene;
use super::figure::show_span;
use super::leak::{Finding, Forecast, Verdict};
use super::words::Words;
use crate::units::{Span, show_bytes};

/// How much later than it asks a forecast must be until a rule that was told has cleared, in percent.
const LATER: u64 = 105;
/// What is as far away as this is only called far.
const FAR: Span = Span::seconds(2 * 365 * 86_400);
const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;

/// Whether it is a leak. One that was told stays one until the detector takes it back: that it comes near the limit,
/// or is no longer as certain, does not.
pub(super) fn leaks(found: &Verdict, cautious: bool, is_latched: bool) -> bool {
    match found.finding {
        Finding::Leak => is_latched || !cautious || found.is_cautious,
        Finding::NearLimit => is_latched,
        Finding::Learning | Finding::Steady | Finding::Growing => false,
    }
}

/// Whether its growth reaches the limit within a time. A slope without a trend is none: every one reaches it some day.
pub(super) fn exhausts(found: &Verdict, span: Span, is_latched: bool, now: Timestamp) -> bool {
    let Some(forecast) = found.forecast.filter(|_| found.finding >= Finding::Growing) else {
        return false;
    };
    let asked = match is_latched {
        true => span.0.saturating_add(span.0 / 100 * (LATER - 100)),
        false => span.0,
    };
    until(forecast.likely, now).0 <= asked
}

/// From now until a second since 1970.
fn until(second: i64, now: Timestamp) -> Span {
    let left = second.saturating_sub(now.as_second());
    Span(u64::try_from(left).unwrap_or(0).saturating_mul(1_000_000))
}

/// `leak` in words.
pub(super) fn say_leak(cautious: bool, scene: &Scene<'_>) -> Words {
    let asked = if cautious { "cautious" } else { "true" };
    let Some(found) = scene.seen.trend else {
        return (String::new(), asked.to_owned(), Some(UNSEEN.to_owned()));
    };
    let missing = match found.finding {
        Finding::Learning => "too little was seen of this start",
        Finding::Steady => "growth that would matter",
        Finding::Growing | Finding::Leak => "more certainty",
        Finding::NearLimit => "growth, and not only a high level",
    };
    (
        say(found, scene.now),
        asked.to_owned(),
        Some(missing.to_owned()),
    )
}

/// `exhausts_in` in words.
pub(super) fn say_exhausts(span: Span, scene: &Scene<'_>) -> Words {
    let threshold = span.to_string();
    let Some(found) = scene.seen.trend else {
        return (String::new(), threshold, Some(UNSEEN.to_owned()));
    };
    let missing = match (found.finding, found.forecast) {
        (Finding::Learning, _) => "too little was seen of this start".to_owned(),
        (Finding::Steady, _) => "growth that would matter".to_owned(),
        (_, None) => "a forecast".to_owned(),
        (_, Some(forecast)) => {
            let left = until(forecast.likely, scene.now).0.saturating_sub(span.0);
            format!("a limit that is {} nearer", show_span(Span(left)))
        }
    };
    (say(found, scene.now), threshold, Some(missing))
}

const UNSEEN: &str = "the detector knows nothing of it";

/// What the detector finds: `it grows 3.1M an hour over 6h, and reaches its limit in 5h 20min (4h to 8h)`.
#[must_use]
pub fn say(found: &Verdict, now: Timestamp) -> String {
    let grows = found.slope.filter(|slope| *slope > 0.0).map(|slope| {
        let over = found.window.map_or_else(String::new, |window| {
            format!(" over {}", show_span(Span::seconds(u64::from(window))))
        });
        format!("it grows {}{over}", say_slope(slope))
    });
    let mut parts = match found.finding {
        Finding::Learning => return "learning".to_owned(),
        Finding::Steady => return "steady".to_owned(),
        Finding::NearLimit => vec!["near its limit".to_owned()],
        Finding::Growing | Finding::Leak => Vec::new(),
    };
    parts.extend(grows);
    if parts.is_empty() {
        // It was found to, and has not given back.
        parts.push("it grew".to_owned());
    }
    if let Some(forecast) = found.forecast {
        let forecast = say_forecast(forecast, now);
        parts.push(format!("and reaches its limit in {forecast}"));
    }
    parts.join(", ")
}

/// A slope in bytes a second for people: `3.1M an hour`, `2M a day`.
#[must_use]
pub fn say_slope(slope: f64) -> String {
    let sign = if slope < 0.0 { "-" } else { "" };
    // Of what is less than a mebibyte an hour a day tells more.
    let (bytes, unit) = match slope.abs() * HOUR {
        hour if hour >= 1_048_576.0 => (hour, "an hour"),
        _ => (slope.abs() * DAY, "a day"),
    };
    // A float that is no size is the greatest one, or 0.
    format!("{sign}{} {unit}", show_bytes(bytes as u64))
}

/// `5h 20min (4h to 8h)`; what is years away is nobody's to tell by the day.
#[must_use]
pub fn say_forecast(forecast: Forecast, now: Timestamp) -> String {
    let shown = |second: i64| match until(second, now) {
        span if span >= FAR => "years".to_owned(),
        span => show_span(span),
    };
    let late = match forecast.late {
        Some(late) => format!("to {}", shown(late)),
        None => "or more".to_owned(),
    };
    let (likely, early) = (shown(forecast.likely), shown(forecast.early));
    match early == "years" || late == format!("to {early}") {
        // At a steady pace there is but one time.
        true => likely,
        false => format!("{likely} ({early} {late})"),
    }
}
