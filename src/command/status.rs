//! `memctl status`: what units hold, against their limits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::apply::survey::Survey;
use crate::cli;
use crate::command::Context;
use crate::error::{Error, Result};
use crate::history::History;
use crate::kernel::cgroup::Tree;
use crate::kernel::process::processes;
use crate::kernel::psi::Pressure;
use crate::limits::plan::{Row as PlanRow, When};
use crate::profiles::lenient;
use crate::readings::{Opened, open};
use crate::sample::{Source, Start};
use crate::signals;
use crate::state::Store;
use crate::state::acts::acts;
use crate::state::detectors;
use crate::status::{Row, Sparks, Status, add_trends, rows};
use crate::systemd::manager::{Manager, UnitInfo, connect};
use crate::systemd::names::{UnitName, UnitType};
use crate::view::out::{colour_on_stdout, print, tell, terminal};
use crate::view::status::{Detail, Look, detail, json, table};
use crate::watched::Watched;

use crate::command::names::Names;

/// Between two looks of `--follow`.
const INTERVAL: Duration = Duration::from_secs(2);

/// How long `--follow` takes the manager's word for how units are, where nothing starts or stops: PID 1 has other
/// work (FACTS 8).
const STATES_AGE: Duration = Duration::from_secs(10);

/// How long a Ctrl-C goes unnoticed at most.
const LOOK: Duration = Duration::from_millis(100);

/// The parts of an hour in a sparkline.
const SPARKS: usize = 12;

pub(super) fn run(context: &Context, options: &cli::Status) -> Result<u8> {
    let interrupted = if options.follow {
        signals::catch()?
    } else {
        Arc::default()
    };
    let mut watcher = Watcher::new(context, options, &interrupted)?;
    if !options.follow {
        let (status, more) = watcher.look()?;
        show(context, &status, more.as_ref())?;
        for fault in &status.faults {
            tell(&format!("warning: {fault}"));
        }
        return Ok(0);
    }
    let mut screen = Screen::new(context);
    while !interrupted.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let (status, more) = watcher.look()?;
        if !screen.show(context, &status, more.as_ref())? {
            break;
        }
        // A look that takes long is no reason to look without pause.
        let next = (begun + INTERVAL).max(Instant::now() + INTERVAL / 2);
        while Instant::now() < next && !interrupted.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK);
        }
    }
    Ok(0)
}

/// Prints one look.
fn show(context: &Context, status: &Status, more: Option<&Detail>) -> Result<()> {
    if context.json {
        return print(&json(status, more).to_string());
    }
    let look = Look {
        width: terminal().map(|(columns, _)| columns),
        colour: colour_on_stdout(),
        clock: false,
    };
    print(&lines(status, more, look).join("\n"))
}

fn lines(status: &Status, more: Option<&Detail>, look: Look) -> Vec<String> {
    match (more, status.rows.as_slice()) {
        (Some(more), [row]) => detail(status, row, more, look),
        _ => table(status, look),
    }
}

/// Where `--follow` is shown: in place on a terminal, else one after the other.
struct Screen {
    drawn: bool,
    in_place: bool,
}

impl Screen {
    fn new(context: &Context) -> Self {
        Self {
            drawn: false,
            in_place: !context.json && terminal().is_some(),
        }
    }

    /// Shows a look; answers whether anybody reads.
    fn show(&mut self, context: &Context, status: &Status, more: Option<&Detail>) -> Result<bool> {
        use std::io::{self, Write as _};
        let mut text = String::new();
        if context.json {
            text = format!("{}\n", json(status, more));
        } else {
            let (columns, rows) = terminal().unwrap_or((usize::MAX, usize::MAX));
            let look = Look {
                width: self.in_place.then_some(columns),
                colour: colour_on_stdout(),
                clock: true,
            };
            let mut page = lines(status, more, look);
            page.extend(
                status
                    .faults
                    .iter()
                    .map(|fault| format!("warning: {fault}").chars().take(columns).collect()),
            );
            if self.in_place {
                // The cursor stays on the screen's last line, or everything would move up.
                let most = rows.saturating_sub(2);
                if page.len() > most {
                    let hidden = page.len() - most;
                    page.truncate(most);
                    page.push(format!("… {hidden} more lines"));
                }
                text += if self.drawn {
                    "\x1b[H"
                } else {
                    "\x1b[?25l\x1b[H\x1b[2J"
                };
                page.iter()
                    .for_each(|line| text += &format!("{line}\x1b[K\n"));
                text += "\x1b[J";
            } else {
                if self.drawn {
                    text.push('\n');
                }
                text += &page.join("\n");
                text.push('\n');
            }
        }
        self.drawn = true;
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(e) => Err(Error::failed(format!(
                "cannot write to standard output: {e}"
            ))),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.in_place && self.drawn {
            // The cursor comes back.
            let _ = std::io::Write::write_all(&mut std::io::stdout(), b"\x1b[?25h");
        }
    }
}

/// What looks again and again.
struct Watcher<'a> {
    context: &'a Context,
    opened: Opened<'a>,
    manager: Option<Box<dyn Manager>>,
    choice: Watched,
    /// Names that were typed, until the first look has shown that there are such units.
    names: Option<Names<'a>>,
    /// One unit alone was asked for.
    alone: Option<UnitName>,
    notes: Vec<String>,
    states: Option<States>,
    history: Option<History>,
}

/// What the manager and the unit files said, when, and what ran then.
struct States {
    units: Option<Vec<UnitInfo>>,
    waiting: Vec<PlanRow>,
    asked: Instant,
    running: BTreeMap<UnitName, Start>,
}

impl<'a> Watcher<'a> {
    fn new(
        context: &'a Context,
        options: &cli::Status,
        interrupted: &Arc<AtomicBool>,
    ) -> Result<Self> {
        let (root, scope) = (&context.root, &context.scope);
        let names = match options.units.as_slice() {
            [] => None,
            typed => Some(Names::read(context, typed)?),
        };
        let mut notes = Vec::new();
        let choice = match &names {
            Some(names) => Watched::Names(names.names.clone()),
            None if options.all => Watched::All,
            None => profiles(context, &mut notes),
        };
        // A directory that is no running system has no manager.
        let dial = || match root.is_host() {
            true => connect(scope, interrupted),
            false => Err(Error::usage("an image has no service manager to ask")),
        };
        let history = History::open(root, scope).unwrap_or_else(|e| {
            notes.push(format!("The last hour is not shown: {}", e.message()));
            None
        });
        let source = options.source.map(|source| match source {
            cli::From::Cgroup => Source::Cgroup,
            cli::From::Dbus => Source::Bus,
        });
        Ok(Self {
            context,
            opened: open(
                root,
                scope,
                || dial().map(|m| m as Box<dyn Manager>),
                source,
            )?,
            manager: dial().ok(),
            choice,
            alone: names.as_ref().and_then(Names::alone),
            names,
            notes,
            states: None,
            history,
        })
    }

    /// One look.
    fn look(&mut self) -> Result<(Status, Option<Detail>)> {
        let now = Timestamp::now();
        let reading = self.opened.readings.read(now, &*self.choice.test())?;
        let running = reading.samples.iter().map(|s| (s.unit.clone(), s.start));
        let running: BTreeMap<UnitName, Start> = running.collect();
        let old = |s: &States| s.asked.elapsed() >= STATES_AGE || s.running != running;
        if self.states.as_ref().is_none_or(old) {
            let units = self.manager.as_mut().map(|m| m.units(&UnitType::ALL));
            self.states = Some(States {
                units: units.and_then(Result::ok),
                // Nothing to be told of limits is no reason not to tell of memory.
                waiting: waiting(self.context).unwrap_or_default(),
                asked: Instant::now(),
                running,
            });
        }
        let listed = self.states.as_ref().and_then(|s| s.units.as_deref());
        if let Some(names) = self.names.take() {
            self.notes.extend(names.check(&reading, listed)?);
        }
        let waiting = self.states.as_ref().map_or(&[][..], |s| &s.waiting);
        let mut faults = reading.faults.clone();
        let sparks = match &self.history {
            Some(history) => last_hour(history, now).unwrap_or_else(|e| {
                faults.push(e.message().to_owned());
                Sparks::new()
            }),
            None => Sparks::new(),
        };
        let store = Store::new(&self.context.root, &self.context.scope);
        let (acts, unread) = acts(&store, now);
        faults.extend(unread);
        let mut rows = rows(&reading, listed, &self.choice, &sparks, waiting, &acts);
        // What cannot be read of it is told by those who write it.
        let trends = detectors::read(&self.context.root, &self.context.scope).unwrap_or_default();
        add_trends(&mut rows, &trends, now);
        let why = self.opened.why.as_ref();
        let status = Status {
            time: now,
            source: self.opened.readings.source(),
            why: why.map(|why| why.message().to_owned()),
            host: reading.host,
            pressure: self.pressure(),
            rows,
            notes: self.notes.clone(),
            faults,
        };
        let more = match (&self.alone, status.rows.as_slice()) {
            (Some(unit), [row]) if row.unit == *unit => Some(self.detail(row)),
            _ => None,
        };
        Ok((status, more))
    }

    fn pressure(&self) -> Option<Pressure> {
        let text = self.context.root.read(Path::new("/proc/pressure/memory"));
        Pressure::parse(&text.ok()?).ok()
    }

    fn detail(&mut self, row: &Row) -> Detail {
        let Context { root, scope, .. } = self.context;
        let manager = self.manager.as_mut();
        let figures = manager.and_then(|m| m.figures(&row.unit).ok().flatten());
        let tree = Tree::new(root, scope);
        let cgroups = tree.walk().unwrap_or_default();
        let found = cgroups.into_iter().find(|c| c.unit == row.unit);
        let by_manager = || {
            let path = figures.as_ref()?.cgroup.as_deref()?;
            Some(PathBuf::from(format!("/sys/fs/cgroup{path}")))
        };
        let cgroup = found.map(|c| c.path).or_else(by_manager);
        Detail {
            processes: cgroup
                .as_ref()
                .map_or_else(Vec::new, |path| processes(root, path)),
            cgroup,
            figures,
        }
    }
}

/// The directives that wait for something, or that somebody else has the last word on.
fn waiting(context: &Context) -> Result<Vec<PlanRow>> {
    if !context.root.is_host() {
        return Ok(Vec::new());
    }
    let survey = Survey::take(&context.root, &context.scope)?;
    let (installed, _) = lenient(&context.root, &context.scope);
    let rows = survey.prepare(&installed)?.plan.rows.into_iter();
    let waits = |row: &PlanRow| {
        row.overridden.is_some()
            || row.withheld.is_some()
            || matches!(row.when, When::Now | When::NextStart)
    };
    Ok(rows.filter(waits).collect())
}

/// The largest need in each twelfth of the last hour.
fn last_hour(history: &History, now: Timestamp) -> Result<Sparks> {
    let hour = SignedDuration::from_hours(1);
    let from = now.checked_sub(hour).unwrap_or(Timestamp::UNIX_EPOCH);
    history.sparks(from, now, SPARKS)
}

/// What installed profiles reach.
fn profiles(context: &Context, notes: &mut Vec<String>) -> Watched {
    let watched = Watched::of(&lenient(&context.root, &context.scope).0);
    if watched == Watched::Services {
        let told = "No profile is installed: these are all services that run or have failed.";
        notes.push(told.to_owned());
    }
    watched
}
