//! The units of the package: the daemon's protection holds, and the daemon and the timer do not get in each other's way.

use std::time::Duration;

use anyhow::Result;
use xtask::guest::{GuestConfig, Script, Suite};

use crate::server::Server;

/// While somebody takes more memory than there is, nothing of the daemon is swapped out; in a slice without protection it
/// would be (FACTS 9c), as the one beside it is. Nor is it the one to die when there is nothing left, and it goes on
/// reading.
pub fn what_the_daemon_needs_stays(suite: Suite) -> Result<()> {
    let server = Server::with(GuestConfig::new(suite).memory_mib(1024).swap_mib(256))?;
    let guest = &server.guest;
    guest.write("/usr/local/bin/fill", include_str!("guest/fill.py"));
    server.start("beside.service", "/usr/local/bin/hold 60", "");
    let life = server.life("memctl.service");
    let group = server.property("memctl.service", "ControlGroup");
    assert_eq!(group, "/memctl.slice/memctl.service");
    let readings = || -> usize {
        let csv = "memctl history memctl.service --since 1h --resolution raw --csv | wc -l";
        guest.ok(csv).trim().parse().expect("lines")
    };
    let before = readings();
    // Not by writing to memory.reclaim of the root: on kernel 6.12 that swaps out what is protected.
    let swapped = guest.ok(Script::new(format!(
        "chmod +x /usr/local/bin/fill; cd /sys/fs/cgroup
         for more in 40 80 120; do
             fill $more
             [ $(cat system.slice/beside.service/memory.swap.current) -le 1048576 ] || break
         done
         cat system.slice/beside.service/memory.swap.current .{group}/memory.swap.current"
    ))
    .timeout(Duration::from_secs(180)));
    let swapped: Vec<u64> = swapped
        .lines()
        .map(|line| line.parse().expect("bytes"))
        .collect();
    assert!(swapped[0] > 1 << 20 && swapped[1] == 0, "{swapped:?}");

    guest.ok("systemctl stop beside.service; swapoff --all");
    let more = "OOMScoreAdjust=800\nRestart=no";
    server.define("fill.service", "/usr/local/bin/hold 600 200", more);
    guest.ok(Script::new(
        "systemctl daemon-reload; systemctl start fill.service
         for i in $(seq 50); do [ \"$(systemctl is-active fill)\" = active ] || exit 0; sleep 2; done
         exit 1",
    ).timeout(Duration::from_secs(180)));
    assert_eq!(server.property("fill.service", "Result"), "oom-kill");
    assert_eq!(server.life("memctl.service"), life);
    assert!(readings() > before);
    Ok(())
}

/// Starting the one stops the other; a tick by hand stops nobody; with both enabled the timer is who runs after a boot.
pub fn the_timer_and_the_daemon_exclude_each_other(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    let guest = &server.guest;
    let states = || {
        let text = guest.ok("systemctl is-active memctl.service memctl-watch.timer || true");
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(states(), ["active", "inactive"]);
    assert_eq!(
        server.property("memctl-watch.timer", "UnitFileState"),
        "disabled"
    );

    let life = server.life("memctl.service");
    guest.ok("systemctl start memctl-watch.service && exit 1; systemctl reset-failed memctl-watch.service");
    assert_eq!(server.life("memctl.service"), life);

    // What others left in the folder that both share stays when either ends.
    guest.ok("mkdir -p /run/memctl/profiles.d; echo kept >/run/memctl/profiles.d/kept");
    guest.ok("systemctl enable --now memctl-watch.timer 2>&1");
    assert_eq!(states(), ["inactive", "active"]);
    let report = server.memctl("doctor").stdout;
    assert!(report.contains("memctl-watch.timer is active"), "{report}");
    guest.ok(Script::new(
        "for i in $(seq 150); do
             [ \"$(systemctl show -p ExecMainStatus --value memctl-watch.service)\" = 0 ] &&
                 [ \"$(systemctl show -p ExecMainExitTimestampMonotonic --value memctl-watch.service)\" != 0 ] && exit 0
             sleep 0.5
         done; exit 1",
    ));
    assert_eq!(states(), ["inactive", "active"]);
    // Once a minute, on the minute: nobody's tick is late by more than the timer's accuracy and a slow guest's start.
    let next = server.property("memctl-watch.timer", "NextElapseUSecRealtime");
    assert!(next.contains(":00 "), "{next}");
    guest.ok("grep -q kept /run/memctl/profiles.d/kept");

    // In the middle of a tick: the daemon waits for its end.
    guest.ok("systemctl start --no-block memctl-watch.service; systemctl start memctl.service");
    assert_eq!(states(), ["active", "inactive"]);
    assert_eq!(server.property("memctl.service", "NRestarts"), "0");
    guest.ok("systemctl stop memctl.service; grep -q kept /run/memctl/profiles.d/kept; rm -r /run/memctl/profiles.d");

    guest.reboot();
    guest.ok("systemctl is-system-running --wait || true");
    assert_eq!(states(), ["inactive", "active"]);
    guest.ok("systemctl disable --now memctl-watch.timer 2>&1; systemctl start memctl");
    assert_eq!(states(), ["active", "inactive"]);

    for unit in ["memctl.service", "memctl-watch.service"] {
        let security = guest.ok(format!(
            "systemd-analyze security {unit} --no-pager | tail -n 1"
        ));
        let figure = security
            .split_whitespace()
            .find_map(|w| w.parse::<f64>().ok());
        assert!(figure.is_some_and(|f| f <= 1.4), "{security}");
    }
    Ok(())
}
