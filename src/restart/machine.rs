//! What is done once no gate forbids it, step by step: `(Run, Input, now) → (Run, effects)`.
//!
//! The caller, for each input: [`step`]; [`absorb`] the answer into the unit's state and save it; then carry out what
//! [`absorb`] gave back, in order, and feed what comes of it. Killed anywhere, it finds the [`Run`] in the state and
//! feeds [`Input::Resumed`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::gate::Withheld;
use super::{Deed, Done, Look, Wish};
use crate::journal::Event;
use crate::profile;
use crate::sample::Start;
use crate::state::UnitState;
use crate::systemd::names::UnitName;

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
    /// So many restarts in a row did not help before this one.
    #[serde(default)]
    pub useless: u32,
    /// How far it is.
    pub step: Step,
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
    Asked {
        /// Since when.
        since: Timestamp,
        /// What it answered.
        answer: Option<Answer>,
    },
    /// The job is over and the unit alive: it is looked at again after a while.
    Settling {
        /// When the job was over.
        since: Timestamp,
        /// When it was alive first with this invocation.
        alive: Timestamp,
        /// The invocation it was alive with.
        invocation: String,
        /// Its need since, if anything is known.
        need: Option<u64>,
    },
    /// Units that went down with it are looked after.
    Dependents {
        /// The invocation it is alive with.
        invocation: String,
        /// Its need, if anything is known.
        need: Option<u64>,
        /// Those that are left to look after, this one first.
        left: Vec<String>,
        /// Since when the first one is looked after.
        since: Timestamp,
        /// It was asked to start.
        asked: bool,
    },
    /// Services are started after it.
    After {
        /// The invocation it is alive with.
        invocation: String,
        /// Its need, if anything is known.
        need: Option<u64>,
        /// The number of the one that was started.
        nth: usize,
    },
    /// Whether it helps is awaited.
    Judging {
        /// The invocation it is alive with.
        invocation: String,
        /// Since when it is alive.
        since: Timestamp,
        /// A reading was taken since.
        seen: bool,
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
    /// The end of an [`Effect::Glance`]; `None`: no such unit is loaded.
    Glanced {
        /// Which.
        unit: String,
        /// How it is.
        glance: Option<Glance>,
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
    /// It did not help (or did).
    Useless(bool),
    /// It is over; [`UnitState::run`] is none.
    End,
}

impl Run {
    /// A run that is not begun yet; feed it [`Input::Begin`].
    #[must_use]
    pub fn new(
        wish: Wish,
        settings: &profile::Restart,
        state: &UnitState,
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
            useless: state.useless,
            step: Step::New,
        }
    }

    /// Whether no other unit of the host may be restarted meanwhile: judging is watching only.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !matches!(self.step, Step::Judging { .. } | Step::Ended)
    }

    /// When a [`Input::Tick`] does something next; `None`: another input is awaited.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        None
    }
}

/// One step.
#[must_use]
pub fn step(run: Run, input: Input, unit: &UnitName, now: Timestamp) -> (Run, Vec<Effect>) {
    let _ = (input, unit, now);
    (run, Vec::new())
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
    let _ = (fingerprint, now, Deed::Restart);
    state.run = Some(run);
    effects
}
