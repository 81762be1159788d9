//! `memctl log [UNIT…]`: memctl's own entries in the journal, as journalctl reads them.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::ZonedDateTime;
use jiff::tz::TimeZone;
use rustix::fs::{Mode, OFlags};

use crate::cli;
use crate::command::Context;
use crate::command::history::{moment, unit_name};
use crate::error::{Error, Kind, Result, describe_io};
use crate::journal::query::Query;
use crate::journal::read::Entry;
use crate::kernel::root::is_absent;
use crate::scope::Scope;
use crate::signals::{Waiter, Woken};
use crate::systemd::names::UnitName;
use crate::units::quote;
use crate::view::log::{json, line};
use crate::view::out::{colour_on_stdout, tell};

/// journald takes an entry in after its writer has gone on: an alert's unit may ask for it before it is there.
const PATIENCE: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(250);

pub(super) fn run(context: &Context, options: &cli::Log) -> Result<u8> {
    let query = query(context, options)?;
    readable(context)?;
    if let Some(id) = &query.alert_id {
        return one(context, &query, id);
    }
    let mut shown = 0_u64;
    let mut out = Out::new(context);
    let mut show = |entry: &Entry| {
        shown += 1;
        out.show(entry)
    };
    if query.follow {
        follow(&query, &mut show)?;
    } else {
        ask(&query, &mut show)?;
    }
    if shown == 0 && !query.follow {
        tell(match query == everything(context) {
            true => "memctl has written nothing to this journal yet.",
            false => "The journal has no such entry of memctl's.",
        });
    }
    Ok(0)
}

fn everything(context: &Context) -> Query {
    Query {
        root: (!context.root.is_host()).then(|| context.root.path().to_owned()),
        ..Query::new(&context.scope)
    }
}

fn query(context: &Context, options: &cli::Log) -> Result<Query> {
    let now = ZonedDateTime::now();
    let time = |option, text: &Option<String>| {
        let text = text.as_ref();
        text.map(|text| moment(option, text, &now)).transpose()
    };
    let units: Result<Vec<UnitName>> = options.units.iter().map(|u| unit_name(u)).collect();
    if let Some(id) = &options.event
        && (id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric()))
    {
        let told = format!("--event: {} is no alert id", quote(id));
        return Err(Error::usage(told).remedy(
            "an alert's unit gets it as its instance: %i; `memctl log --json` shows it as alert_id",
        ));
    }
    let query = Query {
        units: units?,
        alert_id: options.event.clone(),
        since: time("--since", &options.since)?,
        until: time("--until", &options.until)?,
        lines: options.lines.and_then(|n| n.try_into().ok()),
        follow: options.follow,
        ..everything(context)
    };
    if let (Some(since), Some(until)) = (query.since, query.until)
        && since >= until
    {
        return Err(Error::usage("--since is not before --until"));
    }
    Ok(query)
}

/// The entry of an alert: waited for, and its absence is a failure.
fn one(context: &Context, query: &Query, id: &str) -> Result<u8> {
    let begun = Instant::now();
    loop {
        let mut found = false;
        let mut out = Out::new(context);
        ask(query, &mut |entry| {
            found = true;
            out.show(entry)
        })?;
        if found {
            return Ok(0);
        }
        if begun.elapsed() >= PATIENCE {
            return Err(Error::failed(format!("the journal has no alert {id}"))
                .remedy("it may be too old, and gone; `memctl log --json` shows the ids of those that are there"));
        }
        std::thread::sleep(AGAIN);
    }
}

/// Prints entries.
struct Out {
    json: bool,
    colour: bool,
    zone: TimeZone,
}

impl Out {
    fn new(context: &Context) -> Self {
        Self {
            json: context.json,
            colour: colour_on_stdout(),
            zone: TimeZone::system(),
        }
    }

    /// Answers whether anybody reads.
    fn show(&mut self, entry: &Entry) -> Result<bool> {
        let text = match self.json {
            true => json(entry).to_string(),
            false => line(entry, &self.zone, self.colour),
        };
        let mut out = io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(e) => Err(Error::failed(format!(
                "cannot write to standard output: {e}"
            ))),
        }
    }
}

/// What is there already.
fn ask(query: &Query, show: &mut dyn FnMut(&Entry) -> Result<bool>) -> Result<()> {
    let (mut child, stdout) = start(query)?;
    // What it complains of is read when it has ended: a pipe has room for that.
    let complaints = child.stderr.take();
    let going_on = pass_on(BufReader::new(stdout), query, show, &mut |told| tell(told));
    if !matches!(going_on, Ok(true)) {
        // Nobody reads any more.
        let _ = child.kill();
        let _ = child.wait();
        return going_on.map(drop);
    }
    let mut told = String::new();
    if let Some(mut stderr) = complaints {
        let _ = stderr.read_to_string(&mut told);
    }
    let status = child
        .wait()
        .map_err(|e| Error::failed(format!("journalctl: {}", describe_io(&e))))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::failed(format!("journalctl failed: {}", told.trim())))
}

/// What is to come, too, until somebody ends it.
fn follow(query: &Query, show: &mut dyn FnMut(&Entry) -> Result<bool>) -> Result<()> {
    let waiter = Waiter::new()?;
    let (mut child, stdout) = start(query)?;
    if let Some(stderr) = child.stderr.take() {
        std::thread::spawn(move || {
            let lines = BufReader::new(stderr).lines().map_while(io::Result::ok);
            lines.for_each(|line| tell(&format!("journalctl: {line}")));
        });
    }
    let child = Arc::new(Mutex::new(child));
    let stopped = Arc::new(AtomicBool::new(false));
    {
        // Reading blocks: another thread waits for Ctrl-C, and ends what is read from.
        let (child, stopped) = (Arc::clone(&child), Arc::clone(&stopped));
        std::thread::spawn(move || {
            while waiter.wait(Duration::from_secs(3600), &[]) == Woken::Time {}
            stopped.store(true, Ordering::Relaxed);
            end(&child);
        });
    }
    let going_on = pass_on(BufReader::new(stdout), query, show, &mut |told| tell(told));
    // A Ctrl-C reaches journalctl as well, and perhaps first.
    if let (Ok(true), Ok(mut child)) = (&going_on, child.lock()) {
        let status = child.wait();
        let by_signal = |s: &std::process::ExitStatus| s.code().is_none();
        if status.is_ok_and(|s| s.success() || by_signal(&s)) || stopped.load(Ordering::Relaxed) {
            return Ok(());
        }
        return Err(Error::failed("journalctl ended"));
    }
    end(&child);
    going_on.map(drop)
}

fn end(child: &Mutex<Child>) {
    if let Ok(mut child) = child.lock() {
        let _ = child.kill();
    }
}

fn start(query: &Query) -> Result<(Child, ChildStdout)> {
    let mut child = Command::new("journalctl")
        .args(query.arguments())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Error::failed("journalctl is not there")
                .remedy("memctl log reads the journal by it; it comes with systemd"),
            _ => Error::failed(format!("cannot run journalctl: {}", describe_io(&e))),
        })?;
    let stdout = child.stdout.take();
    let stdout = stdout.ok_or_else(|| Error::failed("journalctl has no output"))?;
    Ok((child, stdout))
}

/// Shows the entries that are meant; what is none is told and left out. Answers whether anybody reads still.
fn pass_on(
    mut lines: impl BufRead,
    query: &Query,
    show: &mut dyn FnMut(&Entry) -> Result<bool>,
    complain: &mut dyn FnMut(&str),
) -> Result<bool> {
    // Where journalctl could not count, since it shows more than is meant.
    let keep = query.lines.filter(|_| !query.follow && !query.is_exact());
    let mut last = VecDeque::new();
    let mut bytes = Vec::new();
    for number in 1_u64.. {
        bytes.clear();
        let read = lines.read_until(b'\n', &mut bytes);
        if read.map_err(|e| Error::failed(format!("journalctl: {}", describe_io(&e))))? == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&bytes);
        let entry = match Entry::parse(text.trim_end()) {
            Ok(entry) => entry,
            Err(told) => {
                complain(&format!(
                    "warning: journalctl's line {number} is left out: {told}"
                ));
                continue;
            }
        };
        if !query.means(entry.unit.as_deref()) {
            continue;
        }
        match keep {
            Some(most) => {
                last.push_back(entry);
                if last.len() > most {
                    last.pop_front();
                }
            }
            None if !show(&entry)? => return Ok(false),
            None => {}
        }
    }
    for entry in &last {
        if !show(entry)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the journal that is asked can be read: journalctl shows what it can and is silent on the rest.
fn readable(context: &Context) -> Result<()> {
    let root = &context.root;
    // A user's own entries are in a file of the user's own, or, where journald keeps none, with the system's.
    let names: Vec<String> = match &context.scope {
        Scope::System => vec!["system.journal".to_owned()],
        Scope::User(user) => vec![
            "system.journal".to_owned(),
            format!("user-{}.journal", user.uid),
        ],
    };
    let mut denied = None;
    for place in ["/var/log/journal", "/run/log/journal"] {
        let folders = match root.folders(Path::new(place)) {
            Ok(folders) => folders,
            Err(error) if error.kind() == Kind::NotPermitted => {
                denied = Some(place.to_owned());
                continue;
            }
            // Nothing is there.
            Err(_) => continue,
        };
        for folder in folders {
            for name in &names {
                let path = Path::new(place).join(&folder).join(name);
                match root.open_at(&path, OFlags::RDONLY, Mode::empty()) {
                    Ok(_) => return Ok(()),
                    Err(e) if is_absent(&e) => {}
                    Err(_) => denied = Some(path.display().to_string()),
                }
            }
        }
    }
    let Some(path) = denied else {
        return Ok(());
    };
    let told = format!("the journal is not yours to read: {path}");
    Err(Error::new(Kind::NotPermitted, told)
        .remedy("run it as root, or as a member of the group adm or systemd-journal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> String {
        let line = |n: usize| {
            format!(
                "{{\"__REALTIME_TIMESTAMP\":\"{n}\",\"MEMCTL_EVENT\":\"hold\",\"MEMCTL_UNIT\":\"w@{}.service\"}}\n",
                n % 2
            )
        };
        (0..count).map(line).collect()
    }

    fn query(unit: &str, lines: Option<usize>) -> Query {
        Query {
            units: vec![UnitName::parse(unit).expect("a name")],
            lines,
            ..Query::new(&Scope::System)
        }
    }

    /// The times shown, in microseconds, the complaints, and whether it went on to the end.
    fn passed_on(text: &str, query: &Query, most: usize) -> (Vec<i64>, Vec<String>, bool) {
        let (mut times, mut told) = (Vec::new(), Vec::new());
        let going_on = pass_on(
            text.as_bytes(),
            query,
            &mut |entry| {
                times.push(entry.time.as_microsecond());
                Ok(times.len() < most)
            },
            &mut |text| told.push(text.to_owned()),
        );
        (times, told, going_on.expect("no error"))
    }

    #[test]
    fn a_strange_line_is_told_with_its_number_and_left_out() {
        let text = format!("{}-- Reboot --\n{}", lines(1), lines(1));
        let (times, told, _) = passed_on(&text, &query("w@.service", None), usize::MAX);
        assert_eq!(times, [0, 0]);
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with("warning: journalctl's line 2 is left out: no entry in JSON"),
            "{told:?}"
        );
    }

    #[test]
    fn a_template_s_last_are_counted_here() {
        let shown = |unit, count| passed_on(&lines(10), &query(unit, count), usize::MAX).0;
        assert_eq!(shown("w@.service", Some(2)), [8, 9]);
        assert_eq!(shown("w@1.service", None), [1, 3, 5, 7, 9]);
        assert_eq!(shown("x@.service", None), [0_i64; 0]);
        assert_eq!(shown("w@.service", Some(0)), [0_i64; 0]);
    }

    #[test]
    fn whoever_has_seen_enough_ends_it() {
        let (times, _, going_on) = passed_on(&lines(10), &query("w@.service", None), 3);
        assert_eq!((times, going_on), (vec![0, 1, 2], false));
    }
}
