//! Recommended limits: a profile whose comments say why, and the same for programs.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::recommend::{Advice, DAY, MaxBy, Peak, Unknown};
use crate::systemd::names::UnitName;
use crate::units::{Memory, show_bytes};

/// What is recommended for some units.
#[derive(Debug)]
pub struct Recommended {
    /// When.
    pub now: Timestamp,
    /// The machine's memory.
    pub ram: Option<u64>,
    /// The units, in the order to be shown.
    pub units: Vec<(UnitName, Result<Advice, Unknown>)>,
}

impl Recommended {
    /// Whether there is nothing for any unit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.units.iter().all(|(_, advice)| advice.is_err())
    }

    /// What the recommended MemoryMax add up to.
    fn total(&self) -> u64 {
        let advice = self.units.iter().filter_map(|(_, a)| a.as_ref().ok());
        advice.fold(0, |sum, advice| sum.saturating_add(advice.max))
    }
}

/// A profile; times in comments are of a time zone.
#[must_use]
pub fn profile(recommended: &Recommended, zone: &TimeZone) -> String {
    let when = |time: Timestamp| {
        let local = zone.to_datetime(time);
        local.strftime("%Y-%m-%d %H:%M").to_string()
    };
    let mut lines = vec![
        format!("# Recommended by memctl on {}.", when(recommended.now)),
        "# Save it as NAME.toml and read it; `memctl plan NAME.toml` compares it with what is in force.".to_owned(),
    ];
    lines.extend(sum(recommended));
    lines.push(String::new());
    lines.push("format = 1".to_owned());
    for (unit, advice) in &recommended.units {
        lines.push(String::new());
        match advice {
            Ok(advice) => {
                // TOML wants a backslash twice.
                lines.push(format!(
                    "[unit.\"{}\"]",
                    unit.as_str().replace('\\', "\\\\")
                ));
                lines.extend(limits(advice, recommended, &when));
            }
            Err(unknown) => lines.push(format!("# {unit}: {}", why_not(*unknown))),
        }
    }
    lines.join("\n")
}

/// Why nothing is said of a unit.
#[must_use]
pub fn why_not(unknown: Unknown) -> String {
    match unknown {
        Unknown::Few(n) => {
            format!("{} so far, too few to say anything", count(n, "reading"))
        }
        Unknown::NoMemory => "its readings have no memory in them".to_owned(),
    }
}

fn sum(recommended: &Recommended) -> Option<String> {
    let total = recommended.total();
    let units = recommended.units.iter().filter(|(_, a)| a.is_ok()).count();
    if units == 0 {
        return None;
    }
    let whose = match units {
        1 => "MemoryMax is".to_owned(),
        n => format!("MemoryMax of {n} units add up to"),
    };
    Some(match recommended.ram {
        Some(ram) => {
            let percent = total as f64 * 100.0 / ram.max(1) as f64;
            let (total, ram) = (show_bytes(total), show_bytes(ram));
            format!("# {whose} {total}: {percent:.0}% of {ram} of RAM.")
        }
        None => format!("# {whose} {}.", show_bytes(total)),
    })
}

fn limits(
    advice: &Advice,
    recommended: &Recommended,
    when: &dyn Fn(Timestamp) -> String,
) -> Vec<String> {
    let seen = &advice.seen;
    let at = |peak: Peak| format!("{} on {}", show_bytes(peak.bytes), when(peak.time));
    let mut lines = Vec::new();
    let mut say = |text: String| lines.push(text);
    let lifespan = seen.until.duration_since(seen.from).as_secs_f64() / DAY;
    let watched = match days(seen.days) {
        watched if lifespan > 2.0 * seen.days => format!("{watched} watched in {}", days(lifespan)),
        watched => format!("{watched} watched"),
    };
    let what = if seen.exact {
        "need"
    } else {
        "held, page cache included"
    };
    say(format!(
        "# {watched} until {}, {} seen; most {what}: {}",
        when(seen.until),
        count(seen.starts, "start"),
        at(seen.most),
    ));
    match (seen.known < 1.0, seen.starts == 0) {
        (true, true) => say("# That is little, and what a fresh start needs is not known: both limits are wide. Ask again in some days.".to_owned()),
        (true, false) => say("# That is little: both limits are wide. Ask again in some days.".to_owned()),
        (false, true) => say("# What a fresh start needs is not known.".to_owned()),
        (false, false) => {}
    }
    if let Some(growth) = seen.growth {
        say(format!(
            "# Grows: {} to {} within {} of one start. This may be a leak; the limits are for its level today.",
            show_bytes(growth.from),
            show_bytes(growth.to),
            days(growth.days),
        ));
    }
    if seen.other_kills > 0 {
        say(format!(
            "# {} killed for want of memory, but not by a limit of its own: by the machine's or a slice's.",
            count(seen.other_kills, "process"),
        ));
    }
    let held_cache = seen.cache.unwrap_or(0);
    if held_cache > advice.cache {
        say(format!(
            "# Half of the time it holds {} of page cache or more, which counts; if it lives from that, raise both.",
            show_bytes(held_cache),
        ));
    }
    match advice.high {
        Some(high) => {
            say(format!("# {}", high_because(advice, high)));
            say(format!("MemoryHigh = \"{}\"", Memory::Bytes(high)));
        }
        None if !seen.exact => {
            say("# No MemoryHigh: what it needs without page cache is not known (readings over D-Bus).".to_owned());
        }
        None => {}
    }
    say(format!("# {}", max_because(advice)));
    if recommended.ram.is_some_and(|ram| advice.max > ram) {
        say("# That is more than this machine has: it limits nothing here.".to_owned());
    }
    say(format!("MemoryMax = \"{}\"", Memory::Bytes(advice.max)));
    lines
}

fn high_because(advice: &Advice, high: u64) -> String {
    let seen = &advice.seen;
    let usual = format!("above a day's usual peak of {}", show_bytes(seen.usual));
    let mut parts = vec![match seen.fresh {
        Some(fresh) => {
            let fresh = show_bytes(fresh.bytes);
            format!("{usual} and the {fresh} that a fresh start needs")
        }
        None => usual,
    }];
    if advice.cache > 0 {
        parts.push(format!(
            "with room for {} of page cache",
            show_bytes(advice.cache)
        ));
    }
    if let Some(limit) = advice.throttled_at.filter(|limit| *limit < high) {
        parts.push(format!(
            "at MemoryHigh={} it had too little",
            Memory::Bytes(limit)
        ));
    }
    parts.join(", ")
}

fn max_because(advice: &Advice) -> String {
    let seen = &advice.seen;
    let kills = || match seen.kills {
        0 => "came up against".to_owned(),
        n => format!("was killed {} at", times(n)),
    };
    match advice.max_by {
        MaxBy::Need => format!(
            "the most it needed, {}, and a margin of {:.0}%",
            show_bytes(seen.most.bytes),
            advice.margin * 100.0
        ),
        MaxBy::High => format!(
            "the most it needed, {}, and {:.0}%: a margin of {:.0}%, and room above MemoryHigh",
            show_bytes(seen.most.bytes),
            (advice.max as f64 / seen.most.bytes.max(1) as f64 - 1.0) * 100.0,
            advice.margin * 100.0
        ),
        MaxBy::Bump { limit } => format!(
            "it {} MemoryMax={}: a step above that",
            kills(),
            Memory::Bytes(limit)
        ),
        MaxBy::Held { limit } => format!(
            "it grew until it {} MemoryMax={}: more would only let it grow longer",
            kills(),
            Memory::Bytes(limit)
        ),
    }
}

/// "14 days", "5 hours", "20 minutes".
fn days(days: f64) -> String {
    let (n, noun) = match days {
        2.0.. => (days, "day"),
        _ if days * 24.0 >= 2.0 => (days * 24.0, "hour"),
        _ => (days * 1440.0, "minute"),
    };
    count(n as u64, noun)
}

fn count(n: u64, noun: &str) -> String {
    match (n, noun) {
        (0, _) => format!("no {noun}"),
        (1, _) => format!("1 {noun}"),
        (_, "process") => format!("{n} processes"),
        _ => format!("{n} {noun}s"),
    }
}

fn times(n: u64) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

/// For programs.
#[must_use]
pub fn json(recommended: &Recommended) -> Value {
    let units: Vec<Value> = recommended
        .units
        .iter()
        .map(|(unit, advice)| match advice {
            Ok(advice) => of_unit(unit, advice),
            Err(Unknown::Few(n)) => {
                json!({ "unit": unit.as_str(), "unknown": "few-readings", "readings": n })
            }
            Err(Unknown::NoMemory) => json!({ "unit": unit.as_str(), "unknown": "no-memory" }),
        })
        .collect();
    let mut document = Map::new();
    document.insert("v".into(), json!(1));
    document.insert("time".into(), json!(recommended.now.to_string()));
    document.insert("memory_max".into(), json!(recommended.total()));
    if let Some(ram) = recommended.ram {
        document.insert("ram".into(), json!(ram));
    }
    document.insert("units".into(), json!(units));
    Value::Object(document)
}

fn of_unit(unit: &UnitName, advice: &Advice) -> Value {
    let seen = &advice.seen;
    let peak = |peak: Peak| json!({ "bytes": peak.bytes, "time": peak.time.to_string() });
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| map.insert(key.into(), value);
    put("unit", json!(unit.as_str()));
    put("memory_high", json!(advice.high));
    put("memory_max", json!(advice.max));
    let (because, limit) = match advice.max_by {
        MaxBy::Need => ("need", None),
        MaxBy::High => ("memory-high", None),
        MaxBy::Bump { limit } => ("limit-reached", Some(limit)),
        MaxBy::Held { limit } => ("grows", Some(limit)),
    };
    put("because", json!(because));
    if let Some(limit) = limit {
        put("limit_reached", json!(limit));
    }
    if let Some(limit) = advice.throttled_at {
        put("throttled_at", json!(limit));
    }
    put("margin", json!((advice.margin * 1000.0).round() / 1000.0));
    put("need_known", json!(seen.exact));
    put("days", json!((seen.days * 1000.0).round() / 1000.0));
    put("from", json!(seen.from.to_string()));
    put("until", json!(seen.until.to_string()));
    put("starts", json!(seen.starts));
    put("most", peak(seen.most));
    put("usual", json!(seen.usual));
    if let Some(fresh) = seen.fresh {
        put("fresh_start", peak(fresh));
    }
    if let Some(cache) = seen.cache {
        put("cache", json!(cache));
        put("cache_room", json!(advice.cache));
    }
    put("oom_kills", json!(seen.kills));
    put("other_oom_kills", json!(seen.other_kills));
    if let Some(growth) = seen.growth {
        let days = (growth.days * 1000.0).round() / 1000.0;
        put(
            "growth",
            json!({ "from": growth.from, "to": growth.to, "days": days }),
        );
    }
    Value::Object(map)
}

#[cfg(test)]
mod tests;
