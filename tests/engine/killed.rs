//! The same with real deaths: `cargo test --features stop-points --test engine`.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use memctl::apply::Tight;
use memctl::apply::stop::Step;

use crate::halfway::{NEW, OLD, assert_clean_end, old_world, two_edits};
use crate::on_each_systemd;
use crate::world::{Fake, World};

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
