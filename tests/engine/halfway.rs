//! Stopped half-way: the old state or the new one, never a mixture.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use memctl::apply::record::{Contents, OldFile, OldValue, Record};
use memctl::apply::stop::Step;
use memctl::apply::{Edit, Tight};
use memctl::scope::Scope;

use crate::world::{Fake, M, World, install, unit};
use crate::{CACHE, WEB, web, world};

/// Old: web 500M. New: web 300M, and a profile for the cache. One lowered, one new, so that a mixture would show.
pub const OLD: [(&str, Option<u64>); 2] = [(WEB, Some(500)), (CACHE, None)];
pub const NEW: [(&str, Option<u64>); 2] = [(WEB, Some(300)), (CACHE, Some(200))];

fn cache() -> String {
    unit("cache.service", "MemoryMax = \"200M\"")
}

pub fn two_edits() -> [Edit; 2] {
    [install("a-web", &web(300)), install("b-cache", &cache())]
}

pub fn old_world() -> World {
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
pub fn assert_clean_end(
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
