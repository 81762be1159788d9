//! Traps of swap and MemoryHigh: a standstill that never reaches MemoryMax (FACTS 25).

use crate::doctor::commands::quoted;
use crate::doctor::facts::{Facts, Unit};
use crate::doctor::{Area, Finding, Severity};
use crate::limits::key::Key;
use crate::policy::{NEAR, STANDSTILL};
use crate::sample::{Limit, Sample};
use crate::units::{Span, show_bytes};

pub(super) fn saw(facts: &Facts) -> Option<String> {
    if facts.image.is_some() {
        return facts
            .limits
            .seen
            .then(|| "by the unit files alone".to_owned());
    }
    let swap = facts.swap?;
    let limited = facts.units.iter().filter(|u| high(u).is_some()).count();
    let swap = match swap {
        0 => "no swap".to_owned(),
        bytes => format!("{} of swap", show_bytes(bytes)),
    };
    Some(format!(
        "{swap}, {} with a MemoryHigh",
        super::count(limited, "unit")
    ))
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for unit in &facts.units {
        match standstill(facts, unit) {
            Some(finding) => found.push(finding),
            None => found.extend(without_swap(facts, unit)),
        }
        found.extend(stuck_in_swap(unit));
    }
    found
}

/// The MemoryHigh in force; of what does not run, the files'.
fn high(unit: &Unit) -> Option<u64> {
    match &unit.reading {
        Some(reading) => reading.limits.high?.bytes(),
        None => unit.bytes(Key::MemoryHigh),
    }
}

/// Why a unit cannot swap anything out, if it cannot.
fn no_swap(facts: &Facts, unit: &Unit) -> Option<&'static str> {
    let swap_max = unit.reading.as_ref().and_then(|r| r.limits.swap_max);
    let by_files = unit.reading.is_none() && unit.bytes(Key::MemorySwapMax) == Some(0);
    if facts.swap == Some(0) {
        Some("the machine has no swap")
    } else if swap_max == Some(Limit::Bytes(0)) || by_files {
        Some("it has MemorySwapMax=0")
    } else if unit.reading.is_some() && unit.swap_room == Some(0) {
        Some("a slice above it has no swap left")
    } else {
        None
    }
}

fn standstill(facts: &Facts, unit: &Unit) -> Option<Finding> {
    let reading = unit.reading.as_ref()?;
    let (high, current) = (high(unit)?, reading.memory.current?);
    let full = reading.pressure?.full?.avg10;
    let throttled = reading.events.high.unwrap_or(0) > 0;
    let near = u128::from(current) * 100 >= u128::from(high) * u128::from(NEAR);
    if !(throttled && near && full >= STANDSTILL) {
        return None;
    }
    let what = format!(
        "{}: at a standstill: {} of MemoryHigh={}, all of it waited {}.{:02} % of the last 10 s",
        unit.name,
        show_bytes(current),
        show_bytes(high),
        full / 100,
        full % 100
    );
    let name = quoted(unit.name.as_str());
    let raise = facts.systemctl(&format!(
        "set-property --runtime {name} MemoryHigh=infinity"
    ));
    Some(
        Finding::new(
            Severity::Error,
            Area::Memory,
            "standstill",
            what,
            match no_swap(facts, unit) {
                Some(_) => "the kernel throttles it over MemoryHigh and nothing can be swapped out: it is active, does nothing, and never reaches MemoryMax",
                None => "the kernel throttles it over MemoryHigh faster than it can swap out",
            },
        )
        .unit(&unit.name)
        .profile(unit.profile.as_deref())
        .run(raise),
    )
}

fn without_swap(facts: &Facts, unit: &Unit) -> Option<Finding> {
    let high = high(unit)?;
    let why_not = no_swap(facts, unit)?;
    // Somebody looks after it then, if anybody watches: that is another finding.
    if unit.minds_standstill || has_watchdog(unit) {
        return None;
    }
    Some(
        Finding::new(
            Severity::Warning,
            Area::Memory,
            "high-without-swap",
            format!("{}: MemoryHigh={}, and {why_not}", unit.name, show_bytes(high)),
            "a unit that needs more than MemoryHigh and cannot swap is throttled to a standstill, and never reaches MemoryMax",
        )
        .unit(&unit.name)
        .profile(unit.profile.as_deref())
        .advise(match why_not {
            "the machine has no swap" => {
                "add swap, or a rule `{ stalled = true, action = \"restart\" }`, or take MemoryHigh away and let MemoryMax decide"
            }
            _ => "let it swap, or add a rule `{ stalled = true, action = \"restart\" }`, or take MemoryHigh away and let MemoryMax decide",
        }),
    )
}

/// A service at a standstill does not answer for its watchdog either, and systemd restarts it.
fn has_watchdog(unit: &Unit) -> bool {
    let watched = unit
        .says("WatchdogSec")
        .and_then(|text| Span::parse(text).ok());
    let comes_back = ["always", "on-failure", "on-abnormal", "on-watchdog"];
    watched.is_some_and(|span| span != Span::seconds(0))
        && unit
            .says("Restart")
            .is_some_and(|restart| comes_back.contains(&restart))
}

/// What lies in swap and may not be there is not thrown out; it comes back and has to fit.
fn stuck_in_swap(unit: &Unit) -> Option<Finding> {
    let reading: &Sample = unit.reading.as_ref()?;
    let max = reading.limits.swap_max?.bytes()?;
    let swap = reading.memory.swap?;
    if swap <= max {
        return None;
    }
    Some(
        Finding::new(
            Severity::Warning,
            Area::Memory,
            "over-swap",
            format!(
                "{}: {} in swap, over its MemorySwapMax={}",
                unit.name,
                show_bytes(swap),
                show_bytes(max)
            ),
            "what comes back from there cannot go out again, and has to fit under MemoryMax",
        )
        .unit(&unit.name)
        .profile(unit.profile.as_deref())
        .advise("restart it when that suits, or raise MemorySwapMax"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::bench::{M, healthy, ids, reading, said, unit};
    use super::*;
    use crate::kernel::psi::{Pressure, Stall};

    fn running(current: u64, high: Option<u64>) -> Unit {
        Unit {
            reading: Some(reading("a.service", current, high, None)),
            swap_room: Some(u64::MAX),
            ..unit("a.service", &[])
        }
    }

    fn found(swap: u64, unit: &Unit) -> Vec<Finding> {
        let mut facts = healthy();
        facts.swap = Some(swap);
        facts.units = vec![unit.clone()];
        check(&facts)
    }

    #[test]
    fn memory_high_with_swap_is_well() {
        assert!(found(M, &running(50, Some(100))).is_empty());
        assert!(found(0, &running(50, None)).is_empty());
    }

    #[test]
    fn without_swap_it_is_a_trap_unless_a_rule_minds_it() {
        let mut a = running(50, Some(100));
        let told = found(0, &a);
        assert_eq!(ids(&told), ["high-without-swap"]);
        assert_eq!(
            told[0].what,
            "a.service: MemoryHigh=100M, and the machine has no swap"
        );
        a.minds_standstill = true;
        assert!(found(0, &a).is_empty());
        a.minds_standstill = false;
        a.said.insert("WatchdogSec", said("3min"));
        assert_eq!(
            ids(&found(0, &a)),
            ["high-without-swap"],
            "nobody restarts it"
        );
        a.said.insert("Restart", said("on-failure"));
        assert!(found(0, &a).is_empty());
        let mut a = running(50, Some(100));
        a.swap_room = Some(0);
        assert_eq!(ids(&found(M, &a)), ["high-without-swap"]);
        let mut a = running(50, Some(100));
        a.reading.as_mut().expect("it runs").limits.swap_max = Some(Limit::Bytes(0));
        assert!(found(M, &a)[0].what.ends_with("MemorySwapMax=0"));
        let a = unit("a.service", &[(Key::MemoryHigh, 100)]);
        assert_eq!(ids(&found(0, &a)), ["high-without-swap"], "not running");
    }

    #[test]
    fn a_standstill_is_wrong_now() {
        let mut a = running(100, Some(100));
        let sample = a.reading.as_mut().expect("it runs");
        sample.events.high = Some(7);
        let stall = |avg10| Stall {
            avg10,
            ..Stall::default()
        };
        let pressure = |avg10| Pressure {
            some: stall(10_000),
            full: Some(stall(avg10)),
        };
        sample.pressure = Some(pressure(49_99));
        assert_eq!(ids(&found(0, &a)), ["high-without-swap"]);
        a.reading.as_mut().expect("it runs").pressure = Some(pressure(98_50));
        let told = found(0, &a);
        assert_eq!(ids(&told), ["standstill"]);
        assert!(told[0].what.contains("98.50 %"), "{told:?}");
        a.reading.as_mut().expect("it runs").memory.current = Some(90 * M);
        assert_eq!(
            ids(&found(0, &a)),
            ["high-without-swap"],
            "something else stalls it"
        );
    }

    #[test]
    fn more_in_swap_than_there_may_be() {
        let mut a = running(50, None);
        let sample = a.reading.as_mut().expect("it runs");
        sample.limits.swap_max = Some(Limit::Bytes(M));
        sample.memory.swap = Some(M);
        assert!(found(M, &a).is_empty());
        a.reading.as_mut().expect("it runs").memory.swap = Some(M + 4096);
        assert_eq!(ids(&found(M, &a)), ["over-swap"]);
    }

    #[test]
    fn the_line_tells_of_swap() {
        let mut facts = healthy();
        facts.units = vec![running(50, Some(100)), running(50, None)];
        assert_eq!(
            saw(&facts).expect("seen"),
            "1G of swap, 1 unit with a MemoryHigh"
        );
    }
}
