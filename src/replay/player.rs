//! Readings of one unit, one after the other, against its rules: what the watch would have told and done.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::acts::Acts;
use super::{Given, Reading};
use crate::policy::leak::{Reason, Verdict};
use crate::policy::{self, Change, Memory, News, Seen, Standing, Trend, standing, weigh};
use crate::profile::rule::Action;
use crate::restart::gate::Withheld;
use crate::sample::{Bound, Ceiling, Limits, Sample, Source};
use crate::systemd::names::UnitName;

/// What became of a rule at a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It has begun to hold.
    Fired,
    /// It holds still, and is told again.
    Again,
    /// It holds no more.
    Cleared,
    /// It holds still, and what it wants is withheld, for another reason than before.
    Withheld,
    /// It holds still, and what it wants is done now.
    Done,
}

impl What {
    /// One word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Again => "again",
            Self::Cleared => "cleared",
            Self::Withheld => "withheld",
            Self::Done => "done",
        }
    }
}

/// What would have been told or done at a reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The time of the reading.
    pub time: Timestamp,
    /// The rule.
    pub rule: String,
    /// Its action.
    pub action: Action,
    /// What became of it.
    pub what: What,
    /// The figures, in words.
    pub why: String,
    /// What it wants would have been done at this reading.
    pub is_done: bool,
    /// What forbade it.
    pub withheld: Option<Withheld>,
    /// Need.
    pub need: Option<u64>,
    /// `memory.current`.
    pub current: Option<u64>,
    /// What it must stay under: the ceiling, or what else the detector holds it against.
    pub limit: Option<u64>,
    /// What the detector says.
    pub trend: Verdict,
}

impl Told {
    /// How much is left below the limit, as a share of it.
    #[must_use]
    pub fn headroom(&self) -> Option<f64> {
        let held = self.need.or(self.current)?;
        let limit = self.limit.filter(|limit| *limit > 0)?;
        Some(1.0 - held as f64 / limit as f64)
    }
}

/// The host that a recording is replayed on.
#[derive(Debug, Clone)]
pub struct Host {
    /// `/etc/machine-id`: restarts are spread by it.
    pub machine: u128,
    /// Local time, for windows that name no zone.
    pub local: TimeZone,
    /// The units that memctl.toml protects.
    pub protect: Vec<UnitName>,
}

/// Plays readings to rules.
#[derive(Debug)]
pub struct Player<'a> {
    given: &'a Given,
    memory: BTreeMap<String, Memory>,
    trend: Trend,
    verdict: Option<Verdict>,
    sample: Sample,
    ceiling: Option<Ceiling>,
    acts: Acts<'a>,
    told: Vec<Told>,
}

impl<'a> Player<'a> {
    /// One that has seen nothing yet.
    #[must_use]
    pub fn new(given: &'a Given, host: &'a Host) -> Self {
        Self {
            memory: BTreeMap::new(),
            trend: Trend::default(),
            verdict: None,
            sample: Sample::blank(given.unit.clone(), Timestamp::MIN, Source::Cgroup),
            ceiling: None,
            acts: Acts::new(given, host),
            told: Vec::new(),
            given,
        }
    }

    /// Takes a reading; answers what would have been told and done.
    pub fn take(&mut self, reading: &Reading) -> &[Told] {
        let now = reading.time;
        self.told.clear();
        self.see(reading);
        let limit = self.limit();
        let verdict = self.trend.take(&self.sample, limit, now);
        self.verdict = Some(verdict);
        let seen = seen(&self.sample, self.ceiling.take(), &verdict, self.given.ram);
        let rules = &self.given.rules;
        let weighed = weigh(rules, &mut self.memory, &seen, now);
        let asks = weighed.strongest(rules);
        if asks.is_none() {
            self.acts.nothing();
        }
        // Another rule may not have to wait for the window that this one waits for.
        let asks = asks.filter(|asks| !self.acts.waits(asks, now));
        // Most readings end here.
        if asks.is_some() || !weighed.news.is_empty() {
            let blank = Told {
                time: now,
                rule: String::new(),
                action: Action::Alert,
                what: What::Fired,
                why: String::new(),
                is_done: false,
                withheld: None,
                need: self.sample.memory.need(),
                current: self.sample.memory.current,
                limit,
                trend: verdict,
            };
            self.told
                .extend(weighed.news.iter().map(|news| of_news(news, &blank)));
            if let Some(asks) = asks {
                let want = || weighed.want(rules, &self.memory, &seen, now);
                self.acts.consider(asks, want, &mut self.told, blank);
            }
        }
        self.ceiling = seen.ceiling;
        &self.told
    }

    /// How each rule stands at the last reading, and what the detector says with its reasons; `None` before the first.
    #[must_use]
    pub fn standing(&self) -> Option<(Vec<Standing>, Verdict, Vec<Reason>)> {
        let verdict = self.verdict?;
        let ceiling = self.ceiling.clone();
        let seen = seen(&self.sample, ceiling, &verdict, self.given.ram);
        let rules = standing(&self.given.rules, &self.memory, &seen, self.sample.time);
        Some((rules, verdict, self.trend.reasons()))
    }

    /// The last reading.
    #[must_use]
    pub fn sample(&self) -> &Sample {
        &self.sample
    }

    /// The ceiling at the last reading.
    #[must_use]
    pub fn ceiling(&self) -> Option<&Ceiling> {
        self.ceiling.as_ref()
    }

    /// What would withhold a restart at the last reading.
    #[must_use]
    pub fn withheld(&self) -> Vec<Withheld> {
        self.acts.withheld(self.sample.time)
    }

    /// The reading into the sample, and the ceiling that follows from it.
    fn see(&mut self, reading: &Reading) {
        let given = &self.given.limits;
        let sample = &mut self.sample;
        sample.time = reading.time;
        sample.start = reading.start;
        sample.memory = reading.memory;
        sample.cpu.usage_usec = reading.cpu_usec;
        sample.events = reading.events;
        sample.limits = Limits {
            high: reading.high.or(given.high),
            max: reading.max.or(given.max),
            ..Limits::default()
        };
        let own = sample.limits.least();
        let least = match (own, reading.ceiling) {
            // A slice's, whose name and directive the recording does not tell.
            (Some((bytes, _)), Some(other)) if other < bytes => Some((other, Bound::Max)),
            (None, Some(other)) => Some((other, Bound::Max)),
            (own, _) => own,
        };
        match (least, &mut self.ceiling) {
            (Some((bytes, bound)), Some(ceiling)) => {
                (ceiling.bytes, ceiling.bound) = (bytes, bound);
            }
            (Some((bytes, bound)), ceiling) => {
                let unit = sample.unit.clone();
                *ceiling = Some(Ceiling { bytes, unit, bound });
            }
            (None, ceiling) => *ceiling = None,
        }
    }

    /// What the detector holds the unit against; where nothing limits it, what the machine has, if that was told.
    fn limit(&self) -> Option<u64> {
        let ceiling = self.ceiling.as_ref();
        let of_ceiling = policy::limit(&self.sample, ceiling, None);
        of_ceiling.or_else(|| self.given.ram.map(|ram| ram - policy::reserve(ram)))
    }
}

/// What is told of a rule; the reading's figures come from `blank`.
fn of_news(news: &News, blank: &Told) -> Told {
    Told {
        rule: news.rule.clone(),
        action: news.action,
        what: match news.change {
            Change::Fired => What::Fired,
            Change::Again => What::Again,
            Change::Cleared => What::Cleared,
        },
        why: news.why.clone(),
        // Nothing but a hold forbids to reclaim, and of those a recording knows nothing.
        is_done: news.action == Action::Reclaim && news.change != Change::Cleared,
        ..blank.clone()
    }
}

/// What is seen of the unit at a reading.
fn seen<'s>(
    sample: &'s Sample,
    ceiling: Option<Ceiling>,
    verdict: &'s Verdict,
    ram: Option<u64>,
) -> Seen<'s> {
    Seen {
        ceiling,
        ram,
        trend: Some(verdict),
        ..Seen::new(sample)
    }
}
