//! What is done once no gate forbids it, step by step: `(Run, Input, now) → (Run, effects)`.
//!
//! The caller, for each input: [`step`]; [`absorb`] the answer into the unit's state and save it; then carry out what
//! [`absorb`] gave back, in order, and feed what comes of it. Killed anywhere, it finds the [`Run`] in the state and
//! feeds [`Input::Resumed`].

mod turn;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::gate::Withheld;
use super::window::later;
use super::{Done, Look, Wish};
use crate::journal::Event;
use crate::profile;
use crate::sample::Start;
use crate::state::{Ineffective, UnitState};
use crate::systemd::names::UnitName;
use crate::units::Span;

use turn::Turn;

/// How long a unit is to be alive before it counts as alive.
pub const SETTLE: Span = Span::seconds(10);

/// How long after it the need must stay down.
pub const JUDGE: Span = Span::seconds(300);

/// So many in a row that do not help are enough.
pub const USELESS: u32 = 2;

/// How often PID 1 is asked at most while something is awaited.
const POLL: Span = Span::seconds(1);

/// A restart or reload under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// What somebody wants.
    pub wish: Wish,
    /// When it was begun.
    pub begun: Timestamp,
    /// The unit's need then, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<u64>,
    /// What PID 1 said of the unit before.
    pub look: Look,
    /// Services to start before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// Services to start after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// When PID 1 was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Timestamp>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive: Option<Alive>,
    /// The boot that it was begun in, as the kernel numbers them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub boot: String,
    /// How far it is.
    pub step: Step,
}

/// A unit that lives after its restart or reload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alive {
    /// The invocation it lives with.
    pub invocation: String,
    /// When it was seen alive with it first.
    pub since: Timestamp,
    /// Its need since, as far as anything is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<u64>,
    /// For how long it was not active, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downtime_usec: Option<u64>,
    /// The units that went down with it and were started again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<String>,
}

/// How far a [`Run`] is. The step is saved before what it stands for is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "kebab-case")]
pub enum Step {
    /// Nothing was done yet.
    New,
    /// Services are started before it.
    Before {
        /// The number of the one that was started.
        nth: usize,
    },
    /// They have run, and took their time: the gates and PID 1 are asked again.
    Again,
    /// PID 1 was asked, or is about to be.
    Asked,
    /// It has answered, and what is true now is looked at.
    Answered {
        /// What it answered.
        answer: Answer,
        /// When.
        since: Timestamp,
        /// So often the unit was seen on its way since: a clock that jumps ahead is no time that has passed.
        #[serde(default)]
        looks: u32,
    },
    /// The job is over and the unit alive: whether it stays so is looked at after a while.
    Settling {
        /// When the job was over.
        since: Timestamp,
        /// So often the unit was seen on its way since.
        #[serde(default)]
        looks: u32,
    },
    /// Units that went down with it are looked after.
    Dependents {
        /// Those that are left, this one first.
        left: Vec<String>,
        /// Since when the first one is looked after.
        since: Timestamp,
        /// It was asked to start.
        started: bool,
    },
    /// Services are started after it.
    After {
        /// The number of the one that was started.
        nth: usize,
    },
    /// Whether it helps is awaited.
    Judging {
        /// So many readings were taken in time.
        seen: u32,
    },
    /// It is over.
    Ended,
}

/// What became of asking PID 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", content = "why", rename_all = "kebab-case")]
pub enum Answer {
    /// The job is over: `done`.
    Done,
    /// The job is over with another result: `failed`, `timeout`, `canceled`, `dependency`, `skipped`.
    Job(String),
    /// The call was refused, nothing was queued: the error's text.
    Refused(String),
    /// Nobody knows: the bus was lost, or the wait for the job ended before the job.
    Unknown(String),
}

/// A unit that went down with another, as PID 1 knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// `ActiveState`.
    pub active: String,
    /// `Result` of a service, where it has one.
    pub result: String,
    /// A job is queued or running for it.
    pub job: bool,
}

/// What has come.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Go.
    Begin,
    /// The end of an [`Effect::Start`].
    Started {
        /// Which.
        unit: String,
        /// What went wrong.
        result: Result<(), String>,
    },
    /// The end of an [`Effect::Again`]: PID 1's new look if nothing forbids it, or what does.
    Gated(Result<Box<Look>, Withheld>),
    /// The end of an [`Effect::Restart`] or [`Effect::Reload`].
    Answer(Answer),
    /// The end of an [`Effect::Look`]. If PID 1 could not be asked, nothing: the next tick asks again.
    Looked(Box<Look>),
    /// The end of an [`Effect::Glance`]. If PID 1 could not be asked, nothing: the next tick asks again.
    Glanced {
        /// Which.
        unit: String,
        /// How it is.
        glance: Glance,
    },
    /// A reading of the unit, asked for or not.
    Reading {
        /// Its need, if it is known.
        need: Option<u64>,
        /// Of which start.
        start: Start,
    },
    /// Time has passed; see [`Run::due`].
    Tick,
    /// memctl was killed and started anew; this run was found in the state.
    Resumed,
    /// The same, and the machine was started anew meanwhile: with it the unit.
    Rebooted,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// `Manager::look` at the unit → [`Input::Looked`].
    Look,
    /// Look at another unit → [`Input::Glanced`].
    Glance(String),
    /// Take a reading of the unit → [`Input::Reading`].
    Read,
    /// Ask the gates again, look, ask [`gates_of_look`](super::gate::gates_of_look) → [`Input::Gated`].
    Again,
    /// Start a unit (`StartUnit`, mode `fail`), wait for the job → [`Input::Started`].
    Start(String),
    /// `TryRestartUnit`, mode `fail`, wait for the job → [`Input::Answer`]. At most once a run.
    Restart,
    /// `ReloadUnit`, mode `fail`, wait for the job → [`Input::Answer`]. At most once a run.
    Reload,
    /// Into the journal.
    Tell(Event),
    /// Something was done: into [`UnitState::done`].
    Count(Done),
    /// It did not help: one more in a row. What is told if they are too many ([`absorb`] counts).
    Useless(Event),
    /// It helped.
    Helped,
    /// It is over; [`UnitState::run`] is none.
    End,
}

impl Run {
    /// A run that is not begun yet; feed it [`Input::Begin`].
    #[must_use]
    pub fn new(
        wish: Wish,
        settings: &profile::Restart,
        look: Look,
        need: Option<u64>,
        now: Timestamp,
    ) -> Self {
        let names = |units: &Option<Vec<UnitName>>| {
            let units = units.iter().flatten();
            units.map(ToString::to_string).collect()
        };
        Self {
            wish,
            begun: now,
            need,
            look,
            before: names(&settings.before),
            after: names(&settings.after),
            asked: None,
            alive: None,
            boot: String::new(),
            step: Step::New,
        }
    }

    /// Whether no other unit of the host may be restarted meanwhile: judging is watching only. An administrator's wish
    /// may replace a run that is not busy.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !matches!(self.step, Step::Judging { .. } | Step::Ended)
    }

    /// When an [`Input::Tick`] is of use next; `None`: another input is awaited. A tick more does no harm.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let soon = later(now, POLL);
        let alive = self.alive.as_ref().map(|alive| alive.since);
        match &self.step {
            Step::Answered { .. } | Step::Dependents { started: false, .. } => Some(soon),
            Step::Settling { .. } => alive.map(|since| later(since, SETTLE).max(soon)),
            Step::Judging { .. } => alive.map(|since| later(since, JUDGE).max(soon)),
            _ => None,
        }
    }
}

/// One step.
#[must_use]
pub fn step(run: Run, input: Input, unit: &UnitName, now: Timestamp) -> (Run, Vec<Effect>) {
    let mut turn = Turn::new(run, unit, now);
    turn.take(input);
    turn.end()
}

/// Puts a step's end into the unit's state (`fingerprint` as in [`Circumstances`](super::gate::Circumstances)): the run, what
/// was counted, whether it helped. Gives back what is to be carried out once the state is saved.
#[must_use]
pub fn absorb(
    state: &mut UnitState,
    run: Run,
    effects: Vec<Effect>,
    fingerprint: &str,
    now: Timestamp,
) -> Vec<Effect> {
    state.run = Some(run);
    let mut left = Vec::new();
    for effect in effects {
        match effect {
            Effect::Count(done) => state.done.push(done),
            Effect::Helped => state.useless = 0,
            Effect::Useless(event) => {
                state.useless = state.useless.saturating_add(1);
                if state.useless >= USELESS {
                    state.ineffective = Some(Ineffective {
                        since: now,
                        of: fingerprint.to_owned(),
                    });
                    left.push(Effect::Tell(event));
                }
            }
            Effect::End => state.run = None,
            other => left.push(other),
        }
    }
    left
}

#[cfg(test)]
mod tests;
