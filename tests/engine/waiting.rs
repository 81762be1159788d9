//! `--next-start` and `--restart`.

use std::collections::BTreeMap;

use memctl::apply::Tight;
use memctl::limits::plan::When;

use crate::world::{Fake, install, unit};
use crate::{CACHE, NEXT_START, RESTART, WEB, on_each_systemd, web, world};

#[test]
fn next_start_withholds_until_the_unit_starts_anew() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 380), (CACHE, 10)]);
        let mut fake = Fake::boot(&world, lags);
        let text = web(400) + &unit("cache.service", "MemoryMax = \"50M\"");
        let outcome = fake
            .apply(&[install("web", &text)], NEXT_START)
            .expect("applied");
        let row = outcome
            .plan
            .rows
            .iter()
            .find(|r| r.unit.as_str() == "web.service");
        let row = row.expect("a row");
        assert_eq!(row.when, When::NextStart);
        assert_eq!(row.withheld.as_deref(), Some("400M"));
        assert_eq!(world.limit(&format!("{CACHE}/memory.max")), Some(50));
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), None);
        let dropin = world.generated("web.service.d/00-memctl.conf");
        let dropin = dropin.expect("a drop-in");
        assert!(dropin.contains("Wants=memctl-withheld.service"), "{dropin}");
        fake.asked();
        for tight in [NEXT_START, Tight::default()] {
            fake.apply(&[], tight).expect("what waits is no refusal");
            assert_eq!(fake.asked(), [""; 0]);
        }
        // memctl-withheld.service does this when the unit starts.
        world.restart(WEB, 50);
        fake.apply(&[], NEXT_START).expect("applied");
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(400));
        assert_eq!(fake.killed, [""; 0]);
    });
}

#[test]
fn next_start_keeps_what_a_stranger_would_lose() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 100), (CACHE, 300)]);
        let mut fake = Fake::boot(&world, lags);
        world.write(
            "etc/systemd/system/cache.service.d/10-mem.conf",
            "[Service]\nMemoryMax=100M\n",
        );
        fake.apply(&[install("web", &web(400))], NEXT_START)
            .expect("applied");
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(400));
        assert_eq!(world.limit(&format!("{CACHE}/memory.max")), None);
        fake.stray_start("system.slice");
        assert_eq!(fake.killed, [""; 0]);
        world.restart(CACHE, 10);
        fake.apply(&[], Tight::default()).expect("applied");
        assert_eq!(world.limit(&format!("{CACHE}/memory.max")), Some(100));
        assert_eq!(world.read("run/memctl/keep.json"), None);
    });
}

#[test]
fn restart_makes_room_first() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 380)]);
        let mut fake = Fake::boot(&world, lags);
        fake.restarts = BTreeMap::from([("web.service", 50)]);
        let outcome = fake
            .apply(&[install("web", &web(400))], RESTART)
            .expect("applied");
        let asked = fake.asked();
        assert_eq!(asked[..2], ["restart web.service", "reload"]);
        assert_eq!(outcome.restarted.len(), 1);
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(400));
    });
}

#[test]
fn a_restart_that_does_not_help_is_followed_by_the_refusal() {
    let world = world(&[(WEB, 380)]);
    let mut fake = Fake::boot(&world, false);
    fake.restarts = BTreeMap::from([("web.service", 370)]);
    let edits = [install("web", &web(400))];
    let error = fake.apply(&edits, RESTART).expect_err("refused");
    assert!(error.message().contains("370M"), "{error}");
    assert!(!error.message().contains("nothing was changed"), "{error}");
    assert_eq!(fake.asked(), ["restart web.service"]);
    assert_eq!(world.installed("web"), None);
    // It does not come back at all: told, and no limit is changed.
    fake.restarts.clear();
    let error = fake.apply(&edits, RESTART).expect_err("failed");
    assert!(error.message().contains("is failed now"), "{error}");
    assert_eq!(world.installed("web"), None);
}

#[test]
fn what_is_no_lasting_service_is_not_restarted() {
    let world = world(&[(WEB, 380), ("shop.slice", 950)]);
    world.write(
        "etc/systemd/system/web.service",
        "[Service]\nType=oneshot\nExecStart=/bin/web\n",
    );
    let mut fake = Fake::boot(&world, false);
    for text in [web(400), unit("shop.slice", "MemoryMax = \"50%\"")] {
        let error = fake
            .apply(&[install("x", &text)], RESTART)
            .expect_err("refused");
        assert!(error.message().contains("is not a service"), "{error}");
        assert_eq!(fake.asked(), [""; 0]);
    }
}
