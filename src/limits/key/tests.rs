use super::*;

#[test]
fn names_and_keys_belong_together() {
    for key in Key::ALL {
        assert_eq!(Key::from_name(key.name()), Some(key));
    }
    assert_eq!(Key::from_name("memorymax"), None);
    assert!(Key::ALL.is_sorted(), "ALL is in the order of the type");
}

#[test]
fn ranges_are_systemds() {
    for (key, good, bad) in [
        (
            Key::MemoryMax,
            "400M 80% infinity 1",
            "0 0% 400MB -1 101% 18446744073709551615",
        ),
        (Key::MemoryHigh, "1 100%", "0"),
        (Key::MemoryMin, "0 0% 1G infinity", "-1"),
        (Key::MemorySwapMax, "0 infinity", "none"),
        (Key::MemoryZSwapMax, "0 infinity", "none"),
        (Key::CPUQuota, "80% 400% 0.5%", "0% 80 infinity"),
        (
            Key::CPUWeight,
            "1 10000 idle 0x10",
            "0 10001 Idle -1 80% 1K",
        ),
        (Key::IOWeight, "1 10000", "0 10001 idle"),
        (Key::TasksMax, "1 10% infinity", "0 -1 1K"),
        (Key::TimeoutStopSec, "0 5min infinity 90", "5mins -1 never"),
        (Key::OOMPolicy, "stop continue kill", "Stop ignore yes"),
        (Key::OOMScoreAdjust, "-1000 0 1000 +5", "-1001 1001 5% x"),
        (Key::ManagedOOMSwap, "auto kill", "yes none"),
        (Key::ManagedOOMMemoryPressure, "auto kill", "off"),
        (
            Key::ManagedOOMMemoryPressureLimit,
            "0% 60% 12.5% 600‰",
            "60 101%",
        ),
        (Key::ManagedOOMPreference, "none avoid omit", "auto"),
        (
            Key::MemoryPressureWatch,
            "auto on off skip yes TRUE 0 n",
            "never kill",
        ),
        (Key::MemoryPressureThresholdSec, "200ms 1s infinity", "10%"),
    ] {
        for text in good.split(' ') {
            assert!(key.parse_value(text).is_ok(), "{key}={text}");
        }
        for text in bad.split(' ').chain([""]) {
            let error = key.parse_value(text).expect_err(text);
            assert!(
                text.get(error.at.clone()).is_some(),
                "{key}={text}: {error:?}"
            );
        }
    }
}

#[test]
fn values_read_back() {
    for (key, text) in [
        (Key::MemoryMax, "400M"),
        (Key::CPUQuota, "80%"),
        (Key::CPUWeight, "idle"),
        (Key::TasksMax, "1024"),
        (Key::TasksMax, "10%"),
        (Key::TimeoutStopSec, "1h 30min"),
        (Key::OOMScoreAdjust, "-500"),
        (Key::ManagedOOMMemoryPressureLimit, "60.5%"),
        (Key::MemoryPressureWatch, "skip"),
    ] {
        assert_eq!(
            key.parse_value(text).map(|v| v.to_string()).as_deref(),
            Ok(text)
        );
    }
}

#[test]
fn words_are_guessed() {
    let meant = |key: Key, text| key.parse_value(text).expect_err(text).suggestion;
    assert_eq!(meant(Key::OOMPolicy, "Kill").as_deref(), Some("kill"));
    assert_eq!(
        meant(Key::OOMPolicy, "contiune").as_deref(),
        Some("continue")
    );
    assert_eq!(meant(Key::OOMPolicy, "restart"), None);
}

#[test]
fn directives_know_their_unit_types() {
    use UnitType::{Mount, Scope, Service, Slice, Socket};
    assert!(Key::ALL.iter().all(|key| key.applies_to(Service)));
    assert!(!Key::TimeoutStopSec.applies_to(Slice));
    assert!(
        !Key::TimeoutStopSec.applies_to(Socket),
        "sockets have TimeoutSec="
    );
    assert!(Key::OOMPolicy.applies_to(Scope) && !Key::OOMPolicy.applies_to(Slice));
    assert!(Key::OOMScoreAdjust.applies_to(Mount) && !Key::OOMScoreAdjust.applies_to(Scope));
    assert!(Key::MemoryMax.applies_to(Socket));
    assert!(!Key::ManagedOOMSwap.applies_to(Socket));
}
