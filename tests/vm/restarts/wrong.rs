//! Restarts that do not help, that fail, that take long, or that somebody else comes before.

use anyhow::Result;
use xtask::guest::Suite;

use super::{events, events_named, find, name, wait_for};
use crate::server::Server;

/// Does not mind SIGTERM.
const STUBBORN: &str = "#!/usr/bin/python3
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
held = bytearray(b'1') * (30 << 20)
print('up', flush=True)
while True: time.sleep(1)
";

/// Takes more than it is allowed as soon as it is to stop.
const GREEDY: &str = "#!/usr/bin/python3
import signal, time
def more(*_): held.append(bytearray(b'1') * (200 << 20))
signal.signal(signal.SIGTERM, more)
held = [bytearray(b'1') * (30 << 20)]
print('up', flush=True)
while True: time.sleep(1)
";

/// Starts once, and fails from then on.
const ONCE: &str = "#!/bin/sh
[ ! -e /run/started-once ] || exit 7
touch /run/started-once
exec /usr/local/bin/hold 30
";

/// Needs little from its second start on: its rule wants nothing any more.
const LESS: &str = "#!/bin/sh
[ ! -e /run/less ] || exec /usr/local/bin/hold 1
touch /run/less
exec /usr/local/bin/hold 30
";

/// Waits until it is told to go on.
const GATE: &str = "[Service]
Type=oneshot
TimeoutStartSec=3min
ExecStart=/bin/sh -c 'while [ ! -e /run/go-%i ]; do sleep 0.2; done'
";

/// Each way in which it goes wrong, told once, with what came of it; nothing is tried again blindly, nobody else's job
/// is disturbed, and what somebody has stopped stays stopped.
pub fn a_restart_that_goes_wrong_is_told_and_not_repeated(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    let guest = &server.guest;
    guest.write("/etc/memctl/memctl.toml", "interval = \"1s\"\n");
    guest.write("/usr/local/bin/stubborn", STUBBORN);
    guest.write("/usr/local/bin/greedy", GREEDY);
    guest.write("/usr/local/bin/once", ONCE);
    guest.write("/usr/local/bin/less", LESS);
    guest.write("/etc/systemd/system/gate@.service", GATE);
    guest.ok("chmod +x /usr/local/bin/*; systemctl reload memctl.service");

    overtaken(&server);
    queued(&server);
    let rules = r#"rules = [{ above = "20M", action = "restart" }]"#;
    let often = r#"restart = { cooldown = "0", limit = "9/1d" }"#;
    let units = ["useless", "once", "stubborn", "greedy", "burst"];
    let profile: String = units
        .iter()
        .map(|unit| format!("[unit.\"{unit}.service\"]\n{rules}\n{often}\n"))
        .collect();
    server.profile("wrong", &profile);
    server.define("useless.service", "/usr/local/bin/hold 30", "");
    server.define("once.service", "/usr/local/bin/once", "Restart=no");
    server.define(
        "stubborn.service",
        "/usr/local/bin/stubborn",
        "TimeoutStopSec=8s",
    );
    server.define(
        "greedy.service",
        "/usr/local/bin/greedy",
        "MemoryMax=100M\nRestart=always",
    );
    server.define(
        "burst.service",
        "/usr/local/bin/hold 30",
        "[Unit]\nStartLimitBurst=1\nStartLimitIntervalSec=45s",
    );
    guest.ok("systemctl daemon-reload; systemctl start useless once stubborn greedy burst");
    server.done("apply wrong.toml");

    fails_to_start(&server);
    hangs(&server);
    is_killed_meanwhile(&server);
    does_not_help(&server);
    has_no_start_left(&server);
    Ok(())
}

/// Stopped by hand, or killed and started anew by systemd, between the decision and the call.
fn overtaken(server: &Server) {
    let guest = &server.guest;
    let profile = |unit: &str| {
        format!(
            "[unit.\"{unit}.service\"]\nrules = [{{ above = \"20M\", action = \"restart\" }}]\n\
             restart = {{ before = \"gate@{unit}.service\" }}\n"
        )
    };
    server.start("stopped.service", "/usr/local/bin/hold 30", "");
    server.start("killed.service", "/usr/local/bin/less", "Restart=always");
    for (unit, interferes) in [
        ("stopped", "systemctl stop stopped.service"),
        ("killed", "systemctl kill --signal=KILL killed.service"),
    ] {
        server.profile(unit, &profile(unit));
        server.done(&format!("apply {unit}.toml"));
        guest.ok(format!(
            "for i in $(seq 100); do
                 [ \"$(systemctl is-active gate@{unit})\" = activating ] && break; sleep 0.3
             done
             {interferes}"
        ));
        if unit == "killed" {
            guest.ok("for i in $(seq 100); do
                     [ \"$(systemctl show -p NRestarts --value killed)\" = 1 ] && exit 0; sleep 0.3
                 done
                 exit 1");
            server.wait_up("killed.service");
        }
        let life = server.guest.ok(format!(
            "systemctl show --property=ActiveState,InvocationID {unit}; touch /run/go-{unit}"
        ));
        wait_for(server, &format!("{unit}.service"), "restart-withheld", 1);
        guest.ok("sleep 2");
        let after = guest.ok(format!(
            "systemctl show --property=ActiveState,InvocationID {unit}"
        ));
        assert_eq!(after, life, "{unit}");
        let events = events(server, &format!("{unit}.service"));
        let why = find(&events, "restart-withheld")["why"].clone();
        let expected = match unit {
            "stopped" => "not-active",
            _ => "overtaken",
        };
        assert_eq!(why, expected, "{events:#?}");
        assert!(
            events.iter().all(|event| name(event) != "restart-begun"),
            "{events:#?}"
        );
        server.done(&format!("remove {unit}"));
    }
}

/// A stop that waits for its turn is not disturbed: neither by a rule nor by hand.
fn queued(server: &Server) {
    let guest = &server.guest;
    // It stops first, and takes its time; the other one's stop is queued for as long.
    server.define(
        "slow.service",
        "/usr/local/bin/hold 1",
        "ExecStop=/bin/sh -c 'while [ ! -e /run/go-slow ]; do sleep 0.2; done'\n\
         [Unit]\nAfter=queued.service",
    );
    server.define("queued.service", "/usr/local/bin/hold 30", "");
    guest.ok("systemctl daemon-reload; systemctl start queued slow");
    server.wait_up("queued.service");
    guest.ok("systemctl stop --no-block slow queued; systemctl is-active queued");
    let told = server.refused("restart queued.service", 1);
    assert!(told.contains("systemd has a job for it already"), "{told}");
    server.profile(
        "queued",
        "[unit.\"queued.service\"]\nrules = [{ above = \"20M\", action = \"restart\" }]\n",
    );
    server.done("apply queued.toml");
    wait_for(server, "queued.service", "restart-withheld", 2);
    let told = events(server, "queued.service");
    let last = told.last().expect("an event");
    assert_eq!(last["why"], "job-queued", "{told:#?}");
    guest.ok(
        "touch /run/go-slow
         for i in $(seq 50); do [ \"$(systemctl is-active queued)\" = inactive ] && break; sleep 0.2; done
         sleep 2; [ \"$(systemctl is-active queued slow)\" = $'inactive\\ninactive' ]",
    );
    server.done("remove queued");
}

fn fails_to_start(server: &Server) {
    wait_for(server, "once.service", "restart-failed", 1);
    let events = events(server, "once.service");
    let failed = find(&events, "restart-failed");
    assert_eq!(failed["why"], "exit-code", "{failed}");
    let message = failed["message"].as_str().expect("a message");
    assert!(message.contains("it is failed"), "{message}");
}

/// By SIGTERM it does not stop; after its TimeoutStopSec= systemd ends it, and starts it anew.
fn hangs(server: &Server) {
    wait_for(server, "stubborn.service", "restart-done", 1);
    let events = events(server, "stubborn.service");
    let done = find(&events, "restart-done");
    let downtime = done["downtime_usec"].as_u64().expect("a downtime");
    assert!((8_000_000..60_000_000).contains(&downtime), "{done}");
    println!("{} stubborn.service: {done}", server.guest.suite());
}

/// An OOM kill while it stops, and Restart=always: started anew once.
fn is_killed_meanwhile(server: &Server) {
    wait_for(server, "greedy.service", "restart-done", 1);
    let events = events(server, "greedy.service");
    println!(
        "{} greedy.service: {}",
        server.guest.suite(),
        find(&events, "restart-done")
    );
    assert_eq!(server.property("greedy.service", "ActiveState"), "active");
    let kills = server.guest.ok(
        "journalctl --quiet --output=cat -u greedy.service _PID=1 | grep -c 'result .oom-kill' || true",
    );
    assert_ne!(kills, "0\n");
}

/// Twice it is restarted, and needs as much as before: that is enough, until somebody says otherwise.
fn does_not_help(server: &Server) {
    let unit = "useless.service";
    wait_for(server, unit, "restart-ineffective", 1);
    let life = server.life(unit);
    wait_for(server, unit, "restart-withheld", 1);
    server.guest.ok("sleep 5");
    let told = events_named(server, unit);
    let count = |name: &str| told.iter().filter(|told| *told == name).count();
    assert_eq!(
        (
            count("restart-begun"),
            count("restart-done"),
            count("restart-ineffective")
        ),
        (2, 2, 1),
        "{told:?}"
    );
    assert_eq!(server.life(unit), life);
    let explained = server.done(&format!("explain {unit}"));
    assert!(explained.contains("restarts do not help it"), "{explained}");
    server.done(&format!("release {unit}"));
    wait_for(server, unit, "restart-begun", 3);
}

/// With StartLimitBurst=1 it would stay dead; it waits until systemd starts it once more.
fn has_no_start_left(server: &Server) {
    let unit = "burst.service";
    wait_for(server, unit, "restart-done", 1);
    let events = events(server, unit);
    let withheld = events.iter().find(|event| event["why"] == "start-limit");
    let withheld = withheld.unwrap_or_else(|| panic!("not withheld: {events:#?}"));
    let until = withheld["until"].as_str().expect("a time");
    let begun = find(&events, "restart-begun")["time"]
        .as_str()
        .expect("a time");
    assert!(begun > until, "begun {begun}, withheld until {until}");
    assert_eq!(server.property(unit, "Result"), "success");
    // Nothing more came of the one that failed.
    assert_eq!(server.property("once.service", "ActiveState"), "failed");
    let told = events_named(server, "once.service");
    let tried = told.iter().filter(|name| *name == "restart-begun").count();
    assert_eq!(tried, 1, "{told:?}");
}
