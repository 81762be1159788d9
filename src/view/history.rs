//! A unit's history as JSON and as CSV, and its figures in words.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::history::{Grain, Point, Spread};
use crate::replay::columns;
use crate::sample::{Limit, Source};
use crate::systemd::names::UnitName;
use crate::units::{Span, show_bytes};
use crate::view::course::{Course, sum};

/// `history --json`.
#[must_use]
pub fn json(unit: &UnitName, course: &Course<'_>, points: &[Point], grain: Grain) -> Value {
    let sum = sum(points);
    let gap = |gap: &crate::view::course::Gap| json!({ "from": gap.from.to_string(), "until": gap.until.to_string() });
    json!({
        "v": 1,
        "unit": unit.as_str(),
        "from": course.from.to_string(),
        "until": course.until.to_string(),
        "resolution": grain.name(),
        "restarts": sum.restarts,
        "oom_kills": sum.oom_kills,
        "throttled": sum.highs,
        "gaps": course.gaps.iter().map(gap).collect::<Vec<_>>(),
        "points": points.iter().map(point).collect::<Vec<_>>(),
    })
}

/// One point; what is unknown is absent.
fn point(point: &Point) -> Value {
    let last = &point.last;
    let number = |n: u64| json!(n);
    let spread = |s: Spread| json!({ "min": s.min, "max": s.max, "last": s.last });
    let limit = |limit: Limit| json!(limit.bytes());
    let start = object([
        (
            "invocation",
            point.start.invocation.map(|i| json!(i.to_string())),
        ),
        ("inode", point.start.inode.map(number)),
    ]);
    let stat = object([
        ("anon", last.anon.map(number)),
        ("file", last.file.map(number)),
        ("shmem", last.shmem.map(number)),
        ("slab_unreclaimable", last.slab_unreclaimable.map(number)),
        ("kernel_stack", last.kernel_stack.map(number)),
        ("pagetables", last.pagetables.map(number)),
        ("percpu", last.percpu.map(number)),
        ("sock", last.sock.map(number)),
    ]);
    let limits = object([
        ("high", last.high.map(limit)),
        ("max", last.max.map(limit)),
        ("swap_max", last.swap_max.map(limit)),
    ]);
    let events = object([
        ("high", last.high_events.map(number)),
        ("max", last.max_events.map(number)),
        ("oom_kill", last.oom_kill.map(number)),
    ]);
    let total = |usec: u64| json!({ "total_usec": usec });
    let pressure = object([
        ("some", last.pressure_some_usec.map(total)),
        ("full", last.pressure_full_usec.map(total)),
    ]);
    let fields = [
        ("time", Some(json!(point.time.to_string()))),
        ("source", Some(json!(point.source.name()))),
        ("readings", Some(number(point.readings))),
        ("start", start),
        ("need", point.need.map(spread)),
        ("current", point.current.map(spread)),
        ("peak", last.peak.map(number)),
        ("swap", last.swap.map(number)),
        ("stat", stat),
        ("limits", limits),
        (
            "ceiling",
            last.ceiling.map(|bytes| json!({ "bytes": bytes })),
        ),
        ("events", events),
        ("pressure", pressure),
        ("cpu_usec", last.cpu_usec.map(number)),
        ("tasks", last.tasks.map(number)),
        ("restarts", Some(number(point.restarts))),
        ("oom_kills", Some(number(point.oom_kills))),
        ("throttled", Some(number(point.highs))),
    ];
    object(fields).unwrap_or_default()
}

/// An object of what is known; none where nothing is.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Option<Value> {
    let known = fields
        .into_iter()
        .filter_map(|(k, v)| Some((k.to_owned(), v?)));
    let known: Map<String, Value> = known.collect();
    (!known.is_empty()).then_some(Value::Object(known))
}

/// `history --csv`: the last reading of each point. What is unknown is empty; where there is no limit, `high` and
/// `max` are `infinity`, which most that read numbers take for one.
///
/// # Errors
/// None that there is a reason for: it is written to memory.
pub fn csv(points: &[Point]) -> Result<String> {
    let failed = |e: &dyn std::fmt::Display| Error::failed(format!("cannot write CSV: {e}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns()).map_err(|e| failed(&e))?;
    let limit = |limit: Limit| match limit {
        Limit::Infinity => "infinity".to_owned(),
        Limit::Bytes(bytes) => bytes.to_string(),
    };
    for point in points {
        let last = &point.last;
        let numbers = [
            point.current.map(|s| s.last),
            last.anon,
            last.file,
            last.shmem,
            last.slab_unreclaimable,
            last.kernel_stack,
            last.pagetables,
            last.percpu,
            last.sock,
            last.swap,
            last.cpu_usec,
        ];
        let mut record = vec![point.time.to_string()];
        record.extend(numbers.map(|n| n.map_or_else(String::new, |n| n.to_string())));
        record.extend([last.high, last.max].map(|l| l.map_or_else(String::new, limit)));
        let invocation = point.start.invocation;
        record.push(invocation.map_or_else(String::new, |i| i.to_string()));
        writer.write_record(record).map_err(|e| failed(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| failed(&e))?;
    String::from_utf8(bytes).map_err(|e| failed(&e))
}

/// What stands over the chart.
#[must_use]
pub fn heading(unit: &UnitName, course: &Course<'_>, zone: &TimeZone) -> String {
    let time = |time| {
        zone.to_datetime(time)
            .strftime("%Y-%m-%d %H:%M")
            .to_string()
    };
    let (from, until) = (time(course.from), time(course.until));
    match zone.iana_name() {
        Some(name) => format!("{unit}  {from} to {until} ({name})"),
        None => format!("{unit}  {from} to {until}"),
    }
}

/// The legend of what the chart shows, and the figures.
#[must_use]
pub fn figures(course: &Course<'_>, points: &[Point], zone: &TimeZone) -> Vec<String> {
    let mut lines = vec![legend(points)];
    let sum = sum(points);
    let spread = |word: &str, s: Spread| {
        let [min, max, last] = [s.min, s.max, s.last].map(show_bytes);
        format!("{word} {min} to {max}, last {last}")
    };
    let held = [
        sum.need.map(|s| spread("need", s)),
        sum.current.map(|s| spread("current", s)),
    ];
    let mut held: Vec<String> = held.into_iter().flatten().collect();
    if sum.need.is_none() {
        held.insert(0, "need is not known".to_owned());
    }
    lines.push(held.join("; "));
    if let Some(point) = points.last() {
        lines.push(limits(point));
    }
    let counted = |n: u64, one: &str, more: &str| match n {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        n => format!("{n} {more}"),
    };
    let last = |what: fn(&Point) -> u64| {
        let point = points.iter().rev().find(|p| what(p) > 0)?;
        let time = zone.to_datetime(point.time);
        Some(format!(" (last {})", time.strftime("%Y-%m-%d %H:%M")))
    };
    let events = [
        counted(sum.restarts, "restart", "restarts") + &last(|p| p.restarts).unwrap_or_default(),
        counted(sum.oom_kills, "OOM kill", "OOM kills")
            + &last(|p| p.oom_kills).unwrap_or_default(),
    ];
    lines.push(events.join(", "));
    if sum.highs > 0 {
        let times = counted(sum.highs, "time", "times");
        lines.push(format!("throttled at MemoryHigh {times}"));
    }
    lines.push(resolution(course, points));
    if points.iter().any(|p| p.source == Source::Bus) {
        lines.push("partly from systemd over D-Bus, which does not tell need".to_owned());
    }
    lines
}

fn legend(points: &[Point]) -> String {
    let any = |what: fn(&Point) -> bool| points.iter().any(what);
    let limited = |limit: Option<Limit>| limit.and_then(Limit::bytes).is_some();
    let shown = [
        (any(|p| p.need.is_some()), "█ need"),
        (
            any(|p| p.need.is_some_and(|s| s.min < s.max)),
            "▒ up and down",
        ),
        (any(|p| p.current.is_some()), "• current"),
        (points.iter().any(|p| limited(p.last.high)), "╌ MemoryHigh"),
        (points.iter().any(|p| limited(p.last.max)), "━ MemoryMax"),
        (any(|p| p.restarts > 0), "R restart"),
        (any(|p| p.oom_kills > 0), "K OOM kill"),
    ];
    let shown = shown.into_iter().filter(|(there, _)| *there);
    shown.map(|(_, what)| what).collect::<Vec<_>>().join("   ")
}

/// The limits of the last point.
fn limits(point: &Point) -> String {
    let limit = |word: &str, limit: Option<Limit>| match limit? {
        Limit::Infinity => None,
        Limit::Bytes(bytes) => Some(format!("{word} {}", show_bytes(bytes))),
    };
    let own = [
        limit("MemoryHigh", point.last.high),
        limit("MemoryMax", point.last.max),
        limit("MemorySwapMax", point.last.swap_max),
    ];
    let mut shown: Vec<String> = own.into_iter().flatten().collect();
    let least = [point.last.high, point.last.max];
    let least = least.into_iter().flatten().filter_map(Limit::bytes).min();
    if let Some(ceiling) = point.last.ceiling
        && least.is_none_or(|least| ceiling < least)
    {
        shown.push(format!("{} by its slice", show_bytes(ceiling)));
    }
    match shown.is_empty() {
        false => format!("limits: {}", shown.join(", ")),
        true => "no limits".to_owned(),
    }
}

fn resolution(course: &Course<'_>, points: &[Point]) -> String {
    let grain = points.first().map_or(Grain::Raw, |p| p.grain);
    let count = points.len();
    let name = match grain {
        Grain::Raw => "every reading",
        Grain::Minutes => "minutes",
        Grain::Hours => "hours",
    };
    let s = if count == 1 { "" } else { "s" };
    let gaps = &course.gaps;
    let lost: SignedDuration = gaps.iter().map(|g| g.until.duration_since(g.from)).sum();
    let lost = Span::seconds(lost.as_secs().unsigned_abs());
    let gaps = match gaps.len() {
        0 => "no gap".to_owned(),
        1 => format!("1 gap of {lost}"),
        n => format!("{n} gaps, {lost} in all"),
    };
    format!("resolution: {name} ({count} point{s}), {gaps}")
}

/// What is said where there is no point in a time, though the unit is known.
#[must_use]
pub fn nothing(unit: &UnitName, course: &Course<'_>, zone: &TimeZone, all: &[Point]) -> String {
    let time = |time: Timestamp| {
        zone.to_datetime(time)
            .strftime("%Y-%m-%d %H:%M")
            .to_string()
    };
    let said = format!(
        "Nothing of {unit} is recorded between {} and {}.",
        time(course.from),
        time(course.until)
    );
    match (all.first(), all.last()) {
        (Some(first), Some(last)) => format!(
            "{said}\nThere is something from {} to {}; what is older than that\nmay be kept by the minute or the hour (--resolution).",
            time(first.time),
            time(last.time)
        ),
        _ => said,
    }
}

#[cfg(test)]
pub(crate) mod tests;
