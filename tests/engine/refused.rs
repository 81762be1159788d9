//! What would kill, and what cannot be right, is refused with nothing touched.

use memctl::apply::Tight;
use memctl::error::Kind;

use crate::world::{Fake, uninstall, unit};
use crate::{CACHE, NEXT_START, WEB, assert_untouched, on_each_systemd, web, world};

#[test]
fn more_than_nine_tenths_is_refused_with_nothing_touched() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 380)]);
        let mut fake = Fake::boot(&world, lags);
        let error = fake.install("web", &web(400)).expect_err("refused");
        assert_eq!(error.kind(), Kind::Failed);
        let text = error.to_string();
        for part in [
            "web.service needs 380M",
            "MemoryMax=400M",
            "--restart",
            "--next-start",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_untouched(&world, &mut fake, "web");
        fake.stray_reload();
        fake.stray_start("system.slice");
        assert_eq!(fake.killed, [""; 0]);
        assert_eq!(world.kernel(&format!("{WEB}/memory.max")), "max");
    });
}

#[test]
fn a_high_without_swap_is_refused_and_with_swap_not() {
    let high = unit("web.service", "MemoryHigh = \"300M\"");
    let world = world(&[(WEB, 350)]);
    let mut fake = Fake::boot(&world, false);
    let error = fake.install("web", &high).expect_err("refused");
    assert!(error.message().contains("standstill"), "{error}");
    assert_untouched(&world, &mut fake, "web");
    world.ram_and_swap(2048, 1024);
    fake.install("web", &high).expect("there is swap");
    assert_eq!(world.limit(&format!("{WEB}/memory.high")), Some(300));
}

#[test]
fn a_slice_is_refused_by_what_is_in_it() {
    let world = world(&[
        ("shop.slice", 950),
        ("shop.slice/a.service", 480),
        ("shop.slice/b.service", 470),
    ]);
    let mut fake = Fake::boot(&world, false);
    let text = unit("shop.slice", "MemoryMax = \"50%\"");
    let error = fake.install("shop", &text).expect_err("refused");
    assert!(
        error
            .message()
            .contains("in it: a.service 480M, b.service 470M"),
        "{error}"
    );
    assert_eq!(fake.asked(), [""; 0]);
}

#[test]
fn a_stranger_s_pending_limit_is_refused_too() {
    for (lags, path) in [
        (false, CACHE),
        (true, CACHE),
        (true, "other.slice/cache.service"),
    ] {
        let world = world(&[(WEB, 100), ("other.slice", 0), (path, 300)]);
        let mut fake = Fake::boot(&world, lags);
        world.write(
            "etc/systemd/system/cache.service.d/10-mem.conf",
            "[Service]\nMemoryMax=100M\n",
        );
        let error = fake.install("web", &web(400)).expect_err("refused");
        assert!(
            error
                .message()
                .contains("/etc/systemd/system/cache.service.d/10-mem.conf:2"),
            "{error}"
        );
        assert_untouched(&world, &mut fake, "web");
    }
}

#[test]
fn the_unit_s_own_lower_limit_is_no_surprise_on_removal() {
    let world = world(&[(WEB, 350)]);
    world.write(
        "etc/systemd/system/web.service",
        "[Service]\nExecStart=/bin/web\nMemoryMax=100M\n",
    );
    world.profile("web", &unit("web.service", "MemoryMax = \"500M\""));
    let mut fake = Fake::boot(&world, false);
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(500));
    let error = fake
        .apply(&[uninstall("web")], Tight::default())
        .expect_err("refused");
    assert!(error.message().contains("MemoryMax=100M"), "{error}");
    assert!(world.installed("web").is_some());
    assert_eq!(fake.asked(), [""; 0]);
    // It may wait: the unit keeps what it has until it starts anew, whoever reloads.
    fake.apply(&[uninstall("web")], NEXT_START)
        .expect("removed");
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(500));
    fake.stray_reload();
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(500));
    assert_eq!(fake.killed, [""; 0]);
    fake.asked();
    fake.apply(&[], NEXT_START).expect("applied");
    assert_eq!(fake.asked(), [""; 0], "what waits is no change");
    world.restart(WEB, 50);
    fake.apply(&[], NEXT_START).expect("applied");
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(100));
    assert_eq!(world.read("run/memctl/keep.json"), None);
}

#[test]
fn a_budget_counts_the_running_instances() {
    let world = world(&[
        ("system.slice/w@1.service", 10),
        ("system.slice/w@2.service", 10),
        ("system.slice/w@3.service", 10),
    ]);
    let mut fake = Fake::boot(&world, false);
    let text = format!(
        "budget = \"500M\"\n{}",
        unit("w@.service", "MemoryMax = \"200M\"")
    );
    let error = fake.install("w", &text).expect_err("over budget");
    assert_eq!(error.kind(), Kind::Usage);
    assert!(error.message().contains("600M"), "{error}");
    assert_eq!(fake.asked(), [""; 0]);
    assert_eq!(world.installed("w"), None);
}
