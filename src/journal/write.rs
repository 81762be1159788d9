//! Writing events. A journal that is not there ends nothing: what happened is told on standard error then.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use log::Record;
use rustix::rand::{GetRandomFlags, getrandom};
use systemd_journal_logger::JournalLog;

use super::Event;
use crate::scope::Scope;
use crate::view::out::tell;

/// Where events are written.
pub trait Journal {
    /// Writes an event. Answers the id that its entry can be found by, `memctl log --event ID`, where
    /// [its kind](super::Kind::alerts) is one that somebody is told of; none where it did not reach the journal.
    fn write(&mut self, event: &Event) -> Option<String>;
}

/// The running system's journal.
pub struct SystemJournal {
    scope: Scope,
    log: Option<JournalLog>,
    /// What became of the last event: that the journal cannot be reached is told once.
    unreachable: bool,
    silent: bool,
}

impl SystemJournal {
    /// The journal, for the events of a manager's units.
    #[must_use]
    pub fn new(scope: &Scope) -> Self {
        Self {
            scope: scope.clone(),
            log: None,
            unreachable: false,
            silent: false,
        }
    }

    /// For verbs that print what they have done: where there is no journal, nobody is told a second time.
    #[must_use]
    pub fn silent(self) -> Self {
        Self {
            silent: true,
            ..self
        }
    }

    /// What is told on standard error of an event that could not be written.
    fn instead(&mut self, error: &io::Error, event: &Event) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.unreachable {
            let error = crate::error::describe_io(error);
            lines.push(format!(
                "warning: the journal cannot be reached ({error}); events are told here"
            ));
        }
        self.unreachable = true;
        lines.push(event.message.clone());
        lines.retain(|_| !self.silent);
        lines
    }

    fn send(&mut self, event: &Event, alert_id: Option<&str>) -> io::Result<()> {
        let fields = event.fields(&self.scope, alert_id);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let log = match &mut self.log {
            Some(log) => log,
            none => none.insert(JournalLog::empty()?.with_syslog_identifier("memctl".to_owned())),
        };
        let sent = log.journal_send(
            &Record::builder()
                .level(event.kind.level())
                .target("memctl")
                .key_values(&fields.as_slice())
                .args(format_args!("{}", event.message))
                .build(),
        );
        if sent.is_err() {
            self.log = None;
        }
        sent
    }
}

impl Journal for SystemJournal {
    fn write(&mut self, event: &Event) -> Option<String> {
        let id = event.kind.alerts().then(alert_id);
        match self.send(event, id.as_deref()) {
            Ok(()) => {
                self.unreachable = false;
                id
            }
            Err(error) => {
                self.instead(&error, event)
                    .iter()
                    .for_each(|line| tell(line));
                None
            }
        }
    }
}

/// For tests: what would have been written. Ids count up.
impl Journal for Vec<Event> {
    fn write(&mut self, event: &Event) -> Option<String> {
        self.push(event.clone());
        event.kind.alerts().then(|| format!("{:016x}", self.len()))
    }
}

/// A new id: 16 hexadecimal digits, which stand in a unit's name as they are.
#[must_use]
pub fn alert_id() -> String {
    let mut bytes = [0; 8];
    // Not to wait for entropy early at boot: then it need only be another one than all before.
    match getrandom(&mut bytes, GetRandomFlags::NONBLOCK) {
        Ok(8) => {}
        _ => bytes = unlike_others().to_be_bytes(),
    }
    format!("{:016x}", u64::from_be_bytes(bytes))
}

/// Different at each call and, as far as the clock is right, from those of other processes.
fn unlike_others() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = time.map_or(0, |t| t.as_nanos() as u64);
    let process = u64::from(std::process::id()) << 40;
    nanos.wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed)) ^ process
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::journal::Kind;
    use crate::systemd::names::escape;

    #[test]
    fn ids_are_new_each_time_and_need_no_escaping() {
        let ids: BTreeSet<String> = (0..1000).map(|_| alert_id()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 16 && escape(id) == *id));
        let others: BTreeSet<u64> = (0..1000).map(|_| unlike_others()).collect();
        assert_eq!(others.len(), 1000);
    }

    #[test]
    fn a_journal_that_is_not_there_is_told_once_and_each_event_is() {
        let event = Event::new(Kind::Done, None, "web.service was restarted");
        let absent = io::Error::from_raw_os_error(2);
        let mut journal = SystemJournal::new(&Scope::System);
        assert_eq!(
            journal.instead(&absent, &event),
            [
                "warning: the journal cannot be reached (No such file or directory); events are told here",
                "web.service was restarted"
            ]
        );
        assert_eq!(
            journal.instead(&absent, &event),
            ["web.service was restarted"]
        );
        let mut silent = SystemJournal::new(&Scope::System).silent();
        assert_eq!(silent.instead(&absent, &event), [""; 0]);
    }

    #[test]
    fn only_what_alerts_has_an_id() {
        let mut journal = Vec::new();
        let event = |kind| Event::new(kind, None, "");
        assert_eq!(journal.write(&event(Kind::Hold)), None);
        let id = journal.write(&event(Kind::Failed));
        assert_eq!(id.as_deref(), Some("0000000000000002"));
        assert_eq!(journal.len(), 2);
    }
}
