//! A shutdown in the middle of a restart.

use anyhow::Result;
use serde_json::Value;
use xtask::guest::{GuestConfig, Script, Suite};

use super::{events, name};
use crate::server::Server;

/// How long memctl may take to end, in seconds: of a guest that shares its processor.
const SOON: f64 = 5.0;

/// The machine goes down while memctl waits for a service that is slow to stop: it does not wait for it, and after the
/// boot the end is told, which is no failure.
pub fn a_shutdown_is_not_delayed(suite: Suite) -> Result<()> {
    let server = Server::with(GuestConfig::new(suite).memory_mib(1024))?;
    let guest = &server.guest;
    guest.write(
        "/etc/systemd/journald.conf.d/zz-kept.conf",
        "[Journal]\nStorage=persistent\n",
    );
    guest.write("/etc/memctl/memctl.toml", "interval = \"1s\"\n");
    let slow = "ExecStop=/bin/sleep 8\n[Install]\nWantedBy=multi-user.target";
    server.define("slow.service", "/usr/local/bin/hold 30", slow);
    server.profile(
        "slow",
        "[unit.\"slow.service\"]\nrules = [{ above = \"20M\", action = \"restart\" }]\n",
    );
    guest.ok("systemctl restart systemd-journald; systemctl daemon-reload
         systemctl reload memctl; systemctl enable --now slow.service 2>&1");
    server.wait_up("slow.service");
    server.done("apply slow.toml");
    guest.ok(Script::new(
        "for i in $(seq 300); do
             [ \"$(systemctl show -p SubState --value slow.service)\" = stop ] && exit
             sleep 0.1
         done; memctl log; memctl explain slow.service; exit 1",
    ));
    guest.reboot();

    let ending = guest.ok(
        "journalctl --quiet --boot=-1 --output=json UNIT=memctl.service _PID=1 |
             python3 -c 'import json, sys
entries = [json.loads(line) for line in sys.stdin]
time = lambda word: [int(e[\"__MONOTONIC_TIMESTAMP\"]) for e in entries if e[\"MESSAGE\"].startswith(word)][-1]
print((time(\"Stopped\") - time(\"Stopping\")) / 1e6)'",
    );
    let ending: f64 = ending.trim().parse()?;
    assert!(ending < SOON, "{ending}");

    let outcome = |event: &Value| {
        let told = ["restart-done", "restart-failed", "restart-withheld"];
        told.contains(&name(event)).then(|| name(event).to_owned())
    };
    server.wait_until("memctl log slow.service | grep -c . | grep -q '[4-9]'");
    let told = events(&server, "slow.service");
    let begun = told.iter().position(|e| name(e) == "restart-begun");
    let after: Vec<String> = told[begun.expect("it has begun")..]
        .iter()
        .filter_map(outcome)
        .collect();
    assert_eq!(
        after.first().map(String::as_str),
        Some("restart-withheld"),
        "{told:#?}"
    );
    assert!(!after.contains(&"restart-failed".to_owned()), "{told:#?}");
    Ok(())
}
