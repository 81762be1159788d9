//! Alerts: a unit is started for each event that somebody is to be told of, and not for more than a mail box bears.
//!
//! Pure; the watch starts the unit. It is kept in a file between the ticks of the timer.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Event, Kind};
use crate::systemd::names::UnitName;

/// So many alerts in a minute and in an hour, over all units of a host.
const A_MINUTE: usize = 10;
const AN_HOUR: usize = 60;

/// What was not sent is told when there is room for so many, or after so long for one: in a long flood the count is not
/// all that is sent.
const ROOMY: usize = 5;
const LONG: SignedDuration = SignedDuration::from_mins(10);

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What was sent and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Alerts {
    /// When alerts of the last hour were sent, the oldest first.
    sent: VecDeque<Timestamp>,
    /// How many were not since that was told last.
    suppressed: u64,
    /// When the first of those was due.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
}

impl Alerts {
    /// The unit to start for an event that is in the journal under `id`: an instance of `unit` where that is a
    /// template. None where nobody is to be told, where it was only said and not done, or where there were too many:
    /// then it is counted.
    pub fn offer(
        &mut self,
        unit: &UnitName,
        event: &Event,
        id: &str,
        now: Timestamp,
    ) -> Option<UnitName> {
        if !event.kind.alerts() || event.dry_run {
            return None;
        }
        if self.room(now) == 0 {
            self.suppressed += 1;
            self.since.get_or_insert(now);
            return None;
        }
        self.sent.push_back(now);
        Some(unit.instance(id).unwrap_or_else(|| unit.clone()))
    }

    /// The event that says how many alerts were not sent, once there is room for more: to be written and offered
    /// before any other.
    pub fn overdue(&mut self, now: Timestamp) -> Option<Event> {
        let room = self.room(now);
        let waited = self.since.map(|since| now.duration_since(since));
        let is_due = room >= ROOMY || room > 0 && waited.is_none_or(|time| time >= LONG);
        if self.suppressed == 0 || !is_due {
            return None;
        }
        let count = std::mem::take(&mut self.suppressed);
        let since = self.since.take();
        let alerts = if count == 1 {
            "alert was"
        } else {
            "alerts were"
        };
        // To the second: it is for people.
        let when = since.and_then(|time| Timestamp::from_second(time.as_second()).ok());
        let when = when.map_or_else(String::new, |time| format!(" since {time}"));
        let message = format!(
            "{count} {alerts} not sent{when}: at most {A_MINUTE} are in a minute, and {AN_HOUR} in an hour"
        );
        Some(Event {
            count: Some(count),
            ..Event::new(Kind::Suppressed, None, message)
        })
    }

    /// How many more may be sent now.
    fn room(&mut self, now: Timestamp) -> usize {
        // What was sent in a future that the clock was set back from was sent now, at the latest: else it would
        // count for as long as the clock was wrong.
        for time in &mut self.sent {
            *time = (*time).min(now);
        }
        self.since = self.since.map(|time| time.min(now));
        let age = |time: &Timestamp| now.duration_since(*time);
        self.sent.retain(|time| age(time) < HOUR);
        let of_this_minute = self.sent.iter().filter(|time| age(time) < MINUTE).count();
        let left = |most: usize, sent: usize| most.saturating_sub(sent);
        left(AN_HOUR, self.sent.len()).min(left(A_MINUTE, of_this_minute))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a time")
    }

    fn unit(text: &str) -> UnitName {
        UnitName::parse(text).expect(text)
    }

    fn fired() -> Event {
        Event::new(Kind::Fired, Some(&unit("web.service")), "")
    }

    /// Offers an event as the watch does; answers how many alerts that sent.
    fn offer(alerts: &mut Alerts, now: Timestamp, told: &mut Vec<u64>) -> usize {
        let template = unit("memctl-alert@.service");
        let mut sent = 0;
        if let Some(overdue) = alerts.overdue(now) {
            told.extend(overdue.count);
            sent += usize::from(alerts.offer(&template, &overdue, "0", now).is_some());
        }
        sent + usize::from(alerts.offer(&template, &fired(), "1", now).is_some())
    }

    #[test]
    fn the_event_s_id_is_the_instance() {
        let mut alerts = Alerts::default();
        let mut started = |name: &str, id: &str| {
            let started = alerts.offer(&unit(name), &fired(), id, at(0));
            started.map(|unit| unit.to_string())
        };
        let id = "00ab00ab00ab00ab";
        let instance = Some(format!("memctl-alert@{id}.service"));
        assert_eq!(started("memctl-alert@.service", id), instance);
        let strange = Some("memctl-alert@a\\x2d1-\\x40.service".to_owned());
        assert_eq!(started("memctl-alert@.service", "a-1/@"), strange);
        assert_eq!(started("tell.service", id), Some("tell.service".to_owned()));
    }

    #[test]
    fn what_was_typed_or_only_said_tells_nobody() {
        let mut alerts = Alerts::default();
        let template = unit("memctl-alert@.service");
        let hold = Event::new(Kind::Hold, None, "");
        assert_eq!(alerts.offer(&template, &hold, "1", at(0)), None);
        let dry = Event {
            dry_run: true,
            ..fired()
        };
        assert_eq!(alerts.offer(&template, &dry, "1", at(0)), None);
        assert_eq!(alerts, Alerts::default(), "and is not counted");
    }

    #[test]
    fn a_flood_is_counted_and_the_count_told_once_there_is_room() {
        let (mut alerts, mut told) = (Alerts::default(), Vec::new());
        let sent: usize = (0..50).map(|_| offer(&mut alerts, at(0), &mut told)).sum();
        assert_eq!((sent, told.as_slice()), (10, &[][..]));
        assert_eq!(alerts.overdue(at(59)), None);
        let overdue = alerts.overdue(at(60)).expect("there is room");
        assert_eq!(overdue.kind, Kind::Suppressed);
        assert_eq!(overdue.count, Some(40));
        assert!(
            overdue
                .message
                .starts_with("40 alerts were not sent since 2027-01-15T08:00:00Z: "),
            "{}",
            overdue.message
        );
        assert_eq!(alerts.overdue(at(60)), None, "once");
    }

    #[test]
    fn an_hour_s_worth_is_capped_too() {
        let (mut alerts, mut told) = (Alerts::default(), Vec::new());
        // One in ten seconds, for two hours: never too many for a minute.
        let sent: usize = (0..720)
            .map(|n| offer(&mut alerts, at(n * 10), &mut told))
            .sum();
        // The second hour begins with what was not sent in the first.
        assert_eq!(sent, 120);
        assert_eq!(told.first(), Some(&300));
    }

    #[test]
    fn in_a_long_flood_the_count_is_not_all_that_is_sent() {
        let (mut alerts, mut told) = (Alerts::default(), Vec::new());
        let sent: usize = (0..3600)
            .map(|n| offer(&mut alerts, at(n), &mut told))
            .sum();
        assert_eq!(sent, 60);
        assert!(told.len() <= 6, "{told:?}");
    }

    #[test]
    fn a_clock_that_is_set_back_blocks_for_an_hour_at_most() {
        let (mut alerts, mut told) = (Alerts::default(), Vec::new());
        for minute in 0..6 {
            (0..10).for_each(|_| {
                offer(&mut alerts, at(minute * 60), &mut told);
            });
        }
        let day_before = -86_400;
        assert_eq!(offer(&mut alerts, at(day_before), &mut told), 0);
        assert_eq!(alerts.overdue(at(day_before + 3599)), None);
        let overdue = alerts.overdue(at(day_before + 3600)).expect("room");
        assert_eq!(overdue.count, Some(1));
    }

    #[test]
    fn it_outlives_the_process() {
        let (mut alerts, mut told) = (Alerts::default(), Vec::new());
        (0..12).for_each(|_| {
            offer(&mut alerts, at(0), &mut told);
        });
        let text = serde_json::to_string(&alerts).expect("JSON");
        let mut again: Alerts = serde_json::from_str(&text).expect("read again");
        assert_eq!(again, alerts);
        assert_eq!(offer(&mut again, at(1), &mut told), 0);
        assert_eq!(
            serde_json::from_str::<Alerts>("{}").ok(),
            Some(Alerts::default())
        );
    }

    proptest! {
        /// Whatever the clock does: every event is sent or counted, and in no minute of a clock that goes forward
        /// are there more than ten.
        #[test]
        fn nothing_is_lost(steps in proptest::collection::vec(-5000_i64..400, 1..300)) {
            let mut alerts = Alerts::default();
            let (mut now, mut sent, mut told) = (0, 0, Vec::new());
            for step in &steps {
                now += step;
                sent += offer(&mut alerts, at(now), &mut told);
                prop_assert!(alerts.sent.len() <= AN_HOUR);
            }
            let counted = told.iter().sum::<u64>() + alerts.suppressed;
            // The tellings are alerts themselves.
            prop_assert_eq!(sent as u64 + counted, steps.len() as u64 + told.len() as u64);
        }

        #[test]
        fn no_minute_has_more_than_ten(steps in proptest::collection::vec(0_i64..20, 1..200)) {
            let mut alerts = Alerts::default();
            let (mut now, mut times, mut told) = (0, Vec::new(), Vec::new());
            for step in steps {
                now += step;
                let sent = offer(&mut alerts, at(now), &mut told);
                times.extend(std::iter::repeat_n(now, sent));
                let recent = times.iter().filter(|t| now - **t < 60).count();
                prop_assert!(recent <= A_MINUTE, "{recent}");
            }
        }
    }
}
