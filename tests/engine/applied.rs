//! The good way: what is asked of the manager, and what the kernel has in the end.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use memctl::apply::record::Contents;
use memctl::apply::{Edit, Tight};
use memctl::limits::plan::When;

use crate::world::{Fake, World, install, uninstall, unit};
use crate::{CACHE, WEB, on_each_systemd, web, world};

#[test]
fn one_reload_is_all_where_it_reaches_the_kernel() {
    let world = world(&[(WEB, 100)]);
    let mut fake = Fake::boot(&world, false);
    let outcome = fake.install("web", &web(400)).expect("applied");
    assert!(outcome.changed);
    assert_eq!(fake.asked(), ["reload"]);
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(400));
    assert_eq!(world.installed("web"), Some(web(400)));
    assert_eq!(world.record(), None);
    assert_eq!(fake.killed, [""; 0]);
}

#[test]
fn one_nudge_a_slice_the_deepest_first_where_it_does_not() {
    let units = [
        (WEB, 100),
        (CACHE, 100),
        ("system.slice/system-w.slice", 200),
        ("system.slice/system-w.slice/w@1.service", 100),
        ("system.slice/system-w.slice/w@2.service", 100),
        ("user.slice", 0),
    ];
    let world = world(&units);
    let mut fake = Fake::boot(&world, true);
    let profile = web(400)
        + &unit("cache.service", "CPUQuota = \"50%\"")
        + &unit("w@.service", "MemoryMax = \"200M\"\nTasksMax = 20")
        + &unit("user.slice", "MemoryMax = \"50%\"");
    fake.install("all", &profile).expect("applied");
    let asked = fake.asked();
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert_eq!(asked[0], "reload");
    assert!(asked[1].starts_with("nudge w@"), "{asked:?}");
    assert!(asked[2] == "nudge cache.service" || asked[2] == "nudge web.service");
    assert_eq!(asked[3], "nudge user.slice");
    for (file, says) in [
        ("system.slice/web.service/memory.max", "419430400"),
        ("system.slice/cache.service/cpu.max", "50000 100000"),
        (
            "system.slice/system-w.slice/w@1.service/memory.max",
            "209715200",
        ),
        ("system.slice/system-w.slice/w@2.service/pids.max", "20"),
        ("user.slice/memory.max", "1073741824"),
        ("system.slice/memory.max", "max"),
    ] {
        assert_eq!(world.kernel(file), says, "{file}");
    }
}

#[test]
fn applying_again_asks_for_nothing() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 100)]);
        let mut fake = Fake::boot(&world, lags);
        let text = web(400)
            + &unit("gone.service", "MemoryMax = \"1G\"")
            + &unit(
                "cache.service",
                "MemoryMax = \"1000001\"\nCPUQuota = \"0.5%\"\nTasksMax = \"10%\"\nOOMScoreAdjust = 5\nTimeoutStopSec = \"1min\"",
            );
        world.cgroup(CACHE, 0, 0);
        fake.install("web", &text).expect("applied");
        assert_ne!(fake.asked(), [""; 0]);
        let again = fake.install("web", &text).expect("applied");
        assert!(!again.changed, "lags: {lags}");
        assert_eq!(fake.asked(), [""; 0], "lags: {lags}");
        let bare = fake.apply(&[], Tight::default()).expect("applied");
        assert!(!bare.changed);
        assert_eq!(fake.asked(), [""; 0]);
    });
}

#[test]
fn a_limit_that_somebody_changed_in_the_kernel_is_put_right() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 100)]);
        let mut fake = Fake::boot(&world, lags);
        fake.install("web", &web(400)).expect("applied");
        fake.asked();
        world.write(&format!("sys/fs/cgroup/{WEB}/memory.max"), "max\n");
        let outcome = fake.apply(&[], Tight::default()).expect("applied");
        assert!(outcome.changed);
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(400));
        assert_eq!(fake.asked()[0], "reload");
    });
}

#[test]
fn what_does_not_run_is_not_nudged() {
    let world = world(&[]);
    let mut fake = Fake::boot(&world, true);
    let text = web(400) + &unit("w@.service", "MemoryMax = \"1G\"");
    let outcome = fake.install("web", &text).expect("applied");
    assert_eq!(fake.asked(), ["reload"]);
    let when: Vec<When> = outcome.plan.rows.iter().map(|r| r.when).collect();
    assert_eq!(when, [When::NotRunning; 2]);
}

#[test]
fn the_kernel_is_loosened_again_when_a_profile_goes() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 100)]);
        let mut fake = Fake::boot(&world, lags);
        fake.install("web", &web(400)).expect("applied");
        fake.asked();
        fake.apply(&[uninstall("web")], Tight::default())
            .expect("removed");
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), None);
        assert_eq!(world.installed("web"), None);
        assert_eq!(world.generated("web.service.d/00-memctl.conf"), None);
        assert_eq!(fake.asked().len(), if lags { 2 } else { 1 });
    });
}

#[test]
fn a_package_s_profile_is_masked_and_its_limits_go() {
    let world = world(&[(WEB, 100)]);
    world.write("usr/lib/memctl/profiles.d/web.toml", &web(400));
    let mut fake = Fake::boot(&world, false);
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(400));
    let mask = Edit {
        new: Some(Contents::Mask),
        ..uninstall("web")
    };
    fake.apply(&[mask], Tight::default()).expect("removed");
    let link = fs::read_link(world.path().join(world::ETC).join("web.toml"));
    assert_eq!(link.ok(), Some("/dev/null".into()));
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), None);
}

#[test]
fn a_unit_that_ends_meanwhile_is_no_failure() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 100), (CACHE, 100)]);
        let mut fake = Fake::boot(&world, lags);
        fake.before_reload = Some(Box::new(|world| world.stop(WEB)));
        let text = web(400) + &unit("cache.service", "MemoryMax = \"200M\"");
        fake.install("web", &text).expect("applied");
        assert_eq!(world.limit(&format!("{CACHE}/memory.max")), Some(200));
    });
}

#[test]
fn page_cache_is_given_back_before_the_limit_comes() {
    let world = World::new();
    world.cgroup(WEB, 100, 400);
    let (reclaimed, done) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (done, world, reclaimed) = (&done, &world, &reclaimed);
        // The kernel's part: what is asked of memory.reclaim goes from the cache.
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let asked = world.read(&format!("sys/fs/cgroup/{WEB}/memory.reclaim"));
                if !asked.unwrap_or_default().trim().is_empty() {
                    reclaimed.store(true, Ordering::Relaxed);
                    world.holds(WEB, 100, 50);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let mut fake = Fake::boot(world, false);
        let applied = fake.install("web", &web(200));
        done.store(true, Ordering::Relaxed);
        applied.expect("applied");
    });
    assert!(reclaimed.load(Ordering::Relaxed));
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(200));
    assert_eq!(world.kernel(&format!("{WEB}/memory.high")), "max");
}

#[test]
fn a_hand_written_throttle_never_outlives_the_change() {
    for (lags, limits, high) in [
        (false, "MemoryMax = \"200M\"", None),
        (true, "MemoryMax = \"200M\"", None),
        (
            false,
            "MemoryMax = \"200M\"\nMemoryHigh = \"180M\"",
            Some(180),
        ),
        (
            true,
            "MemoryMax = \"200M\"\nMemoryHigh = \"180M\"",
            Some(180),
        ),
    ] {
        let world = world(&[(WEB, 150)]);
        let mut fake = Fake::boot(&world, lags);
        let seen = AtomicBool::new(false);
        let progress = |step: &str| {
            if step.contains("reloading") {
                let by_hand = world.limit(&format!("{WEB}/memory.high"));
                seen.store(by_hand == Some(190), Ordering::Relaxed);
            }
        };
        let edits = [install("web", &unit("web.service", limits))];
        fake.apply_with(&edits, Tight::default(), &Arc::default(), &progress)
            .expect("applied");
        assert!(seen.into_inner(), "throttled while the limit comes");
        assert_eq!(world.limit(&format!("{WEB}/memory.high")), high);
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(200));
    }
}
