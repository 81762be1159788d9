//! `for`, and clocks.

use super::*;

const OVER: u64 = 150;
const UNDER: u64 = 10;

#[test]
fn a_time_is_at_least_that_long_and_three_readings() {
    let mut unit = line(&[r#"above = "100M", for = "5min""#]);
    let told = unit.minutes(&[OVER; 7]);
    assert_eq!(told, ["", "", "", "", "", "+above", ""]);
    assert_eq!(unit.memory["above"].lasting, None);
    let mut unit = line(&[r#"above = "100M", for = "1s""#]);
    assert_eq!(unit.minutes(&[OVER; 4]), ["", "", "+above", ""]);
    assert!(unit.last.news.is_empty());
    let mut unit = line(&[r#"above = "100M", for = "5min""#]);
    unit.minutes(&[OVER; 6]);
    unit.need(OVER);
    assert_eq!(unit.wait(60).need(97), "", "not cleared yet");
    assert_eq!(unit.wait(60).need(95), "-above");
    assert_eq!(unit.minutes(&[OVER; 3]), ["", "", ""], "from the beginning");
}

#[test]
fn only_the_first_reading_in_a_minute_counts() {
    let mut unit = line(&[r#"above = "100M", for = "2min", action = "restart""#]);
    let mut told = Vec::new();
    for n in 0..18 {
        // Every ten seconds; the peaks in between are not seen by a timer either.
        told.push(unit.need(if n % 6 == 0 { UNDER } else { OVER }));
        unit.wait(10);
    }
    assert!(told.iter().all(String::is_empty), "{told:?}");
    for n in 0..18 {
        told.push(unit.need(if n % 6 == 0 { OVER } else { UNDER }));
        unit.wait(10);
    }
    assert_eq!(told[30], "+above restart");
    assert_eq!(
        told[31], "",
        "told and not cleared, but nothing is done while it does not hold"
    );
    assert_eq!(unit.need(OVER), "restart");
}

#[test]
fn the_share_of_readings_clears_when_too_many_are_under() {
    let mut unit = line(&[r#"above = "100M", for = "3 of 5", action = "restart""#]);
    let told = unit.minutes(&[OVER, OVER, OVER, UNDER, UNDER, OVER, UNDER, UNDER, OVER]);
    assert_eq!(
        told,
        [
            "",
            "",
            "+above restart",
            "",
            "",
            "restart",
            "-above",
            "",
            ""
        ]
    );
}

#[test]
fn a_gap_of_three_minutes_begins_anew() {
    for (gap, fires) in [(120, "+above"), (180, "")] {
        let mut unit = line(&[r#"above = "100M", for = "3min""#]);
        unit.minutes(&[OVER; 2]);
        unit.wait(gap - 60);
        assert_eq!(unit.need(OVER), fires.to_owned(), "{gap}");
        let mut unit = line(&[r#"above = "100M", for = "3 of 5""#]);
        unit.minutes(&[OVER; 2]);
        unit.wait(gap - 60);
        assert_eq!(unit.need(OVER), fires, "{gap}");
    }
}

#[test]
fn what_was_told_outlives_a_gap() {
    let mut unit = line(&[r#"above = "100M", for = "3 of 5", action = "restart""#]);
    unit.minutes(&[OVER; 3]);
    unit.wait(3600).reload();
    let told = unit.minutes(&[OVER, UNDER, UNDER, OVER, UNDER]);
    assert_eq!(told, ["restart", "", "", "restart", "-above"]);
}

#[test]
fn a_reading_that_failed_is_none() {
    let mut unit = line(&[r#"above = "100M", for = "3min""#]);
    unit.minutes(&[OVER; 2]);
    unit.sample.memory.stat.anon = None;
    assert_eq!(unit.read(), "");
    assert_eq!(unit.wait(60).need(OVER), "+above");
}

#[test]
fn a_restart_of_memctl_goes_on_and_one_of_the_unit_does_not() {
    let mut unit = line(&[r#"above = "100M", for = "4 of 4""#]);
    unit.minutes(&[OVER; 3]);
    assert_eq!(unit.reload().need(OVER), "+above");
    let mut unit = line(&[r#"above = "100M", for = "4 of 4""#]);
    unit.minutes(&[OVER; 3]);
    unit.restart();
    assert_eq!(unit.minutes(&[OVER; 4]), ["", "", "", "+above"]);
}

#[test]
fn a_changed_rule_begins_anew() {
    let mut unit = line(&[r#"above = "50M", for = "3 of 5""#]);
    unit.minutes(&[80, 80]);
    unit.rules = rules(&[r#"above = "100M", for = "3 of 5""#]);
    assert_eq!(unit.minutes(&[OVER, OVER, OVER]), ["", "", "+above"]);
}

#[test]
fn a_clock_that_is_a_second_late_at_the_full_minute_changes_nothing() {
    let mut unit = line(&[r#"above = "100M", for = "2min""#]);
    unit.minutes(&[OVER]);
    assert_eq!(unit.need(OVER), "");
    assert_eq!(
        unit.wait(-1).need(UNDER),
        "",
        "the minute before was counted"
    );
    assert_eq!(unit.wait(61).need(OVER), "+above");
}

#[test]
fn a_clock_that_steps_by_a_day_fires_nothing() {
    let texts = [
        r#"age = "2h", action = "restart""#,
        r#"name = "long", above = "100M", for = "1h", action = "restart""#,
        r#"name = "often", above = "100M", for = "3 of 5", action = "restart""#,
        r#"event = "high > 5/2d", action = "restart""#,
        r#"name = "kill", event = "oom_kill", action = "restart""#,
        r#"grown = "+200M", action = "restart""#,
        r#"pressure = "some 40% 10s", action = "restart""#,
    ];
    for step in [-86_400, 86_400] {
        let mut unit = line(&texts);
        (unit.sample.events.high, unit.sample.events.oom_kill) = (Some(3), Some(0));
        for n in 0..30 {
            // Over in two of five.
            let need = if n % 5 < 2 { OVER } else { UNDER };
            assert_eq!(unit.pressure(0, 0, n).need(need), "");
            unit.wait(10);
        }
        // What systemd noted is reckoned by the monotonic clock, and steps along.
        unit.since = unit.since.map(|since| later(since, step));
        unit.wait(step);
        for n in 30..60 {
            let need = if n % 5 < 2 { OVER } else { UNDER };
            assert_eq!(unit.pressure(0, 0, n).need(need), "", "{step} {n}");
            unit.wait(10);
        }
    }
}

#[test]
fn readings_of_the_future_are_not_waited_for() {
    for (holds, restarted) in [("2min", true), ("3 of 5", true), ("2min", false)] {
        let mut unit = line(&[&format!("above = \"100M\", for = \"{holds}\"")]);
        unit.minutes(&[OVER; 2]);
        unit.wait(-86_400);
        if restarted {
            unit.reload();
        }
        assert_eq!(unit.minutes(&[OVER; 3]), ["", "", "+above"], "{holds}");
    }
}

#[test]
fn it_is_not_told_again_while_it_does_not_hold() {
    let mut unit = line(&[r#"above = "100M", for = "3 of 5", repeat = "1min""#]);
    let told = unit.minutes(&[OVER, OVER, OVER, OVER, UNDER, UNDER, OVER]);
    assert_eq!(told, ["", "", "+above", "!above", "", "", "!above"]);
}

#[test]
fn what_was_told_in_the_future_is_told_no_second_time_and_clears() {
    let mut unit = line(&[
        r#"above = "100M", repeat = "1h""#,
        r#"name = "o", event = "oom_kill""#,
    ]);
    unit.sample.events.oom_kill = Some(0);
    unit.read();
    unit.sample.events.oom_kill = Some(1);
    assert_eq!(unit.need(OVER), "+above +o");
    assert_eq!(
        unit.wait(-86_400).need(OVER),
        "-o",
        "kills of the future are none"
    );
    assert_eq!(unit.wait(3599).need(OVER), "");
    assert_eq!(unit.wait(1).need(OVER), "!above");
    assert_eq!(unit.need(UNDER), "-above");
}

#[test]
fn a_baseline_stays_whatever_the_clock_says() {
    let mut unit = line(&[r#"grown = "+50M", settle = "0""#]);
    unit.need(100);
    assert_eq!(unit.wait(-86_400).need(151), "+grown");
}
