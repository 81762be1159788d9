//! Files edited by hand, memctl's and the administrator's: a reload brings them, and harms nobody.

use anyhow::Result;
use xtask::guest::Suite;

use crate::server::{Server, mib};

/// Where an administrator puts profiles without `memctl apply`.
const FOLDER: &str = "/etc/memctl/profiles.d";

fn install(server: &Server, name: &str, text: &str) {
    server.guest.ok(format!("mkdir -p {FOLDER}"));
    server.guest.write(&format!("{FOLDER}/{name}.toml"), text);
    server.guest.ok("systemctl daemon-reload");
}

fn max_of(units: &[(&str, u64)]) -> String {
    let unit = |(unit, max): &(&str, u64)| format!("[unit.\"{unit}\"]\nMemoryMax = \"{max}M\"\n");
    units.iter().map(unit).collect()
}

/// A profile that is put there, edited and deleted by hand is in force after the next reload, in every slice, where
/// it fits; else it waits for the unit's next start, for each of several units that start at once.
pub fn a_reload_is_enough(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    let units = ["one.service", "two.service"];
    for unit in units {
        server.start(unit, "/usr/local/bin/hold 100", "");
    }
    server.start("side.service", "/usr/local/bin/hold 5", "Slice=side.slice");
    let lives = units.map(|unit| server.life(unit));
    let all = |a, b, c| max_of(&[("one.service", a), ("two.service", b), ("side.service", c)]);

    install(&server, "hand", &all(300, 310, 50));
    server.wait_kernel(&[
        ("one.service", "memory.max", &mib(300)),
        ("two.service", "memory.max", &mib(310)),
        ("side.service", "memory.max", &mib(50)),
    ]);
    install(&server, "hand", &all(200, 210, 40));
    server.wait_kernel(&[
        ("one.service", "memory.max", &mib(200)),
        ("two.service", "memory.max", &mib(210)),
        ("side.service", "memory.max", &mib(40)),
    ]);
    // Both would be killed; the third one is not kept waiting by them.
    install(&server, "hand", &all(50, 60, 30));
    server.wait_kernel(&[("side.service", "memory.max", &mib(30))]);
    server.guest.ok("systemctl daemon-reload; sleep 3");
    server.assert_kernel(&[
        ("one.service", "memory.max", &mib(200)),
        ("two.service", "memory.max", &mib(210)),
    ]);
    assert_eq!(units.map(|unit| server.life(unit)), lives);
    let plan = server.done("plan");
    assert_eq!(
        plan.matches("withheld until the next start").count(),
        2,
        "{plan}"
    );
    server.assert_clean();

    // They start at once, and both get what waited for them.
    for unit in units {
        server.define(unit, "/usr/local/bin/hold 20", "");
    }
    server
        .guest
        .ok("systemctl daemon-reload; systemctl restart one two");
    server.wait_kernel(&[
        ("one.service", "memory.max", &mib(50)),
        ("two.service", "memory.max", &mib(60)),
    ]);
    server.wait_idle();
    server.assert_clean();

    server
        .guest
        .ok(format!("rm {FOLDER}/hand.toml; systemctl daemon-reload"));
    server.wait_kernel(&[
        ("one.service", "memory.max", "max"),
        ("two.service", "memory.max", "max"),
        ("side.service", "memory.max", "max"),
    ]);
    server.assert_nobody_killed();
    Ok(())
}

/// What a profile had raised is not lost with the profile, nor with the package; and an administrator's own drop-in
/// does not kill either.
pub fn what_was_raised_stays_until_the_next_start(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    // Small when it starts, big when it is told to.
    let grows =
        "/bin/sh -c 'while [ ! -e /run/go ]; do sleep 0.2; done; exec /usr/local/bin/hold 150'";
    for unit in ["gone.service", "short.service", "left.service"] {
        server.define(unit, grows, "MemoryMax=80M");
    }
    server.define("plain.service", "/usr/local/bin/hold 150", "");
    server
        .guest
        .ok("systemctl daemon-reload; systemctl start gone short left plain");
    server.profile("gone", &max_of(&[("gone.service", 400)]));
    server.profile("short", &max_of(&[("short.service", 400)]));
    server.profile("left", &max_of(&[("left.service", 400)]));
    server.done("apply gone.toml short.toml left.toml");
    server.guest.ok("touch /run/go");
    let units = [
        "gone.service",
        "short.service",
        "left.service",
        "plain.service",
    ];
    for unit in units {
        server.wait_up(unit);
    }
    let lives = units.map(|unit| server.life(unit));

    server.guest.ok(format!(
        "rm {FOLDER}/gone.toml
         echo '[unit.\"short.service\"]' >{FOLDER}/short.toml
         echo 'TasksMax = 50' >>{FOLDER}/short.toml
         mkdir /etc/systemd/system/plain.service.d
         printf '[Service]\\nMemoryMax=60M\\n' >/etc/systemd/system/plain.service.d/override.conf
         systemctl daemon-reload; sleep 3; systemctl daemon-reload; sleep 3"
    ));
    server.wait_kernel(&[("short.service", "pids.max", "50")]);
    server.assert_kernel(&[
        ("gone.service", "memory.max", &mib(400)),
        ("short.service", "memory.max", &mib(400)),
        ("plain.service", "memory.max", "max"),
    ]);
    // Nothing of that stands in the way of another change.
    server.start("other.service", "/usr/local/bin/hold 5", "");
    server.profile("other", &max_of(&[("other.service", 50)]));
    server.done("apply other.toml");
    server.assert_kernel(&[("other.service", "memory.max", &mib(50))]);
    assert_eq!(units.map(|unit| server.life(unit)), lives);

    server.guest.ok("rm /run/go; systemctl restart gone short");
    server.wait_kernel(&[
        ("gone.service", "memory.max", &mib(80)),
        ("short.service", "memory.max", &mib(80)),
    ]);
    server.wait_idle();

    server
        .guest
        .ok("dpkg --remove memctl; systemctl daemon-reload; sleep 3");
    server.guest.ok("systemctl restart other; sleep 3");
    server.assert_kernel(&[
        ("left.service", "memory.max", &mib(400)),
        ("plain.service", "memory.max", "max"),
    ]);
    assert_eq!(server.life("left.service"), lives[2]);
    assert_eq!(server.life("plain.service"), lives[3]);
    server.assert_nobody_killed();
    Ok(())
}
