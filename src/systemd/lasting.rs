//! A manager that outlives its connection: D-Bus may be restarted while limits are applied.
//!
//! A lost connection is made anew once; where that does not help, `systemctl` is asked from then on, which has a
//! private way to PID 1 for root (FACTS 20a).

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::restart::Look;
use crate::systemd::manager::{Figures, Job, JobEnd, Manager, UnitInfo, UnitState};
use crate::systemd::names::{UnitName, UnitType};
use crate::systemd::wait::{self, Wait};

/// Why a call over a connection came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection is gone, or systemd is gone from it: nobody knows whether the call has arrived.
    Lost(Error),
    /// systemd said no, or something strange, or nothing in time.
    Refused(Error),
    /// The wait for a job has ended, and the job has not.
    Unended(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// What a connection answers.
pub(super) type Answer<T> = std::result::Result<T, Failure>;

/// A manager at the other end of one connection; the calls are [`Manager`]'s.
pub(super) trait Bus {
    fn version(&mut self) -> Answer<String>;
    fn reload(&mut self) -> Answer<()>;
    fn nudge(&mut self, unit: &UnitName) -> Answer<()>;
    fn state(&mut self, unit: &UnitName) -> Answer<UnitState>;
    fn units(&mut self, types: &[UnitType]) -> Answer<Vec<UnitInfo>>;
    fn figures(&mut self, unit: &UnitName) -> Answer<Option<Figures>>;
    fn look(&mut self, unit: &str) -> Answer<Look>;
    /// The job's result: `done`, `failed`…
    fn job(&mut self, job: Job, unit: &str) -> Answer<String>;
}

/// Makes a connection.
pub(super) type Dial = Box<dyn FnMut() -> Result<Box<dyn Bus>>>;

/// Between two looks at a restart of whose end nobody will tell.
const PAUSE: Duration = Duration::from_millis(500);

/// After so many looks that see nothing of a restart, PID 1 will not have been asked for one.
const QUIET_LOOKS: u32 = 6;

/// A manager over a connection, then another, then none.
pub(super) struct Lasting {
    bus: Option<Box<dyn Bus>>,
    dial: Dial,
    other: Box<dyn Manager>,
    interrupted: Arc<AtomicBool>,
    pause: Duration,
}

impl Lasting {
    /// Over `bus` as long as there is one, and what `dial` makes in its place; then over `other`.
    pub(super) fn new(
        bus: Option<Box<dyn Bus>>,
        dial: Dial,
        other: Box<dyn Manager>,
        interrupted: Arc<AtomicBool>,
    ) -> Self {
        Self {
            bus,
            dial,
            other,
            interrupted,
            pause: PAUSE,
        }
    }

    /// For calls that may be made twice.
    fn ask<T>(
        &mut self,
        over_bus: impl Fn(&mut dyn Bus) -> Answer<T>,
        otherwise: impl FnOnce(&mut dyn Manager) -> Result<T>,
    ) -> Result<T> {
        let Some(bus) = &mut self.bus else {
            return otherwise(self.other.as_mut());
        };
        let lost = match over_bus(bus.as_mut()) {
            Ok(answer) => return Ok(answer),
            Err(Failure::Refused(e) | Failure::Unended(e)) => return Err(e),
            Err(Failure::Lost(e)) => e,
        };
        self.bus = (self.dial)().ok();
        if let Some(bus) = &mut self.bus {
            match over_bus(bus.as_mut()) {
                Ok(answer) => return Ok(answer),
                Err(Failure::Refused(e) | Failure::Unended(e)) => return Err(e),
                Err(Failure::Lost(_)) => self.bus = None,
            }
        }
        otherwise(self.other.as_mut()).map_err(|e| e.context(lost.message()))
    }

    /// Watches a restart that was perhaps asked for, and asks for no other: one too many would cut off work that
    /// the first one let begin.
    fn watch(&mut self, unit: &UnitName, before: &UnitState, lost: &Error) -> Result<()> {
        let interrupted = Arc::clone(&self.interrupted);
        let wait = Wait::begin(&interrupted, wait::limit(None, None));
        let mut quiet = 0;
        loop {
            let now = self.state(unit).map_err(|e| e.context(lost.message()))?;
            match seen(before, &now) {
                Seen::Restarted => return Ok(()),
                Seen::Down => {
                    let message = format!("restarting {unit}: it is {} now", now.active);
                    let remedy = format!("`systemctl status {unit}` and its journal say why");
                    return Err(Error::failed(message)
                        .context(lost.message())
                        .remedy(remedy));
                }
                Seen::UnderWay => quiet = 0,
                Seen::Nothing => {
                    quiet += 1;
                    if quiet >= QUIET_LOOKS {
                        let message = format!("{unit} was not restarted");
                        let told = Error::failed(message).context(lost.message());
                        return Err(told.remedy("try again; is D-Bus running?"));
                    }
                }
            }
            wait.check("restarting", unit.as_str())?;
            std::thread::sleep(self.pause);
        }
    }
}

/// What a unit's state tells of a restart.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// It runs as another invocation (FACTS 19).
    Restarted,
    /// It goes up or down, or has a job.
    UnderWay,
    /// It does not run, and nobody is about to start it.
    Down,
    /// It is as it was.
    Nothing,
}

fn seen(before: &UnitState, now: &UnitState) -> Seen {
    let settled = matches!(now.active.as_str(), "active" | "inactive" | "failed");
    let same = now.invocation == before.invocation;
    match now.active.as_str() {
        _ if now.job || !settled => Seen::UnderWay,
        "active" if !same => Seen::Restarted,
        active if same && active == before.active => Seen::Nothing,
        _ => Seen::Down,
    }
}

impl Manager for Lasting {
    fn version(&mut self) -> Result<String> {
        self.ask(|bus| bus.version(), |other| other.version())
    }

    // Once more does no harm: neither here nor for a nudge.
    fn reload(&mut self) -> Result<()> {
        self.ask(|bus| bus.reload(), |other| other.reload())
    }

    fn nudge(&mut self, unit: &UnitName) -> Result<()> {
        self.ask(|bus| bus.nudge(unit), |other| other.nudge(unit))
    }

    fn state(&mut self, unit: &UnitName) -> Result<UnitState> {
        self.ask(|bus| bus.state(unit), |other| other.state(unit))
    }

    fn units(&mut self, types: &[UnitType]) -> Result<Vec<UnitInfo>> {
        self.ask(|bus| bus.units(types), |other| other.units(types))
    }

    fn figures(&mut self, unit: &UnitName) -> Result<Option<Figures>> {
        self.ask(|bus| bus.figures(unit), |other| other.figures(unit))
    }

    fn look(&mut self, unit: &str) -> Result<Look> {
        self.ask(|bus| bus.look(unit), |other| other.look(unit))
    }

    fn job(&mut self, job: Job, unit: &str) -> JobEnd {
        let Some(bus) = &mut self.bus else {
            return self.other.job(job, unit);
        };
        match bus.job(job, unit) {
            Ok(result) if result == "done" => JobEnd::Done,
            Ok(result) => JobEnd::Ended(result),
            Err(Failure::Refused(e)) => JobEnd::Refused(e),
            Err(Failure::Unended(e)) => JobEnd::Unknown(e),
            Err(Failure::Lost(e)) => {
                self.bus = (self.dial)().ok();
                JobEnd::Unknown(e)
            }
        }
    }

    fn try_restart(&mut self, unit: &UnitName) -> Result<()> {
        let before = self.state(unit)?;
        let Some(bus) = &mut self.bus else {
            return self.other.try_restart(unit);
        };
        match bus.job(Job::Restart, unit.as_str()) {
            Ok(result) => ended(Job::Restart, unit.as_str(), &result),
            Err(Failure::Refused(e) | Failure::Unended(e)) => Err(e),
            Err(Failure::Lost(lost)) => {
                self.bus = (self.dial)().ok();
                self.watch(unit, &before, &lost)
            }
        }
    }
}

/// A job's result in an administrator's words.
pub(super) fn ended(job: Job, unit: &str, result: &str) -> Result<()> {
    if result == "done" {
        return Ok(());
    }
    let message = format!("{} {unit}: job {result}", job.doing());
    let remedy = format!("`systemctl status {unit}` and its journal say why");
    Err(Error::failed(message).remedy(remedy))
}

#[cfg(test)]
mod tests;
