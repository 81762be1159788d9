//! What an administrator reads in `memctl explain`.

use super::*;

fn words(detector: &Detector) -> String {
    let mut text = String::new();
    for reason in detector.reasons() {
        let mark = match reason.holds {
            Some(true) => "yes",
            Some(false) => "no",
            None => "?",
        };
        text += &format!(
            "{mark} {} {} ({})\n",
            reason.name, reason.figure, reason.threshold
        );
    }
    text
}

#[test]
fn a_leak() {
    let seen = watch(MINUTE, 60 * HOUR, |t| {
        300.0 + 600.0 * t as f64 / (72 * HOUR) as f64
    });
    assert_eq!(words(&seen.last), "");
}

#[test]
fn a_steady_service() {
    let seen = watch(MINUTE, 30 * HOUR, |t| 300.0 + noise(t, 1));
    assert_eq!(words(&seen.last), "");
}

#[test]
fn nothing_is_known_yet() {
    let seen = watch(MINUTE, 5 * MINUTE, |_| 300.0);
    assert_eq!(words(&seen.last), "");
}
