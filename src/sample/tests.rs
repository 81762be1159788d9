use super::*;

fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect(text)
}

fn sample(unit: &str, slice: Option<&str>, high: Option<u64>, max: Option<u64>) -> Sample {
    let mut sample = Sample::blank(name(unit), Timestamp::UNIX_EPOCH, Source::Cgroup);
    sample.slice = slice.map(name);
    sample.limits.high = Some(high.into());
    sample.limits.max = Some(max.into());
    sample
}

#[test]
fn the_ceiling_is_the_least_of_the_unit_and_its_slices() {
    let reading = Reading {
        time: Timestamp::UNIX_EPOCH,
        host: None,
        faults: Vec::new(),
        samples: vec![
            sample("a-b.slice", Some("a.slice"), None, Some(90)),
            sample("a.slice", None, Some(80), None),
            sample("free.service", Some("system.slice"), None, None),
            sample("x.service", Some("a-b.slice"), Some(85), Some(100)),
            sample("y.service", Some("a-b.slice"), Some(70), Some(70)),
        ],
    };
    let ceiling = |unit| reading.ceiling(reading.get(&name(unit)).expect(unit));
    let expected = |bytes, unit, bound| {
        Some(Ceiling {
            bytes,
            unit: name(unit),
            bound,
        })
    };
    assert_eq!(ceiling("x.service"), expected(80, "a.slice", Bound::High));
    assert_eq!(ceiling("y.service"), expected(70, "y.service", Bound::High));
    assert_eq!(ceiling("a-b.slice"), expected(80, "a.slice", Bound::High));
    assert_eq!(ceiling("free.service"), None);
}

#[test]
fn what_the_manager_says_is_in_force_has_no_owner_unless_one_is_seen() {
    let mut reading = Reading {
        time: Timestamp::UNIX_EPOCH,
        host: None,
        faults: Vec::new(),
        samples: vec![
            sample("a.slice", None, Some(80), None),
            sample("x.service", Some("a.slice"), None, None),
        ],
    };
    for (effective, bound) in [(80, Bound::High), (70, Bound::Max)] {
        reading.samples[1].limits.effective = Some(Limit::Bytes(effective));
        let ceiling = reading.ceiling(&reading.samples[1]).expect("a ceiling");
        assert_eq!((ceiling.bytes, ceiling.bound), (effective, bound));
        assert_eq!(ceiling.unit, name("a.slice"));
    }
}

#[test]
fn need_counts_swap_and_is_unknown_without_statistics() {
    let mut memory = Memory {
        current: Some(500),
        swap: Some(7),
        ..Memory::default()
    };
    assert_eq!(memory.need(), None);
    memory.stat.anon = Some(100);
    memory.stat.sock = Some(3);
    memory.stat.file = Some(300);
    assert_eq!(memory.need(), Some(110));
    assert_eq!(memory.resident(), Some(103));
    assert_eq!(memory.reclaimable(), Some(397));
}

#[test]
fn counters_that_begin_anew_are_not_negative() {
    assert_eq!(gained(Some(3), Some(5), true), Some(2));
    assert_eq!(gained(Some(3), Some(5), false), Some(5));
    assert_eq!(gained(Some(9), Some(5), true), Some(5));
    assert_eq!(gained(None, Some(5), true), None);
}

#[test]
fn starts_are_the_same_unless_something_known_differs() {
    let start = |invocation, inode| Start {
        invocation: Invocation::parse(invocation),
        inode,
    };
    let (a, b) = (
        "00000000000000000000000000000001",
        "00000000000000000000000000000002",
    );
    assert!(start(a, Some(1)).same(&start(a, None)));
    assert!(start("", Some(1)).same(&start(a, Some(1))));
    assert!(!start(a, Some(1)).same(&start(b, Some(1))));
    assert!(!start(a, Some(1)).same(&start(a, Some(2))));
    assert_eq!(Invocation::parse("0"), None);
    assert_eq!(Invocation::parse(&"0".repeat(32)), None);
    assert_eq!(
        Invocation::parse(a).map(|i| i.to_string()).as_deref(),
        Some(a)
    );
}
