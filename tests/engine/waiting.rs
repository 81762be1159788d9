//! `--next-start` and `--restart`.

use std::collections::BTreeMap;
use std::fs;

use memctl::apply::Tight;
use memctl::limits::plan::When;

use crate::world::{ETC, Fake, install, unit};
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
        let dropin = world.generated("web.service.d/zzz-memctl.conf");
        let dropin = dropin.expect("a drop-in");
        assert!(
            dropin.contains("Wants=memctl-withheld@%n.service"),
            "{dropin}"
        );
        fake.asked();
        for tight in [NEXT_START, Tight::default()] {
            fake.apply(&[], tight).expect("what waits is no refusal");
            assert_eq!(fake.asked(), [""; 0]);
        }
        // memctl-withheld@.service does this when the unit starts.
        world.restart(WEB, 50);
        fake.apply(&[], NEXT_START).expect("applied");
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(400));
        assert_eq!(fake.killed, [""; 0]);
    });
}

/// A slice stops with its last member, which may be never: it is a member's new start that makes the room.
#[test]
fn the_next_start_of_a_member_is_a_slices() {
    on_each_systemd(|lags| {
        let world = world(&[
            ("shop.slice", 160),
            ("shop.slice/a.service", 80),
            (CACHE, 10),
        ]);
        world.cgroup("shop.slice/b.service", 80, 0);
        let mut fake = Fake::boot(&world, lags);
        let text = unit("shop.slice", "MemoryMax = \"120M\"");
        fake.apply(&[install("shop", &text)], NEXT_START)
            .expect("applied");
        for member in ["a.service", "b.service"] {
            let dropin = world.generated(&format!("{member}.d/zzz-memctl-slice.conf"));
            let dropin = dropin.expect(member);
            assert!(
                dropin.contains("Wants=memctl-withheld@shop.slice.service\n"),
                "{dropin}"
            );
        }
        assert_eq!(
            world.generated("cache.service.d/zzz-memctl-slice.conf"),
            None
        );
        fake.asked();
        // Members are strangers all the same: none of their limits is the profile's.
        let outcome = fake.apply(&[], NEXT_START).expect("nothing to do");
        assert_eq!(fake.asked(), [""; 0]);
        let units = outcome.plan.rows.iter().map(|row| row.unit.as_str());
        assert_eq!(units.collect::<Vec<_>>(), ["shop.slice"]);
        // memctl-withheld@shop.slice.service does this when a.service starts.
        world.restart("shop.slice/a.service", 10);
        world.holds("shop.slice", 90, 0);
        fake.apply(&[], NEXT_START).expect("applied");
        assert_eq!(world.limit("shop.slice/memory.max"), Some(120));
        assert_eq!(world.generated("b.service.d/zzz-memctl-slice.conf"), None);
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

#[test]
fn what_a_profile_had_raised_is_not_lost_with_its_file() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 150)]);
        let file = "etc/systemd/system/web.service";
        world.write(file, "[Service]\nExecStart=/bin/x\nMemoryMax=200M\n");
        let mut fake = Fake::boot(&world, lags);
        fake.install("web", &web(600)).expect("applied");
        world.holds(WEB, 450, 0);
        // Shortened by hand, then deleted by hand.
        let profile = format!("{ETC}/web.toml");
        world.write(&profile, &unit("web.service", "TasksMax = 50"));
        fake.stray_reload();
        fs::remove_file(world.path().join(&profile)).expect("rm");
        for _ in 0..2 {
            fake.stray_reload();
            fake.stray_start("system.slice");
            assert_eq!(fake.killed, [""; 0]);
            assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(600));
        }
        fake.asked();
        fake.apply(&[], Tight::default())
            .expect("what waits is no refusal");
        assert_eq!(fake.asked(), [""; 0]);
        world.restart(WEB, 50);
        fake.apply(&[], NEXT_START).expect("applied");
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(200));
        assert_eq!(world.generated("web.service.d/zzz-memctl.conf"), None);
    });
}

#[test]
fn a_second_tighter_limit_is_refused_although_the_first_one_waits() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 380)]);
        let mut fake = Fake::boot(&world, lags);
        fake.apply(&[install("web", &web(400))], NEXT_START)
            .expect("applied");
        let error = fake.install("web", &web(300)).expect_err("refused");
        assert!(error.message().contains("MemoryMax=300M"), "{error}");
        // Looser than what waits, and too tight still: whoever asks for it is told.
        fake.install("web", &web(410)).expect_err("refused");
        fake.install("web", &web(500)).expect("applied");
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(500));
    });
}

#[test]
fn restart_leaves_in_peace_what_waits_for_another_profile() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 380), (CACHE, 50)]);
        let mut fake = Fake::boot(&world, lags);
        fake.apply(&[install("web", &web(400))], NEXT_START)
            .expect("applied");
        fake.asked();
        let cache = unit("cache.service", "MemoryMax = \"100M\"");
        fake.named = Some(vec!["cache".to_owned()]);
        fake.apply(&[install("cache", &cache)], RESTART)
            .expect("applied");
        assert!(!fake.asked().iter().any(|call| call.contains("restart")));
        assert_eq!(world.limit(&format!("{CACHE}/memory.max")), Some(100));
    });
}
