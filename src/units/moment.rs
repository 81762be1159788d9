//! Points in time as people type them: `7d` back, `today`, `2026-11-24 10:00`. The clock and the zone are handed in.

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp, ToSpan as _, ZonedDateTime};

use super::{Span, UnitError, quote, to_ascii, trim};

const ALLOWED: &str = "a span back from now (7d, 1h 30min), a time (2026-11-24 10:00, 10:00, \
                       2026-11-24T10:00:00Z, @1700000000), now, today or yesterday";

/// Reads a point in time: a span is as long ago; a date without a time is its beginning, a time without a date is
/// today's; both are of `now`'s zone, unless they name another.
///
/// # Errors
/// The text is none of these, or beyond what a calendar can say.
pub fn parse_moment(text: &str, now: &ZonedDateTime) -> Result<Timestamp, UnitError> {
    let (inner, start) = trim(text);
    read(inner, now).map_err(|problem| {
        UnitError::new(start..start + inner.len(), problem, ALLOWED).suggest(suggest(inner, now))
    })
}

fn read(text: &str, now: &ZonedDateTime) -> Result<Timestamp, String> {
    if text.is_empty() {
        return Err("the value is empty".to_owned());
    }
    let none = || format!("{} is not a time", quote(text));
    // The zone's clock may have no such time, or two: the first of the day then, and the earlier of two.
    let at = |civil: DateTime| {
        let zoned = civil.to_zoned_datetime(now.time_zone().clone());
        zoned.map(|z| z.timestamp()).map_err(|_| none())
    };
    match text {
        "now" => return Ok(now.timestamp()),
        "today" => return at(now.date().at(0, 0, 0, 0)),
        "yesterday" => {
            let yesterday = now.date().checked_sub(1.day()).map_err(|_| none())?;
            return at(yesterday.at(0, 0, 0, 0));
        }
        _ => {}
    }
    if let Some(seconds) = text.strip_prefix('@') {
        return unix(seconds).ok_or_else(none);
    }
    // A sign is for those who think of "7 days ago" as minus seven.
    let span = text.strip_prefix('-').unwrap_or(text);
    // A bare number is a span of seconds to systemd, and here more likely a time without its `@`, or a year.
    let bare = span.bytes().all(|b| b.is_ascii_digit());
    if !bare && let Ok(span) = Span::parse(span) {
        let too_long = || format!("{} ago is before all calendars", quote(text));
        let ago = i64::try_from(span.0).map_err(|_| too_long())?;
        let ago = SignedDuration::from_micros(ago);
        return now.timestamp().checked_sub(ago).map_err(|_| too_long());
    }
    // With an offset or Z, it is one time everywhere.
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if text.contains(':') {
        if let Ok(civil) = text.parse::<DateTime>() {
            return at(civil);
        }
        if let Ok(time) = text.parse::<Time>() {
            return at(now.date().to_datetime(time));
        }
    } else if text.contains('-')
        && let Ok(date) = text.parse::<Date>()
    {
        return at(date.at(0, 0, 0, 0));
    }
    Err(none())
}

/// Seconds since 1970, also with decimals, as `date +%s.%N` prints them.
fn unix(text: &str) -> Option<Timestamp> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    if decimals.is_empty() || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanos: String = format!("{decimals:0<9}").chars().take(9).collect();
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    Timestamp::new(whole.parse().ok()?, nanos.parse::<i32>().ok()? * sign).ok()
}

/// What was perhaps meant: `7 Days`, `Yesterday`, `1700000000`, `2026/11/24`.
fn suggest(text: &str, now: &ZonedDateTime) -> Option<String> {
    let clean = to_ascii(text).to_lowercase();
    let bare = !clean.is_empty() && clean.bytes().all(|b| b.is_ascii_digit());
    // Seconds of this century, or a count of them.
    let number = match clean.len() {
        9.. if bare => format!("@{clean}"),
        ..6 if bare => format!("{clean}s"),
        _ => clean.clone(),
    };
    let ago = clean.trim_end_matches("ago").trim_end().to_owned();
    let dashes = clean.replace(['/', '.'], "-");
    let span = Span::parse(&ago).err().and_then(|e| e.suggestion);
    [number, ago, dashes]
        .into_iter()
        .chain(span)
        .map(|t| trim(&t).0.to_owned())
        .find(|t| t != text && t != "infinity" && read(t, now).is_ok())
}

#[cfg(test)]
mod tests {
    use jiff::tz::{Offset, TimeZone};
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-24 15:30 in a zone two hours east.
    fn now() -> ZonedDateTime {
        let zone = TimeZone::fixed(Offset::constant(2));
        "2026-11-24T13:30:00Z"
            .parse::<Timestamp>()
            .expect("a time")
            .to_zoned_datetime(zone)
    }

    fn reads(text: &str) -> String {
        parse_moment(text, &now()).expect(text).to_string()
    }

    fn refuses(text: &str) -> String {
        parse_moment(text, &now()).expect_err(text).to_string()
    }

    #[test]
    fn what_people_type() {
        for (text, expected) in [
            ("now", "2026-11-24T13:30:00Z"),
            ("today", "2026-11-23T22:00:00Z"),
            ("yesterday", "2026-11-22T22:00:00Z"),
            ("7d", "2026-11-17T13:30:00Z"),
            ("-7d", "2026-11-17T13:30:00Z"),
            ("1h 30min", "2026-11-24T12:00:00Z"),
            (" 90s ", "2026-11-24T13:28:30Z"),
            ("0s", "2026-11-24T13:30:00Z"),
            ("2026-11-24", "2026-11-23T22:00:00Z"),
            ("2026-11-24 10:00", "2026-11-24T08:00:00Z"),
            ("2026-11-24 10:00:05", "2026-11-24T08:00:05Z"),
            ("2026-11-24T10:00", "2026-11-24T08:00:00Z"),
            ("2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z"),
            ("2026-11-24T10:00:00.250+01:00", "2026-11-24T09:00:00.25Z"),
            ("2026-11-24 10:00:00-05:00", "2026-11-24T15:00:00Z"),
            ("10:00", "2026-11-24T08:00:00Z"),
            ("23:59:59", "2026-11-24T21:59:59Z"),
            ("@1700000000", "2023-11-14T22:13:20Z"),
            ("@1700000000.5", "2023-11-14T22:13:20.5Z"),
            ("@-1.5", "1969-12-31T23:59:58.5Z"),
        ] {
            assert_eq!(reads(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_and_what_was_meant() {
        assert!(refuses("").starts_with("the value is empty; allowed: a span back"));
        assert!(refuses("soon").starts_with("`soon` is not a time; allowed: "));
        for (text, meant) in [
            ("Yesterday", "yesterday"),
            ("7 Days", "7 days"),
            ("7d ago", "7d"),
            ("2h30mins", "2h30min"),
            ("1700000000", "@1700000000"),
            ("90", "90s"),
            ("2026/11/24", "2026-11-24"),
        ] {
            let told = refuses(text);
            assert!(told.ends_with(&format!("(perhaps {meant}?)")), "{told}");
        }
        for text in [
            "2026-13-01",
            "25:00",
            "infinity",
            "@",
            "@x",
            "99999y",
            "--7d",
            "tomorrow",
            "2026-11-24 10:00 x",
        ] {
            refuses(text);
        }
    }

    #[test]
    fn the_hour_that_summer_time_leaves_out_and_the_one_it_has_twice() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let now = now().with_time_zone(zone);
        let reads = |text| parse_moment(text, &now).expect(text).to_string();
        assert_eq!(reads("2026-03-29 02:30"), "2026-03-29T01:30:00Z");
        assert_eq!(reads("2026-10-25 02:30"), "2026-10-25T00:30:00Z");
        assert_eq!(reads("2026-10-25"), "2026-10-24T22:00:00Z");
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_a_fault_within_it(text in "\\PC{0,20}|[-0-9:@TZdhms. ]{0,20}") {
            if let Err(e) = parse_moment(&text, &now()) {
                prop_assert!(text.get(e.at.clone()).is_some());
                if let Some(meant) = e.suggestion {
                    prop_assert!(parse_moment(&meant, &now()).is_ok());
                }
            }
        }

        #[test]
        fn times_come_back(second in -10_000_000_000_i64..10_000_000_000) {
            let time = Timestamp::from_second(second).expect("in range");
            prop_assert_eq!(parse_moment(&time.to_string(), &now()), Ok(time));
            prop_assert_eq!(parse_moment(&format!("@{second}"), &now()), Ok(time));
        }
    }
}
