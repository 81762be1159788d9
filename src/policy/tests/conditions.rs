//! `above`, `grown`, `age`, and what goes with every rule.

use super::*;

#[test]
fn above_is_over_and_clears_five_percent_below() {
    let mut unit = line(&[r#"above = "100M""#]);
    for (need, told) in [
        (100, ""),
        (101, "+above"),
        (102, ""),
        (96, ""),
        (95, "-above"),
        (100, ""),
        (101, "+above"),
    ] {
        assert_eq!(unit.wait(10).need(need), told, "{need}");
    }
}

#[test]
fn a_percentage_is_of_the_ceiling() {
    let mut unit = line(&[r#"above = "80%""#]);
    assert_eq!(unit.need(400), "");
    assert_eq!(unit.need(401), "+above");
    assert_eq!(
        unit.why(),
        "need 401M over above = 80% (400M of MemoryMax=500M)"
    );
    let mut unit = line(&[r#"above = "90%""#]);
    unit.ceiling = Some(Ceiling {
        bytes: 200 * M,
        unit: super::unit("shop.slice"),
        bound: Bound::High,
    });
    assert_eq!(unit.need(180), "");
    assert_eq!(unit.need(181), "+above");
    assert_eq!(
        unit.why(),
        "need 181M over above = 90% (180M of MemoryHigh=200M of shop.slice)"
    );
}

#[test]
fn without_a_ceiling_a_percentage_never_fires() {
    let mut unit = line(&[r#"above = "80%""#]);
    unit.ceiling = None;
    assert_eq!(unit.need(100_000), "");
    let standing = &unit.standing()[0];
    assert_eq!(standing.holds, None);
    assert_eq!(
        standing.missing.as_deref(),
        Some("above: no ceiling is known")
    );
}

#[test]
fn a_percentage_of_a_limit_of_its_own() {
    let mut unit = line(&[r#"above = "80% MemoryMax""#]);
    unit.ceiling = None;
    assert_eq!(unit.need(401), "+above");
    assert_eq!(
        unit.why(),
        "need 401M over above = 80% MemoryMax (400M of 500M)"
    );
    let mut unit = line(&[r#"above = "80% MemoryMax""#]);
    unit.sample.limits.max = Some(Limit::Infinity);
    assert_eq!(unit.need(401), "");
    let missing = unit.standing()[0].missing.clone();
    assert_eq!(missing.as_deref(), Some("above: there is no MemoryMax"));
}

#[test]
fn above_leaves_swap_and_page_cache_out_and_growth_counts_swap() {
    let mut unit = line(&[r#"above = "100M""#, r#"grown = "+50M", settle = "0""#]);
    unit.sample.memory.current = Some(400 * M);
    assert_eq!(unit.need(90), "");
    unit.sample.memory.swap = Some(60 * M);
    assert_eq!(unit.wait(10).need(90), "+grown");
}

#[test]
fn of_measures_something_else() {
    for metric in ["current", "anon", "swap", "pss"] {
        let mut unit = line(&[&format!("above = \"100M\", of = \"{metric}\"")]);
        unit.sample.memory.stat.anon = None;
        assert_eq!(unit.read(), "", "{metric} is not known");
        let missing = unit.standing()[0].missing.clone().expect("a reason");
        assert_eq!(missing, format!("above: its {metric} is not known"));
        match metric {
            "current" => unit.sample.memory.current = Some(101 * M),
            "anon" => unit.sample.memory.stat.anon = Some(101 * M),
            "swap" => unit.sample.memory.swap = Some(101 * M),
            _ => unit.pss = Some(101 * M),
        }
        assert_eq!(unit.wait(10).read(), "+above", "{metric}");
        assert_eq!(unit.why(), format!("{metric} 101M over above = 100M"));
    }
}

#[test]
fn the_baseline_is_the_median_of_the_minute_after_settle() {
    let mut unit = line(&[r#"grown = "+80%""#]);
    // Loading: not of the baseline.
    for _ in 0..12 {
        assert_eq!(unit.need(900), "");
        unit.wait(10);
    }
    for need in [100, 110, 90, 105, 600, 95] {
        assert_eq!(unit.need(need), "", "a peak within the minute is no growth");
        unit.wait(10);
    }
    // The middle of 100 and 105.
    assert_eq!(unit.need(184), "");
    assert_eq!(unit.wait(10).need(185), "+grown");
    assert!(
        unit.why().ends_with("its baseline is 103M)"),
        "{}",
        unit.why()
    );
    // 5 % less growth: 102.5 + 77.9.
    assert_eq!(unit.wait(10).need(181), "");
    assert_eq!(unit.wait(10).need(180), "-grown");
}

#[test]
fn a_burst_of_readings_is_not_the_baseline() {
    let mut unit = line(&[r#"grown = "+50M""#]);
    unit.wait(120);
    // Its events wake the watch again and again while it starts.
    for _ in 0..500 {
        unit.need(900);
    }
    for _ in 0..6 {
        unit.wait(10).need(100);
    }
    assert_eq!(unit.wait(10).need(151), "+grown");
}

#[test]
fn an_age_that_was_told_stays_whatever_the_clock_says() {
    let mut unit = line(&[r#"age = "1h""#]);
    assert_eq!(unit.wait(3600).read(), "+age");
    assert_eq!(unit.wait(-3000).read(), "");
    assert_eq!(unit.restart().wait(10).read(), "-age");
}

#[test]
fn a_baseline_outlives_memctl_and_ends_with_the_start() {
    let mut unit = line(&[r#"grown = "+50M", settle = "10s""#]);
    for _ in 0..8 {
        unit.need(100);
        unit.wait(10).reload();
    }
    assert_eq!(unit.need(151), "+grown");
    unit.restart();
    assert_eq!(unit.wait(10).need(300), "-grown");
    for _ in 0..7 {
        assert_eq!(unit.need(300), "");
        unit.wait(10).reload();
    }
    assert_eq!(unit.need(350), "");
    assert_eq!(unit.wait(10).need(351), "+grown");
}

#[test]
fn a_unit_that_is_seen_late_has_the_first_minute_of_that() {
    let mut unit = line(&[r#"grown = "+50M""#]);
    unit.wait(100_000);
    for need in [200, 210, 190] {
        assert_eq!(unit.need(need), "");
        unit.wait(20);
    }
    assert_eq!(unit.need(250), "");
    assert_eq!(unit.wait(10).need(251), "+grown");
}

#[test]
fn the_timer_has_a_baseline_too() {
    let mut unit = line(&[r#"grown = "+50M""#]);
    for _ in 0..4 {
        assert_eq!(unit.need(200), "");
        unit.wait(60).reload();
    }
    assert_eq!(unit.need(251), "+grown");
}

#[test]
fn a_share_of_nothing_never_fires() {
    let mut unit = line(&[r#"grown = "+80%", of = "swap", settle = "0""#]);
    unit.sample.memory.swap = Some(0);
    unit.read();
    unit.sample.memory.swap = Some(M);
    assert_eq!(unit.wait(10).read(), "");
    let missing = unit.standing()[0].missing.clone().expect("a reason");
    assert!(missing.contains("baseline of 0"), "{missing}");
}

#[test]
fn a_changed_rule_has_a_baseline_of_its_own() {
    let mut unit = line(&[r#"grown = "+50M", settle = "0""#]);
    unit.need(100);
    unit.rules = rules(&[r#"grown = "+50M", settle = "0", of = "current""#]);
    unit.sample.memory.current = Some(400 * M);
    assert_eq!(unit.wait(10).read(), "", "not over the need of before");
    unit.sample.memory.current = Some(451 * M);
    assert_eq!(unit.wait(10).read(), "+grown");
}

#[test]
fn all_conditions_must_hold() {
    let mut unit = line(&[r#"above = "100M", age = "1min", action = "restart""#]);
    assert_eq!(unit.need(150), "");
    assert_eq!(unit.wait(60).need(50), "");
    assert_eq!(unit.wait(10).need(150), "+above+age restart");
    assert_eq!(
        unit.why(),
        "need 150M over above = 100M, and age 1min 10s over age = 1min"
    );
    assert_eq!(unit.wait(10).need(50), "-above+age");
    assert_eq!(unit.why(), "need 50M no longer over above = 100M");
}

#[test]
fn all_tell_and_the_strongest_acts() {
    let mut unit = line(&[
        r#"above = "100M", action = "reclaim""#,
        r#"name = "big", above = "200M", action = "restart""#,
        r#"name = "tell", above = "150M""#,
    ]);
    assert_eq!(unit.need(120), "+above reclaim");
    assert_eq!(unit.wait(10).need(170), "+tell reclaim");
    assert_eq!(unit.wait(10).need(201), "+big restart");
    let want = unit.last.want.clone().expect("a wish");
    assert_eq!(want.rules, ["big", "above", "tell"]);
    assert!(
        want.why.starts_with("need 201M over above = 200M"),
        "{}",
        want.why
    );
    assert_eq!(unit.wait(10).need(201), "restart", "as long as it holds");
    assert_eq!(unit.wait(10).need(120), "-big -tell reclaim");
    assert_eq!(unit.wait(10).need(20), "-above");
}

#[test]
fn of_equal_actions_the_one_that_waits_least_asks() {
    let mut unit = line(&[
        r#"name = "calm", above = "100M", action = "restart""#,
        r#"name = "now", above = "200M", action = "restart", ignore = ["window"]"#,
        r#"name = "idle", above = "200M", action = "restart", ignore = ["idle"]"#,
    ]);
    unit.need(120);
    assert!(!unit.last.want.clone().expect("a wish").ignores_window);
    unit.need(250);
    let want = unit.last.want.clone().expect("a wish");
    assert_eq!(want.rules, ["now", "calm", "idle"]);
    assert!(want.ignores_window && !want.ignores_idle);
}

#[test]
fn it_is_told_again_after_repeat() {
    let mut unit = line(&[r#"above = "100M", repeat = "1h""#]);
    assert_eq!(unit.need(150), "+above");
    assert_eq!(unit.wait(3599).need(150), "");
    assert_eq!(unit.reload().wait(1).need(150), "!above");
    assert_eq!(unit.wait(3600).need(97), "!above", "it has not cleared");
    assert_eq!(unit.wait(3600).need(50), "-above");
}

#[test]
fn what_is_no_longer_known_is_not_acted_on_and_clears_in_time() {
    let mut unit = line(&[r#"above = "100M", action = "restart""#]);
    assert_eq!(unit.need(150), "+above restart");
    unit.sample.memory.stat.anon = None;
    assert_eq!(unit.wait(10).read(), "");
    assert_eq!(unit.wait(10).need(150), "restart", "one reading failed");
    unit.sample.memory.stat.anon = None;
    assert_eq!(unit.wait(10).read(), "");
    assert_eq!(unit.wait(179).read(), "");
    assert_eq!(unit.wait(1).read(), "-above");
    assert_eq!(unit.why(), "above cannot be told: its need is not known");
}

#[test]
fn a_rule_that_went_is_over() {
    let mut unit = line(&[r#"above = "100M""#]);
    unit.need(150);
    unit.rules = rules(&[r#"age = "1h""#]);
    assert_eq!(unit.wait(10).read(), "-above");
    assert!(!unit.saved().contains("above"));
    let mut unit = line(&[r#"name = "x", above = "100M", action = "restart""#]);
    unit.need(150);
    unit.rules = rules(&[r#"name = "x", tasks = 1, action = "restart""#]);
    assert_eq!(unit.wait(10).read(), "-x");
    assert_eq!(unit.why(), "not judged by this version");
}

#[test]
fn a_unit_that_stops_is_over() {
    let mut unit = line(&[
        r#"above = "100M", action = "restart""#,
        r#"event = "oom_kill""#,
    ]);
    unit.sample.events.oom_kill = Some(3);
    unit.need(150);
    let told = gone(&unit.rules, &mut unit.memory);
    assert_eq!(told.news.iter().map(word).collect::<Vec<_>>(), ["-above"]);
    assert_eq!(told.want, None);
    assert_eq!(gone(&unit.rules, &mut unit.memory).news, []);
    // The counters are remembered: what the next start had before it was read is told.
    unit.wait(10).restart();
    unit.sample.events.oom_kill = Some(1);
    assert_eq!(unit.need(10), "+event");
}

#[test]
fn what_this_version_does_not_judge_never_fires() {
    let mut unit = line(&[
        r#"tasks = 1"#,
        r#"name = "w", above = "1M", scope = "worker", action = "signal""#,
        r#"name = "t", total = "1M", scope = "worker", action = "restart""#,
    ]);
    assert_eq!(unit.need(400), "");
    assert!(unit.memory.is_empty());
    for (standing, word) in unit.standing().iter().zip(["tasks", "scope", "scope"]) {
        assert_eq!(standing.holds, None);
        let missing = standing.missing.as_deref();
        assert_eq!(
            missing,
            Some(format!("{word}: not judged by this version").as_str())
        );
    }
}

#[test]
fn steady_figures_are_no_news_for_the_disk() {
    let mut unit = line(&[
        r#"above = "100M""#,
        r#"name = "long", above = "100M", for = "5min""#,
        r#"name = "often", above = "100M", for = "3 of 5""#,
        r#"grown = "+500M", settle = "0""#,
        r#"event = "oom_kill""#,
        "stalled = true",
        r#"pressure = "some 40% 10s""#,
        r#"age = "30d""#,
    ]);
    unit.sample.events.oom_kill = Some(1);
    unit.sample.limits.high = Some(Limit::Bytes(200 * M));
    unit.sample.memory.current = Some(200 * M);
    unit.pressure(5, 5, 0).need(50);
    let (memory, saved) = (unit.memory.clone(), unit.saved());
    for n in 0..200 {
        // A page cache at its limit.
        unit.sample.events.high = Some(n * 100);
        assert_eq!(
            unit.wait(10).pressure(5, 5, n * 400_000).need(40 + n % 30),
            ""
        );
        assert!(unit.memory == memory);
        assert_eq!(unit.saved(), saved);
    }
}

#[test]
fn memory_is_small_and_readable_and_lenient() {
    let mut unit = line(&[r#"above = "100M""#, r#"grown = "+500M", settle = "0""#]);
    unit.need(150);
    assert_eq!(
        unit.saved(),
        concat!(
            r#"{"above":{"latched":{"since":"2026-11-24T10:00:00Z","told":"2026-11-24T10:00:00Z"},"#,
            r#""start":{"invocation":"00000000000000000000000000000001","inode":1,"seen":"2026-11-24T10:00:00Z"}},"#,
            r#""grown":{"start":{"invocation":"00000000000000000000000000000001","inode":1,"seen":"2026-11-24T10:00:00Z"},"#,
            r#""baseline":{"of":"need after 0","bytes":157286400}}}"#
        )
    );
    let read: Memory = serde_json::from_str(r#"{"new_in_a_year":[1],"baseline":{"bytes":1}}"#)
        .expect("unknown keys are ignored");
    assert_eq!(read.latched, None);
}
