use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::limits::key::{Key, Value as Limit};
use crate::profile::{Options, Source, check};
use crate::recommend::{Held, Margins, Observation, recommend};
use crate::sample::Limit as InForce;

const M: u64 = 1 << 20;

fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect("a unit")
}

/// Observations of ten minutes each, from 1 November 2026 on.
fn watched(count: i64, need: impl Fn(i64) -> u64) -> Vec<Observation> {
    (0..count)
        .map(|at| {
            let begin: Timestamp = "2026-11-01T00:00:00Z".parse().expect("a time");
            let time = begin + SignedDuration::from_secs(at * 600);
            let mut observation = Observation::blank(time, 600.0);
            let bytes = need(at);
            observation.need = Some(Held {
                least: bytes,
                most: bytes,
                last: bytes,
            });
            observation
        })
        .collect()
}

fn recommended(units: &[(&str, &[Observation])]) -> Recommended {
    let advise = |observations: &[Observation]| recommend(observations, &Margins::default());
    Recommended {
        now: "2026-11-24T06:00:00Z".parse().expect("a time"),
        ram: Some(2048 * M),
        units: units
            .iter()
            .map(|(unit, observations)| (name(unit), advise(observations)))
            .collect(),
    }
}

fn shown(units: &[(&str, &[Observation])]) -> String {
    profile(&recommended(units), &TimeZone::UTC)
}

/// The limits that `memctl verify` reads in a profile: unit, MemoryHigh, MemoryMax.
fn verified(text: &str) -> Vec<(String, Option<u64>, Option<u64>)> {
    let source = Source::new("x", "x.toml", text.as_bytes().to_vec());
    let checked = check(&source, &Options::default());
    assert_eq!(checked.faults, [], "{text}");
    let bytes = |setting: Option<&crate::profile::Setting>| match setting?.value {
        Limit::Memory(Memory::Bytes(bytes)) => Some(bytes),
        _ => None,
    };
    let units = checked.profile.units.iter();
    units
        .map(|unit| {
            (
                unit.name.to_string(),
                bytes(unit.limits.get(&Key::MemoryHigh)),
                bytes(unit.limits.get(&Key::MemoryMax)),
            )
        })
        .collect()
}

#[test]
fn a_profile_says_why() {
    let mut web = watched(14 * 144, |at| if at == 1900 { 312 * M } else { 280 * M });
    for at in [300, 700, 1500] {
        web[at].starts = 1;
        web[at].need = Some(Held {
            least: 100 * M,
            most: 180 * M,
            last: 180 * M,
        });
    }
    web.iter_mut().for_each(|o| o.cache = Some(20 * M));
    let few = watched(9, |_| 50 * M);
    assert_eq!(
        shown(&[("new.service", &few), ("web.service", &web)]),
        r#"# Recommended by memctl on 2026-11-24 06:00.
# Save it as NAME.toml and read it; `memctl plan NAME.toml` compares it with what is in force.
# MemoryMax is 430M: 21% of 2G of RAM.

format = 1

# new.service: 9 readings so far, too few to say anything

[unit."web.service"]
# 14 days watched until 2026-11-14 23:50, 3 starts seen; most need: 312M on 2026-11-14 04:40
# above a day's usual peak of 312M and the 180M that a fresh start needs, with room for 20M of page cache
MemoryHigh = "400M"
# the most it needed, 312M, and 38%: a margin of 34%, and room above MemoryHigh
MemoryMax = "430M""#
    );
}

#[test]
fn what_is_uncertain_is_said() {
    let day = watched(150, |_| 300 * M);
    let text = shown(&[("a.service", &day)]);
    assert!(
        text.contains("# 25 hours watched until 2026-11-02 00:50, no start seen"),
        "{text}"
    );
    assert!(text.contains("What a fresh start needs is not known."));
    let hours = watched(30, |_| 300 * M);
    let text = shown(&[("a.service", &hours)]);
    assert!(
        text.contains("# That is little, and what a fresh start"),
        "{text}"
    );
    let large = watched(3000, |_| 3000 * M);
    let text = shown(&[("a.service", &large)]);
    assert!(text.contains("more than this machine has"), "{text}");
    assert!(text.contains("200% of 2G of RAM"), "{text}");
}

#[test]
fn what_runs_rarely_is_shown_so() {
    let mut nightly = watched(1440, |_| 100 * M);
    nightly.retain(|o| o.time.as_second() % 86400 == 0);
    nightly.iter_mut().for_each(|o| o.starts = 1);
    nightly[0].readings = 60;
    let text = shown(&[("a.service", &nightly)]);
    assert!(
        text.contains("# 100 minutes watched in 9 days until"),
        "{text}"
    );
    assert!(!text.contains("That is little"), "{text}");
}

#[test]
fn a_leak_and_a_kill_are_told() {
    let leak = watched(1300, |at| 100 * M + at as u64 * M / 10);
    let text = shown(&[("a.service", &leak)]);
    assert!(
        text.contains("# Grows: 132M to 210M within 9 days of one start. This may be a leak"),
        "{text}"
    );
    let mut killed = watched(3000, |_| 100 * M);
    killed[7].oom_kills = 2;
    killed[7].at_max = 1;
    killed[7].max = Some(InForce::Bytes(400 * M));
    killed[9].oom_kills = 1;
    let text = shown(&[("a.service", &killed)]);
    assert!(
        text.contains("# it was killed twice at MemoryMax=400M: a step above that"),
        "{text}"
    );
    assert!(
        text.contains("# 1 process killed for want of memory, but not by a limit of its own"),
        "{text}"
    );
    let mut held = leak;
    held[1299].oom_kills = 1;
    held[1299].at_max = 1;
    held[1299].max = Some(InForce::Bytes(231 * M));
    let text = shown(&[("a.service", &held)]);
    assert!(
        text.contains("# it grew until it was killed once at MemoryMax=231M: more would"),
        "{text}"
    );
    assert!(text.contains("\nMemoryMax = \"231M\""), "{text}");
}

#[test]
fn page_cache_is_told() {
    let mut unit = watched(3000, |_| 100 * M);
    unit.iter_mut().for_each(|o| o.cache = Some(900 * M));
    let text = shown(&[("a.service", &unit)]);
    assert!(text.contains("with room for 100M of page cache"), "{text}");
    assert!(
        text.contains("# Half of the time it holds 900M of page cache or more"),
        "{text}"
    );
    unit[5].high = Some(InForce::Bytes(200 * M));
    unit[5].throttled = 1;
    unit[5].stalled = Some(0.5);
    let text = shown(&[("a.service", &unit)]);
    assert!(
        text.contains("at MemoryHigh=200M it had too little"),
        "{text}"
    );
    for observation in &mut unit {
        observation.current = observation.need.take();
    }
    let text = shown(&[("a.service", &unit)]);
    assert!(
        text.contains("most held, page cache included: 100M"),
        "{text}"
    );
    assert!(
        text.contains("# No MemoryHigh") && !text.contains("\nMemoryHigh"),
        "{text}"
    );
}

#[test]
fn names_with_a_backslash_are_read_back() {
    let unit = watched(300, |_| 100 * M);
    let text = shown(&[(r"a\x2db@\x2f.service", &unit)]);
    assert_eq!(verified(&text)[0].0, r"a\x2db@\x2f.service");
}

proptest! {
    /// Whatever was seen, `memctl verify` takes the profile, and reads the limits that were meant.
    #[test]
    fn every_profile_is_good(
        needs in proptest::collection::vec((0u64..1 << 50, 0u64..3, 0u64..1 << 50, any::<bool>()), 1..40),
        known in any::<bool>(),
    ) {
        let mut unit = watched(needs.len() as i64, |_| 0);
        for (observation, (need, starts, limit, hit)) in unit.iter_mut().zip(&needs) {
            let held = Held { least: *need, most: *need, last: *need };
            observation.need = known.then_some(held);
            observation.current = Some(held);
            observation.starts = *starts;
            observation.max = Some(InForce::Bytes(*limit));
            observation.high = Some(InForce::Bytes(limit / 2));
            observation.oom_kills = u64::from(*hit);
            observation.at_max = u64::from(*hit);
            observation.throttled = u64::from(*hit);
        }
        let good = watched(300, |_| 100 * M);
        let recommended = recommended(&[("any.service", &unit), ("good.service", &good)]);
        let expected: Vec<_> = recommended
            .units
            .iter()
            .filter_map(|(unit, advice)| {
                let advice = advice.as_ref().ok()?;
                Some((unit.to_string(), advice.high, Some(advice.max)))
            })
            .collect();
        prop_assert_eq!(verified(&profile(&recommended, &TimeZone::UTC)), expected);
    }
}
