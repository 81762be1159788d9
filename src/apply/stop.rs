//! The steps of a transaction by name, and a way to die at each of them, for tests.

/// A point between two steps of a transaction at which memctl may be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The lock is held, nothing is changed.
    Locked,
    /// The record of the old state is on disk.
    Recorded,
    /// Units are throttled and reclaimed.
    Throttled,
    /// The new profiles are written beside the old ones.
    Staged,
    /// The first new profile is in place, the others are not.
    FirstInstalled,
    /// All profiles are in place; the record still says undo.
    Installed,
    /// The new profiles count.
    Committed,
    /// systemd has reloaded.
    Reloaded,
    /// The kernel has the limits.
    Realized,
    /// Rolling back: the old profiles count again, and are not yet in place.
    Undoing,
    /// Rolling back: the old profiles are in place.
    Restored,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 11] = [
        Self::Locked,
        Self::Recorded,
        Self::Throttled,
        Self::Staged,
        Self::FirstInstalled,
        Self::Installed,
        Self::Committed,
        Self::Reloaded,
        Self::Realized,
        Self::Undoing,
        Self::Restored,
    ];

    /// Its name for `MEMCTL_STOP_AT`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Recorded => "recorded",
            Self::Throttled => "throttled",
            Self::Staged => "staged",
            Self::FirstInstalled => "first-installed",
            Self::Installed => "installed",
            Self::Committed => "committed",
            Self::Reloaded => "reloaded",
            Self::Realized => "realized",
            Self::Undoing => "undoing",
            Self::Restored => "restored",
        }
    }
}

/// Ends the process by SIGKILL if the environment asks for it at this step. Nothing in a released build.
#[cfg(feature = "stop-points")]
pub fn reached(step: Step) {
    if std::env::var("MEMCTL_STOP_AT").is_ok_and(|at| at == step.name()) {
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Nothing: only builds with the feature `stop-points` can be stopped.
#[cfg(not(feature = "stop-points"))]
pub fn reached(_step: Step) {}

/// Pretends that the kernel refused, if the environment asks for it: the way into a rollback. Never in a
/// released build.
#[cfg(feature = "stop-points")]
#[must_use]
pub fn refuse() -> bool {
    std::env::var_os("MEMCTL_REFUSE").is_some()
}

/// Never in a released build.
#[cfg(not(feature = "stop-points"))]
#[must_use]
pub fn refuse() -> bool {
    false
}
