//! What happened, in the journal: every event has a stable `MESSAGE_ID`, an entry in the catalog, and fields.
//!
//! ```text
//! Event → fields → write → journald → journalctl → read (query, entry) → memctl log
//!            ↘ alerts (which unit to start, and how often)
//! ```

pub mod alerts;
pub mod changes;
mod kind;
pub mod query;
pub mod read;
mod write;

use jiff::Timestamp;

use crate::scope::Scope;
use crate::systemd::names::UnitName;

pub use kind::Kind;
pub use write::{Journal, SystemJournal, alert_id};

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What kind.
    pub kind: Kind,
    /// Of which unit; `None` for the host.
    pub unit: Option<UnitName>,
    /// What happened, in one line for people.
    pub message: String,
    /// `MEMCTL_PROFILE`: of which profile, where it is about one.
    pub profile: Option<String>,
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
    /// `MEMCTL_COUNT`: how many; of alerts that were not sent.
    pub count: Option<u64>,
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
            profile: None,
            rule: None,
            action: None,
            need: None,
            limit: None,
            freed: None,
            downtime_usec: None,
            why: None,
            until: None,
            count: None,
            dry_run: false,
        }
    }
    /// The fields of its entry beside `MESSAGE` and `PRIORITY`, `MESSAGE_ID` first. What is unknown is absent.
    #[must_use]
    pub fn fields(&self, scope: &Scope, alert_id: Option<&str>) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("MESSAGE_ID", self.kind.id().to_owned()),
            ("MEMCTL_EVENT", self.kind.name().to_owned()),
            ("MEMCTL_SCOPE", scope_name(scope).to_owned()),
        ];
        let mut add = |name, value: Option<String>| fields.extend(value.map(|v| (name, v)));
        let number = |n: Option<u64>| n.map(|n| n.to_string());
        let unit = || self.unit.as_ref().map(UnitName::to_string);
        // `journalctl -u` shows it then, if root wrote it (FACTS 27); `journalctl --user -u` matches the other.
        let object = match scope {
            Scope::System => "OBJECT_SYSTEMD_UNIT",
            Scope::User(_) => "OBJECT_SYSTEMD_USER_UNIT",
        };
        add(object, unit());
        add("MEMCTL_UNIT", unit());
        add("MEMCTL_PROFILE", self.profile.clone());
        add("MEMCTL_RULE", self.rule.clone());
        add("MEMCTL_ACTION", self.action.clone());
        add("MEMCTL_NEED", number(self.need));
        add("MEMCTL_LIMIT", number(self.limit));
        add("MEMCTL_FREED", number(self.freed));
        add("MEMCTL_DOWNTIME_USEC", number(self.downtime_usec));
        add("MEMCTL_WHY", self.why.clone());
        add("MEMCTL_UNTIL", self.until.map(|time| time.to_string()));
        add("MEMCTL_COUNT", number(self.count));
        add("MEMCTL_DRY_RUN", self.dry_run.then(|| "1".to_owned()));
        add("MEMCTL_ALERT_ID", alert_id.map(str::to_owned));
        fields
    }
}

/// `MEMCTL_SCOPE`: root may run a manager of its own beside PID 1, under the same user id.
pub(crate) fn scope_name(scope: &Scope) -> &'static str {
    if scope.is_user() { "user" } else { "system" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::User;

    fn web() -> UnitName {
        UnitName::parse("web.service").expect("a name")
    }

    #[test]
    fn fields_say_what_is_known_and_nothing_else() {
        let event = Event {
            rule: Some("leak".to_owned()),
            need: Some(412 << 20),
            downtime_usec: Some(0),
            until: Some("2026-11-24T05:00:00Z".parse().expect("a time")),
            dry_run: true,
            ..Event::new(Kind::Withheld, Some(&web()), "web.service is not restarted")
        };
        let fields = event.fields(&Scope::System, Some("0123456789abcdef"));
        let expected = [
            ("MESSAGE_ID", Kind::Withheld.id()),
            ("MEMCTL_EVENT", "restart-withheld"),
            ("MEMCTL_SCOPE", "system"),
            ("OBJECT_SYSTEMD_UNIT", "web.service"),
            ("MEMCTL_UNIT", "web.service"),
            ("MEMCTL_RULE", "leak"),
            ("MEMCTL_NEED", "432013312"),
            ("MEMCTL_DOWNTIME_USEC", "0"),
            ("MEMCTL_UNTIL", "2026-11-24T05:00:00Z"),
            ("MEMCTL_DRY_RUN", "1"),
            ("MEMCTL_ALERT_ID", "0123456789abcdef"),
        ];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_user_s_unit_is_another_object_than_the_system_s() {
        let user = Scope::User(User {
            uid: 1000,
            runtime: "/run/user/1000".into(),
            config: "/home/x/.config".into(),
            data: "/home/x/.local/share".into(),
            state: "/home/x/.local/state".into(),
        });
        let names = |event: &Event| -> Vec<&str> {
            let fields = event.fields(&user, None);
            fields.into_iter().map(|(name, _)| name).collect()
        };
        let of_unit = names(&Event::new(Kind::Done, Some(&web()), ""));
        assert!(of_unit.contains(&"OBJECT_SYSTEMD_USER_UNIT"), "{of_unit:?}");
        assert!(!of_unit.contains(&"OBJECT_SYSTEMD_UNIT"), "{of_unit:?}");
        let of_host = names(&Event::new(Kind::Suppressed, None, ""));
        assert_eq!(of_host, ["MESSAGE_ID", "MEMCTL_EVENT", "MEMCTL_SCOPE"]);
    }
}
