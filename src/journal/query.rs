//! What is asked of journalctl.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{Kind, scope_name};
use crate::scope::Scope;
use crate::systemd::names::{NameKind, UnitName};

/// The fields that are read beside those that are always there.
const FIELDS: [&str; 18] = [
    "MESSAGE",
    "MESSAGE_ID",
    "PRIORITY",
    "MEMCTL_EVENT",
    "MEMCTL_UNIT",
    "MEMCTL_PROFILE",
    "MEMCTL_RULE",
    "MEMCTL_ACTION",
    "MEMCTL_NEED",
    "MEMCTL_LIMIT",
    "MEMCTL_FREED",
    "MEMCTL_DOWNTIME_USEC",
    "MEMCTL_WHY",
    "MEMCTL_UNTIL",
    "MEMCTL_COUNT",
    "MEMCTL_DRY_RUN",
    "MEMCTL_ALERT_ID",
    "MEMCTL_SCOPE",
];

/// Which of memctl's entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Of which manager's units.
    pub scope: Scope,
    /// Of which units; all, and the host's, if none is named.
    pub units: Vec<UnitName>,
    /// The one that has this alert id.
    pub alert_id: Option<String>,
    /// Not older.
    pub since: Option<Timestamp>,
    /// Not younger.
    pub until: Option<Timestamp>,
    /// Only the last so many.
    pub lines: Option<usize>,
    /// Those to come, too.
    pub follow: bool,
    /// Below another root directory.
    pub root: Option<PathBuf>,
}

impl Query {
    /// All entries about a manager's units.
    #[must_use]
    pub fn new(scope: &Scope) -> Self {
        Self {
            scope: scope.clone(),
            units: Vec::new(),
            alert_id: None,
            since: None,
            until: None,
            lines: None,
            follow: false,
            root: None,
        }
    }

    /// Whether every name is one unit's, which the journal looks up by itself; a template's or a prefix's units are
    /// picked out afterwards.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        let exact = |unit: &UnitName| matches!(unit.kind(), NameKind::Plain | NameKind::Instance);
        self.units.iter().all(exact)
    }

    /// Whether an entry about a unit is meant.
    #[must_use]
    pub fn means(&self, unit: Option<&str>) -> bool {
        if self.units.is_empty() {
            return true;
        }
        let unit = unit.and_then(|text| UnitName::parse(text).ok());
        unit.is_some_and(|unit| self.units.iter().any(|name| name.covers(&unit)))
    }

    /// The arguments of journalctl.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = ["--output=json", "--all", "--quiet", "--no-pager"]
            .map(str::to_owned)
            .into();
        let mut add = |argument: String| arguments.push(argument);
        add(format!("--output-fields={}", FIELDS.join(",")));
        if let Some(root) = &self.root {
            add(format!("--root={}", root.display()));
        }
        // A fraction of a second would be rounded as the version at hand likes.
        if let Some(time) = self.since {
            add(format!("--since=@{}", time.as_second()));
        }
        if let Some(time) = self.until {
            add(format!("--until=@{}", time.as_second()));
        }
        match self.lines {
            Some(lines) if self.follow || self.is_exact() => add(format!("--lines={lines}")),
            // By itself, --follow shows the last ten: of a time that was asked for it shows all.
            _ if self.follow && self.since.is_some() => add("--no-tail".to_owned()),
            _ => {}
        }
        if self.follow {
            add("--follow".to_owned());
        }
        // The kernel vouches for the user id: nobody else's program speaks for memctl.
        let uid = match &self.scope {
            Scope::System => 0,
            Scope::User(user) => user.uid,
        };
        add(format!("_UID={uid}"));
        add(format!("MEMCTL_SCOPE={}", scope_name(&self.scope)));
        if let Some(id) = &self.alert_id {
            add(format!("MEMCTL_ALERT_ID={id}"));
        }
        if self.is_exact() {
            for unit in &self.units {
                add(format!("MEMCTL_UNIT={unit}"));
            }
        }
        for kind in Kind::ALL {
            add(format!("MESSAGE_ID={}", kind.id()));
        }
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::User;

    fn unit(text: &str) -> UnitName {
        UnitName::parse(text).expect(text)
    }

    /// Without the fields and the ids, which are always the same.
    fn arguments(query: &Query) -> Vec<String> {
        let mut all = query.arguments();
        let count = all.len();
        all.retain(|a| !a.starts_with("MESSAGE_ID=") && !a.starts_with("--output-fields="));
        assert_eq!(count - all.len(), Kind::ALL.len() + 1);
        all
    }

    #[test]
    fn only_root_speaks_of_the_system_s_units() {
        let query = Query {
            units: vec![unit("web.service"), unit("worker@1.service")],
            since: Some("2026-11-24T03:00:00.9Z".parse().expect("a time")),
            lines: Some(5),
            ..Query::new(&Scope::System)
        };
        assert_eq!(
            arguments(&query),
            [
                "--output=json",
                "--all",
                "--quiet",
                "--no-pager",
                "--since=@1795489200",
                "--lines=5",
                "_UID=0",
                "MEMCTL_SCOPE=system",
                "MEMCTL_UNIT=web.service",
                "MEMCTL_UNIT=worker@1.service"
            ]
        );
    }

    #[test]
    fn a_user_s_own_are_the_user_s() {
        let user = User {
            uid: 1000,
            runtime: "/run/user/1000".into(),
            config: "/home/x/.config".into(),
            data: "/home/x/.local/share".into(),
            state: "/home/x/.local/state".into(),
        };
        let query = Query {
            alert_id: Some("0123456789abcdef".to_owned()),
            ..Query::new(&Scope::User(user))
        };
        let ends = [
            "_UID=1000",
            "MEMCTL_SCOPE=user",
            "MEMCTL_ALERT_ID=0123456789abcdef",
        ];
        assert!(arguments(&query).ends_with(&ends.map(str::to_owned)));
    }

    #[test]
    fn a_template_s_units_are_picked_out_here() {
        let query = Query {
            units: vec![unit("worker@.service"), unit("celery-.service")],
            lines: Some(5),
            ..Query::new(&Scope::System)
        };
        let asked = arguments(&query).join(" ");
        assert!(
            !asked.contains("MEMCTL_UNIT") && !asked.contains("--lines"),
            "{asked}"
        );
        for (name, meant) in [
            (Some("worker@1.service"), true),
            (Some("celery-beat.service"), true),
            (Some("web.service"), false),
            (Some("no unit"), false),
            (None, false),
        ] {
            assert_eq!(query.means(name), meant, "{name:?}");
        }
        assert!(Query::new(&Scope::System).means(None));
    }

    #[test]
    fn what_follows_a_time_is_shown_whole() {
        let mut query = Query {
            follow: true,
            ..Query::new(&Scope::System)
        };
        assert!(!arguments(&query).contains(&"--no-tail".to_owned()));
        query.since = Some(Timestamp::UNIX_EPOCH);
        assert!(arguments(&query).contains(&"--no-tail".to_owned()));
        query.lines = Some(3);
        assert!(!arguments(&query).contains(&"--no-tail".to_owned()));
        assert!(arguments(&query).contains(&"--lines=3".to_owned()));
    }
}
