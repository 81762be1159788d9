//! What must not be lost: holds, what was done to a unit, restarts under way, what rules remember. One small file a
//! unit in `/var/lib/memctl/state`, replaced as a whole; whoever writes holds the folder's lock.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy;
use crate::restart::Done;
use crate::restart::machine::Run;

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
}

/// Somebody said that nothing is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Since when.
    pub since: Timestamp,
    /// Until when; until it is released, if not given.
    pub until: Option<Timestamp>,
    /// Who, where that is known.
    pub by: Option<String>,
}

/// Two restarts in a row did not help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ineffective {
    /// Since when it is known.
    pub since: Timestamp,
    /// The profile's fingerprint and the unit's fragment then: with another one it may try again.
    pub of: String,
}
