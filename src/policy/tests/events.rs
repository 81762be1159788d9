//! `event`: single ones and rates, over starts of the unit and of memctl.

use super::*;

impl Line {
    fn killed(&mut self, count: u64) -> String {
        self.sample.events.oom_kill = Some(count);
        self.read()
    }

    fn high(&mut self, count: u64) -> String {
        self.sample.events.high = Some(count);
        self.read()
    }
}

#[test]
fn an_event_holds_for_a_minute_after_the_last() {
    let mut unit = line(&[r#"event = "oom_kill", action = "restart""#]);
    assert_eq!(unit.killed(7), "", "that was before memctl");
    assert_eq!(unit.wait(10).killed(7), "");
    assert_eq!(unit.wait(1).killed(8), "+event restart");
    assert_eq!(unit.why(), "1 oom_kill in 1min over event = oom_kill");
    assert_eq!(unit.wait(50).killed(9), "restart");
    assert_eq!(unit.wait(59).killed(9), "restart");
    assert_eq!(unit.wait(1).killed(9), "-event");
    assert_eq!(
        unit.why(),
        "0 oom_kill in 1min no longer over event = oom_kill"
    );
}

#[test]
fn what_happened_while_memctl_was_away_is_told() {
    let mut unit = line(&[r#"event = "oom_kill""#]);
    unit.killed(7);
    assert_eq!(unit.wait(86_400).reload().killed(8), "+event");
    assert_eq!(unit.wait(60).reload().killed(8), "-event");
    assert_eq!(unit.wait(60).reload().killed(8), "", "and not told twice");
}

#[test]
fn a_rate_is_more_than_so_many_within_the_time() {
    let mut unit = line(&[r#"event = "high > 10/1min""#]);
    unit.high(1000);
    assert_eq!(unit.wait(10).high(1005), "");
    assert_eq!(unit.wait(10).high(1010), "", "ten are not more than ten");
    assert_eq!(unit.wait(50).high(1015), "", "the first have slid out");
    assert_eq!(unit.wait(5).high(1016), "+event");
    assert_eq!(unit.why(), "11 high in 1min over event = high > 10/1min");
    assert_eq!(unit.wait(4).high(1016), "");
    assert_eq!(unit.wait(1).high(1016), "-event");
}

#[test]
fn a_rate_is_not_judged_by_what_a_day_added_up_to() {
    let rule = [r#"event = "high > 10/1min", action = "restart""#];
    let mut unit = line(&rule);
    unit.high(0);
    assert_eq!(
        unit.wait(86_400).reload().high(10_000),
        "",
        "seven a minute"
    );
    let mut unit = line(&rule);
    unit.high(0);
    assert_eq!(unit.wait(86_400).reload().high(20_000), "+event restart");
    // Whoever knows that it was read a minute ago, says so: the timer.
    let mut unit = line(&rule);
    unit.high(0);
    unit.wait(86_400);
    unit.before = Some(later(unit.now, -60));
    assert_eq!(unit.reload().high(11), "+event restart");
}

#[test]
fn kills_count_over_starts_until_they_were_told() {
    let mut unit = line(&[r#"event = "oom_kill > 2/1h", action = "restart""#]);
    unit.killed(0);
    assert_eq!(unit.wait(10).killed(1), "");
    unit.wait(10).restart();
    assert_eq!(unit.killed(1), "", "the counter began anew");
    unit.wait(10).restart();
    assert_eq!(unit.killed(1), "+event restart");
    // The restart was the answer to them.
    unit.wait(60).restart();
    assert_eq!(unit.killed(0), "-event");
    assert_eq!(unit.wait(10).killed(2), "");
    assert_eq!(unit.wait(10).killed(3), "+event restart");
}

#[test]
fn a_counter_that_fell_began_anew() {
    let mut unit = line(&[r#"event = "oom_kill""#]);
    unit.sample.start = Start::default();
    unit.killed(5);
    assert_eq!(unit.wait(10).killed(2), "+event");
    let mut unit = line(&[r#"event = "oom_kill""#]);
    unit.killed(5);
    unit.sample.events.oom_kill = None;
    assert_eq!(unit.wait(10).read(), "");
    assert_eq!(
        unit.wait(10).killed(5),
        "",
        "a reading that failed is no new counter"
    );
    assert_eq!(unit.wait(10).killed(6), "+event");
}

#[test]
fn a_kill_that_took_the_cgroup_with_it_is_told_by_systemd() {
    let mut unit = line(&[r#"event = "oom_kill""#]);
    unit.killed(0);
    unit.wait(10).restart().oom_killed = true;
    assert_eq!(unit.killed(0), "+event");
    // Where the kernel told of it in time, it is not told twice.
    let mut unit = line(&[r#"event = "oom_kill""#]);
    unit.killed(0);
    assert_eq!(unit.wait(10).killed(1), "+event");
    unit.wait(1).restart().oom_killed = true;
    assert_eq!(unit.killed(0), "-event");
    unit.oom_killed = false;
    assert_eq!(unit.wait(1).killed(0), "");
}

#[test]
fn a_counter_that_climbs_is_saved_once_a_minute() {
    let mut unit = line(&[r#"event = "high > 100000/1min""#]);
    let mut writes = 0;
    let mut saved = unit.saved();
    for n in 0..360 {
        assert_eq!(unit.high(n * 50), "");
        unit.wait(10);
        if unit.saved() != saved {
            (writes, saved) = (writes + 1, unit.saved());
        }
    }
    assert!((58..=62).contains(&writes), "{writes} in an hour");
    assert!(saved.len() < 1000, "{saved}");
    // A long time is counted in parts.
    let mut unit = line(&[r#"event = "high > 100000/30d""#]);
    for n in 0..20_000 {
        unit.high(n);
        unit.wait(600);
    }
    assert!(unit.saved().len() < 5000, "{}", unit.saved().len());
}

#[test]
fn each_counter_is_its_own() {
    let mut unit = line(&[
        r#"name = "m", event = "max""#,
        r#"name = "o", event = "oom""#,
        r#"name = "h", event = "high""#,
    ]);
    let events = &mut unit.sample.events;
    (events.max, events.oom, events.high) = (Some(0), Some(0), None);
    unit.read();
    unit.sample.events.max = Some(1);
    assert_eq!(unit.wait(10).read(), "+m");
    unit.sample.events.oom = Some(1);
    assert_eq!(unit.wait(10).read(), "+o");
    let missing = unit.standing()[2].missing.clone();
    assert_eq!(
        missing.as_deref(),
        Some("event: memory.events is not known")
    );
}
