use jiff::civil::DateTime;
use proptest::prelude::*;

use super::*;

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").expect("tzdata")
}

fn time(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn window(days: u8, from: (u16, u16), to: (u16, u16)) -> Window {
    Window {
        days,
        from: from.0 * 60 + from.1,
        to: to.0 * 60 + to.1,
        zone: None,
    }
}

fn every_day(from: (u16, u16), to: (u16, u16)) -> Window {
    window(Window::EVERY_DAY, from, to)
}

/// The opening in UTC: `2026-11-24T01:00:00Z to 2026-11-24T04:00:00Z`.
fn opens(window: &Window, now: &str) -> String {
    let opening = opening(window, &berlin(), time(now)).expect("an opening");
    format!("{} to {}", opening.begin, opening.end)
}

#[test]
fn open_now_or_next() {
    let night = every_day((2, 0), (5, 0));
    for (now, open) in [
        ("2026-11-24T00:59:59Z", false),
        ("2026-11-24T01:00:00Z", true),
        ("2026-11-24T03:59:59Z", true),
    ] {
        let expected = "2026-11-24T01:00:00Z to 2026-11-24T04:00:00Z";
        assert_eq!(opens(&night, now), expected, "{now}");
        let opening = opening(&night, &berlin(), time(now)).expect("an opening");
        assert_eq!(opening.contains(time(now)), open, "{now}");
    }
    assert_eq!(
        opens(&night, "2026-11-24T04:00:00Z"),
        "2026-11-25T01:00:00Z to 2026-11-25T04:00:00Z",
        "its end is not in it"
    );
}

#[test]
fn past_midnight_it_belongs_to_the_day_it_begins_on() {
    // Friday, 2026-11-27.
    let friday = window(0b001_0000, (22, 0), (4, 0));
    let opening = "2026-11-27T21:00:00Z to 2026-11-28T03:00:00Z";
    assert_eq!(
        opens(&friday, "2026-11-27T02:00:00Z"),
        opening,
        "Friday, early: not Thursday's"
    );
    assert_eq!(
        opens(&friday, "2026-11-28T02:00:00Z"),
        opening,
        "Saturday, early: still Friday's"
    );
    assert_eq!(
        opens(&friday, "2026-11-28T03:00:00Z"),
        "2026-12-04T21:00:00Z to 2026-12-05T03:00:00Z"
    );
    let whole_day = every_day((0, 0), (24, 0));
    assert_eq!(
        opens(&whole_day, "2026-11-24T22:59:59Z"),
        "2026-11-23T23:00:00Z to 2026-11-24T23:00:00Z"
    );
}

#[test]
fn the_clock_is_put_forward() {
    // 2026-03-29 in Berlin: 02:00 is 03:00, at 01:00Z.
    let now = "2026-03-28T12:00:00Z";
    let ends_on = |from, to| opens(&every_day(from, to), now);
    assert_eq!(
        ends_on((2, 0), (5, 0)),
        "2026-03-29T01:00:00Z to 2026-03-29T03:00:00Z",
        "an hour shorter"
    );
    assert_eq!(
        ends_on((2, 10), (2, 40)),
        "2026-03-29T01:10:00Z to 2026-03-29T01:40:00Z",
        "no night is left out"
    );
    assert_eq!(
        ends_on((2, 30), (3, 10)),
        "2026-03-29T01:00:00Z to 2026-03-29T01:10:00Z",
        "what is left of it"
    );
    assert_eq!(
        ends_on((1, 0), (2, 30)),
        "2026-03-29T00:00:00Z to 2026-03-29T01:30:00Z"
    );
    let sunday = window(0b100_0000, (2, 59), (3, 0));
    assert_eq!(
        opens(&sunday, "2026-03-28T12:00:00Z"),
        "2026-04-05T00:59:00Z to 2026-04-05T01:00:00Z",
        "nothing is left of it: a week later"
    );
}

#[test]
fn the_clock_is_put_back() {
    // 2026-10-25 in Berlin: 03:00 is 02:00, at 01:00Z.
    let now = "2026-10-24T12:00:00Z";
    let ends_on = |from, to| opens(&every_day(from, to), now);
    assert_eq!(
        ends_on((2, 0), (5, 0)),
        "2026-10-25T00:00:00Z to 2026-10-25T04:00:00Z",
        "an hour longer"
    );
    assert_eq!(
        ends_on((2, 0), (2, 30)),
        "2026-10-25T00:00:00Z to 2026-10-25T00:30:00Z",
        "once, not twice"
    );
    assert_eq!(
        opens(&every_day((2, 0), (2, 30)), "2026-10-25T01:10:00Z"),
        "2026-10-26T01:00:00Z to 2026-10-26T01:30:00Z",
        "the second 02:10 of that night"
    );
}

#[test]
fn zones() {
    let mut window = every_day((2, 0), (5, 0));
    let local = TimeZone::UTC;
    assert_eq!(zone(Some(&window), &local), Some(TimeZone::UTC));
    window.zone = Some("Europe/Berlin".to_owned());
    assert_eq!(zone(Some(&window), &local), Some(berlin()));
    window.zone = Some("Europe/Atlantis".to_owned());
    assert_eq!(zone(Some(&window), &local), None);
    assert_eq!(show(&window), "02:00-05:00 Europe/Atlantis");
    window.days = 0b110_0001;
    window.to = 1440;
    assert_eq!(show(&window), "Mon,Sat,Sun 02:00-24:00 Europe/Atlantis");
}

#[test]
fn three_hundred_hosts_do_not_restart_at_two() {
    let unit = UnitName::parse("web.service").expect("a name");
    let opening = Opening {
        begin: time("2026-11-24T01:00:00Z"),
        end: time("2026-11-24T04:00:00Z"),
    };
    let turns: Vec<Timestamp> = (0..300u128)
        // Machine ids are random numbers; these are not even that.
        .map(|machine| turn(opening, None, machine, &unit))
        .collect();
    let last = time("2026-11-24T03:42:00Z");
    assert!(
        turns.iter().all(|t| opening.contains(*t) && *t <= last),
        "a tenth stays free"
    );
    // Ten parts of 16 min: 30 hosts each, were it even.
    let mut parts = [0; 10];
    for turn in &turns {
        let minutes = opening.begin.duration_until(*turn).as_mins();
        parts[usize::try_from(minutes * 10 / 162).expect("in it").min(9)] += 1;
    }
    assert!(parts.iter().all(|n| (15..=45).contains(n)), "{parts:?}");
    let again: Vec<Timestamp> = (0..300u128)
        .map(|m| turn(opening, None, m, &unit))
        .collect();
    assert_eq!(turns, again, "the same each night");
    let other = UnitName::parse("worker.service").expect("a name");
    assert_ne!(
        turn(opening, None, 7, &unit),
        turn(opening, None, 7, &other)
    );
}

#[test]
fn jitter_as_the_profile_says() {
    let unit = UnitName::parse("web.service").expect("a name");
    let begin = time("2026-11-24T01:00:00Z");
    let opening = Opening {
        begin,
        end: time("2026-11-24T04:00:00Z"),
    };
    for machine in 0..100 {
        assert_eq!(turn(opening, Some(Span(0)), machine, &unit), begin);
        let soon = turn(opening, Some(Span::seconds(600)), machine, &unit);
        assert!(
            begin <= soon && soon < time("2026-11-24T01:10:00Z"),
            "{soon}"
        );
        let late = turn(opening, Some(Span::seconds(86400)), machine, &unit);
        assert!(
            late < time("2026-11-24T03:42:00Z"),
            "never beyond the window: {late}"
        );
        let without = delayed(begin, Span::seconds(600), machine, &unit);
        assert_eq!(without, soon);
    }
    let short = Opening {
        begin,
        end: time("2026-11-24T01:01:00Z"),
    };
    assert_eq!(turn(short, None, 7, &unit), begin, "no room to spread");
}

proptest! {
    #[test]
    fn every_turn_is_within_its_opening(
        days in 1u8..128, from in 0u16..1440, to in 0u16..=1440, machine: u128, second in 0i64..4_000_000_000,
        zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu", "UTC"]),
    ) {
        prop_assume!(from != to);
        let window = Window { days, from, to, zone: None };
        let zone = TimeZone::get(zone).expect("tzdata");
        let now = Timestamp::from_second(second).expect("a time");
        let opening = opening(&window, &zone, now).expect("an opening");
        prop_assert!(now < opening.end && opening.begin < opening.end);
        prop_assert!(now.duration_until(opening.end).as_hours() <= 15 * 24 + 25);
        let unit = UnitName::parse("web.service").expect("a name");
        prop_assert!(opening.contains(turn(opening, None, machine, &unit)));
        // A clock on the wall says so, too, but where it was put forward or back.
        let civil: DateTime = zone.to_datetime(opening.begin);
        let minutes = u16::from(civil.hour().unsigned_abs()) * 60 + u16::from(civil.minute().unsigned_abs());
        let changed = |time: Timestamp| zone.to_offset(time) != zone.to_offset(earlier(time, Span::seconds(7200)));
        prop_assert!(minutes == from || changed(opening.begin), "{civil}");
    }
}
