//! What must not be lost: holds, what was done to a unit, restarts under way, what rules remember. One small file a
//! unit in `/var/lib/memctl/state`, replaced as a whole; whoever writes holds the folder's lock. Beside them is one file
//! that may be lost: what the leak detector remembers.

pub mod acts;
pub mod detectors;
mod store;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::journal::alerts::Alerts;
use crate::policy;
use crate::restart::gate::Gate;
use crate::restart::machine::Run;
use crate::restart::{Deed, Done};

pub use store::Store;

/// What is remembered of a unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnitState {
    /// Nothing is done to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// What memctl did to it, the oldest first; kept for 31 days.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<Done>,
    /// So many restarts in a row did not help.
    #[serde(skip_serializing_if = "is_zero")]
    pub useless: u32,
    /// Restarts do not help, and are over for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ineffective: Option<Ineffective>,
    /// A restart or reload that has begun and is not over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// What its rules remember, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, policy::Memory>,
    /// A restart or reload that they want, as long as they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wish: Option<Wished>,
}

/// What rules want to be done. The timer's memctl is another one each minute, and is neither to say the same each time
/// nor to begin its waiting anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wished {
    /// What.
    pub deed: Deed,
    /// Since when.
    pub since: Timestamp,
    /// By which gates it was told to be withheld.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub told: BTreeSet<Gate>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Somebody said that nothing is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Since when.
    pub since: Timestamp,
    /// Until when; until it is released, if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Hold {
    /// Whether it counts still.
    #[must_use]
    pub fn counts(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Two restarts in a row did not help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ineffective {
    /// Since when it is known.
    pub since: Timestamp,
    /// The fingerprint of profile and unit then: with another one it may try again.
    pub of: String,
}

/// What is remembered of the whole host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostState {
    /// Nothing is done to any unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Which alerts were sent, so that the timer sends no more of them than the daemon does.
    #[serde(skip_serializing_if = "is_default")]
    pub alerts: Alerts,
}

fn is_default(alerts: &Alerts) -> bool {
    *alerts == Alerts::default()
}

impl UnitState {
    /// Whether there is anything to be remembered.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        *self == Self::default()
    }

    /// The hold that counts now.
    #[must_use]
    pub fn held(&self, now: Timestamp) -> Option<&Hold> {
        self.hold.as_ref().filter(|hold| hold.counts(now))
    }
}

#[cfg(test)]
mod tests;
