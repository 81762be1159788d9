//! The small languages within a profile's values: `"80% MemoryMax"`, `"high > 10/1min"`, `"Mon..Fri 02:00-05:00"`.
//!
//! Each reader takes the whole text and says, like those in [`crate::units`], what is wrong and where.

mod window;

use std::ops::Range;

use super::restart::{Idle, Limit};
use super::rule::{Base, Event, EventRate, Growth, Holds, Pressure, Signal, Threshold};
use crate::limits::key::Key;
use crate::systemd::names::{NameKind, UnitName, UnitType};
use crate::units::{CpuQuota, Memory, Span, UnitError, parse_share, parse_unsigned, quote};

pub(super) use window::window;

type Read<T> = Result<T, UnitError>;

const ABOVE: &str = "a size (500M), or a percentage of the ceiling (80%), of RAM (10% RAM) or of a limit (80% MemoryMax)";
const GROWN: &str = "growth over the baseline: +80% or +500M";
const EVENT: &str = "high, max, oom or oom_kill; with a rate: high > 10/1min";
const PRESSURE: &str = "some or full, a share and a window of 500ms to 10s: some 40% 10s";
const HOLDS: &str = "a time (5min) or a number of readings (3 of 5)";
const LIMIT: &str = "a number of restarts within a time: 3/1d";
const IDLE: &str =
    "a share of one CPU and a time (cpu < 5% for 30s), or a service whose success tells it";

/// The whole text is at fault.
fn wrong(text: &str, problem: impl Into<String>, allowed: &'static str) -> UnitError {
    UnitError::new(0..text.len(), problem, allowed)
}

/// Reads a part of a text; its error is moved to where the part stands.
fn part<T>(
    text: &str,
    range: Range<usize>,
    allowed: &'static str,
    read: impl Fn(&str) -> Read<T>,
) -> Read<T> {
    read(&text[range.clone()]).map_err(|e| UnitError {
        at: range.start + e.at.start..range.start + e.at.end,
        allowed,
        suggestion: None,
        ..e
    })
}

/// The words of a text with their places.
fn words(text: &str) -> Vec<Range<usize>> {
    let start = text.as_ptr() as usize;
    text.split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| {
            let at = word.as_ptr() as usize - start;
            at..at + word.len()
        })
        .collect()
}

/// `500M`, `80%`, `80% MemoryMax`, `10% RAM`.
pub(super) fn threshold(text: &str) -> Read<Threshold> {
    let bases = |word: &str| match word {
        "RAM" => Some(Base::Ram),
        _ => Key::from_name(word)
            .filter(|key| matches!(key, Key::MemoryHigh | Key::MemoryMax | Key::MemorySwapMax))
            .map(Base::Limit),
    };
    let (amount, of) = match words(text).as_slice() {
        [first, between @ .., last]
            if !between.is_empty() && text[first.clone()].ends_with('%') =>
        {
            let at = first.end + 1..last.start;
            let problem = format!("{} cannot stand here", quote(text[at.clone()].trim()));
            let meant = format!("{} {}", &text[first.clone()], &text[last.clone()]);
            let good = threshold(&meant).is_ok();
            return Err(UnitError::new(
                between[0].start..between[between.len() - 1].end,
                problem,
                ABOVE,
            )
            .suggest(good.then_some(meant)));
        }
        [first, .., last] if text[first.clone()].ends_with('%') => {
            let of = bases(&text[last.clone()]).ok_or_else(|| {
                let problem = format!(
                    "{} is nothing to take a percentage of",
                    quote(&text[last.clone()])
                );
                let all = ["RAM", "MemoryMax", "MemoryHigh", "MemorySwapMax"];
                let meant = all
                    .into_iter()
                    .find(|b| b.eq_ignore_ascii_case(&text[last.clone()]));
                UnitError::new(last.clone(), problem, ABOVE)
                    .suggest(meant.map(|b| format!("{} {b}", &text[first.clone()])))
            })?;
            (first.start..last.start, of)
        }
        _ => (0..text.len(), Base::Ceiling),
    };
    match part(text, amount, ABOVE, Memory::parse).map_err(|e| {
        let meant = Memory::parse(text).err().and_then(|e| e.suggestion);
        e.suggest(meant.filter(|t| t != "infinity"))
    })? {
        Memory::Bytes(0) | Memory::Share(0) => {
            Err(wrong(text, "everything is above nothing", ABOVE))
        }
        Memory::Infinity => Err(wrong(text, "nothing is above infinity", ABOVE)),
        Memory::Bytes(n) => Ok(Threshold::Bytes(n)),
        Memory::Share(hundredths) => Ok(Threshold::Share { hundredths, of }),
    }
}

/// `+80%`, `+500M`.
pub(super) fn growth(text: &str) -> Read<Growth> {
    let Some(rest) = text.strip_prefix('+') else {
        let meant = format!("+{text}");
        let good = growth(&meant).is_ok();
        return Err(
            wrong(text, "growth is written with a plus", GROWN).suggest(good.then_some(meant))
        );
    };
    let range = text.len() - rest.len()..text.len();
    if rest.ends_with('%') {
        // More than 100 % is growth too: the same numbers as a quota.
        let share = part(text, range, GROWN, CpuQuota::parse)?;
        return Ok(Growth::Share(share.0.unwrap_or_default()));
    }
    match part(text, range, GROWN, Memory::parse)? {
        Memory::Bytes(n) if n > 0 => Ok(Growth::Bytes(n)),
        _ => Err(wrong(text, "no amount to grow by", GROWN)),
    }
}

/// `high`, `high > 10/1min`.
pub(super) fn event(text: &str) -> Read<EventRate> {
    let (name, rate) = match text.split_once('>') {
        Some((name, rate)) => (name, Some(rate)),
        None => (text, None),
    };
    let at = 0..name.trim_end().len();
    let name = name.trim_end();
    let event = Event::ALL.into_iter().find(|e| e.name() == name);
    let event = event.ok_or_else(|| {
        let lower = name.to_lowercase().replace('-', "_");
        let meant = Event::ALL.into_iter().find(|e| e.name() == lower);
        UnitError::new(
            at,
            format!("{} is no event of memory.events", quote(name)),
            EVENT,
        )
        .suggest(meant.map(|e| text.replacen(name, e.name(), 1)))
    })?;
    let rate = rate
        .map(|rate| {
            let (count, within) = count_within(text, text.len() - rate.len(), EVENT)?;
            Ok((count, within))
        })
        .transpose()?;
    Ok(EventRate { event, rate })
}

/// `10/1min` from `start` to the end.
fn count_within(text: &str, start: usize, allowed: &'static str) -> Read<(u64, Span)> {
    let rest = &text[start..];
    let slash = rest.find('/').ok_or_else(|| {
        UnitError::new(
            start..text.len(),
            "a number, a slash and a time are expected",
            allowed,
        )
    })?;
    let count = &rest[..slash];
    let lead = count.len() - count.trim_start().len();
    let range = start + lead..start + lead + count.trim().len();
    let n = part(text, range, allowed, parse_unsigned)?;
    let at = start + slash + 1..text.len();
    let within = part(text, at.clone(), allowed, Span::parse)?;
    match within {
        Span(0) | Span::INFINITY => Err(UnitError::new(
            at,
            "a time with an end is expected",
            allowed,
        )),
        within => Ok((n, within)),
    }
}

/// `some 40% 10s`.
pub(super) fn pressure(text: &str) -> Read<Pressure> {
    let words = words(text);
    let [kind, share, rest @ ..] = words.as_slice() else {
        return Err(wrong(
            text,
            "a kind, a share and a window are expected",
            PRESSURE,
        ));
    };
    let full = match &text[kind.clone()] {
        "some" => false,
        "full" => true,
        other => {
            let problem = format!("{} is no kind of pressure", quote(other));
            return Err(UnitError::new(kind.clone(), problem, PRESSURE));
        }
    };
    let hundredths = part(text, share.clone(), PRESSURE, parse_share)?;
    if hundredths == 0 {
        return Err(UnitError::new(
            share.clone(),
            "there is always more than 0%",
            PRESSURE,
        ));
    }
    let (Some(first), Some(last)) = (rest.first(), rest.last()) else {
        return Err(wrong(text, "the window is missing", PRESSURE));
    };
    let at = first.start..last.end;
    let window = part(text, at.clone(), PRESSURE, Span::parse)?;
    if !(Span(500_000)..=Span::seconds(10)).contains(&window) {
        return Err(UnitError::new(
            at,
            "the kernel takes windows of 500ms to 10s; for longer add `for`",
            PRESSURE,
        ));
    }
    Ok(Pressure {
        full,
        hundredths,
        window,
    })
}

/// `5min`, `3 of 5`.
pub(super) fn holds(text: &str) -> Read<Holds> {
    /// A day of one-minute readings.
    const MOST: u64 = 1440;
    if let [of, word, last] = words(text).as_slice()
        && &text[word.clone()] == "of"
    {
        let count = part(text, of.clone(), HOLDS, parse_unsigned)?;
        let all = part(text, last.clone(), HOLDS, parse_unsigned)?;
        return match (u32::try_from(count), u32::try_from(all)) {
            _ if all > MOST => Err(UnitError::new(
                last.clone(),
                "more than a day of readings",
                HOLDS,
            )),
            (Ok(of), Ok(last)) if of > 0 && of <= last => Ok(Holds::Readings { of, last }),
            _ => Err(wrong(
                text,
                format!("{count} of {all} readings cannot be"),
                HOLDS,
            )),
        };
    }
    match Span::parse(text) {
        Ok(Span::INFINITY) => Err(wrong(text, "that never comes", HOLDS)),
        Ok(Span(0)) => Ok(Holds::Once),
        Ok(span) => Ok(Holds::For(span)),
        Err(e) => Err(UnitError {
            allowed: HOLDS,
            ..e
        }),
    }
}

/// A time that has an end.
pub(super) fn finite(text: &str) -> Read<Span> {
    const ALLOWED: &str = "a time (30s, 5min, 1h 30min; a bare number counts seconds)";
    match Span::parse(text) {
        Ok(Span::INFINITY) => Err(wrong(text, "a time with an end is expected", ALLOWED)),
        Ok(span) => Ok(span),
        Err(e) => Err(UnitError {
            suggestion: e.suggestion.filter(|t| t != "infinity"),
            allowed: ALLOWED,
            ..e
        }),
    }
}

/// A time that has an end and is not nothing.
pub(super) fn positive(text: &str) -> Read<Span> {
    const ALLOWED: &str = "a time above zero (30s, 5min, 1h 30min)";
    match finite(text)? {
        Span(0) => Err(wrong(text, "the time is zero", ALLOWED)),
        span => Ok(span),
    }
}

/// `3/1d`.
pub(super) fn limit(text: &str) -> Read<Limit> {
    let (count, within) = count_within(text, 0, LIMIT)?;
    match u32::try_from(count) {
        Ok(count) if count > 0 => Ok(Limit { count, within }),
        _ => Err(wrong(text, "no number of restarts", LIMIT)),
    }
}

/// `cpu < 5% for 30s`, `idle-check.service`.
pub(super) fn idle(text: &str) -> Read<Idle> {
    let words = words(text);
    if let [cpu, less, share, word, first, ..] = words.as_slice()
        && (&text[cpu.clone()], &text[less.clone()], &text[word.clone()]) == ("cpu", "<", "for")
    {
        let quota = part(text, share.clone(), IDLE, CpuQuota::parse)?;
        let lasts = part(text, first.start..text.len(), IDLE, positive)?;
        let below = quota.0.unwrap_or_default();
        return Ok(Idle::Cpu { below, lasts });
    }
    if words.len() == 1 && text.ends_with(".service") {
        return part(text, 0..text.len(), IDLE, helper).map(Idle::Unit);
    }
    Err(wrong(
        text,
        format!("{} tells no idleness", quote(text)),
        IDLE,
    ))
}

/// A service that can be started: no template, no prefix.
pub(super) fn helper(text: &str) -> Read<UnitName> {
    const ALLOWED: &str = "the name of a service that can be started: dump-heap.service";
    let name = UnitName::parse(text).map_err(|e| wrong(text, e.to_string(), ALLOWED))?;
    match (name.unit_type(), name.kind()) {
        (UnitType::Service, NameKind::Plain | NameKind::Instance) => Ok(name),
        (UnitType::Service, _) => Err(wrong(text, "it names many units, not one", ALLOWED)),
        _ => Err(wrong(
            text,
            "only a service can be started for this",
            ALLOWED,
        )),
    }
}

/// `SIGINT`.
pub(super) fn signal(text: &str) -> Read<Signal> {
    const ALLOWED: &str =
        "SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU or SIGWINCH";
    let find = |name: &str| Signal::ALL.into_iter().find(|s| s.name() == name);
    find(text).ok_or_else(|| {
        let upper = text.to_ascii_uppercase();
        let meant = find(&upper).or_else(|| find(&format!("SIG{upper}")));
        let problem = match upper.trim_start_matches("SIG") {
            "KILL" | "STOP" | "9" => {
                "a process cannot act on it; SIGKILL follows by itself after `grace`".to_owned()
            }
            _ => format!("{} is no signal to ask with", quote(text)),
        };
        wrong(text, problem, ALLOWED).suggest(meant.map(|s| s.name().to_owned()))
    })
}

#[cfg(test)]
mod tests;
