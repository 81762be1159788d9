//! `memctl replay --explain`: how everything stood at one reading.

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::as_it_stands;
use crate::policy::Standing;
use crate::policy::leak::{Reason, Verdict};
use crate::restart::gate::Withheld;
use crate::sample::{Ceiling, Sample};
use crate::units::show_bytes;
use crate::view::explain::{gate, rule, rule_lines};
use crate::view::trend;

/// How everything stood at one reading.
#[derive(Debug)]
pub struct Moment<'m> {
    /// The file; `None`: the unit's own history.
    pub trace: Option<&'m str>,
    /// The time of the reading as it stands there.
    pub time: String,
    /// The reading.
    pub sample: &'m Sample,
    /// The ceiling.
    pub ceiling: Option<&'m Ceiling>,
    /// The rules.
    pub rules: Vec<Standing>,
    /// What the detector says.
    pub verdict: Verdict,
    /// And what that stands on.
    pub reasons: Vec<Reason>,
    /// What would withhold a restart.
    pub withheld: Vec<Withheld>,
}

/// One moment for people.
#[must_use]
pub fn moment(m: &Moment<'_>, zone: &TimeZone, colour: bool) -> Vec<String> {
    let held = match (m.sample.memory.need(), m.sample.memory.current) {
        (Some(need), _) => format!("need {}", show_bytes(need)),
        (None, Some(current)) => format!("current {}, need unknown", show_bytes(current)),
        (None, None) => "need unknown".to_owned(),
    };
    let ceiling = m.ceiling.map_or_else(
        || "no ceiling".to_owned(),
        |c| format!("ceiling {} ({})", show_bytes(c.bytes), c.bound.directive()),
    );
    let time = zone.to_datetime(m.sample.time).strftime("%F %T");
    let mut text = vec![format!("{} at {time}: {held}, {ceiling}", m.sample.unit)];
    for rule in &m.rules {
        text.push(String::new());
        text.extend(rule_lines(rule, zone, colour));
    }
    text.push(String::new());
    text.extend(trend::page(&m.verdict, &m.reasons, m.sample.time, colour));
    text.push(String::new());
    if m.withheld.is_empty() {
        text.push("A restart that a rule wants would go ahead then.".to_owned());
    } else {
        text.push("A restart that a rule wants would be withheld then:".to_owned());
        let gates = m.withheld.iter();
        text.extend(gates.map(|w| format!("  {:<19} {}", w.gate.name(), w.why)));
    }
    text
}

/// The same: `"v": 1`.
#[must_use]
pub fn moment_json(m: &Moment<'_>) -> String {
    #[derive(Serialize)]
    struct Object<'a> {
        v: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        trace: Option<&'a str>,
        unit: &'a str,
        time: Option<Box<RawValue>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        need: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        current: Option<u64>,
        ceiling: Option<u64>,
        rules: Vec<Value>,
        detector: Map<String, Value>,
        withheld: Vec<Value>,
    }
    let mut detector = trend::verdict(&m.verdict);
    detector.insert("reasons".to_owned(), trend::reasons(&m.reasons));
    let object = Object {
        v: 1,
        trace: m.trace,
        unit: m.sample.unit.as_str(),
        time: as_it_stands(&m.time),
        need: m.sample.memory.need(),
        current: m.sample.memory.current,
        ceiling: m.ceiling.map(|ceiling| ceiling.bytes),
        rules: m.rules.iter().map(rule).collect(),
        detector,
        withheld: m.withheld.iter().map(gate).collect(),
    };
    serde_json::to_string(&object).unwrap_or_else(|_| json!({ "v": 1 }).to_string())
}
