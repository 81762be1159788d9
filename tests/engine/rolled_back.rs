//! The way back.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use memctl::apply::Tight;
use memctl::error::Kind;
use memctl::limits::key::Key;

use crate::world::{ETC, Fake, install, unit};
use crate::{CACHE, WEB, on_each_systemd, web, world};

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

/// As a withheld unit's limits come into force at its start: it is small then, and may not stay so.
#[test]
fn what_grows_while_nothing_is_installed_waits() {
    on_each_systemd(|lags| {
        let world = world(&[(WEB, 100)]);
        let mut fake = Fake::boot(&world, lags);
        world.profile("web", &web(400));
        fake.before_reload = Some(Box::new(|world| world.holds(WEB, 395, 0)));
        let error = fake.apply(&[], Tight::default()).expect_err("grown");
        assert_eq!(error.kind(), Kind::Failed, "{error}");
        assert!(
            error
                .message()
                .ends_with("waits for the next start of web.service"),
            "{error}"
        );
        assert_eq!(world.limit(&format!("{WEB}/memory.max")), None);
        fake.apply(&[], Tight::default()).expect("it waits");
        assert_eq!(fake.killed, [""; 0]);
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
fn going_back_touches_no_file_that_is_as_it_was() {
    // On a full disk nothing can be written, and nothing needs to be.
    let world = world(&[(WEB, 100)]);
    world.profile("web", &web(500));
    let file = world.path().join(ETC).join("web.toml");
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
        let file = world.path().join(ETC).join("web.toml");
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

#[test]
fn a_link_to_a_profile_is_a_link_again() {
    let world = world(&[(WEB, 100)]);
    world.write("srv/web.toml", &web(500));
    let link = world.path().join(ETC).join("web.toml");
    fs::create_dir_all(link.parent().expect("a folder")).expect("mkdir");
    std::os::unix::fs::symlink("/srv/web.toml", &link).expect("link");
    let mut fake = Fake::boot(&world, false);
    assert_eq!(world.limit(&format!("{WEB}/memory.max")), Some(500));
    fake.deaf = vec![("web.service", Key::MemoryMax)];
    fake.install("web", &web(400)).expect_err("rolled back");
    let target = fs::read_link(&link).expect("a link");
    assert_eq!(target, Path::new("/srv/web.toml"));
}
