//! `memctl log`: an entry a line.

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::journal::read::Entry;
use crate::units::visible;
use crate::view::grid::Style;

/// What most units and events have room in; longer ones take what they need.
const UNIT: usize = 24;
const EVENT: usize = 17;

/// `2026-11-24 03:00:00  web.service  restart-done  web.service was restarted…`.
#[must_use]
pub fn line(entry: &Entry, zone: &TimeZone, colour: bool) -> String {
    let time = zone.to_datetime(entry.time).strftime("%F %T").to_string();
    let unit = printable(entry.unit.as_deref().unwrap_or("–"));
    let event = printable(&entry.event);
    let style = match entry.priority {
        0..=3 => Style::Alarm,
        4 => Style::Caution,
        5 => Style::Plain,
        _ => Style::Faint,
    };
    // Colour is no text, and takes no room.
    let blank = |text: &str, room: usize| " ".repeat(room.saturating_sub(text.chars().count()));
    let (after_unit, after_event) = (blank(&unit, UNIT), blank(&event, EVENT));
    let event = style.paint(&event, colour);
    let dry_run = if entry.dry_run { "  (dry run)" } else { "" };
    let message = printable(&entry.message);
    format!("{time}  {unit}{after_unit}  {event}{after_event}  {message}{dry_run}")
}

/// On one line, and nothing that commands a terminal.
fn printable(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    lines.join("; ").chars().flat_map(visible).collect()
}

/// An entry as an object, `"v": 1`: bytes as integers, unknown absent.
#[must_use]
pub fn json(entry: &Entry) -> Value {
    let mut map = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        map.extend(value.map(|value| (name.to_owned(), value)));
    };
    let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
    let number = |number: Option<u64>| number.map(|n| json!(n));
    add("v", Some(json!(1)));
    add("time", Some(json!(entry.time.to_string())));
    add("event", Some(json!(entry.event)));
    add("priority", Some(json!(entry.priority)));
    add("unit", text(&entry.unit));
    add("message", Some(json!(entry.message)));
    add("profile", text(&entry.profile));
    add("rule", text(&entry.rule));
    add("action", text(&entry.action));
    add("need", number(entry.need));
    add("limit", number(entry.limit));
    add("freed", number(entry.freed));
    add("downtime_usec", number(entry.downtime_usec));
    add("why", text(&entry.why));
    add("until", entry.until.map(|time| json!(time.to_string())));
    add("count", number(entry.count));
    add("dry_run", Some(json!(entry.dry_run)));
    add("alert_id", text(&entry.alert_id));
    add("boot", text(&entry.boot));
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(extra: Value) -> Entry {
        let mut line = json!({
            "__REALTIME_TIMESTAMP": "1795489200000000",
            "MEMCTL_EVENT": "restart-failed",
            "MEMCTL_UNIT": "web.service",
            "PRIORITY": "3",
            "MESSAGE": "web.service is dead\n  and\u{1b}[2J stays so",
        });
        line.as_object_mut()
            .expect("an object")
            .extend(extra.as_object().expect("an object").clone());
        Entry::parse(&line.to_string()).expect("an entry")
    }

    #[test]
    fn a_line_has_its_time_in_the_zone_of_whoever_reads() {
        let zone = TimeZone::fixed(jiff::tz::Offset::constant(2));
        assert_eq!(
            line(&entry(json!({"MEMCTL_DRY_RUN": "1"})), &zone, false),
            "2026-11-24 05:00:00  web.service               restart-failed     \
             web.service is dead; and\\u{1b}[2J stays so  (dry run)"
        );
        let coloured = line(&entry(json!({})), &zone, true);
        assert!(
            coloured.contains("\x1b[1;31mrestart-failed\x1b[0m     web"),
            "{coloured:?}"
        );
    }

    #[test]
    fn long_names_stay_whole() {
        let long = format!("{}.service", "x".repeat(80));
        let entry = entry(json!({"MEMCTL_UNIT": long, "MEMCTL_EVENT": "something-quite-new"}));
        let line = line(&entry, &TimeZone::UTC, false);
        assert!(line.contains(&format!("  {long}  ")), "{line}");
    }
}
