//! The kinds of events: a fixed `MESSAGE_ID`, a name and a level each.

use log::Level;

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
    /// A unit grows and may leak, and no rule that asks the detector has told it.
    Suspect,
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

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 22] = [
        Self::Applied,
        Self::Removed,
        Self::RolledBack,
        Self::Pending,
        Self::Fired,
        Self::Cleared,
        Self::Begun,
        Self::Done,
        Self::Failed,
        Self::Withheld,
        Self::Ineffective,
        Self::Reclaimed,
        Self::Signalled,
        Self::Stalled,
        Self::NearLimit,
        Self::Killed,
        Self::Suspect,
        Self::Snapshot,
        Self::Hold,
        Self::Release,
        Self::ProfileBad,
        Self::Suppressed,
    ];

    /// Its `MESSAGE_ID`, which the catalog and other programs know it by: it never changes.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Applied => "cb681b7f8da94106ae22d8c726d1679d",
            Self::Removed => "4e88cdfd2c8a40649fca16dcfb855656",
            Self::RolledBack => "ff1e01a35799467491d36debe2ddf3f7",
            Self::Pending => "b457d33f4d544d5899bad2017872cd72",
            Self::Fired => "20dee5d721a04b0090085a9570cfe90d",
            Self::Cleared => "cfe2709ef458411da331ec3139f26458",
            Self::Begun => "5dcb27a5812b4989b79d93348c87606f",
            Self::Done => "0c94304b225b46d08dacc5eb13a58b23",
            Self::Failed => "6fa87fc1faf34f949349bb679e4d10a9",
            Self::Withheld => "852ba4c1b3904059b0fa47dbee251cdd",
            Self::Ineffective => "28b9db190ed64ee2980743dd7929a2ea",
            Self::Reclaimed => "48692bbb1a2f4b1aad8b9f579154e830",
            Self::Signalled => "b70285c083254dabb46dc5a0bee5cdab",
            Self::Stalled => "94d0c5910c0d49119f15c439c4caf805",
            Self::NearLimit => "1a8dc513b648401f9490ccee55360fc2",
            Self::Killed => "749f791030f44b60b455cf2d4c3a9c63",
            Self::Suspect => "c8a6a53bab35449ca4774633c8ab4ce2",
            Self::Snapshot => "ae7aafe827694fa1975522418e077d76",
            Self::Hold => "c48b0db54b454d1f8c336cadc78ec75e",
            Self::Release => "8109d5dab702428087ceae3b8f6d5ec8",
            Self::ProfileBad => "d8c6c8e24a6944e1be2dab8d4937a0cf",
            Self::Suppressed => "459d322aa2ed4784ae726b9b4acdd949",
        }
    }

    /// Its name, `MEMCTL_EVENT`: `restart-done`. It never changes either.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Removed => "removed",
            Self::RolledBack => "rolled-back",
            Self::Pending => "pending",
            Self::Fired => "rule-fired",
            Self::Cleared => "rule-cleared",
            Self::Begun => "restart-begun",
            Self::Done => "restart-done",
            Self::Failed => "restart-failed",
            Self::Withheld => "restart-withheld",
            Self::Ineffective => "restart-ineffective",
            Self::Reclaimed => "memory-reclaimed",
            Self::Signalled => "worker-signalled",
            Self::Stalled => "stalled",
            Self::NearLimit => "near-limit",
            Self::Killed => "oom-killed",
            Self::Suspect => "suspect",
            Self::Snapshot => "snapshot-taken",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::ProfileBad => "profile-bad",
            Self::Suppressed => "alerts-suppressed",
        }
    }

    /// The kind that a `MESSAGE_ID` stands for.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == id)
    }

    /// Its level, in the words of the log crate: `Info` is notice in the journal, `Debug` is info.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Self::RolledBack | Self::Failed | Self::Ineffective | Self::Stalled | Self::Killed => {
                Level::Error
            }
            Self::Fired
            | Self::Withheld
            | Self::NearLimit
            | Self::ProfileBad
            | Self::Suppressed => Level::Warn,
            Self::Applied
            | Self::Removed
            | Self::Pending
            | Self::Cleared
            | Self::Done
            | Self::Signalled
            | Self::Snapshot
            | Self::Hold
            | Self::Release => Level::Info,
            Self::Begun | Self::Reclaimed | Self::Suspect => Level::Debug,
        }
    }

    /// Its `PRIORITY` in the journal: 3 err, 4 warning, 5 notice, 6 info.
    #[must_use]
    pub fn priority(self) -> u8 {
        match self.level() {
            Level::Error => 3,
            Level::Warn => 4,
            Level::Info => 5,
            Level::Debug => 6,
            Level::Trace => 7,
        }
    }

    /// Whether somebody is to be told at once. What an administrator has typed, and what only leads to another event,
    /// is in the journal alone.
    #[must_use]
    pub fn alerts(self) -> bool {
        matches!(
            self,
            Self::Fired
                | Self::Cleared
                | Self::Done
                | Self::Failed
                | Self::Withheld
                | Self::Ineffective
                | Self::Stalled
                | Self::NearLimit
                | Self::Killed
                | Self::ProfileBad
                | Self::Suppressed
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_and_names_tell_them_apart() {
        let ids: BTreeSet<&str> = Kind::ALL.map(Kind::id).into();
        let names: BTreeSet<&str> = Kind::ALL.map(Kind::name).into();
        assert_eq!((ids.len(), names.len()), (Kind::ALL.len(), Kind::ALL.len()));
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        assert!(ids.iter().all(|id| id.len() == 32 && id.chars().all(hex)));
        for kind in Kind::ALL {
            assert_eq!(Kind::of_id(kind.id()), Some(kind));
            let kebab = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(kind.name().chars().all(kebab), "{}", kind.name());
        }
        assert_eq!(Kind::of_id("fe6faa94e7774663a0da52717891d8ef"), None);
    }

    /// Other programs match them: frozen.
    #[test]
    fn ids_stay_as_they_are() {
        assert_eq!(Kind::Done.id(), "0c94304b225b46d08dacc5eb13a58b23");
        assert_eq!(Kind::Fired.id(), "20dee5d721a04b0090085a9570cfe90d");
        assert_eq!(Kind::Failed.name(), "restart-failed");
        let all = Kind::ALL.map(Kind::id).concat();
        assert!(all.starts_with("cb681b7f8da94106") && all.ends_with("ae726b9b4acdd949"));
    }

    #[test]
    fn what_went_wrong_is_louder_than_what_was_done() {
        assert_eq!(Kind::Failed.priority(), 3);
        assert_eq!(Kind::Withheld.priority(), 4);
        assert_eq!(Kind::Done.priority(), 5);
        assert_eq!(Kind::Begun.priority(), 6);
        let errors = Kind::ALL.into_iter().filter(|k| k.priority() == 3);
        // A rollback happens under the eyes of whoever applied.
        assert!(errors.filter(|k| !k.alerts()).eq([Kind::RolledBack]));
    }
}
