//! The apply engine over a world of its own: what it asks of the manager and in which order, what ends up in the
//! kernel's files, and what is left when something goes wrong.

mod applied;
mod halfway;
mod interrupted;
#[cfg(feature = "stop-points")]
mod killed;
mod overridden;
mod refused;
mod rolled_back;
mod waiting;
#[path = "../world/mod.rs"]
mod world;

use memctl::apply::Tight;

use world::{Fake, World, unit};

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

/// Nothing was asked, and nothing is different.
fn assert_untouched(world: &World, fake: &mut Fake<'_>, file: &str) {
    assert_eq!(fake.asked(), [""; 0]);
    assert_eq!(world.installed(file), None);
    assert_eq!(world.record(), None);
    assert_eq!(world.kernel(&format!("{WEB}/memory.max")), "max");
    assert_eq!(world.kernel(&format!("{WEB}/memory.high")), "max");
    assert_eq!(fake.killed, [""; 0]);
}
