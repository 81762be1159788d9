//! `memctl watch`: read all units in turn, record what they hold, and act as the rules say.

mod daemon;
mod outputs;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::apply::lock::Lock;
use crate::cli;
use crate::command::Context;
use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::exporter::Textfile;
use crate::history::{History, Recorder};
use crate::journal::{Event, Journal, Kind, SystemJournal};
use crate::kernel::root::Root;
use crate::readings;
use crate::sample::Reading;
use crate::signals::Waiter;
use crate::systemd::manager::connect;
use crate::view::out::{print, tell};
use crate::watch::agent::{Agent, Mode, Orders, Tools};
use crate::watch::hands::{Direct, Threaded};
use crate::watch::{Tick, Watch};

use daemon::Daemon;
use outputs::{Nothing, Outputs, Single};

pub(super) fn run(context: &Context, options: &cli::Watch) -> Result<u8> {
    if !context.root.is_host() {
        return Err(Error::usage("watch is for the running system alone"));
    }
    let (root, scope) = (&context.root, &context.scope);
    // Who only looks may do so beside the one that acts.
    let _lock = match options.dry_run {
        true => None,
        false => Some(lock(context)?),
    };
    let settings = config::read(root, scope).checked()?;
    let never = Arc::default();
    let opened = readings::open(root, scope, || connect(scope, &never), None)?;
    if let Some(why) = &opened.why {
        warn(&format!(
            "{}; systemd is asked instead, and tells less",
            why.message()
        ));
    }
    let mut watch = Watch::new(root, scope, opened.readings, options.all);
    let orders = orders(context, &settings, options.dry_run);
    if options.once {
        return once(context, &settings, orders, &mut watch);
    }
    let waiter = Waiter::new()?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let threaded = || Threaded::start(root, scope, &interrupted);
    let tools = Tools {
        journal: journal(context, options.dry_run),
        hands: Box::new(threaded()?),
        messenger: Box::new(threaded()?),
    };
    let daemon = Daemon::new(context, settings, options.dry_run);
    let done = if options.dry_run {
        let mut agent = Agent::new(root, scope, orders, tools, None);
        agent.take_up(Timestamp::now());
        daemon.run(&mut watch, &mut agent, &mut Nothing, &waiter)
    } else {
        let mut outputs = Outputs::start(context, daemon.config())?;
        let mut agent = Agent::new(root, scope, orders, tools, outputs.before());
        agent.take_up(Timestamp::now());
        let done = daemon.run(&mut watch, &mut agent, &mut outputs, &waiter);
        agent.keep_trends(Timestamp::now());
        outputs.close()?;
        done
    };
    interrupted.store(true, Ordering::Relaxed);
    done.map(|()| 0)
}

fn lock(context: &Context) -> Result<Lock> {
    let (root, folder) = (&context.root, context.scope.state_dir());
    Lock::of_folder(root, &folder, Duration::ZERO)?.ok_or_else(|| {
        let folder = root.shown(&folder);
        let message = format!(
            "another memctl watches already (it holds {}/lock)",
            folder.display()
        );
        Error::failed(message).remedy(
            "`systemctl status memctl.service` shows it; `memctl watch --dry-run` may run beside it",
        )
    })
}

/// What settings and options tell the agent to keep to.
pub(super) fn orders(context: &Context, config: &Config, dry_run: bool) -> Orders {
    Orders {
        mode: match (dry_run, config.act) {
            (true, _) => Mode::Dry,
            (false, true) => Mode::Act,
            (false, false) => Mode::Tell,
        },
        protect: config.protect.clone(),
        alert_unit: config.alert_unit.clone(),
        machine: machine(&context.root),
        boot: boot(&context.root),
        local: TimeZone::system(),
    }
}

/// `/etc/machine-id`: a host of a fleet has its own. Without one all have the same turn.
pub(super) fn machine(root: &Root) -> u128 {
    let text = root.read("/etc/machine-id".as_ref()).unwrap_or_default();
    u128::from_str_radix(text.trim(), 16).unwrap_or(0)
}

/// Another one after each start of the machine.
fn boot(root: &Root) -> String {
    let text = root.read("/proc/sys/kernel/random/boot_id".as_ref());
    text.unwrap_or_default().trim().to_owned()
}

fn journal<'c>(context: &'c Context, dry_run: bool) -> Box<dyn Journal + 'c> {
    match dry_run {
        true => Box::new(Printed),
        false => Box::new(SystemJournal::new(&context.scope)),
    }
}

/// Events of a dry run: on standard output, and nowhere else.
struct Printed;

impl Journal for Printed {
    fn write(&mut self, event: &Event) -> Option<String> {
        // A closed pipe is no error, and another one has nowhere to be told.
        let _ = print(&event.message);
        None
    }
}

/// One reading: it is in the history before the file of metrics says so. A restart that rules want is made to its
/// end but for the judging, which is the next readings'.
fn once(context: &Context, config: &Config, orders: Orders, watch: &mut Watch<'_>) -> Result<u8> {
    let Context { root, scope, .. } = context;
    let interrupted = crate::signals::catch()?;
    let direct = || Direct::new(root, scope, &interrupted);
    let dry_run = orders.mode == Mode::Dry;
    let tools = Tools {
        journal: journal(context, dry_run),
        hands: Box::new(direct()?),
        messenger: Box::new(direct()?),
    };
    // What cannot be read is set aside by the writer, and told there.
    let before = History::open(root, scope).ok().flatten();
    let before = before.and_then(|history| history.last_tick().ok().flatten());
    let mut agent = Agent::new(root, scope, orders, tools, before);
    let now = Timestamp::now();
    agent.take_up(now);
    let mut single = Single(None);
    let tick = watch.tick(now, &mut single, &mut |reading, profiles| {
        if let Some(profiles) = profiles {
            agent.follow(profiles.to_vec());
        }
        agent.judge_all(reading, &[], now);
    })?;
    told(&tick, &mut agent, now);
    agent.keep_trends(now);
    let Some(reading) = single.0 else {
        return Err(Error::failed("nothing was read"));
    };
    let recorded = dry_run || record(context, config, reading)?;
    finish(watch, &mut agent, &interrupted);
    match recorded {
        true => Ok(0),
        false => Err(Error::failed("the reading was not recorded")),
    }
}

fn record(context: &Context, config: &Config, reading: Reading) -> Result<bool> {
    let Context { root, scope, .. } = context;
    let history = Recorder::start(root, scope, config.history)?;
    history.offer(reading.clone());
    let report = history.close()?;
    report.faults.iter().for_each(|fault| warn(fault));
    let recorded = report.written > 0;
    if let Some(path) = &config.textfile {
        let file = Textfile::start(root, scope, path.clone())?;
        let time = reading.time;
        let mut faults = file.offer(reading, recorded.then_some(time));
        faults.extend(file.close());
        faults.iter().for_each(|fault| warn(fault));
    }
    Ok(recorded)
}

/// How long the manager is given for an answer before the clock is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Carries out what was begun, until nothing is left but to judge it later.
pub(super) fn finish(watch: &mut Watch<'_>, agent: &mut Agent<'_>, interrupted: &AtomicBool) {
    agent.hear(Duration::ZERO, Timestamp::now);
    while agent.is_busy() && !interrupted.load(Ordering::Relaxed) {
        // Before the answers: once PID 1 has told that the unit stays alive, its need is asked for no more.
        let wanted = agent.wants_reading().clone();
        if !wanted.is_empty() {
            let now = Timestamp::now();
            // The machine does without, if that fails: it knows no need then.
            if let Ok(reading) = watch.look_at(now, &|unit| wanted.contains(unit)) {
                agent.feed(&reading, now);
            }
        }
        agent.hear(LOOK, Timestamp::now);
        agent.pass_time(Timestamp::now());
    }
    agent.pass_time(Timestamp::now());
}

/// Tells what is new of a tick.
fn told(tick: &Tick, agent: &mut Agent<'_>, now: Timestamp) {
    tick.news.iter().for_each(|news| warn(news));
    for (path, faults) in &tick.faulty {
        let more = match faults.len() {
            0 | 1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        let first = faults.first().map_or("", String::as_str);
        let message = format!(
            "{} is faulty, and what it said before goes on counting: {first}{more}; `memctl verify` shows all",
            path.display()
        );
        agent.say(&Event::new(Kind::ProfileBad, None, message), now);
    }
}

fn warn(text: &str) {
    tell(&format!("warning: {text}"));
}
