//! `memctl status --json`: the kernel's figures as they stand in its files.

use serde_json::{Map, Value, json as value};

use crate::kernel::process::Process;
use crate::kernel::psi::{Pressure, Stall};
use crate::kernel::stat::{MemoryEvents, MemoryStat};
use crate::sample::{Limit, Sample};
use crate::state::acts::Acts;
use crate::status::{Row, Status};
use crate::view::status::Detail;
use crate::view::trend;

/// One look; with what is known in detail, where one unit was asked for.
#[must_use]
pub fn json(status: &Status, detail: Option<&Detail>) -> Value {
    let mut document = Map::new();
    document.insert("v".into(), value!(1));
    document.insert("time".into(), value!(status.time.to_string()));
    document.insert("source".into(), value!(status.source.name()));
    put(&mut document, "host", host(status));
    let units = status.rows.iter().map(|row| {
        let mut unit = unit(row);
        if let Some(detail) = detail.filter(|_| status.rows.len() == 1) {
            more(&mut unit, detail);
        }
        Value::Object(unit)
    });
    document.insert("units".into(), units.collect());
    document.insert("notes".into(), value!(status.notes));
    document.insert("faults".into(), value!(status.faults));
    Value::Object(document)
}

/// What is unknown is absent.
fn put<T: Into<Value>>(map: &mut Map<String, Value>, name: &str, known: Option<T>) {
    if let Some(known) = known {
        map.insert(name.to_owned(), known.into());
    }
}

/// Only the known ones, and nothing where none is known.
fn known(figures: &[(&str, Option<u64>)]) -> Option<Value> {
    let known = figures
        .iter()
        .filter_map(|(name, n)| Some(((*name).to_owned(), value!((*n)?))));
    let map: Map<String, Value> = known.collect();
    (!map.is_empty()).then_some(Value::Object(map))
}

fn host(status: &Status) -> Option<Value> {
    let host = status.host.as_ref()?;
    let mut found = Map::new();
    put(&mut found, "total", Some(host.total));
    put(&mut found, "available", host.available);
    put(&mut found, "free", host.free);
    put(&mut found, "swap_total", host.swap_total);
    put(&mut found, "swap_free", host.swap_free);
    put(
        &mut found,
        "pressure",
        status.pressure.as_ref().map(pressure),
    );
    Some(Value::Object(found))
}

fn unit(row: &Row) -> Map<String, Value> {
    let mut unit = Map::new();
    unit.insert("unit".into(), value!(row.unit.as_str()));
    put(
        &mut unit,
        "state",
        row.state.as_ref().map(|s| s.active.clone()),
    );
    put(
        &mut unit,
        "sub",
        row.state.as_ref().and_then(|s| s.sub.clone()),
    );
    if let Some(read) = &row.sample {
        sample(&mut unit, read);
    }
    match &row.ceiling {
        Some(ceiling) => {
            let (owner, limit) = (ceiling.unit.as_str(), ceiling.bound.directive());
            let ceiling = value!({"bytes": ceiling.bytes, "unit": owner, "limit": limit});
            unit.insert("ceiling".into(), ceiling);
        }
        None if row.is_free() => {
            unit.insert("ceiling".into(), Value::Null);
        }
        None => {}
    }
    put(&mut unit, "share", row.share());
    if !row.history.is_empty() {
        unit.insert("history".into(), value!(row.history));
    }
    if !row.waiting.is_empty() {
        let waiting = row.waiting.iter().map(crate::view::json::row);
        unit.insert("waiting".into(), waiting.collect());
    }
    acts(&mut unit, &row.acts);
    if let Some(found) = &row.trend {
        unit.insert("trend".into(), Value::Object(trend::verdict(found)));
    }
    unit
}

/// What memctl did to it; what is not the case is absent.
fn acts(unit: &mut Map<String, Value>, acts: &Acts) {
    if *acts == Acts::default() {
        return;
    }
    let mut found = Map::new();
    put(&mut found, "restarts", Some(acts.done));
    put(&mut found, "last", acts.last.map(|time| time.to_string()));
    if let Some(hold) = &acts.held {
        let until = hold.until.map(|time| time.to_string());
        found.insert("held".into(), value!({ "until": until }));
    }
    for (name, is) in [
        ("ineffective", acts.ineffective),
        ("restarting", acts.restarting),
    ] {
        put(&mut found, name, is.then_some(true));
    }
    found.insert("rules".into(), value!(acts.holding));
    unit.insert("memctl".into(), Value::Object(found));
}

fn sample(unit: &mut Map<String, Value>, sample: &Sample) {
    put(unit, "source", Some(sample.source.name()));
    put(unit, "slice", sample.slice.as_ref().map(|s| s.as_str()));
    let mut start = Map::new();
    put(
        &mut start,
        "invocation",
        sample.start.invocation.map(|i| i.to_string()),
    );
    put(&mut start, "inode", sample.start.inode);
    put(unit, "start", Some(start).filter(|start| !start.is_empty()));
    let memory = &sample.memory;
    put(unit, "need", memory.need());
    put(unit, "resident", memory.resident());
    put(unit, "current", memory.current);
    put(unit, "peak", memory.peak);
    put(unit, "swap", memory.swap);
    put(unit, "stat", known(&stat(&memory.stat)));
    let mut limits = Map::new();
    let all = [
        ("high", sample.limits.high),
        ("max", sample.limits.max),
        ("swap_max", sample.limits.swap_max),
    ];
    for (name, limit) in all {
        put(&mut limits, name, limit.map(Limit::bytes));
    }
    put(
        unit,
        "limits",
        Some(limits).filter(|limits| !limits.is_empty()),
    );
    put(unit, "events", known(&events(&sample.events)));
    put(unit, "events_local", known(&events(&sample.events_local)));
    put(unit, "pressure", sample.pressure.as_ref().map(pressure));
    put(unit, "cpu_usec", sample.cpu.usage_usec);
    put(unit, "cpu_throttled_usec", sample.cpu.throttled_usec);
    put(unit, "tasks", sample.tasks);
}

/// `memory.stat`, by the kernel's names.
pub(super) fn stat(stat: &MemoryStat) -> [(&'static str, Option<u64>); 10] {
    [
        ("anon", stat.anon),
        ("file", stat.file),
        ("shmem", stat.shmem),
        ("file_dirty", stat.file_dirty),
        ("slab_reclaimable", stat.slab_reclaimable),
        ("slab_unreclaimable", stat.slab_unreclaimable),
        ("kernel_stack", stat.kernel_stack),
        ("pagetables", stat.pagetables),
        ("percpu", stat.percpu),
        ("sock", stat.sock),
    ]
}

/// `memory.events`, by the kernel's names.
pub(super) fn events(events: &MemoryEvents) -> [(&'static str, Option<u64>); 6] {
    [
        ("low", events.low),
        ("high", events.high),
        ("max", events.max),
        ("oom", events.oom),
        ("oom_kill", events.oom_kill),
        ("oom_group_kill", events.oom_group_kill),
    ]
}

fn pressure(pressure: &Pressure) -> Value {
    let ratio = |hundredths: u32| f64::from(hundredths) / 10_000.0;
    let stall = |stall: &Stall| {
        value!({
            "avg10": ratio(stall.avg10),
            "avg60": ratio(stall.avg60),
            "avg300": ratio(stall.avg300),
            "total_usec": stall.total,
        })
    };
    let mut found = Map::new();
    put(&mut found, "some", Some(stall(&pressure.some)));
    put(&mut found, "full", pressure.full.as_ref().map(stall));
    Value::Object(found)
}

/// What only one unit alone is asked for.
fn more(unit: &mut Map<String, Value>, detail: &Detail) {
    put(unit, "since", detail.since().map(|since| since.to_string()));
    put(unit, "restarts", detail.restarts());
    put(
        unit,
        "cgroup",
        detail.cgroup.as_ref().and_then(|path| path.to_str()),
    );
    unit.insert(
        "processes".into(),
        detail.processes.iter().map(process).collect(),
    );
}

fn process(process: &Process) -> Value {
    let mut found = Map::new();
    put(&mut found, "pid", Some(process.pid));
    put(&mut found, "comm", Some(process.comm.as_str()));
    put(&mut found, "command", Some(process.command.as_str()));
    put(&mut found, "pss", process.pss);
    put(&mut found, "private", process.private);
    put(&mut found, "rss", process.rss);
    put(&mut found, "swap", process.swap);
    put(&mut found, "fds", process.fds);
    put(&mut found, "threads", process.threads);
    Value::Object(found)
}
