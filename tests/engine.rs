//! The apply engine over a world of its own: what it asks of the manager and in which order, what ends up in the
//! kernel's files, and what is left when something goes wrong.

mod world;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use memctl::apply::lock::Lock;
use memctl::apply::record::{Contents, OldFile, OldValue, Record};
use memctl::apply::stop::Step;
use memctl::apply::{Edit, Tight};
use memctl::error::Kind;
use memctl::kernel::root::Root;
use memctl::limits::key::Key;
use memctl::limits::plan::When;
use memctl::scope::Scope;

use world::{Fake, M, World, install, uninstall, unit};

const NEXT_START: Tight = Tight {
    restart: false,
    next_start: true,
};
const RESTART: Tight = Tight {
    restart: true,
    next_start: false,
};
const WEB: &str = "system.slice/web.service";
const CACHE: &str = "system.slice/cache.service";

/// `MemoryMax` of web.service, in mebibytes.
fn web(max: u64) -> String {
    unit("web.service", &format!("MemoryMax = \"{max}M\""))
}

fn world(units: &[(&str, u64)]) -> World {
    let world = World::new();
    for (path, need) in units {
        world.cgroup(path, *need, 0);
    }
    world
}

/// A test for a systemd whose reload reaches the kernel, and for one whose does not: at once, as they wait a lot.
fn on_each_systemd(test: impl Fn(bool) + Sync) {
    std::thread::scope(|scope| {
        let test = &test;
        for lags in [false, true] {
            scope.spawn(move || test(lags));
        }
    });
}

// ---- the good way -----------------------------------------------------------

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

// ---- what would kill ----------------------------------------------------------

/// Nothing was asked, and nothing is different.
fn assert_untouched(world: &World, fake: &mut Fake<'_>, file: &str) {
    assert_eq!(fake.asked(), [""; 0]);
    assert_eq!(world.installed(file), None);
    assert_eq!(world.record(), None);
    assert_eq!(world.kernel(&format!("{WEB}/memory.max")), "max");
    assert_eq!(world.kernel(&format!("{WEB}/memory.high")), "max");
    assert_eq!(fake.killed, [""; 0]);
}

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

// ---- --next-start, --restart -----------------------------------------------

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

// ---- what the kernel or the administrator says ----------------------------------

#[test]
fn the_administrator_s_drop_in_wins_and_is_named() {
    let world = world(&[(WEB, 100)]);
    world.write(
        "etc/systemd/system.control/web.service.d/50-MemoryMax.conf",
        "# This is a drop-in unit file extension, created via \"systemctl set-property\"\n[Service]\nMemoryMax=1073741824\n",
    );
    let mut fake = Fake::boot(&world, false);
    let outcome = fake.install("web", &web(400)).expect("applied");
    let by = outcome.plan.rows[0]
        .overridden
        .as_ref()
        .expect("overridden");
    assert_eq!(
        by.by.path.to_str(),
        Some("/etc/systemd/system.control/web.service.d/50-MemoryMax.conf")
    );
    assert_eq!(by.by.line, 3);
    assert_eq!(by.wanted, "400M");
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(1024));
    fake.asked();
    fake.install("web", &web(400)).expect("applied");
    assert_eq!(fake.asked(), [""; 0]);
    let hard = unit("web.service", "override = true\nMemoryMax = \"400M\"");
    fake.install("web", &hard).expect("applied");
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(400));
}

#[test]
fn a_kernel_without_the_file_is_a_warning_once() {
    for (key, file, value, lags) in [
        ("MemoryZSwapMax", "memory.zswap.max", "10M", false),
        ("MemoryZSwapMax", "memory.zswap.max", "10M", true),
        ("IOWeight", "io.weight", "50", true),
    ] {
        let world = world(&[(WEB, 100)]);
        let mut fake = Fake::boot(&world, lags);
        let text = unit(
            "web.service",
            &format!("MemoryMax = \"400M\"\n{key} = \"{value}\""),
        );
        let outcome = fake.install("web", &text).expect("applied");
        assert!(
            outcome.warnings.iter().any(|w| w.contains(file)),
            "{:?}",
            outcome.warnings
        );
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(400));
        // No nudge for what no nudge brings.
        assert_eq!(fake.asked().len(), if lags { 2 } else { 1 });
        let again = fake.install("web", &text).expect("applied");
        assert!(!again.changed, "lags: {lags}");
        assert_eq!(fake.asked(), [""; 0]);
    }
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

// ---- going back ------------------------------------------------------------------

#[test]
fn a_refused_reload_leaves_everything_as_it_was() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 150)]);
        world.profile("web", &web(500));
        let mut fake = Fake::boot(&world, lags);
        fake.refuse_reloads = 1;
        let error = fake.install("web", &web(200)).expect_err("refused");
        assert_eq!(error.kind(), Kind::Failed);
        assert!(error.message().starts_with("rolled back"), "{error}");
        assert_eq!(world.installed("web"), Some(web(500)));
        assert_eq!(world.record(), None);
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(500));
        assert_eq!(world.kernel(&format!("{WEB}/memory.high")), "max");
        fake.asked();
        fake.apply(&[], Tight::default()).expect("applied");
        assert_eq!(fake.asked(), [""; 0], "nothing is left to do");
    });
}

#[test]
fn what_the_kernel_does_not_take_is_rolled_back_whole() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 100), (CACHE, 100)]);
        world.profile("web", &web(500));
        let mut fake = Fake::boot(&world, lags);
        fake.deaf.push(("cache.service", Key::TasksMax));
        let text = web(300) + &unit("cache.service", "MemoryMax = \"200M\"\nTasksMax = 5");
        let error = fake.install("web", &text).expect_err("failed");
        assert_eq!(error.kind(), Kind::Failed);
        assert!(
            error.message().contains("cache.service/pids.max"),
            "{error}"
        );
        assert_eq!(world.installed("web"), Some(web(500)));
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(500));
        assert_eq!(world.limit(&format!("{CACHE}/memory.max")), None);
        assert_eq!(world.generated("cache.service.d/00-memctl.conf"), None);
        assert_eq!(world.record(), None);
    });
}

#[test]
fn what_has_outgrown_its_old_limit_keeps_the_new_one() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 150), (CACHE, 100)]);
        world.profile("web", &web(200));
        let mut fake = Fake::boot(&world, lags);
        fake.deaf.push(("cache.service", Key::TasksMax));
        let text = web(500) + &unit("cache.service", "TasksMax = 5");
        let progress = |step: &str| {
            if step == "rolling back" {
                world.holds(WEB, 400, 0);
            }
        };
        let error = fake
            .apply_with(
                &[install("web", &text)],
                Tight::default(),
                &Arc::default(),
                &progress,
            )
            .expect_err("failed");
        assert_eq!(error.kind(), Kind::Partial, "{error}");
        assert!(error.message().contains("web.service"), "{error}");
        assert_eq!(world.installed("web"), Some(web(200)));
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(500));
        assert_eq!(world.record(), None);
        fake.stray_reload();
        fake.stray_start("system.slice");
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(500));
        assert_eq!(fake.killed, [""; 0]);
        world.restart(WEB, 100);
        fake.apply(&[], Tight::default()).expect("applied");
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(200));
    });
}

#[test]
fn a_unit_that_grows_under_our_hands_is_not_killed() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 100)]);
        let mut fake = Fake::boot(&world, lags);
        fake.before_reload = Some(Box::new(|world| world.holds(WEB, 395, 0)));
        let error = fake.install("web", &web(400)).expect_err("grown");
        assert!(error.message().contains("grew while"), "{error}");
        assert_eq!(world.installed("web"), None);
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), None);
        assert_eq!(world.kernel(&format!("{WEB}/memory.high")), "max");
        assert_eq!(fake.killed, [""; 0]);
        assert_eq!(world.record(), None);
    });
}

#[test]
fn a_rollback_that_fails_too_is_finished_by_the_next_apply() {
    let world = world(&[(WEB, 100)]);
    world.profile("web", &web(500));
    let mut fake = Fake::boot(&world, false);
    fake.deaf.push(("web.service", Key::TasksMax));
    // The first reload goes through, the one of the rollback is refused.
    let refuse = |step: &str| step == "rolling back";
    let text = unit("web.service", "MemoryMax = \"300M\"\nTasksMax = 5");
    let broken = AtomicBool::new(false);
    let progress = |step: &str| {
        if refuse(step) {
            broken.store(true, Ordering::Relaxed);
            fs::write(world.path().join("run/systemd/generator-refuses"), "").expect("write");
        }
    };
    fake.refuse_when = Some(world.path().join("run/systemd/generator-refuses"));
    let error = fake
        .apply_with(
            &[install("web", &text)],
            Tight::default(),
            &Arc::default(),
            &progress,
        )
        .expect_err("failed");
    assert!(broken.into_inner());
    assert_eq!(error.kind(), Kind::Partial, "{error}");
    assert!(world.record().is_some());
    assert_eq!(world.installed("web"), Some(web(500)), "the old one counts");
    fs::remove_file(world.path().join("run/systemd/generator-refuses")).expect("rm");
    fake.apply(&[], Tight::default()).expect("applied");
    assert_eq!(world.record(), None);
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(500));
}

#[test]
fn ctrl_c_is_heeded_until_the_new_profiles_count() {
    let world = world(&[(WEB, 300)]);
    let mut fake = Fake::boot(&world, false);
    let flag: Arc<AtomicBool> = Arc::default();
    let edits = [install("web", &web(400))];
    let at = |when: &'static str| {
        let flag = Arc::clone(&flag);
        move |step: &str| {
            if step == when {
                flag.store(true, Ordering::Relaxed);
            }
        }
    };
    let error = fake
        .apply_with(&edits, Tight::default(), &flag, &at("making room"))
        .expect_err("interrupted");
    assert!(error.message().contains("interrupted"), "{error}");
    assert_untouched(&world, &mut fake, "web");
    flag.store(false, Ordering::Relaxed);
    fake.apply_with(&edits, Tight::default(), &flag, &at("reloading systemd"))
        .expect("too late to turn back");
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(400));
}

#[test]
fn one_at_a_time() {
    let world = world(&[]);
    let _held = Lock::take(&world.root, &Scope::System, Duration::ZERO).expect("free");
    let again = Root::open_running(world.path()).expect("open");
    let error = Lock::take(&again, &Scope::System, Duration::ZERO).expect_err("taken");
    assert!(error.message().contains("another memctl"), "{error}");
}

#[test]
fn going_back_touches_no_file_that_is_as_it_was() {
    // On a full disk nothing can be written, and nothing needs to be.
    let world = world(&[(WEB, 100)]);
    world.profile("web", &web(500));
    let file = world.path().join(world::ETC).join("web.toml");
    let inode = fs::metadata(&file).expect("there").ino();
    let mut fake = Fake::boot(&world, false);
    let flag: Arc<AtomicBool> = Arc::new(AtomicBool::new(true));
    fake.apply_with(
        &[install("web", &web(400))],
        Tight::default(),
        &flag,
        &|_| {},
    )
    .expect_err("interrupted");
    assert_eq!(fs::metadata(&file).expect("there").ino(), inode);
}

#[test]
fn a_file_that_is_no_text_or_too_large_comes_back_as_it_was() {
    for old in [b"caf\xe9\n".to_vec(), vec![b'#'; 3 << 20]] {
        let world = world(&[(WEB, 100)]);
        world.profile("web", "");
        let file = world.path().join(world::ETC).join("web.toml");
        fs::write(&file, &old).expect("write");
        let mut fake = Fake::boot(&world, false);
        fake.refuse_reloads = 1;
        fake.install("web", &web(400)).expect_err("refused");
        assert!(
            fs::read(&file).expect("there") == old,
            "{} bytes",
            old.len()
        );
    }
}

// ---- killed half-way ---------------------------------------------------------------

/// Old: web 500M. New: web 300M, and a profile for the cache. One lowered, one new, so that a mixture would show.
const OLD: [(&str, Option<u64>); 2] = [(WEB, Some(500)), (CACHE, None)];
const NEW: [(&str, Option<u64>); 2] = [(WEB, Some(300)), (CACHE, Some(200))];

fn cache() -> String {
    unit("cache.service", "MemoryMax = \"200M\"")
}

fn two_edits() -> [Edit; 2] {
    [install("a-web", &web(300)), install("b-cache", &cache())]
}

fn old_world() -> World {
    let world = world(&[(WEB, 200), (CACHE, 50)]);
    world.profile("a-web", &web(500));
    world
}

/// What the drop-ins say, however the profiles' files stand: what the next boot would bring.
fn standing(world: &World, fake: &mut Fake<'_>) -> [(&'static str, Option<u64>); 2] {
    fake.load();
    let max = |unit: &str| {
        let text = world.generated(&format!("{unit}.d/00-memctl.conf"))?;
        let line = text.lines().find_map(|l| l.strip_prefix("MemoryMax="))?;
        line.strip_suffix('M')?.parse().ok()
    };
    [(WEB, max("web.service")), (CACHE, max("cache.service"))]
}

fn in_kernel(world: &World) -> [(&'static str, Option<u64>); 2] {
    [WEB, CACHE].map(|unit| (unit, world.limit(&format!("{unit}/memory.max"))))
}

/// After a crash: a reload by anybody kills nobody and brings no mixture; then the next apply ends it.
fn assert_clean_end(
    world: &World,
    lags: bool,
    expected: [(&'static str, Option<u64>); 2],
    at: &str,
) {
    let mut fake = Fake::boot_as_is(world, lags);
    assert_eq!(standing(world, &mut fake), expected, "{at}: next boot");
    fake.stray_reload();
    fake.stray_start("system.slice");
    assert_eq!(in_kernel(world), expected, "{at}: after a stray reload");
    fake.apply(&[], Tight::default())
        .unwrap_or_else(|e| panic!("{at}: {e}"));
    assert_eq!(in_kernel(world), expected, "{at}: after the next apply");
    assert_eq!(standing(world, &mut fake), expected, "{at}: files");
    assert_eq!(world.record(), None, "{at}: record");
    assert_eq!(
        world.kernel(&format!("{WEB}/memory.high")),
        "max",
        "{at}: throttle"
    );
    assert_eq!(fake.killed, [""; 0], "{at}");
    fake.asked();
    fake.apply(&[], Tight::default()).expect("applied");
    assert_eq!(fake.asked(), [""; 0], "{at}: nothing is left to do");
}

/// The state on disk and in the kernel as a transaction leaves it when it is killed at a step.
fn leave_at(world: &World, fake: &mut Fake<'_>, step: Step) {
    let root = &world.root;
    let reached = |other: Step| step as u8 >= other as u8;
    let path = |name: &str| format!("/{}/{name}.toml", world::ETC);
    let cgroup = format!("/sys/fs/cgroup/{WEB}");
    let throttle = OldValue {
        inode: root.inode(cgroup.as_ref()).expect("an inode"),
        cgroup: cgroup.into(),
        file: "memory.high".to_owned(),
        old: "max".to_owned(),
        new: (285 * M).to_string(),
    };
    let old = [("a-web", Some(Contents::Text(web(500)))), ("b-cache", None)];
    let files = old.map(|(name, old)| OldFile {
        path: path(name).into(),
        old,
    });
    let mut record = Record::new(&Scope::System, files.to_vec(), vec![throttle]);
    let note = |record: &Record| record.write(root).expect("written");
    if reached(Step::Recorded) {
        note(&record);
    }
    if reached(Step::Throttled) {
        world.write(
            &format!("sys/fs/cgroup/{WEB}/memory.high"),
            &format!("{}\n", 285 * M),
        );
    }
    if step == Step::Staged || step == Step::FirstInstalled {
        world.write(
            &format!("{}/.b-cache.toml.memctl-new", world::ETC),
            &cache(),
        );
    }
    if step == Step::Staged {
        world.write(&format!("{}/.a-web.toml.memctl-new", world::ETC), &web(300));
    }
    if reached(Step::FirstInstalled) {
        world.profile("a-web", &web(300));
    }
    if reached(Step::Installed) {
        world.profile("b-cache", &cache());
    }
    if reached(Step::Committed) {
        record.undo = false;
        note(&record);
    }
    if reached(Step::Reloaded) {
        fake.stray_reload();
    }
    if reached(Step::Realized) {
        fake.stray_start("system.slice");
    }
    if reached(Step::Undoing) {
        record.undo = true;
        note(&record);
    }
    if reached(Step::Restored) {
        record.restore_kernel(root);
        record.restore_files(root).expect("restored");
    }
}

#[test]
fn killed_at_any_step_it_is_the_old_state_or_the_new_one() {
    for step in Step::ALL {
        for lags in [false, true] {
            let world = old_world();
            let mut fake = Fake::boot(&world, lags);
            leave_at(&world, &mut fake, step);
            let committed = matches!(step, Step::Committed | Step::Reloaded | Step::Realized);
            let expected = if committed { NEW } else { OLD };
            let at = format!("{} lags: {lags}", step.name());
            assert_clean_end(&world, lags, expected, &at);
        }
    }
}

#[test]
fn a_panic_in_the_middle_is_as_good_as_a_kill() {
    for (at, expected) in [
        ("making room", OLD),
        ("reloading systemd", NEW),
        ("realizing", NEW),
        ("rolling back", NEW),
    ] {
        let world = old_world();
        // The panic's message belongs to no test's output.
        let mut fake = Fake::boot(&world, true);
        if at == "rolling back" {
            fake.refuse_reloads = 1;
        }
        let progress = |step: &str| {
            if step.starts_with(at) {
                std::panic::resume_unwind(Box::new("killed"));
            }
        };
        let died = catch_unwind(AssertUnwindSafe(|| {
            fake.apply_with(&two_edits(), Tight::default(), &Arc::default(), &progress)
        }));
        assert!(
            died.is_err(),
            "{at}: {:?}",
            died.map(|r| r.map(|o| o.changed))
        );
        assert!(world.record().is_some(), "{at}");
        assert_clean_end(&world, true, expected, at);
    }
}

#[test]
fn the_same_apply_again_finishes_what_was_killed() {
    for step in Step::ALL {
        let world = old_world();
        let mut fake = Fake::boot(&world, true);
        leave_at(&world, &mut fake, step);
        fake.apply(&two_edits(), Tight::default())
            .unwrap_or_else(|e| panic!("{}: {e}", step.name()));
        assert_eq!(in_kernel(&world), NEW, "{}", step.name());
        assert_eq!(world.record(), None, "{}", step.name());
        assert_eq!(world.kernel(&format!("{WEB}/memory.high")), "max");
        assert_eq!(fake.killed, [""; 0], "{}", step.name());
    }
}

#[test]
fn a_damaged_record_stops_with_words() {
    let world = old_world();
    world.write("etc/memctl/transaction.json", "{\"v\":1,");
    let mut fake = Fake::boot(&world, false);
    let error = fake.apply(&[], Tight::default()).expect_err("damaged");
    assert!(error.message().contains("transaction.json"), "{error}");
    assert!(error.to_string().contains("what to do"), "{error}");
    assert_eq!(fake.asked(), [""; 0]);
}

/// The same with real deaths: `cargo test --features stop-points --test engine`.
#[cfg(feature = "stop-points")]
mod killed {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};

    const WHERE: &str = "MEMCTL_TEST_WORLD";

    /// Not a test by itself: the process that [`at_each_step`] starts and that is killed.
    #[test]
    fn child() {
        let Some(path) = std::env::var_os(WHERE) else {
            return;
        };
        let world = World::at(path.as_ref());
        let lags = std::env::var_os("MEMCTL_TEST_LAGS").is_some();
        let mut fake = Fake::boot_as_is(&world, lags);
        let outcome = fake.apply(&two_edits(), Tight::default());
        panic!("nobody killed it: {:?}", outcome.map(|o| o.changed));
    }

    #[test]
    fn at_each_step() {
        on_each_systemd(|lags| {
            for step in Step::ALL {
                let world = old_world();
                Fake::boot(&world, lags);
                let mut command = Command::new(std::env::current_exe().expect("a path"));
                command
                    .args(["--exact", "killed::child"])
                    .env(WHERE, world.path())
                    .env("MEMCTL_STOP_AT", step.name())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null());
                if lags {
                    command.env("MEMCTL_TEST_LAGS", "1");
                }
                let back = matches!(step, Step::Undoing | Step::Restored);
                if back {
                    command.env("MEMCTL_REFUSE", "1");
                }
                let status = command.status().expect("runs");
                assert_eq!(status.signal(), Some(9), "{}", step.name());
                let committed = matches!(step, Step::Committed | Step::Reloaded | Step::Realized);
                let expected = if committed { NEW } else { OLD };
                let at = format!("{} lags: {lags}", step.name());
                assert_clean_end(&world, lags, expected, &at);
            }
        });
    }
}
