//! `memctl watch`: read all units in turn and record what they hold.

mod outputs;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sd_notify::NotifyState;

use crate::apply::lock::Lock;
use crate::cli;
use crate::command::Context;
use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::exporter::Textfile;
use crate::history::Recorder;
use crate::readings;
use crate::sample::Source;
use crate::signals::{Waiter, Woken};
use crate::systemd::manager::connect;
use crate::view::out::tell;
use crate::watch::{Tick, Watch, until_next};

use outputs::{Outputs, Single};

pub(super) fn run(context: &Context, options: &cli::Watch) -> Result<u8> {
    if !context.root.is_host() {
        return Err(Error::usage("watch is for the running system alone"));
    }
    let (root, scope) = (&context.root, &context.scope);
    let folder = scope.state_dir();
    let patience = Duration::ZERO;
    let Some(_lock) = Lock::of_folder(root, &folder, patience)? else {
        let folder = root.shown(&folder);
        let message = format!(
            "another memctl watches already (it holds {}/lock)",
            folder.display()
        );
        return Err(Error::failed(message).remedy("`systemctl status memctl.service` shows it"));
    };
    let settings = config::read(root, scope).checked()?;
    let waiter = Waiter::new()?;
    let never = Arc::default();
    let opened = readings::open(root, scope, || connect(scope, &never), None)?;
    if let Some(why) = &opened.why {
        warn(&format!(
            "{}; systemd is asked instead, and tells less",
            why.message()
        ));
    }
    let mut watch = Watch::new(root, scope, opened.readings, options.all);
    if options.once {
        return once(context, &settings, &mut watch);
    }
    let mut outputs = Outputs::start(context, &settings)?;
    let done = Daemon {
        context,
        config: settings,
        told: None,
        pinged: Instant::now(),
    }
    .run(&mut watch, &mut outputs, &waiter);
    outputs.close()?;
    done.map(|()| 0)
}

/// One reading: it is in the history before the file of metrics says so.
fn once(context: &Context, config: &Config, watch: &mut Watch<'_>) -> Result<u8> {
    let Context { root, scope, .. } = context;
    let mut single = Single(None);
    let tick = watch.tick(Timestamp::now(), &mut single)?;
    tick.news.iter().for_each(|news| warn(news));
    let Some(reading) = single.0 else {
        return Err(Error::failed("nothing was read"));
    };
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
    match recorded {
        true => Ok(0),
        false => Err(Error::failed("the reading was not recorded")),
    }
}

/// So many ticks in a row may yield nothing at all before the watch gives up, and systemd begins it anew.
const LOST_TICKS: u32 = 30;

/// By D-Bus a reading costs PID 1 a call or two for each unit (FACTS 8): no more often than this, and no more than
/// a twentieth of the time.
const BUS_PAUSE: Duration = Duration::from_secs(60);
const BUS_SHARE: u32 = 20;

/// The watch as a service: what systemd is told of it, and what it is told by signals.
struct Daemon<'c> {
    context: &'c Context,
    config: Config,
    /// The status that systemd shows.
    told: Option<String>,
    /// When the watchdog heard of us.
    pinged: Instant,
}

impl Daemon<'_> {
    fn run(
        mut self,
        watch: &mut Watch<'_>,
        outputs: &mut Outputs<'_>,
        waiter: &Waiter,
    ) -> Result<()> {
        let (mut first, mut lost) = (true, 0);
        loop {
            let begun = Instant::now();
            match watch.tick(Timestamp::now(), outputs) {
                Ok(tick) => {
                    tick.news.iter().for_each(|news| warn(news));
                    self.notify(&tick, first);
                    (first, lost) = (false, 0);
                }
                // The first shows whether anything can be read here; later ones may fail for a while.
                Err(error) if first || lost >= LOST_TICKS => return Err(error),
                Err(error) => {
                    if lost == 0 {
                        warn(&error.to_string());
                    }
                    lost += 1;
                }
            }
            if outputs.has_ended() {
                return Err(Error::failed(
                    "the thread that writes the history has ended",
                ));
            }
            let pause = match watch.source() {
                Source::Cgroup => until_next(Timestamp::now(), self.config.interval),
                Source::Bus => BUS_PAUSE.max(begun.elapsed() * BUS_SHARE),
            };
            match waiter.wait(pause) {
                Woken::Time => {}
                Woken::Again => self.reload(outputs)?,
                Woken::Stop => {
                    notify(&[NotifyState::Stopping]);
                    return Ok(());
                }
            }
        }
    }

    /// Tells systemd what it shows, and the watchdog that all is well: only what is new, and seldom. PID 1 reads
    /// each message.
    fn notify(&mut self, tick: &Tick, first: bool) {
        let mut states = Vec::new();
        if first {
            states.push(NotifyState::Ready);
        }
        let status = status(tick, &self.config);
        if self.told.as_ref() != Some(&status) {
            states.push(NotifyState::Status(&status));
        }
        let patience = sd_notify::watchdog_enabled();
        if patience.is_some_and(|limit| first || self.pinged.elapsed() >= limit / 3) {
            states.push(NotifyState::Watchdog);
            self.pinged = Instant::now();
        }
        if !states.is_empty() {
            notify(&states);
        }
        self.told = Some(status);
    }

    /// SIGHUP: the settings anew. Faulty ones are told, and those that count go on counting.
    fn reload(&mut self, outputs: &mut Outputs<'_>) -> Result<()> {
        let Context { root, scope, .. } = self.context;
        match config::read(root, scope).checked() {
            Ok(config) => {
                outputs.follow(&config)?;
                self.config = config;
                tell("settings read again");
            }
            Err(error) => tell(&format!("{error}\nthe settings before go on counting")),
        }
        Ok(())
    }
}

fn status(tick: &Tick, config: &Config) -> String {
    let units = match tick.units {
        1 => "1 unit".to_owned(),
        n => format!("{n} units"),
    };
    format!("Recording {units} every {}", config.interval.span())
}

/// systemd may have been replaced by something that does not listen: no reason to stop watching.
fn notify(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(states);
}

fn warn(text: &str) {
    tell(&format!("warning: {text}"));
}
