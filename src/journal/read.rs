//! memctl's entries as `journalctl --output=json` prints them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::{Event, Kind};

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When journald took it in.
    pub time: Timestamp,
    /// The boot it is of, 32 hexadecimal digits.
    pub boot: Option<String>,
    /// The event's [name](Kind::name).
    pub event: String,
    /// 3 err, 4 warning, 5 notice, 6 info.
    pub priority: u8,
    /// Of which unit; `None` for the host.
    pub unit: Option<String>,
    /// What happened, for people.
    pub message: String,
    /// Of which profile.
    pub profile: Option<String>,
    /// `MEMCTL_RULE`.
    pub rule: Option<String>,
    /// `MEMCTL_ACTION`.
    pub action: Option<String>,
    /// Bytes.
    pub need: Option<u64>,
    /// Bytes.
    pub limit: Option<u64>,
    /// Bytes.
    pub freed: Option<u64>,
    /// Microseconds.
    pub downtime_usec: Option<u64>,
    /// The reason in one word.
    pub why: Option<String>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// How many.
    pub count: Option<u64>,
    /// It was only said, and not done.
    pub dry_run: bool,
    /// What `memctl log --event` finds it by.
    pub alert_id: Option<String>,
}

impl Entry {
    /// The entry of an event that was written just now.
    #[must_use]
    pub fn of(event: &Event, time: Timestamp) -> Self {
        Self {
            time,
            boot: None,
            event: event.kind.name().to_owned(),
            priority: event.kind.priority(),
            unit: event.unit.as_ref().map(ToString::to_string),
            message: event.message.clone(),
            profile: event.profile.clone(),
            rule: event.rule.clone(),
            action: event.action.clone(),
            need: event.need,
            limit: event.limit,
            freed: event.freed,
            downtime_usec: event.downtime_usec,
            why: event.why.clone(),
            until: event.until,
            count: event.count,
            dry_run: event.dry_run,
            alert_id: None,
        }
    }
}

/// A field's value: text, bytes where it is none, nothing where it was too large, several where it stands there
/// several times.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Bytes(Vec<u8>),
    Several(Vec<Value>),
    None(()),
}

impl Value {
    /// The first text.
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Self::Several(values) => values.into_iter().find_map(Self::text),
            Self::None(()) => None,
        }
    }
}

impl Entry {
    /// Reads a line.
    ///
    /// # Errors
    /// It is no entry, or none of memctl's; what is wrong with it.
    pub fn parse(line: &str) -> Result<Self, String> {
        let fields: BTreeMap<String, Value> =
            serde_json::from_str(line).map_err(|e| format!("no entry in JSON ({e})"))?;
        let mut fields = Fields(fields);
        let usec: i64 = fields
            .number("__REALTIME_TIMESTAMP")?
            .ok_or("an entry without __REALTIME_TIMESTAMP")?;
        let time = Timestamp::from_microsecond(usec)
            .map_err(|_| format!("__REALTIME_TIMESTAMP={usec} is beyond all calendars"))?;
        let kind = fields.take("MESSAGE_ID").and_then(|id| Kind::of_id(&id));
        let name = fields.take("MEMCTL_EVENT");
        let event = match (kind, name) {
            (Some(kind), _) => kind.name().to_owned(),
            // Of a newer memctl.
            (None, Some(name)) => name,
            (None, None) => return Err("an entry that is no event of memctl's".to_owned()),
        };
        Ok(Self {
            time,
            boot: fields.take("_BOOT_ID"),
            event,
            priority: fields.number("PRIORITY")?.unwrap_or(6),
            unit: fields.take("MEMCTL_UNIT"),
            message: fields.take("MESSAGE").unwrap_or_default(),
            profile: fields.take("MEMCTL_PROFILE"),
            rule: fields.take("MEMCTL_RULE"),
            action: fields.take("MEMCTL_ACTION"),
            need: fields.number("MEMCTL_NEED")?,
            limit: fields.number("MEMCTL_LIMIT")?,
            freed: fields.number("MEMCTL_FREED")?,
            downtime_usec: fields.number("MEMCTL_DOWNTIME_USEC")?,
            why: fields.take("MEMCTL_WHY"),
            until: fields.time("MEMCTL_UNTIL")?,
            count: fields.number("MEMCTL_COUNT")?,
            dry_run: fields
                .take("MEMCTL_DRY_RUN")
                .is_some_and(|text| text == "1"),
            alert_id: fields.take("MEMCTL_ALERT_ID"),
        })
    }
}

struct Fields(BTreeMap<String, Value>);

impl Fields {
    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)?.text()
    }

    fn number<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        let Some(text) = self.take(name) else {
            return Ok(None);
        };
        let number = text.parse();
        number
            .map(Some)
            .map_err(|_| format!("{name}={} is not a number", crate::units::quote(&text)))
    }

    fn time(&mut self, name: &str) -> Result<Option<Timestamp>, String> {
        let Some(text) = self.take(name) else {
            return Ok(None);
        };
        let time = text.parse();
        time.map(Some)
            .map_err(|_| format!("{name}={} is not a time", crate::units::quote(&text)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::journal::Event;
    use crate::scope::Scope;
    use crate::systemd::names::UnitName;

    #[test]
    fn an_entry_as_journalctl_prints_it() {
        let line = json!({
            "__CURSOR": "s=1;i=2",
            "__REALTIME_TIMESTAMP": "1795489200123456",
            "__MONOTONIC_TIMESTAMP": "12345",
            "_BOOT_ID": "000102030405060708090a0b0c0d0e0f",
            "PRIORITY": "5",
            "MESSAGE_ID": Kind::Done.id(),
            // Not UTF-8, set twice, too large.
            "MESSAGE": [119, 101, 98, 255],
            "MEMCTL_UNIT": ["web.service", "other.service"],
            "MEMCTL_WHY": [[97, 98], null],
            "MEMCTL_RULE": null,
            "MEMCTL_FREED": "1048576",
        });
        let entry = Entry::parse(&line.to_string()).expect("an entry");
        assert_eq!(entry.time.to_string(), "2026-11-24T03:00:00.123456Z");
        assert_eq!(entry.event, "restart-done");
        assert_eq!(entry.message, "web\u{fffd}");
        assert_eq!(entry.unit.as_deref(), Some("web.service"));
        assert_eq!(entry.why.as_deref(), Some("ab"));
        assert_eq!((entry.rule, entry.freed), (None, Some(1 << 20)));
    }

    #[test]
    fn what_is_strange_is_said() {
        let told = |line: &str| Entry::parse(line).expect_err(line);
        assert!(told("-- No entries --").starts_with("no entry in JSON"));
        assert!(told("{}").contains("without __REALTIME_TIMESTAMP"));
        let time = r#""__REALTIME_TIMESTAMP":"1795489200123456""#;
        assert!(told(&format!("{{{time}}}")).contains("no event of memctl's"));
        let known = format!(r#"{{{time},"MEMCTL_EVENT":"new-kind""#);
        let strange = format!(r#"{known},"MEMCTL_NEED":"a lot"}}"#);
        assert_eq!(told(&strange), "MEMCTL_NEED=`a lot` is not a number");
        let strange = format!(r#"{known},"MEMCTL_UNTIL":"noon"}}"#);
        assert_eq!(told(&strange), "MEMCTL_UNTIL=`noon` is not a time");
        let far = r#"{"__REALTIME_TIMESTAMP":"9223372036854775807","MEMCTL_EVENT":"x"}"#;
        assert!(told(far).contains("beyond all calendars"));
        let entry = Entry::parse(&format!("{known}}}")).expect("of a newer memctl");
        assert_eq!((entry.event.as_str(), entry.priority), ("new-kind", 6));
    }

    prop_compose! {
        fn event()(
            kind in proptest::sample::select(Kind::ALL.to_vec()),
            unit in proptest::option::of("[a-z]{1,9}"),
            texts in proptest::collection::vec(proptest::option::of("\\PC{0,9}"), 4),
            numbers in proptest::collection::vec(proptest::option::of(any::<u64>()), 5),
            until in proptest::option::of(0_i64..4_000_000_000),
            message in "(?s).{0,40}",
            dry_run: bool,
        ) -> Event {
            let unit = unit.map(|u| UnitName::parse(&format!("{u}.service")).expect("a name"));
            Event {
                profile: texts[0].clone(),
                rule: texts[1].clone(),
                action: texts[2].clone(),
                why: texts[3].clone(),
                need: numbers[0],
                limit: numbers[1],
                freed: numbers[2],
                downtime_usec: numbers[3],
                count: numbers[4],
                until: until.map(|s| Timestamp::from_second(s).expect("a time")),
                dry_run,
                ..Event::new(kind, unit.as_ref(), message)
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(event in event()) {
            let mut line = json!({
                "__REALTIME_TIMESTAMP": "1795489200000000",
                "MESSAGE": event.message,
                "PRIORITY": event.kind.priority().to_string(),
            });
            for (name, value) in event.fields(&Scope::System, Some("0123456789abcdef")) {
                line[name] = json!(value);
            }
            let entry = Entry::parse(&line.to_string()).expect("an entry");
            prop_assert_eq!(entry, Entry {
                time: "2026-11-24T03:00:00Z".parse().expect("a time"),
                boot: None,
                event: event.kind.name().to_owned(),
                priority: event.kind.priority(),
                unit: event.unit.map(|unit| unit.to_string()),
                message: event.message,
                profile: event.profile,
                rule: event.rule,
                action: event.action,
                need: event.need,
                limit: event.limit,
                freed: event.freed,
                downtime_usec: event.downtime_usec,
                why: event.why,
                until: event.until,
                count: event.count,
                dry_run: event.dry_run,
                alert_id: Some("0123456789abcdef".to_owned()),
            });
        }

        #[test]
        fn any_line_is_an_entry_or_an_error(
            line in "\\PC{0,60}|\\{(\"(MESSAGE|MEMCTL_EVENT|__REALTIME_TIMESTAMP)\":(null|\"[0-9]{0,20}\"|\\[[0-9]{0,3}(,[0-9]{1,3})?\\]),?){0,3}\\}"
        ) {
            if let Err(told) = Entry::parse(&line) {
                prop_assert!(!told.is_empty() && !told.contains('\n'), "{}", told);
            }
        }
    }
}
