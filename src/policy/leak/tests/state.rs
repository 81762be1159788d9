//! What is remembered is small, and can be stored at any time.

use super::*;

#[test]
fn it_is_small() {
    assert!(size_of::<Detector>() <= 3072, "{}", size_of::<Detector>());
    let seen = watch(MINUTE, 12 * DAY, |t| {
        300.0 + 200.0 * daily(t) + 300.0 * t as f64 / (14 * DAY) as f64 + 5.0 * noise(t, 1)
    });
    let text = serde_json::to_string(&seen.last).expect("it is text");
    assert!(text.len() <= 3072, "{} bytes: {text}", text.len());
}

/// The daemon keeps the detector; the timer stores and loads it each minute.
#[test]
fn what_is_stored_and_loaded_each_minute_says_the_same() {
    let (mut kept, mut stored) = (Detector::default(), Detector::default());
    for n in 0..3 * 1440 {
        let time = n * MINUTE;
        let need = 250.0 + 100.0 * daily(time) + 650.0 * time as f64 / (3 * DAY) as f64;
        let point = Point {
            start: Some(1 + u64::from(n > 900)),
            cpu_usec: Some(n as u64 * 1_000_000),
            ..point(time, need + 4.0 * noise(time, 2))
        };
        kept.take(&point);
        stored.take(&point);
        let text = serde_json::to_string(&stored).expect("it is text");
        stored = serde_json::from_str(&text).expect("it is a detector");
        assert_eq!(stored.verdict(), kept.verdict(), "minute {n}");
    }
    assert_eq!(stored, kept);
    assert_eq!(kept.verdict().finding, Finding::Leak);
}

/// What stands in a file may be anything: it is no detector's, and no harm comes of it.
#[test]
fn what_no_detector_has_written_is_seen() {
    let seen = watch(MINUTE, 3 * DAY, |t| {
        300.0 + 600.0 * t as f64 / (72 * HOUR) as f64
    });
    let text = serde_json::to_string(&seen.last).expect("it is text");
    assert!(seen.last.is_sound(), "{text}");
    assert!(Detector::default().is_sound());
    let good: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for (place, wrong) in [
        ("/near", serde_json::json!(255)),
        ("/stood", serde_json::json!(1e300)),
        ("/grows", serde_json::json!(32768)),
        ("/found/scale", serde_json::json!(100)),
        ("/found/from", serde_json::json!(1e300)),
        ("/told/scale", serde_json::json!(12)),
        ("/told/slope", serde_json::json!(-1e300)),
        ("/day/head", serde_json::json!(u64::MAX)),
        ("/tiers/3/low/head", serde_json::json!(u32::MAX)),
        ("/age", serde_json::json!(0)),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).expect(place) = wrong;
        let bad: Detector = serde_json::from_value(bad).expect(place);
        assert!(!bad.is_sound(), "{place}");
    }
}

#[test]
fn what_is_no_detector_is_refused() {
    let text = serde_json::to_string(&Detector::default()).expect("it is text");
    assert!(serde_json::from_str::<Detector>(&text).is_ok());
    let short = text.replace("----------------", "---");
    let error = serde_json::from_str::<Detector>(&short).expect_err("it is short");
    assert!(error.to_string().contains("16 figures"), "{error}");
    assert_eq!(
        serde_json::from_str::<Detector>("{}").expect("it is empty"),
        Detector::default()
    );
}
