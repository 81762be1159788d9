//! Apply never gets a running service killed, and no reload does either.

use anyhow::Result;
use xtask::guest::{GuestConfig, Suite};

use crate::server::{Server, mib};

/// A limit under what a unit holds is refused with nothing changed; it waits with `--next-start`, comes with the
/// unit's next start by itself, and `--restart` gets there at once.
pub fn what_cannot_fit_is_refused(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    server.start("hog.service", "/usr/local/bin/hold 150", "");
    server.profile("hog", "[unit.\"hog.service\"]\nMemoryMax = \"100M\"\n");
    let life = server.life("hog.service");

    let told = server.refused("apply hog.toml", 1);
    assert!(told.contains("hog.service needs 15"), "{told}");
    assert!(
        told.contains("--restart") && told.contains("--next-start"),
        "{told}"
    );
    assert_eq!(
        server
            .guest
            .ok("find /etc/memctl /run/memctl -name '*.toml' -o -name '*.json'"),
        ""
    );
    assert_eq!(server.life("hog.service"), life);
    server.guest.ok("systemctl daemon-reload; sleep 3");
    server.assert_kernel(&[("hog.service", "memory.max", "max")]);
    assert_eq!(server.life("hog.service"), life);

    // MemoryHigh under the need stalls without swap: the same.
    server.profile("stall", "[unit.\"hog.service\"]\nMemoryHigh = \"100M\"\n");
    let told = server.refused("apply stall.toml", 1);
    assert!(told.contains("standstill"), "{told}");

    // Waiting: in the drop-in at the kernel's present value, whatever reloads come.
    let told = server.done("apply --next-start hog.toml");
    assert!(told.contains("withheld until the next start"), "{told}");
    server
        .guest
        .ok("systemctl daemon-reload; systemctl daemon-reexec; sleep 3");
    server.assert_kernel(&[("hog.service", "memory.max", "max")]);
    assert_eq!(server.life("hog.service"), life);
    assert!(
        server
            .guest
            .ok("dmesg")
            .contains("hog.service: MemoryMax=100M withheld until the next start")
    );

    // At its next start it fits, and is in force without anybody's doing.
    server.define("hog.service", "/usr/local/bin/hold 20", "");
    server
        .guest
        .ok("systemctl daemon-reload; systemctl restart hog");
    server.wait_kernel(&[("hog.service", "memory.max", &mib(100))]);
    server.wait_idle();
    server.assert_clean();
    let log = server
        .guest
        .ok("journalctl --boot --output=cat --identifier=memctl");
    assert!(
        log.contains("hog.service: MemoryMax infinity → 100M"),
        "{log}"
    );
    server.done("remove hog");

    // Grown over time: a restart makes room.
    server.define("grown.service", "/bin/sh -c 'if [ -e /run/again ]; then exec /usr/local/bin/hold 20; fi; touch /run/again; exec /usr/local/bin/hold 150'", "");
    server
        .guest
        .ok("systemctl daemon-reload; systemctl start grown");
    server.wait_up("grown.service");
    server.profile("grown", "[unit.\"grown.service\"]\nMemoryMax = \"100M\"\n");
    server.refused("apply grown.toml", 1);
    let life = server.life("grown.service");
    server.done("apply --restart grown.toml");
    assert_ne!(server.life("grown.service"), life);
    server.assert_kernel(&[("grown.service", "memory.max", &mib(100))]);
    server.assert_nobody_killed();
    Ok(())
}

/// Page cache is given up; a service that grows while apply runs is not killed; swapped memory is counted.
pub fn caches_give_way(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    server.start("cache.service", "/usr/local/bin/cache 200", "");
    let life = server.life("cache.service");
    server.profile("cache", "[unit.\"cache.service\"]\nMemoryMax = \"60M\"\n");
    server.done("apply cache.toml");
    server.assert_kernel(&[
        ("cache.service", "memory.max", &mib(60)),
        ("cache.service", "memory.high", "max"),
    ]);
    assert_eq!(server.life("cache.service"), life);

    // Whatever the outcome, nobody dies: in force with the growth throttled, or rolled back.
    server.start("grow.service", "/usr/local/bin/hold 60 12", "");
    let life = server.life("grow.service");
    server.profile(
        "grow",
        "[unit.\"grow.service\"]\nMemoryHigh = \"110M\"\nMemoryMax = \"120M\"\n",
    );
    let outcome = server.memctl("apply grow.toml");
    assert!(matches!(outcome.status, 0 | 1), "{}", outcome.stderr);
    assert_eq!(server.life("grow.service"), life);
    let expected = if outcome.status == 0 {
        mib(120)
    } else {
        "max".to_owned()
    };
    server.assert_kernel(&[("grow.service", "memory.max", &expected)]);
    server.assert_nobody_killed();
    server.guest.ok("systemctl stop grow");
    Ok(())
}

/// A slice below the sum of its children; a stranger's unit in the same slice whose limit is not in force yet.
pub fn neighbours_are_safe(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    for unit in ["one.service", "two.service"] {
        server.start(unit, "/usr/local/bin/hold 80", "Slice=pair.slice");
    }
    let lives = [server.life("one.service"), server.life("two.service")];
    server.profile("pair", "[unit.\"pair.slice\"]\nMemoryMax = \"120M\"\n");
    let told = server.refused("apply pair.toml", 1);
    assert!(
        told.contains("pair.slice") && told.contains("one.service"),
        "{told}"
    );
    server.guest.ok("systemctl daemon-reload; sleep 2");
    assert_eq!(
        [server.life("one.service"), server.life("two.service")],
        lives
    );

    // The stranger: somebody has written a limit that would kill, and has not reloaded.
    server.start("stranger.service", "/usr/local/bin/hold 100", "");
    server.start("mine.service", "/usr/local/bin/hold 5", "");
    let life = server.life("stranger.service");
    server
        .guest
        .ok("mkdir -p /etc/systemd/system/stranger.service.d
         printf '[Service]\\nMemoryMax=50M\\n' >/etc/systemd/system/stranger.service.d/limit.conf");
    server.profile("mine", "[unit.\"mine.service\"]\nMemoryMax = \"90M\"\n");
    let told = server.refused("apply mine.toml", 1);
    assert!(told.contains("stranger.service.d/limit.conf"), "{told}");
    server.assert_kernel(&[("mine.service", "memory.max", "max")]);
    assert_eq!(server.life("stranger.service"), life);

    // With --next-start it goes ahead, and the stranger is kept alive whatever reloads come.
    server.done("apply --next-start mine.toml");
    server.assert_kernel(&[("mine.service", "memory.max", &mib(90))]);
    server.guest.ok("systemctl daemon-reload; sleep 3");
    assert_eq!(server.life("stranger.service"), life);
    server.assert_kernel(&[("stranger.service", "memory.max", "max")]);
    server.assert_nobody_killed();
    Ok(())
}

/// Remove and prune lower limits too.
pub fn the_way_back_is_safe(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    // The unit's own file has a low limit, the profile a higher one that it has come to need.
    server.define(
        "own.service",
        "/bin/sh -c 'while [ ! -e /run/go ]; do sleep 0.2; done; exec /usr/local/bin/hold 120'",
        "MemoryMax=60M",
    );
    server
        .guest
        .ok("systemctl daemon-reload; systemctl start own");
    server.assert_kernel(&[("own.service", "memory.max", &mib(60))]);
    server.profile("own", "[unit.\"own.service\"]\nMemoryMax = \"300M\"\n");
    server.done("apply own.toml");
    server.assert_kernel(&[("own.service", "memory.max", &mib(300))]);
    server.guest.ok("touch /run/go");
    server.wait_up("own.service");
    let life = server.life("own.service");

    let told = server.refused("remove own", 1);
    assert!(told.contains("own.service needs 12"), "{told}");
    server.profile("other", "[unit.\"cron.service\"]\nTasksMax = 50\n");
    server.refused("apply --prune other.toml", 1);
    server.assert_kernel(&[("own.service", "memory.max", &mib(300))]);

    // Removed all the same: the unit keeps what it has until its next start.
    server.done("remove --next-start own");
    server.guest.ok("systemctl daemon-reload; sleep 3");
    server.assert_kernel(&[("own.service", "memory.max", &mib(300))]);
    assert_eq!(server.life("own.service"), life);
    server.guest.ok("rm /run/go; systemctl restart own");
    server.wait_kernel(&[("own.service", "memory.max", &mib(60))]);
    server.assert_nobody_killed();
    Ok(())
}

/// With swap: what is swapped out may stay there; MemorySwapMax that brings it back is judged like a lower limit.
pub fn swap_is_counted(suite: Suite) -> Result<()> {
    let server = Server::with(GuestConfig::new(suite).memory_mib(1024).swap_mib(512))?;
    server.start("hog.service", "/usr/local/bin/hold 200", "");
    let life = server.life("hog.service");
    // Throttled under its need, with swap to go to: allowed, and it lives.
    server.profile("hog", "[unit.\"hog.service\"]\nMemoryHigh = \"100M\"\n");
    server.done("apply hog.toml");
    // systemd 262 leaves the reclaim to the unit's next allocation; here it is asked for.
    server.guest.ok("cd /sys/fs/cgroup/system.slice/hog.service
         for i in $(seq 100); do
             [ $(cat memory.current) -lt 125829120 ] && break
             echo 16M >memory.reclaim 2>/dev/null || sleep 0.2
         done
         [ $(cat memory.current) -lt 125829120 ] && [ $(cat memory.swap.current) -gt 73400320 ]");
    assert_eq!(server.life("hog.service"), life);

    // Without swap it would stand still at the MemoryHigh that it has already.
    server.profile(
        "hog",
        "[unit.\"hog.service\"]\nMemoryHigh = \"100M\"\nMemorySwapMax = \"0\"\n",
    );
    let told = server.refused("apply hog.toml", 1);
    assert!(told.contains("standstill"), "{told}");

    // All of it back into 150M does not fit; with its swap it does.
    server.profile(
        "hog",
        "[unit.\"hog.service\"]\nMemoryMax = \"150M\"\nMemorySwapMax = \"0\"\n",
    );
    let told = server.refused("apply hog.toml", 1);
    assert!(told.contains("MemorySwapMax=0"), "{told}");
    server.profile("hog", "[unit.\"hog.service\"]\nMemoryMax = \"150M\"\n");
    server.done("apply hog.toml");
    server.assert_kernel(&[("hog.service", "memory.max", &mib(150))]);
    assert_eq!(server.life("hog.service"), life);
    server.assert_nobody_killed();
    Ok(())
}
