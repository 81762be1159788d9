//! What happened, in the journal: every event has a stable `MESSAGE_ID`, an entry in the catalog, and fields.

use jiff::Timestamp;

use crate::systemd::names::UnitName;

/// What kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Limits were put in force.
    Applied,
    /// A profile was removed.
    Removed,
    /// A change failed and was taken back.
    RolledBack,
    /// A limit waits for the unit's next start.
    Pending,
    /// A rule has begun to hold, or holds still after `repeat`.
    Fired,
    /// It holds no more.
    Cleared,
    /// A restart or reload has begun.
    Begun,
    /// It is done, and the unit is alive.
    Done,
    /// It failed.
    Failed,
    /// It was wanted, and something forbids it for now.
    Withheld,
    /// Restarts do not help; there will be none.
    Ineffective,
    /// Memory was reclaimed from a unit.
    Reclaimed,
    /// A worker was signalled.
    Signalled,
    /// A unit is throttled at MemoryHigh with no way out.
    Stalled,
    /// A unit without a rule for it is near its limit.
    NearLimit,
    /// Processes of a unit without a rule for it were killed.
    Killed,
    /// A snapshot was taken.
    Snapshot,
    /// Nothing is to be done to a unit, or to any.
    Hold,
    /// That is over.
    Release,
    /// A profile is faulty; the last good one goes on counting.
    ProfileBad,
    /// Alerts were too many, and some were not sent.
    Suppressed,
}

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What kind.
    pub kind: Kind,
    /// Of which unit; `None` for the host.
    pub unit: Option<UnitName>,
    /// What happened, in one line for people.
    pub message: String,
    /// `MEMCTL_RULE`.
    pub rule: Option<String>,
    /// `MEMCTL_ACTION`.
    pub action: Option<String>,
    /// `MEMCTL_NEED`, bytes.
    pub need: Option<u64>,
    /// `MEMCTL_LIMIT`, bytes: what the need was held against.
    pub limit: Option<u64>,
    /// `MEMCTL_FREED`, bytes.
    pub freed: Option<u64>,
    /// `MEMCTL_DOWNTIME_USEC`.
    pub downtime_usec: Option<u64>,
    /// `MEMCTL_WHY`: the reason in one word: a gate, a job's result.
    pub why: Option<String>,
    /// `MEMCTL_UNTIL`: until when it is withheld or held.
    pub until: Option<Timestamp>,
    /// `MEMCTL_DRY_RUN=1`: it was only said, and not done.
    pub dry_run: bool,
}

impl Event {
    /// An event of which nothing more is known yet.
    #[must_use]
    pub fn new(kind: Kind, unit: Option<&UnitName>, message: impl Into<String>) -> Self {
        Self {
            kind,
            unit: unit.cloned(),
            message: message.into(),
            rule: None,
            action: None,
            need: None,
            limit: None,
            freed: None,
            downtime_usec: None,
            why: None,
            until: None,
            dry_run: false,
        }
    }
}
