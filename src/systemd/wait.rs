//! The wait for a job: how long, and what ends it early. The restart itself goes on in systemd either way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::units::Span;

/// How long a Ctrl-C goes unnoticed at most.
pub(super) const LOOK: Duration = Duration::from_millis(200);

/// Where the unit's own limits have no end, or nobody knows them.
const LONGEST_UNKNOWN: Duration = Duration::from_secs(15 * 60);

/// For jobs that this one has to wait for, and for PID 1 to get round to it.
const MARGIN: Duration = Duration::from_secs(60);

/// How long a job may take by the unit's `TimeoutStopSec=` and `TimeoutStartSec=`.
///
/// The first counts twice: `ExecStop=` may use it up, and then the processes have as long after SIGTERM.
pub(super) fn limit(stop: Option<Span>, start: Option<Span>) -> Duration {
    let finite = |span: Option<Span>| span.filter(|span| *span != Span::INFINITY);
    match (finite(stop), finite(start)) {
        (Some(stop), Some(start)) => {
            let usec = stop.0.saturating_mul(2).saturating_add(start.0);
            MARGIN.saturating_add(Duration::from_micros(usec))
        }
        _ => LONGEST_UNKNOWN,
    }
}

/// A wait that has begun.
#[derive(Debug)]
pub(super) struct Wait<'a> {
    interrupted: &'a AtomicBool,
    until: Option<Instant>,
    limit: Duration,
}

impl<'a> Wait<'a> {
    pub(super) fn begin(interrupted: &'a AtomicBool, limit: Duration) -> Self {
        Self {
            interrupted,
            // A limit of centuries is none.
            until: Instant::now().checked_add(limit),
            limit,
        }
    }

    /// Whether to go on waiting.
    pub(super) fn check(&self, doing: &str, unit: &str) -> Result<()> {
        let why = if self.interrupted.load(Ordering::Relaxed) {
            "interrupted".to_owned()
        } else if self.until.is_some_and(|until| Instant::now() >= until) {
            format!("no end after {} s", self.limit.as_secs())
        } else {
            return Ok(());
        };
        let message = format!("{doing} {unit}: {why}; systemd goes on with it");
        Err(Error::failed(message).remedy(format!(
            "`systemctl list-jobs` shows whether it still does, `systemctl status {unit}` how it ended"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_units_own() {
        let seconds = |n| Some(Span::seconds(n));
        assert_eq!(limit(seconds(90), seconds(90)).as_secs(), 330);
        assert_eq!(limit(seconds(0), seconds(1)).as_secs(), 61);
        for (stop, start) in [
            (None, seconds(1)),
            (seconds(1), None),
            (Some(Span::INFINITY), seconds(1)),
            (seconds(1), Some(Span::INFINITY)),
        ] {
            assert_eq!(limit(stop, start), LONGEST_UNKNOWN);
        }
        let long = limit(Some(Span(u64::MAX - 1)), seconds(1));
        let flag = AtomicBool::new(false);
        assert_eq!(
            Wait::begin(&flag, long).check("restarting", "a.service"),
            Ok(())
        );
    }

    #[test]
    fn what_ends_it_says_that_systemd_goes_on() {
        let flag = AtomicBool::new(false);
        let over = Wait::begin(&flag, Duration::ZERO)
            .check("restarting", "a.service")
            .expect_err("over");
        assert!(over.message().contains("no end after 0 s"), "{over}");
        let wait = Wait::begin(&flag, Duration::from_secs(900));
        assert_eq!(wait.check("restarting", "a.service"), Ok(()));
        flag.store(true, Ordering::Relaxed);
        let told = wait
            .check("restarting", "a.service")
            .expect_err("interrupted")
            .to_string();
        for part in [
            "interrupted",
            "systemd goes on",
            "systemctl list-jobs",
            "a.service",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}
