//! What the leak detector says, for tables and JSON alike.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::policy::leak::{Finding, Forecast, Reason, Verdict};
use crate::policy::{say, say_forecast, say_slope};
use crate::view::grid::{Cell, Style};

const HOUR: f64 = 3600.0;

/// A finding in a word, as JSON has it.
#[must_use]
pub fn name(finding: Finding) -> &'static str {
    match finding {
        Finding::Learning => "learning",
        Finding::Steady => "steady",
        Finding::Growing => "growing",
        Finding::Leak => "leak",
        Finding::NearLimit => "near-limit",
    }
}

/// A verdict: `{"finding":"growing","slope":1048576,"forecast":{…},"window_sec":21600}`. The slope is in bytes an hour.
#[must_use]
pub fn verdict(found: &Verdict) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("finding".to_owned(), json!(name(found.finding)));
    if found.finding == Finding::Leak {
        map.insert("cautious".to_owned(), json!(found.is_cautious));
    }
    if let Some(slope) = found.slope.filter(|slope| slope.is_finite()) {
        // So many bytes an hour nothing gains.
        map.insert("slope".to_owned(), json!((slope * HOUR) as i64));
    }
    if let Some(forecast) = found.forecast {
        map.insert("forecast".to_owned(), times(forecast));
    }
    if let Some(window) = found.window {
        map.insert("window_sec".to_owned(), json!(window));
    }
    map
}

/// When it reaches the limit; `late` is absent where it may never.
fn times(forecast: Forecast) -> Value {
    let time = |second| Timestamp::from_second(second).ok().map(|t| t.to_string());
    let Forecast {
        early,
        likely,
        late,
    } = forecast;
    let all = [
        ("early", time(early)),
        ("likely", time(likely)),
        ("late", late.and_then(time)),
    ];
    let known = all
        .into_iter()
        .filter_map(|(name, time)| Some((name.to_owned(), json!(time?))));
    Value::Object(known.collect())
}

/// What a verdict stands on.
#[must_use]
pub fn reasons(reasons: &[Reason]) -> Value {
    let one = |reason: &Reason| {
        let mut value = json!({
            "name": reason.name,
            "figure": reason.figure,
            "threshold": reason.threshold,
        });
        if let Some(holds) = reason.holds {
            value["holds"] = json!(holds);
        }
        value
    };
    reasons.iter().map(one).collect()
}

/// The same for people: `  rise             yes  120M; 8M`.
#[must_use]
pub fn lines(reasons: &[Reason]) -> Vec<String> {
    let width = reasons.iter().map(|r| r.name.chars().count()).max();
    let width = width.unwrap_or(0);
    let line = |reason: &Reason| {
        let mark = match reason.holds {
            Some(true) => "yes",
            Some(false) => "no",
            None => "?",
        };
        let Reason {
            name,
            figure,
            threshold,
            ..
        } = reason;
        format!("  {name:<width$}  {mark:<3}  {figure}; {threshold}")
    };
    reasons.iter().map(line).collect()
}

/// A verdict with all that it stands on.
#[must_use]
pub fn page(found: &Verdict, reasons: &[Reason], now: Timestamp, colour: bool) -> Vec<String> {
    let style = match found.finding {
        Finding::Learning | Finding::Steady => Style::Faint,
        Finding::Growing | Finding::NearLimit => Style::Caution,
        Finding::Leak => Style::Alarm,
    };
    let (word, words) = (name(found.finding), say(found, now));
    let name = style.paint(word, colour);
    let mut page = vec![match words == word {
        true => format!("leak detector: {name}"),
        false => format!("leak detector: {name}: {words}"),
    }];
    page.extend(lines(reasons));
    page
}

/// A slope in a table; nothing where there is none.
pub(super) fn slope(found: Option<&Verdict>) -> Cell {
    let slope = found.and_then(|found| found.slope);
    slope.map_or_else(Cell::default, |slope| Cell::from(say_slope(slope)))
}

/// When a unit that grows reaches its limit; nothing of others.
pub(super) fn forecast(found: Option<&Verdict>, now: Timestamp) -> Cell {
    let Some(found) = found.filter(|found| found.finding >= Finding::Growing) else {
        return Cell::default();
    };
    let style = match found.finding {
        Finding::Growing => Style::Caution,
        _ => Style::Alarm,
    };
    match found.forecast {
        Some(forecast) => Cell::new(say_forecast(forecast, now), style),
        None => Cell::new(name(found.finding), style),
    }
}
