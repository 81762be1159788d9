//! `stalled`: who stands still, and who does not.

use super::*;

/// At its MemoryHigh of 200M, without swap.
fn at_high(resident: u64, full: u32) -> Line {
    let mut unit = line(&[r#"stalled = true, action = "restart""#]);
    unit.sample.limits.high = Some(Limit::Bytes(200 * M));
    unit.ceiling = Some(Ceiling {
        bytes: 200 * M,
        unit: super::unit("a.service"),
        bound: Bound::High,
    });
    unit.sample.memory.current = Some(200 * M);
    unit.sample.memory.stat.anon = Some(resident * M);
    unit.sample.events.high = Some(1000);
    unit.pressure(full, full, 0);
    unit
}

/// Ten seconds later, with as many `high` events more.
fn more(unit: &mut Line, events: u64) -> String {
    *unit.sample.events.high.get_or_insert(0) += events;
    unit.wait(10).read()
}

#[test]
fn a_standstill() {
    let mut unit = at_high(199, 98);
    assert_eq!(
        unit.read(),
        "",
        "one reading does not tell whether it is throttled"
    );
    assert_eq!(more(&mut unit, 100), "+stalled restart");
    assert_eq!(
        unit.why(),
        "stalled: need 199M of MemoryHigh=200M, full pressure 98%, no room in swap"
    );
    for _ in 0..20 {
        assert_eq!(more(&mut unit, 100), "restart");
    }
    unit.pressure(2, 2, 0);
    assert_eq!(more(&mut unit, 0), "-stalled");
}

#[test]
fn the_timer_sees_it_too() {
    let mut unit = at_high(199, 82);
    assert_eq!(unit.read(), "");
    *unit.sample.events.high.get_or_insert(0) += 600;
    assert_eq!(unit.wait(60).reload().read(), "+stalled restart");
    assert_eq!(unit.wait(120).reload().read(), "-stalled", "no event since");
}

#[test]
fn a_page_cache_reader_at_its_limit_is_well() {
    // Its need is small, and nothing else counts: not the events, not even pressure.
    for full in [0, 30, 99] {
        let mut unit = at_high(40, full);
        for _ in 0..30 {
            assert_eq!(more(&mut unit, 5000), "");
        }
    }
}

#[test]
fn a_cache_that_fills_to_its_cap_is_well() {
    let mut unit = at_high(100, 0);
    for need in 100..195 {
        unit.sample.memory.stat.anon = Some(need * M);
        assert_eq!(more(&mut unit, 1), "");
    }
    for _ in 0..100 {
        assert_eq!(more(&mut unit, 1), "");
    }
}

#[test]
fn what_can_swap_or_is_not_throttled_is_well() {
    let mut unit = at_high(199, 98);
    unit.swap_free = Some(100 * M);
    unit.read();
    assert_eq!(more(&mut unit, 100), "", "there is swap");
    unit.sample.limits.swap_max = Some(Limit::Bytes(0));
    unit.read();
    assert_eq!(more(&mut unit, 100), "+stalled restart", "not for it");
    let mut unit = at_high(199, 98);
    (unit.sample.limits.swap_max, unit.sample.memory.swap) =
        (Some(Limit::Bytes(50 * M)), Some(50 * M));
    unit.swap_free = None;
    unit.read();
    assert_eq!(
        more(&mut unit, 100),
        "+stalled restart",
        "its share is used up"
    );
    let mut unit = at_high(199, 98);
    unit.read();
    assert_eq!(more(&mut unit, 0), "", "no event: the host is slow");
    let mut unit = at_high(199, 98);
    unit.sample.limits.high = Some(Limit::Infinity);
    unit.ceiling = None;
    unit.read();
    assert_eq!(more(&mut unit, 100), "");
}

#[test]
fn what_is_not_known_is_no_standstill() {
    let spoil: [fn(&mut Line); 5] = [
        |unit| unit.sample.pressure = None,
        |unit| unit.sample.memory.stat.anon = None,
        |unit| unit.swap_free = None,
        |unit| unit.sample.events.high = None,
        |unit| {
            unit.sample.limits.high = None;
            unit.ceiling = None;
        },
    ];
    for (n, spoil) in spoil.into_iter().enumerate() {
        let mut unit = at_high(199, 98);
        spoil(&mut unit);
        assert_eq!(unit.read(), "");
        assert_eq!(unit.wait(10).read(), "", "{n}");
        assert_eq!(unit.standing()[0].holds, None, "{n}");
    }
}

#[test]
fn the_slice_is_at_its_memory_high() {
    let mut unit = at_high(199, 98);
    unit.sample.limits.high = Some(Limit::Infinity);
    unit.sample.events.high = Some(0);
    let slice = unit.ceiling.as_mut().expect("a ceiling");
    slice.unit = super::unit("shop.slice");
    assert_eq!(
        unit.read(),
        "+stalled restart",
        "its events are not counted in the unit"
    );
    let mut unit = at_high(185, 98);
    unit.sample.limits.high = Some(Limit::Infinity);
    unit.sample.memory.current = Some(190 * M);
    assert_eq!(unit.read(), "", "others hold the rest of the slice");
}

#[test]
fn a_counter_that_fell_is_no_end_of_events() {
    let mut unit = at_high(199, 98);
    unit.sample.start = Start::default();
    unit.read();
    unit.sample.events.high = Some(10);
    assert_eq!(unit.wait(10).read(), "", "nobody knows since when");
    assert_eq!(more(&mut unit, 100), "+stalled restart");
}
