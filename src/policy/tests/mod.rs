//! A unit's time, told reading by reading: `line.at(60).need(110)` → `"+above"`.

mod conditions;
mod events;
mod lasting;
mod peers;
mod pressures;
mod properties;
mod stalls;
mod standings;
mod trends;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::kernel::psi::{Pressure as Psi, Stall};
use crate::profile::{Options, Rule, Source, check};
use crate::sample::{Bound, Invocation, Limit, Source as Told, Start};
use crate::systemd::names::UnitName;

const M: u64 = 1 << 20;

fn unit(text: &str) -> UnitName {
    UnitName::parse(text).expect(text)
}

/// The rules of a unit whose profile has these, each without its braces; without an action they alert.
fn rules(texts: &[&str]) -> Vec<Rule> {
    let each = texts.iter().map(|text| match text.contains("action") {
        true => format!("  {{ {text} }},\n"),
        false => format!("  {{ {text}, action = \"alert\" }},\n"),
    });
    let each: String = each.collect();
    let text = format!("[unit.\"a.service\"]\nMemoryMax = \"500M\"\nrules = [\n{each}]\n");
    let checked = check(
        &Source::new("x", "x.toml", text.into()),
        &Options::default(),
    );
    assert!(!checked.failed(), "{:?}", checked.faults);
    checked.profile.units[0].rules.clone()
}

/// A unit, what its rules remember, and the time.
struct Line {
    rules: Vec<Rule>,
    memory: BTreeMap<String, Memory>,
    now: Timestamp,
    since: Option<Timestamp>,
    sample: Sample,
    ceiling: Option<Ceiling>,
    ram: Option<u64>,
    swap_free: Option<u64>,
    pss: Option<u64>,
    before: Option<Timestamp>,
    oom_killed: bool,
    crossed: Vec<Pressure>,
    trend: Option<leak::Verdict>,
    last: Verdict,
}

/// It begins at a full minute, and so does the unit.
fn line(texts: &[&str]) -> Line {
    let now: Timestamp = "2026-11-24T10:00:00Z".parse().expect("a time");
    let mut sample = Sample::blank(unit("a.service"), now, Told::Cgroup);
    sample.start = start(1);
    sample.limits.high = Some(Limit::Infinity);
    sample.limits.max = Some(Limit::Bytes(500 * M));
    sample.memory.stat.anon = Some(0);
    Line {
        rules: rules(texts),
        memory: BTreeMap::new(),
        now,
        since: Some(now),
        sample,
        ceiling: Some(Ceiling {
            bytes: 500 * M,
            unit: unit("a.service"),
            bound: Bound::Max,
        }),
        ram: Some(8192 * M),
        swap_free: Some(0),
        pss: None,
        before: None,
        oom_killed: false,
        crossed: Vec::new(),
        trend: None,
        last: Verdict::default(),
    }
}

fn start(n: u64) -> Start {
    Start {
        invocation: Some(Invocation(u128::from(n))),
        inode: Some(n),
    }
}

fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time + SignedDuration::from_secs(seconds)
}

impl Line {
    /// So many seconds pass.
    fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now = later(self.now, seconds);
        self
    }

    fn seen(&self) -> Seen<'_> {
        Seen {
            ceiling: self.ceiling.clone(),
            ram: self.ram,
            swap_free: self.swap_free,
            since: self.since,
            before: self.before,
            oom_killed: self.oom_killed,
            pss: self.pss,
            crossed: &self.crossed,
            trend: self.trend.as_ref(),
            ..Seen::new(&self.sample)
        }
    }

    /// A reading: `+rule` has fired, `!rule` is told again, `-rule` has cleared; the action that is wanted at the end.
    fn read(&mut self) -> String {
        self.sample.time = self.now;
        let mut memory = std::mem::take(&mut self.memory);
        self.last = decide(&self.rules, &mut memory, &self.seen(), self.now);
        self.memory = memory;
        let mut told: Vec<String> = self.last.news.iter().map(word).collect();
        told.extend(
            self.last
                .want
                .iter()
                .map(|want| want.action.name().to_owned()),
        );
        told.join(" ")
    }

    /// A reading with so much anonymous memory, in MiB.
    fn need(&mut self, mib: u64) -> String {
        self.sample.memory.stat.anon = Some(mib * M);
        self.read()
    }

    /// One-minute readings, in MiB, each with what it came to.
    fn minutes(&mut self, needs: &[u64]) -> Vec<String> {
        let each = needs.iter().map(|need| {
            let told = self.need(*need);
            self.wait(60);
            told
        });
        each.collect()
    }

    /// The unit is started anew, now; its counters begin at nothing.
    fn restart(&mut self) -> &mut Self {
        let n = self.sample.start.inode.unwrap_or_default() + 1;
        self.sample.start = start(n);
        self.since = self.since.map(|_| self.now);
        self.sample.events = Default::default();
        self
    }

    /// memctl is started anew: what is not saved is lost.
    fn reload(&mut self) -> &mut Self {
        let saved = serde_json::to_string(&self.memory).expect("JSON");
        self.memory = serde_json::from_str(&saved).expect("what was saved reads back");
        self
    }

    fn saved(&self) -> String {
        serde_json::to_string(&self.memory).expect("JSON")
    }

    fn why(&self) -> String {
        let why = self.last.news.iter().map(|news| news.why.clone());
        why.collect::<Vec<_>>().join("; ")
    }

    fn standing(&self) -> Vec<Standing> {
        standing(&self.rules, &self.memory, &self.seen(), self.now)
    }

    /// Pressure: averages over ten seconds in percent, and the microseconds stalled in all.
    fn pressure(&mut self, some: u32, full: u32, total: u64) -> &mut Self {
        let stall = |percent: u32| Stall {
            avg10: percent * 100,
            total,
            ..Stall::default()
        };
        self.sample.pressure = Some(Psi {
            some: stall(some),
            full: Some(stall(full)),
        });
        self
    }
}

fn word(news: &News) -> String {
    let sign = match news.change {
        Change::Fired => '+',
        Change::Again => '!',
        Change::Cleared => '-',
    };
    format!("{sign}{}", news.rule)
}
