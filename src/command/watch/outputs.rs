//! Where the watch's readings go.

use std::io::ErrorKind;

use jiff::Timestamp;

use super::warn;
use crate::command::Context;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::exporter::Textfile;
use crate::history::{History, Recorder};
use crate::sample::Reading;
use crate::watch::Record;

/// Where the daemon's readings go, and what it has to know of that.
pub(super) trait Sink {
    /// Takes readings.
    fn record(&mut self) -> &mut dyn Record;
    /// From now on by these settings.
    fn follow(&mut self, config: &Config) -> Result<()>;
    /// Whether nothing is recorded any more.
    fn has_ended(&self) -> bool;
}

/// Keeps nothing: for a dry run.
pub(super) struct Nothing;

impl Record for Nothing {
    fn offer(&mut self, _: Reading) {}

    fn faults(&mut self) -> Vec<String> {
        Vec::new()
    }
}

impl Sink for Nothing {
    fn record(&mut self) -> &mut dyn Record {
        self
    }

    fn follow(&mut self, _: &Config) -> Result<()> {
        Ok(())
    }

    fn has_ended(&self) -> bool {
        false
    }
}

/// Keeps one reading.
pub(super) struct Single(pub Option<Reading>);

impl Record for Single {
    fn offer(&mut self, reading: Reading) {
        self.0 = Some(reading);
    }

    fn faults(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// Where readings go: the history, and a file of metrics if there is to be one.
pub(super) struct Outputs<'c> {
    context: &'c Context,
    history: Recorder,
    textfile: Option<Textfile>,
    /// When a reading was recorded last, before this watch began.
    before: Option<Timestamp>,
    faults: Vec<String>,
}

impl<'c> Outputs<'c> {
    pub fn start(context: &'c Context, config: &Config) -> Result<Self> {
        let Context { root, scope, .. } = context;
        let file = config.textfile.clone();
        let file = file.map(|path| Textfile::start(root, scope, path));
        // What cannot be read is set aside by the writer, and told there.
        let history = History::open(root, scope).ok().flatten();
        Ok(Self {
            context,
            before: history.and_then(|history| history.last_tick().ok().flatten()),
            history: Recorder::start(root, scope, config.history)?,
            textfile: file.transpose()?,
            faults: Vec::new(),
        })
    }

    /// When a reading was recorded last, before this watch began.
    pub fn before(&self) -> Option<Timestamp> {
        self.before
    }

    /// Writes what waits, and tells what went wrong.
    pub fn close(self) -> Result<()> {
        let mut faults = self.history.close()?.faults;
        faults.extend(self.textfile.into_iter().flat_map(Textfile::close));
        faults.iter().for_each(|fault| warn(fault));
        Ok(())
    }
}

impl Sink for Outputs<'_> {
    fn record(&mut self) -> &mut dyn Record {
        self
    }

    /// A file of metrics that is none any more goes: nobody would keep it current.
    fn follow(&mut self, config: &Config) -> Result<()> {
        let Context { root, scope, .. } = self.context;
        if !self.history.keep(config.history) {
            warn("the disk is too slow: how long the history is kept changes with the next reload");
        }
        let path = self.textfile.as_ref().map(Textfile::path);
        if path == config.textfile.as_deref() {
            return Ok(());
        }
        if let Some(old) = self.textfile.take() {
            let path = old.path().to_owned();
            self.faults = old.close();
            if let Err(e) = std::fs::remove_file(&path)
                && e.kind() != ErrorKind::NotFound
            {
                self.faults.push(Error::io("remove", &path, &e).to_string());
            }
        }
        let file = config.textfile.clone();
        let file = file.map(|path| Textfile::start(root, scope, path));
        self.textfile = file.transpose()?;
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.history.has_ended()
    }
}

impl Record for Outputs<'_> {
    fn offer(&mut self, reading: Reading) {
        if let Some(file) = &self.textfile {
            let last = self.history.last_tick().or(self.before);
            self.faults = file.offer(reading.clone(), last);
        }
        // What is not taken is among its faults.
        self.history.offer(reading);
    }

    fn faults(&mut self) -> Vec<String> {
        let mut faults = std::mem::take(&mut self.faults);
        faults.extend(self.history.faults());
        faults
    }
}
