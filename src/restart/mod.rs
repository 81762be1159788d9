//! Restarting a unit gracefully: a pure machine, `(state, input, now) → (state, effects)`. `watch` and `memctl restart`
//! carry the effects out.
//!
//! ```text
//! wanted → gate → look (PID 1) → gate → before → job → settling (10 s) → dependents → after → judging (5 min)
//! ```

pub mod gate;
pub mod judge;
pub mod machine;
pub mod protect;
pub mod tell;
pub mod tidy;
pub mod window;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is done to a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// `TryRestartUnit`.
    Restart,
    /// `ReloadUnit`: `ExecReload=`.
    Reload,
}

/// What somebody wants to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// What.
    pub deed: Deed,
    /// The rules that ask for it; none by hand.
    pub rules: Vec<String>,
    /// Why, in words.
    pub why: String,
    /// It need not wait for the window.
    pub ignores_window: bool,
    /// It need not wait for the unit to be idle.
    pub ignores_idle: bool,
}

impl Wish {
    /// Whether an administrator typed it, and no rule asked.
    #[must_use]
    pub fn is_by_hand(&self) -> bool {
        self.rules.is_empty()
    }
}

/// A restart or reload that memctl has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// When PID 1 was asked.
    pub time: Timestamp,
    /// What.
    pub deed: Deed,
}

/// A unit as PID 1 knows it, as far as a restart goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// `ActiveState`.
    pub active: String,
    /// `SubState`.
    pub sub: String,
    /// `InvocationID`, 32 hexadecimal digits; empty if never started.
    pub invocation: String,
    /// `Result` of a service: `success`, `exit-code`, `start-limit-hit`…
    pub result: String,
    /// A job is queued or running for it.
    pub job: bool,
    /// `Type` of a service: `simple`, `oneshot`…
    pub kind: String,
    /// `CanReload`: it has an `ExecReload=`.
    pub can_reload: bool,
    /// `RefuseManualStop` or `RefuseManualStart`.
    pub refuses: bool,
    /// `StartLimitBurst`; 0 is no limit.
    pub start_limit_burst: u32,
    /// `StartLimitIntervalUSec`; 0 is no limit.
    pub start_limit_usec: u64,
    /// `NRestarts`: by systemd itself in a row.
    pub restarts: u32,
    /// `InactiveExitTimestamp`: when its last start began.
    pub started: Option<Timestamp>,
    /// `ActiveExitTimestampMonotonic`, microseconds; 0 if never.
    pub active_exit_usec: u64,
    /// `ActiveEnterTimestampMonotonic`, microseconds; 0 if never.
    pub active_enter_usec: u64,
    /// `SystemState`: `running`, `degraded`, `stopping`…
    pub system: String,
    /// The units that a restart of this one restarts or stops, on every level; only those that are active.
    pub dependents: Vec<Dependent>,
}

/// A unit that goes down with another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependent {
    /// Which; of any type, targets among them.
    pub unit: String,
    /// Its own directive that says so: `PartOf`, `BindsTo`, `Requires`, `StopPropagatedFrom`.
    pub by: String,
    /// Its invocation before.
    pub invocation: String,
}
