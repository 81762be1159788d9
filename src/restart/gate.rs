//! What forbids a restart or reload now. Two questions: what memctl knows by itself, and, when nothing of that is in
//! the way, what PID 1 says of the unit.

mod asked;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Deed, Look, Wish};
use crate::profile;
use crate::state::{Hold, UnitState};
use crate::systemd::names::UnitName;
use crate::units::Span;

use asked::Asked;

/// How long restarts that do not help are over.
pub const INEFFECTIVE: Span = Span::seconds(24 * 60 * 60);

/// Why a restart or reload is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// It is no service.
    NotService,
    /// The machine, or the way to it, hangs on the unit; or `protect` names it.
    Protected,
    /// Somebody said that nothing is to be done to it.
    Hold,
    /// Somebody said that nothing is to be done on this host.
    HostHold,
    /// What was done could not be remembered.
    Unwritable,
    /// Restarts do not help.
    Ineffective,
    /// So many within a time were enough.
    Limit,
    /// The last one was a short while ago.
    Cooldown,
    /// Outside of the restart window.
    Window,
    /// This machine's turn comes later.
    Jitter,
    /// It is to be idle first, and nobody can tell whether it is.
    Idle,
    /// Another unit of this host is being restarted.
    Busy,
    /// The machine goes down.
    Shutdown,
    /// PID 1 has a job for it already: a stop, a start.
    JobQueued,
    /// It is not `active`.
    NotActive,
    /// A oneshot's work would be done again.
    Oneshot,
    /// `RefuseManualStop=` or `RefuseManualStart=`.
    Refuses,
    /// It has no `ExecReload=`.
    NoReload,
    /// A unit that would go down with it is protected.
    DependentProtected,
    /// A unit that would go down with it is held.
    DependentHeld,
    /// One start more, and PID 1 would start it no more (`StartLimitBurst=`).
    StartLimit,
    /// A `before` service failed.
    Before,
    /// It was stopped, failed or started anew before PID 1 came to it.
    Overtaken,
    /// memctl was killed meanwhile; what was not done is not made up for.
    Interrupted,
}

impl Gate {
    /// One word: `window`, `start-limit`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotService => "not-service",
            Self::Protected => "protected",
            Self::Hold => "hold",
            Self::HostHold => "host-hold",
            Self::Unwritable => "unwritable",
            Self::Ineffective => "ineffective",
            Self::Limit => "limit",
            Self::Cooldown => "cooldown",
            Self::Window => "window",
            Self::Jitter => "jitter",
            Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Shutdown => "shutdown",
            Self::JobQueued => "job-queued",
            Self::NotActive => "not-active",
            Self::Oneshot => "oneshot",
            Self::Refuses => "refuses",
            Self::NoReload => "no-reload",
            Self::DependentProtected => "dependent-protected",
            Self::DependentHeld => "dependent-held",
            Self::StartLimit => "start-limit",
            Self::Before => "before",
            Self::Overtaken => "overtaken",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A restart or reload that is wanted, and forbidden for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// By what.
    pub gate: Gate,
    /// Half a sentence for people, the moment in it: `it is held until 2026-11-24 10:00`.
    pub why: String,
    /// Until when, where that is known.
    pub until: Option<Timestamp>,
}

/// What a gate looks at, beside PID 1.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The unit's restart settings.
    pub settings: &'a profile::Restart,
    /// What is remembered of the unit; [`tidy`](crate::restart::tidy::tidy) first.
    pub state: &'a UnitState,
    /// The fingerprint of profile and unit now, as [`Ineffective::of`](crate::state::Ineffective) has it.
    pub fingerprint: &'a str,
    /// A hold of the whole host.
    pub host_hold: Option<&'a Hold>,
    /// The holds of other units by name: of those that would go down with this one.
    pub holds: &'a BTreeMap<String, Hold>,
    /// What `protect` names, beside the built-in ones.
    pub protect: &'a [UnitName],
    /// Another unit of this host that is being restarted: [`Run::is_busy`](super::machine::Run::is_busy).
    pub busy: Option<&'a str>,
    /// `/etc/machine-id`.
    pub machine: u128,
    /// What is done can be remembered.
    pub writable: bool,
    /// Local time, for messages.
    pub local: &'a TimeZone,
    /// The zone of the window: [`window::zone`](super::window::zone). `None`: this machine does not know it.
    pub zone: Option<&'a TimeZone>,
    /// Since when the rule holds: a `jitter` without a window counts from there. `None`: no delay.
    pub wished: Option<Timestamp>,
}

/// What forbids it, before PID 1 is asked: all of it, the one to be told first.
///
/// What an administrator asks for by hand waits for no window and no cooldown; it is withheld only where it would do
/// harm that the administrator perhaps does not see.
#[must_use]
pub fn gates(wish: &Wish, unit: &UnitName, c: &Circumstances<'_>, now: Timestamp) -> Vec<Withheld> {
    let asked = Asked { wish, unit, c, now };
    let always = [
        asked.type_of(),
        asked.protected(),
        asked.held(Gate::Hold, c.state.hold.as_ref(), "it", unit.as_str()),
        asked.held(Gate::HostHold, c.host_hold, "this host", "--all"),
        asked.unwritable(),
    ];
    let by_rule = [
        asked.ineffective(),
        asked.limit(),
        asked.cooldown(),
        asked.window(),
        asked.idle(),
    ];
    let mut found: Vec<Withheld> = always.into_iter().flatten().collect();
    if !wish.is_by_hand() {
        found.extend(by_rule.into_iter().flatten());
    }
    found.extend(asked.busy());
    found
}

/// What forbids it by what PID 1 says: all of it, the one to be told first.
#[must_use]
pub fn gates_of_look(
    wish: &Wish,
    unit: &UnitName,
    look: &Look,
    c: &Circumstances<'_>,
    now: Timestamp,
) -> Vec<Withheld> {
    let asked = Asked { wish, unit, c, now };
    let simple = [
        (
            look.system == "stopping",
            Gate::Shutdown,
            "the system is being shut down".to_owned(),
        ),
        (
            look.job,
            Gate::JobQueued,
            "systemd has a job for it already (`systemctl list-jobs`)".to_owned(),
        ),
        (
            look.active != "active",
            Gate::NotActive,
            format!("it is {} ({})", look.active, look.sub),
        ),
        (
            look.kind == "oneshot",
            Gate::Oneshot,
            "it is a oneshot, and its work would be done again".to_owned(),
        ),
        (
            wish.deed == Deed::Restart && look.refuses,
            Gate::Refuses,
            "its unit file refuses it (RefuseManualStop= or RefuseManualStart=)".to_owned(),
        ),
        (
            wish.deed == Deed::Reload && !look.can_reload,
            Gate::NoReload,
            "it has no ExecReload=".to_owned(),
        ),
    ];
    let simple = simple.into_iter().filter(|(holds, ..)| *holds);
    let mut found: Vec<Withheld> = simple
        .map(|(_, gate, why)| Withheld {
            gate,
            why,
            until: None,
        })
        .collect();
    // A reload stops nothing, and starts nothing.
    if wish.deed == Deed::Restart {
        found.extend(look.dependents.iter().filter_map(|d| asked.dependent(d)));
        found.extend(asked.start_limit(look));
    }
    found
}

#[cfg(test)]
mod tests;
