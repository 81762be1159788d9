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
