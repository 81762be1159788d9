//! What `grown` is over: the median of the first minute after the rule's `settle`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::figure::elapsed;
use crate::profile::rule::{Metric, Rule};
use crate::units::Span;

/// How long readings are taken for it.
const MINUTE: Span = Span::seconds(60);
/// Of so many microseconds one reading is taken: a unit whose events wake the watch is not judged by its first second.
const SLOT: Span = Span::seconds(5);

/// A baseline, or the readings for one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Baseline {
    /// What it is of, and when after the start: a rule that was changed asks for another.
    of: String,
    /// Its bytes, once it is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// The first reading of the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    /// The last one that was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Timestamp>,
    /// The readings until then, in bytes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    readings: Vec<u64>,
}

impl Baseline {
    /// Its bytes, once it is taken.
    pub fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// How long it will still take.
    pub fn left(&self, now: Timestamp) -> Span {
        let over = self.from.map_or(Span(0), |from| elapsed(from, now));
        Span(MINUTE.0.saturating_sub(over.0))
    }

    /// A baseline stays, whatever the clock says: it is of this start. Readings for one begin anew.
    pub fn heal(&mut self, now: Timestamp) {
        if self.from.max(self.to).is_some_and(|time| time > now) {
            (self.from, self.to) = (None, None);
            self.readings.clear();
        }
    }

    fn take(&mut self, value: u64, now: Timestamp) {
        let Some(from) = self.from else {
            (self.from, self.to) = (Some(now), Some(now));
            self.readings = vec![value];
            return;
        };
        if elapsed(from, now) >= MINUTE {
            self.bytes = Some(median(&mut self.readings).unwrap_or(value));
            (self.from, self.to) = (None, None);
            self.readings = Vec::new();
        } else if self.to.is_none_or(|to| elapsed(to, now) >= SLOT) {
            self.to = Some(now);
            self.readings.push(value);
        }
    }
}

/// Takes a reading of a start that is `age` old. `known`: what the baseline was found to be of, at an earlier reading.
pub(super) fn note(
    memory: &mut Option<Baseline>,
    known: &mut Option<(Metric, Span)>,
    rule: &Rule,
    value: Option<u64>,
    age: Span,
    now: Timestamp,
) {
    let settle = rule.settle();
    let asked = Some((rule.metric, settle));
    if *known != asked {
        let of = of(rule);
        memory.take_if(|baseline| baseline.of != of);
        *known = asked;
    }
    let taken = memory.as_ref().is_some_and(|b| b.bytes.is_some());
    let Some(value) = value.filter(|_| !taken && age >= settle) else {
        return;
    };
    let baseline = memory.get_or_insert_with(|| Baseline {
        of: of(rule),
        ..Baseline::default()
    });
    if settle == Span(0) {
        baseline.bytes = Some(value);
    } else {
        baseline.take(value, now);
    }
}

/// What a rule's baseline is of, as it is saved.
fn of(rule: &Rule) -> String {
    format!("{} after {}", rule.metric.name(), rule.settle())
}

fn median(values: &mut [u64]) -> Option<u64> {
    values.sort_unstable();
    let high = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(high);
    }
    let low = *values.get(values.len() / 2 - 1)?;
    Some(low + (high - low) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [3, 1, 2]), Some(2));
        assert_eq!(
            median(&mut [u64::MAX, 0, u64::MAX, u64::MAX - 2]),
            Some(u64::MAX - 1)
        );
    }
}
