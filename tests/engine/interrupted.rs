//! Ctrl-C, and a second memctl.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use memctl::apply::Tight;
use memctl::apply::lock::Lock;
use memctl::kernel::root::Root;
use memctl::scope::Scope;

use crate::world::{Fake, install};
use crate::{WEB, assert_untouched, web, world};

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
