//! The watch as a service: it records, follows what changes, and outlives what happens to it.

use anyhow::Result;
use serde_json::Value;
use xtask::guest::Suite;

use crate::server::Server;

/// Recorded from the start of the package on; profiles and settings followed; after a SIGKILL, under daemon-reexec and
/// without D-Bus it goes on; without the service a timer may do it.
pub fn readings_are_recorded(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    let guest = &server.guest;
    assert_eq!(server.property("memctl.service", "ActiveState"), "active");
    assert_eq!(
        server.property("memctl.service", "UnitFileState"),
        "enabled"
    );
    server.start("hold.service", "/usr/local/bin/hold 20", "");
    server.start("other.service", "/usr/local/bin/hold 5", "");

    // A fault in the settings: told with its place, and the watch goes on as before.
    guest.write("/etc/memctl/memctl.toml", "intervall = \"1s\"\n");
    guest.ok("systemctl reload memctl.service");
    wait(
        &server,
        "journalctl -u memctl --output=cat | grep 'perhaps interval'",
    );
    assert_eq!(server.property("memctl.service", "ActiveState"), "active");
    let folder = "/var/lib/prometheus/node-exporter";
    guest.ok(format!("mkdir -p {folder}"));
    let settings = format!("interval = \"1s\"\n[metrics]\ntextfile = \"{folder}/memctl.prom\"\n");
    guest.write("/etc/memctl/memctl.toml", settings);
    // The folder is there only now, and the service's view of the system is as old as it is.
    guest.ok("systemctl restart memctl.service");
    wait(
        &server,
        "systemctl show -p StatusText memctl | grep 'every 1s'",
    );

    // Without a profile every service is recorded; with one its units alone.
    recorded(&server, "hold.service", 20 << 20, "infinity");
    server.profile("hold", "[unit.\"hold.service\"]\nMemoryMax = \"90M\"\n");
    server.done("apply hold.toml");
    wait(
        &server,
        "systemctl show -p StatusText memctl | grep 'Watching 1 unit '",
    );
    recorded(&server, "hold.service", 20 << 20, "94371840");
    recorded(&server, "other.service", 5 << 20, "infinity");

    wait(
        &server,
        &format!("grep '^memctl_unit_need_bytes.*hold.service' {folder}/memctl.prom"),
    );

    // One at a time.
    let told = server.refused("watch --once", 1);
    assert!(told.contains("watches already"), "{told}");
    let told = guest.sh(xtask::guest::Script::new("memctl watch --once").user("admin"));
    assert_eq!(told.status, 3, "{}", told.stderr);

    // Killed: systemd starts it again, and what was recorded is there.
    let points = points(&server, "hold.service").len();
    guest.ok("systemctl kill --signal=KILL memctl.service");
    wait(
        &server,
        "[ \"$(systemctl show -p NRestarts --value memctl)\" = 1 ] && systemctl is-active memctl",
    );
    assert!(self::points(&server, "hold.service").len() >= points);
    // The manager anew, and the bus gone: it asks neither.
    guest.ok("systemctl daemon-reexec; systemctl stop dbus.socket dbus.service 2>&1");
    let points = self::points(&server, "hold.service").len();
    wait(
        &server,
        &format!(
            "[ $(memctl history hold.service --since 1h --resolution raw --csv | wc -l) -gt {} ]",
            points + 3
        ),
    );
    guest.ok("systemctl start dbus.socket");
    // A restart of the unit is another start.
    guest.ok("systemctl restart hold.service");
    server.wait_up("hold.service");
    wait(
        &server,
        "memctl history hold.service --since 1h --resolution raw --json | grep -c . && \
        [ $(memctl history hold.service --since 1h --resolution raw --csv | sed 's/.*,//' | sort -u | wc -l) -ge 3 ]",
    );

    // Stopped at once, with nothing lost; a timer's way then.
    guest.ok("timeout 5 systemctl stop memctl.service");
    assert_eq!(server.property("memctl.service", "Result"), "success");
    let points = self::points(&server, "hold.service").len();
    server.done("watch --once");
    assert_eq!(self::points(&server, "hold.service").len(), points + 1);
    let check = "python3 -c 'import sqlite3; print(sqlite3.connect(\"/var/lib/memctl/history.db\").execute(\"pragma integrity_check\").fetchone()[0])'";
    assert_eq!(guest.ok(check), "ok\n");

    // It can do no more than it needs.
    let security = guest.ok("systemd-analyze security memctl.service --no-pager | tail -n 1");
    let figure = security
        .split_whitespace()
        .find_map(|w| w.parse::<f64>().ok());
    assert!(figure.is_some_and(|f| f <= 1.5), "{security}");
    Ok(())
}

/// Waits until a script succeeds.
fn wait(server: &Server, script: &str) {
    server.guest.ok(format!(
        "for i in $(seq 100); do if {{ {script}; }} >/run/waited 2>&1; then exit 0; fi; sleep 0.3; done
         cat /run/waited; journalctl -u memctl --no-pager | tail -n 20; exit 1"
    ));
}

fn points(server: &Server, unit: &str) -> Vec<Value> {
    let text = server.done(&format!(
        "history {unit} --since 1h --resolution raw --json"
    ));
    let document: Value = serde_json::from_str(&text).expect("JSON");
    document["points"].as_array().expect("points").clone()
}

/// The last point tells of about so much need, and of that limit.
fn recorded(server: &Server, unit: &str, need: u64, max: &str) {
    let csv = format!("memctl history {unit} --since 1h --resolution raw --csv");
    wait(
        server,
        &format!(
            "[ $({csv} | wc -l) -ge 2 ] && [ \"$({csv} | python3 -c 'import csv,sys; print(list(csv.DictReader(sys.stdin))[-1][\"max\"])')\" = '{max}' ]"
        ),
    );
    let points = points(server, unit);
    let last = points.last().expect("a point");
    let found = last["need"]["last"].as_u64().expect("need");
    // The interpreter needs some 6 MiB beside what it was told to hold.
    assert!((need..need + (14 << 20)).contains(&found), "{unit}: {last}");
}
