//! `memctl replay`: rules on recordings.

mod rules;
mod work;

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

use crate::cli;
use crate::command::Context;
use crate::command::history::{moment as moment_of, unit_name};
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::history::{Grain, History};
use crate::kernel::meminfo::MemInfo;
use crate::replay::{self, Faults, Given, Host, Player, Reading, cell};
use crate::systemd::names::UnitName;
use crate::units::{Memory, quote};
use crate::view::out::{colour_on_stdout, print, print_on, tell, terminal};
use crate::view::replay::{self as view, Moment, Replayed, Run};

pub(super) fn run(context: &Context, options: &cli::Replay) -> Result<u8> {
    let host = Host {
        machine: super::watch::machine(&context.root),
        local: TimeZone::system(),
        // Of the host that a trace is of nobody knows that.
        protect: match options.since {
            Some(_) => config::read(&context.root, &context.scope).config.protect,
            None => Vec::new(),
        },
    };
    let unit = match &options.since {
        Some(_) => Some(of_history(options)?),
        None => options.unit.as_deref().map(unit_name).transpose()?,
    };
    if options.since.is_none() && options.profile.is_none() {
        return Err(Error::usage("by which rules? --profile names no profile")
            .remedy("--profile PROFILE for traces; --since TIME replays a unit's own history by the installed ones"));
    }
    let ram = ram(context, options)?;
    let mut sides = vec![rules::given(
        context,
        options.profile.as_deref(),
        unit.as_ref(),
        ram,
    )?];
    if let Some(other) = &options.compare {
        let unit = sides[0].unit.clone();
        sides.push(rules::given(context, Some(other), Some(&unit), ram)?);
    }
    rules::check(&sides, options.since.is_some())?;
    if let Some(time) = &options.explain {
        return explain(context, options, &sides[0], &host, time);
    }
    let run = Run {
        unit: &sides[0].unit,
        profiles: sides
            .iter()
            .map(|s| s.profile.display().to_string())
            .collect(),
        zone: host.local.clone(),
    };
    let mut problems = work::Problems::default();
    if options.since.is_some() {
        let readings = history(context, options, run.unit)?;
        let replayed = Replayed {
            trace: None,
            played: replay::play_readings(&readings, &sides, &host),
        };
        problems.add(&replayed);
        show(context, &run, &[replayed])?;
        problems.warn();
        return Ok(0);
    }
    let mut all = Vec::new();
    let json = context.json;
    let mut printed = Ok(true);
    let mut hand_on = |replayed: Replayed| {
        problems.add(&replayed);
        if json {
            let lines = view::json(&run, &replayed);
            if !lines.is_empty() {
                printed = print_on(&lines.join("\n"));
            }
        } else if replayed.played.faults.is_empty() {
            all.push(replayed);
        }
        match printed {
            Ok(true) => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    };
    work::play_all(&options.traces, &sides, &host, !json, &mut hand_on);
    if !printed? {
        // Whoever reads has seen enough.
        return Ok(0);
    }
    if !json && !all.is_empty() {
        show(context, &run, &all)?;
    }
    problems.warn();
    problems.refuse()?;
    Ok(0)
}

/// The unit whose history is meant.
fn of_history(options: &cli::Replay) -> Result<UnitName> {
    let [unit] = options.traces.as_slice() else {
        return Err(Error::usage("--since is for the own history of one unit"));
    };
    let unit = unit_name(&unit.to_string_lossy())?;
    match options.unit.as_deref().map(unit_name).transpose()? {
        Some(other) if other != unit => Err(Error::usage(format!(
            "--unit {other}, and the history of {unit}: which is meant?"
        ))),
        _ => Ok(unit),
    }
}

/// The memory of the machine: as it was told; of this one, if it is its own history.
fn ram(context: &Context, options: &cli::Replay) -> Result<Option<u64>> {
    let Some(text) = &options.ram else {
        let own = options.since.as_ref().map(|_| MemInfo::read(&context.root));
        return Ok(own.and_then(Result::ok).map(|info| info.total));
    };
    match Memory::parse(text) {
        Ok(Memory::Bytes(bytes)) if bytes > 0 => Ok(Some(bytes)),
        Ok(_) => Err(Error::usage(format!(
            "--ram {}: a size, as 8G",
            quote(text)
        ))),
        Err(e) => Err(Error::usage(format!("--ram: {e}"))),
    }
}

/// The readings of a unit's own history, the finest that there are.
fn history(context: &Context, options: &cli::Replay, unit: &UnitName) -> Result<Vec<Reading>> {
    let now = ZonedDateTime::now();
    let moment = |option: &str, text: &Option<String>| {
        let time = text.as_deref().map(|text| moment_of(option, text, &now));
        time.transpose()
    };
    let from = moment("--since", &options.since)?.unwrap_or(Timestamp::MIN);
    let until = moment("--until", &options.until)?.unwrap_or_else(|| now.timestamp());
    let past = History::open(&context.root, &context.scope)?.ok_or_else(|| {
        Error::failed("nothing was recorded yet").remedy("memctl watch records what units hold")
    })?;
    let [hours, minutes, raw] = [Grain::Hours, Grain::Minutes, Grain::Raw]
        .map(|grain| past.series(unit, from, until, Some(grain)));
    let readings = replay::readings(&hours?, &minutes?, &raw?);
    if readings.is_empty() {
        return Err(
            Error::usage(format!("nothing of {unit} was recorded in that time"))
                .remedy("`memctl history UNIT` shows what was"),
        );
    }
    Ok(readings)
}

fn show(context: &Context, run: &Run<'_>, all: &[Replayed]) -> Result<()> {
    if context.json {
        let lines: Vec<String> = all.iter().flat_map(|one| view::json(run, one)).collect();
        return match lines.is_empty() {
            true => Ok(()),
            false => print(&lines.join("\n")),
        };
    }
    let (width, colour) = (terminal().map(|(columns, _)| columns), colour_on_stdout());
    let text = match run.profiles.len() {
        1 => view::table(run, all, width, colour),
        _ => view::comparison(run, all, width, colour),
    };
    print(&text.join("\n"))
}

/// How everything stood at one time.
fn explain(
    context: &Context,
    options: &cli::Replay,
    given: &Given,
    host: &Host,
    time: &str,
) -> Result<u8> {
    // As it stands in a trace, or as people type it.
    let until = match cell::time(time.as_bytes()) {
        Ok(time) => time,
        Err(cell::Wrong) => moment_of("--explain", time, &ZonedDateTime::now())?,
    };
    let [path] = options.traces.as_slice() else {
        return Err(Error::usage("--explain is for one trace"));
    };
    let trace = options.since.is_none().then(|| path.display().to_string());
    let found = if options.since.is_some() {
        let readings = history(context, options, &given.unit)?;
        let mut player = Player::new(given, host);
        let mut last = None;
        for reading in readings.iter().filter(|reading| reading.time <= until) {
            player.take(reading);
            last = Some(reading.time.to_string());
        }
        last.map(|last| (player, last))
    } else {
        let source = open(path).map_err(|e| Error::io("read", path, &e).with_kind(Kind::Usage))?;
        replay::play_until(source, given, host, until).map_err(|faults| told(path, &faults))?
    };
    let none = || Error::usage(format!("--explain {time}: the recording begins later"));
    let (player, time) = found.ok_or_else(none)?;
    let (rules, verdict, reasons) = player.standing().ok_or_else(none)?;
    let moment = Moment {
        trace: trace.as_deref(),
        time,
        sample: player.sample(),
        ceiling: player.ceiling(),
        rules,
        verdict,
        reasons,
        withheld: player.withheld(),
    };
    match context.json {
        true => print(&view::moment_json(&moment))?,
        false => {
            let lines = view::moment(&moment, &host.local, colour_on_stdout());
            print(&lines.join("\n"))?;
        }
    }
    Ok(0)
}

/// Opens a trace.
fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    match path.as_os_str() == "-" {
        true => Ok(Box::new(io::stdin().lock())),
        false => Ok(Box::new(File::open(path)?)),
    }
}

/// The faults of one trace.
fn told(path: &Path, faults: &Faults) -> Error {
    Error::faults(work::fault_lines(&path.display().to_string(), faults).join("\n"))
}

/// Tells what deserves a warning.
fn warn(text: &str) {
    tell(&format!("warning: {text}"));
}
