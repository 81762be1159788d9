//! `memctl watch`: read all units in turn and record what they hold.

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
use crate::sample::Reading;
use crate::signals::{Waiter, Woken};
use crate::systemd::manager::connect;
use crate::view::out::tell;
use crate::watch::{Record, Tick, Watch, until_next};

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
    let mut recorder = Recording::start(context, &settings)?;
    let done = if options.once {
        watch.tick(Timestamp::now(), &mut recorder).map(|tick| {
            tick.news.iter().for_each(|news| warn(news));
        })
    } else {
        Daemon {
            context,
            config: settings,
            told: None,
            pinged: Instant::now(),
        }
        .run(&mut watch, &mut recorder, &waiter)
    };
    let written = recorder.close()?;
    done?;
    if options.once && written == 0 {
        return Err(Error::failed("the reading was not recorded"));
    }
    Ok(0)
}

/// Where readings go: the history, and a file of metrics if there is to be one.
struct Recording<'c> {
    context: &'c Context,
    /// None only while one takes another's place.
    history: Option<Recorder>,
    textfile: Option<Textfile>,
    faults: Vec<String>,
}

impl<'c> Recording<'c> {
    fn start(context: &'c Context, config: &Config) -> Result<Self> {
        let mut recording = Self {
            context,
            history: None,
            textfile: None,
            faults: Vec::new(),
        };
        recording.follow(config)?;
        Ok(recording)
    }

    /// Begins anew, by these settings.
    fn follow(&mut self, config: &Config) -> Result<()> {
        let Context { root, scope, .. } = self.context;
        self.close()?;
        self.history = Some(Recorder::start(root, scope, config.history)?);
        let file = config.textfile.clone();
        let systemd = self.context.systemd();
        let file = file.map(|path| Textfile::start(path, systemd));
        self.textfile = file.transpose()?;
        Ok(())
    }

    /// Writes what waits, tells what went wrong, and answers how many readings are in the history.
    fn close(&mut self) -> Result<u64> {
        let Some(recorder) = self.history.take() else {
            return Ok(0);
        };
        let report = recorder.close()?;
        report.faults.iter().for_each(|fault| warn(fault));
        Ok(report.written)
    }
}

impl Record for Recording<'_> {
    fn offer(&mut self, reading: Reading) {
        let Context { root, scope, .. } = self.context;
        if let Some(file) = &mut self.textfile {
            let last = self.history.as_ref().and_then(Recorder::last_tick);
            self.faults = file.offer(root, scope, &reading, last);
        }
        if let Some(history) = &self.history {
            // What is not taken is among its faults.
            history.offer(reading);
        }
    }

    fn faults(&mut self) -> Vec<String> {
        let mut faults = std::mem::take(&mut self.faults);
        faults.extend(self.history.iter().flat_map(Recorder::faults));
        faults
    }
}

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
        recorder: &mut Recording<'_>,
        waiter: &Waiter,
    ) -> Result<()> {
        let mut first = true;
        loop {
            let tick = watch.tick(Timestamp::now(), recorder)?;
            tick.news.iter().for_each(|news| warn(news));
            self.notify(&tick, first);
            first = false;
            match waiter.wait(until_next(Timestamp::now(), self.config.interval)) {
                Woken::Time => {}
                Woken::Again => self.reload(recorder)?,
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
    fn reload(&mut self, recorder: &mut Recording<'_>) -> Result<()> {
        let Context { root, scope, .. } = self.context;
        match config::read(root, scope).checked() {
            Ok(config) => {
                let same = config.history == self.config.history
                    && config.textfile == self.config.textfile;
                if !same {
                    recorder.follow(&config)?;
                }
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
