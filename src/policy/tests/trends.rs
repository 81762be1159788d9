//! `leak` and `exhausts_in`, by what a detector finds.

use super::*;
use crate::policy::leak::{Finding, Forecast, Verdict as Found};

const HOUR: i64 = 3600;

impl Line {
    /// The detector's finding from now on; its forecast is in so many hours, give or take one.
    fn finds(&mut self, finding: Finding, is_cautious: bool, hours: Option<i64>) -> &mut Self {
        let now = self.now.as_second();
        self.trend = Some(Found {
            finding,
            is_cautious,
            slope: Some(1000.0),
            forecast: hours.map(|hours| Forecast {
                early: now + (hours - 1) * HOUR,
                likely: now + hours * HOUR,
                late: Some(now + (hours + 1) * HOUR),
            }),
            window: Some(6 * 3600),
        });
        self
    }
}

#[test]
fn a_leak_is_told_and_restarted_in_words() {
    let mut unit = line(&[r#"leak = true, action = "restart""#]);
    assert_eq!(unit.finds(Finding::Growing, false, Some(9)).read(), "");
    assert_eq!(
        unit.finds(Finding::Leak, false, Some(5)).read(),
        "+leak restart"
    );
    assert_eq!(
        unit.why(),
        "leak: it grows 3.4M an hour over 6h, and reaches its limit in 5h (4h to 6h)"
    );
    let want = unit.last.want.clone().expect("a wish");
    assert_eq!(want.why, unit.why());
    // Near the limit it is one still, and so it is when the detector is less sure.
    assert_eq!(
        unit.wait(60).finds(Finding::NearLimit, false, None).read(),
        "restart"
    );
    assert_eq!(
        unit.wait(60).finds(Finding::Growing, false, None).read(),
        "-leak"
    );
    assert_eq!(
        unit.why(),
        "no longer a leak: it grows 3.4M an hour over 6h"
    );
}

#[test]
fn cautious_waits_until_it_is_sure_and_keeps_to_it() {
    let mut unit = line(&[r#"leak = "cautious""#]);
    assert_eq!(unit.finds(Finding::Leak, false, Some(5)).read(), "");
    assert_eq!(
        unit.standing()[0].missing.as_deref(),
        Some("leak: more certainty")
    );
    assert_eq!(
        unit.wait(60).finds(Finding::Leak, true, Some(5)).read(),
        "+leak"
    );
    assert_eq!(
        unit.wait(60).finds(Finding::Leak, false, Some(5)).read(),
        ""
    );
    assert_eq!(
        unit.wait(60).finds(Finding::Steady, false, None).read(),
        "-leak"
    );
}

#[test]
fn what_is_only_high_is_no_leak() {
    let mut unit = line(&["leak = true", r#"exhausts_in = "4h""#]);
    assert_eq!(unit.finds(Finding::NearLimit, true, None).read(), "");
    assert_eq!(
        unit.standing()[0].missing.as_deref(),
        Some("leak: growth, and not only a high level")
    );
}

#[test]
fn a_forecast_is_held_against_the_time() {
    let mut unit = line(&[r#"exhausts_in = "4h", action = "restart""#]);
    // Whatever has a slope reaches the limit some day: it must be found to grow.
    assert_eq!(unit.finds(Finding::Steady, false, Some(3)).read(), "");
    assert_eq!(unit.finds(Finding::Growing, false, Some(6)).read(), "");
    assert_eq!(
        unit.standing()[0].missing.as_deref(),
        Some("exhausts_in: a limit that is 2h nearer")
    );
    assert_eq!(
        unit.finds(Finding::Growing, false, Some(4)).read(),
        "+exhausts_in restart"
    );
    assert_eq!(
        unit.why(),
        "it grows 3.4M an hour over 6h, and reaches its limit in 4h (3h to 5h), within exhausts_in = 4h"
    );
    // Five per cent later it is still within the time.
    let forecast = unit
        .trend
        .as_mut()
        .and_then(|found| found.forecast.as_mut());
    forecast.expect("a forecast").likely += 720;
    assert_eq!(unit.read(), "restart");
    let forecast = unit
        .trend
        .as_mut()
        .and_then(|found| found.forecast.as_mut());
    forecast.expect("a forecast").likely += 1;
    assert_eq!(unit.read(), "-exhausts_in");
    // A limit that is reached already, is reached within it.
    assert_eq!(
        unit.finds(Finding::Growing, false, Some(-3)).read(),
        "+exhausts_in restart"
    );
    // No forecast any more: it does not grow.
    assert_eq!(
        unit.finds(Finding::Growing, false, None).read(),
        "-exhausts_in"
    );
}

#[test]
fn without_a_detector_nothing_can_be_told() {
    let mut unit = line(&["leak = true", r#"exhausts_in = "4h""#]);
    assert_eq!(unit.read(), "");
    for standing in unit.standing() {
        assert_eq!(standing.holds, None);
        let missing = standing.missing.expect("something");
        assert!(missing.ends_with("the detector knows nothing of it"));
    }
    // While it learns, it does not hold.
    unit.finds(Finding::Learning, false, None);
    assert!(unit.standing().iter().all(|s| s.holds == Some(false)));
}

#[test]
fn slopes_and_times_are_told_by_their_size() {
    use crate::policy::{say_forecast, say_slope};
    assert_eq!(say_slope(1000.0), "3.4M an hour");
    assert_eq!(say_slope(10.0), "844K a day");
    assert_eq!(say_slope(-10.0), "-844K a day");
    assert_eq!(say_slope(f64::NAN), "0B a day");
    let now: Timestamp = "2026-11-24T10:00:00Z".parse().expect("a time");
    let forecast = Forecast {
        early: now.as_second() - 5,
        likely: now.as_second() + 90,
        late: None,
    };
    assert_eq!(say_forecast(forecast, now), "1min 30s (0 or more)");
    let never = Forecast {
        early: i64::MAX / 4,
        likely: i64::MAX / 2,
        late: Some(i64::MAX),
    };
    assert_eq!(say_forecast(never, now), "years");
}

mod kept {
    //! A detector that is stored and loaded finds what one finds that was never away.

    use super::*;

    /// A need in MiB at a second, constant within a minute: a saw on a slope, a new start in the middle.
    fn sample(second: i64) -> Sample {
        let minute = second / 60;
        let time = Timestamp::from_second(1_700_000_040 + second).expect("a time");
        let mut sample = Sample::blank(unit("a.service"), time, Told::Cgroup);
        let age = minute % 2500;
        let need = 100 + age / 7 + (age * 7919) % 13;
        sample.memory.stat.anon = Some(u64::try_from(need).expect("positive") * M);
        sample.start = start(if minute < 2500 { 1 } else { 2 });
        sample
    }

    /// The findings at the end of each minute.
    fn findings(step: i64, stored: bool) -> Vec<Found> {
        let mut trend = Trend::default();
        let mut found = Vec::new();
        for second in (0..3500 * 60).step_by(usize::try_from(step).expect("positive")) {
            let sample = sample(second);
            let verdict = trend.take(&sample, Some(400 * M), sample.time);
            if stored {
                let text = serde_json::to_string(&trend).expect("JSON");
                let read: Trend = serde_json::from_str(&text).expect("what was saved reads back");
                assert_eq!(read, trend);
                trend = read;
            }
            if (second + step) % 60 == 0 || step == 60 {
                found.push(verdict);
            }
        }
        found
    }

    #[test]
    fn stored_and_loaded_after_every_reading() {
        let found = findings(60, true);
        assert_eq!(found, findings(60, false));
        assert!(found.iter().any(|verdict| verdict.finding == Finding::Leak));
    }

    #[test]
    fn every_ten_seconds_or_every_minute() {
        let (daemon, timer) = (findings(10, false), findings(60, false));
        let first = |found: &[Found]| {
            let is_leak = |verdict: &Found| verdict.finding == Finding::Leak;
            found.iter().position(is_leak).expect("a leak")
        };
        // A bucket closes with the first reading after it.
        assert!(first(&daemon).abs_diff(first(&timer)) <= 1);
        let same = daemon
            .iter()
            .zip(&timer)
            .filter(|(a, b)| a.finding == b.finding);
        assert!(same.count() * 100 >= daemon.len() * 99);
    }

    #[test]
    fn growth_is_news_once_a_start_and_again_after_a_day_without() {
        let mut trend = Trend::default();
        let at = |hours: i64| {
            later(
                "2026-11-24T10:00:00Z".parse().expect("a time"),
                hours * 3600,
            )
        };
        let mut news = |finding, told, hours| trend.is_news(finding, told, at(hours));
        assert!(!news(Finding::Steady, false, 0));
        assert!(news(Finding::Growing, false, 0));
        assert!(!news(Finding::Growing, false, 1));
        assert!(!news(Finding::Leak, false, 2));
        assert!(!news(Finding::Growing, false, 25), "it grew within the day");
        assert!(news(Finding::Growing, false, 49));
        // What a rule tells is told.
        assert!(!news(Finding::Leak, true, 80));
        assert!(!news(Finding::Growing, false, 81));
        // A clock that was set back makes no news.
        assert!(!news(Finding::Growing, false, 3));
    }

    #[test]
    fn a_unit_without_a_limit_must_stay_under_what_the_machine_has_left() {
        use crate::kernel::meminfo::MemInfo;
        use crate::policy::limit;
        let sample = sample(0);
        let need = sample.memory.need().expect("known");
        let host = MemInfo {
            total: 1000 * M,
            available: Some(300 * M),
            ..MemInfo::default()
        };
        assert_eq!(limit(&sample, None, Some(&host)), Some(need + 250 * M));
        let ceiling = line(&["leak = true"]).ceiling;
        assert_eq!(limit(&sample, ceiling.as_ref(), Some(&host)), Some(500 * M));
        assert_eq!(limit(&sample, None, None), None);
        let tight = MemInfo {
            available: Some(10 * M),
            ..host
        };
        assert_eq!(limit(&sample, None, Some(&tight)), Some(need));
    }
}
