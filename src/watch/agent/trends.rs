//! The leak detector of each unit: fed once a reading, kept for the next process, told where a unit begins to grow.

use jiff::Timestamp;

use crate::journal::{Event, Kind};
use crate::policy::leak::{Reason, Verdict};
use crate::policy::{self, Trend};
use crate::profile::Rule;
use crate::profile::rule::Condition;
use crate::sample::{Reading, Sample};
use crate::state::detectors;
use crate::systemd::names::UnitName;

use super::{Agent, Mode};

/// How often the daemon writes down what detectors have learnt, in seconds. What is lost between is learnt anew.
const KEEP: i64 = 300;

/// What the detector says of a unit, this reading included.
#[derive(Debug, Clone, PartialEq)]
pub struct Detected {
    /// What it finds.
    pub verdict: Verdict,
    /// What that stands on.
    pub reasons: Vec<Reason>,
}

impl Agent<'_> {
    /// What the detector says of a unit by a reading; nothing is remembered.
    pub(super) fn detect(&self, reading: &Reading, sample: &Sample, now: Timestamp) -> Detected {
        let mut trend = self.trends.get(&sample.unit).cloned().unwrap_or_default();
        let verdict = take(&mut trend, reading, sample, now);
        Detected {
            verdict,
            reasons: trend.reasons(),
        }
    }

    /// Tells that a unit grows and may leak: once, where no rule that asks the detector has told it.
    pub(super) fn suspect(
        &mut self,
        name: &UnitName,
        rules: &[Rule],
        verdict: &Verdict,
        (need, limit): (Option<u64>, Option<u64>),
        now: Timestamp,
    ) {
        let asks = |c: &Condition| matches!(c, Condition::Leak { .. } | Condition::ExhaustsIn(_));
        let unit = self.units.get(name);
        let is_latched = |rule: &Rule| {
            let memory = unit.and_then(|unit| unit.rules.get(&rule.name));
            memory.is_some_and(|memory| memory.latched.is_some())
        };
        let mut asking = rules.iter().filter(|rule| rule.conditions.iter().any(asks));
        let told = asking.any(is_latched);
        let trend = self.trends.get_mut(name);
        if !trend.is_some_and(|trend| trend.is_news(verdict.finding, told, now)) {
            return;
        }
        let words = policy::say(verdict, now);
        let message = format!("{name} is suspect: {words}; it may leak");
        let mut event = Event::new(Kind::Suspect, Some(name), message);
        event.need = need;
        event.limit = limit;
        self.tell(&event, now);
    }

    /// Writes down what detectors have learnt, if it is time to.
    pub(super) fn keep_trends_in_time(&mut self, now: Timestamp) {
        let slot = |time: Timestamp| time.as_second().div_euclid(KEEP);
        if self.kept.is_none_or(|kept| slot(kept) != slot(now)) {
            self.keep_trends(now);
        }
    }

    /// Writes down what detectors have learnt: the next process goes on with it.
    pub fn keep_trends(&mut self, now: Timestamp) {
        if self.orders.mode == Mode::Dry {
            return;
        }
        self.kept = Some(now);
        detectors::tidy(&mut self.trends, now);
        if let Err(e) = detectors::write(self.root, self.scope, &self.trends) {
            self.fault(e.to_string(), now);
        }
    }
}

/// Shows a reading to a detector.
pub(super) fn take(
    trend: &mut Trend,
    reading: &Reading,
    sample: &Sample,
    now: Timestamp,
) -> Verdict {
    let ceiling = reading.ceiling(sample);
    let limit = policy::limit(sample, ceiling.as_ref(), reading.host.as_ref());
    trend.take(sample, limit, now)
}
