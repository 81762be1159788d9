//! Jobs: what starts, restarts and reloads units, and the wait for its end.

use std::time::Duration;

use futures_util::StreamExt as _;
use zbus::message::Type;
use zbus::wire::OwnedObjectPath;
use zbus::{MatchRule, MessageStream};

use super::{CALL_TIMEOUT, Client, MANAGER, SERVICE, is_lost};
use crate::systemd::lasting::{Answer, Failure};
use crate::systemd::manager::Job;
use crate::systemd::wait::{self, Wait};
use crate::units::Span;

impl Client {
    /// Has a job made, in mode `fail`: it never takes the place of a queued stop or shutdown (FACTS 18). Waits for
    /// its end.
    pub(super) fn make_job(&mut self, job: Job, unit: &str) -> Answer<String> {
        let method = match job {
            Job::Start => "StartUnit",
            Job::Restart => "TryRestartUnit",
            Job::Reload => "ReloadUnit",
        };
        let limit = self.limit(unit)?;
        // Subscribed before the call, or a quick job would be missed (FACTS 19).
        let mut signals = self.subscribe()?;
        let answer = self.call(method, &(unit, "fail"), CALL_TIMEOUT)?;
        let path: OwnedObjectPath = self.body(method, &answer)?;
        let wait = Wait::begin(&self.interrupted, limit);
        self.runtime.block_on(async {
            loop {
                match tokio::time::timeout(wait::LOOK, signals.next()).await {
                    Ok(Some(Ok(message))) => {
                        let removed: Option<(u32, OwnedObjectPath, String, String)> =
                            message.body().deserialize().ok();
                        if let Some((_, removed, _, result)) = removed
                            && removed == path
                        {
                            return Ok(result);
                        }
                    }
                    Ok(Some(Err(e))) if is_lost(&e) => return Err(self.lost(method, e)),
                    Ok(None) => return Err(self.lost(method, "the signals ended")),
                    // A signal that nobody can read; nothing yet.
                    Ok(Some(Err(_))) | Err(_) => {}
                }
                wait.check(job.doing(), unit).map_err(Failure::Unended)?;
            }
        })
    }

    /// How long a job of a unit may take.
    fn limit(&self, unit: &str) -> Answer<Duration> {
        let path = self.object(unit)?;
        let span = |name: &str| match self.property(path.as_str(), SERVICE, name) {
            Ok(value) => Ok(u64::try_from(value).ok().map(Span)),
            // No service has no such property.
            Err(Failure::Refused(_)) => Ok(None),
            Err(lost) => Err(lost),
        };
        Ok(wait::limit(
            span("TimeoutStopUSec")?,
            span("TimeoutStartUSec")?,
        ))
    }

    /// Signals come to subscribers alone.
    fn subscribe(&mut self) -> Answer<MessageStream> {
        if !self.subscribed {
            self.call("Subscribe", &(), CALL_TIMEOUT)?;
            self.subscribed = true;
        }
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .interface(MANAGER)
            .member("JobRemoved")
            .build()
            .map_err(|e| self.strange("Subscribe", e))?;
        let stream = MessageStream::for_match_rule(rule, &self.connection, None);
        let stream = self.runtime.block_on(stream);
        stream.map_err(|e| self.explain("Subscribe", &e))
    }
}
