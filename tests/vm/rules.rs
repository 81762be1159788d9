//! Rules at work under the daemon: each condition, each action, what withholds them, and who is told.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::Value;
use xtask::guest::{GuestConfig, Suite};

use crate::server::Server;
use crate::told::{first, in_short, text};

const PROFILE: &str = r#"
[unit."flex@above.service"]
rules = [{ above = "30M", action = "alert" }]
[unit."flex@grown.service"]
rules = [{ grown = "+20M", settle = "0", action = "restart" }]
[unit."flex@load.service"]
rules = [{ above = "30M", action = "reload" }]
[unit."flex@age.service"]
rules = [{ age = "15s", action = "alert" }]
[unit."flex@kill.service"]
MemoryMax = "60M"
rules = [{ event = "oom_kill", action = "alert" }]
[unit."flex@cache.service"]
rules = [{ above = "70M", of = "current", action = "reclaim" }]
[unit."flex@stall.service"]
MemoryHigh = "40M"
rules = [{ stalled = true, action = "alert" }]
# Page cache that is read again and again under a limit: on kernel 7.2 no more than 4 % of the time is waited for it.
[unit."flex@read.service"]
MemoryHigh = "40M"
rules = [
    { event = "high > 5/10s", action = "alert" },
    { pressure = "some 1% 1s", action = "alert" },
]
[unit."flex@held.service"]
rules = [{ above = "30M", action = "restart" }]
# Limits and no rules.
[unit."flex@own-kill.service"]
MemoryMax = "60M"
[unit."flex@own-near.service"]
MemoryMax = "64M"
[unit."flex@own-stall.service"]
MemoryHigh = "40M"
"#;

const NAMES: &str = "above grown load age kill cache stall read held own-kill own-near own-stall";

/// A unit of the name.
fn unit(name: &str) -> String {
    format!("flex@{name}.service")
}

/// In the guest `event NAME EVENT RULE` is written so for [`Server::wait_told`].
fn words(all: &[(&str, &str, &str)]) -> Vec<String> {
    let word = |(name, event, rule): &(&str, &str, &str)| format!("{}:{event}:{rule}", unit(name));
    all.iter().map(word).collect()
}

fn wait(server: &Server, all: &[(&str, &str, &str)]) -> Vec<Value> {
    let words = words(all);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    server.wait_told(&words)
}

/// Each condition and action once, as the kernel says it; the rules that a unit has by itself; alerts, and a flood of
/// them; holds, also over a boot; and what is only told.
pub fn each_condition_fires_by_the_kernels_own_word(suite: Suite) -> Result<()> {
    let server = Server::with(GuestConfig::new(suite).memory_mib(1024))?;
    let guest = &server.guest;
    server.prepare_flex();
    server.define(
        "flex@.service",
        "/usr/local/bin/flex %i 10",
        "ExecReload=/bin/kill -HUP $MAINPID\nOOMPolicy=continue",
    );
    guest.write(
        "/etc/memctl/memctl.toml",
        "interval = \"1s\"\n[alerts]\nunit = \"memctl-alert@.service\"\n",
    );
    server.profile("rules", PROFILE);
    guest.ok(format!(
        "cp /usr/share/doc/memctl/examples/memctl-alert@.service /etc/systemd/system/
         systemctl daemon-reload
         for name in {NAMES}; do systemctl start flex@$name; done
         systemctl reload memctl"
    ));
    server.done("apply rules.toml");
    // The daemon's own baseline: what explain shows before is its own.
    server.wait_until("grep -q baseline /var/lib/memctl/state/flex@grown.service.json");

    conditions_and_actions(&server);
    what_the_clock_alone_brings(&server);
    alerts(&server);
    pressure_without_a_trigger(&server);
    what_is_only_told(&server)?;
    holds(&server);
    Ok(())
}

fn conditions_and_actions(server: &Server) {
    let guest = &server.guest;
    server.flex(&[
        ("above", "40"),
        ("grown", "40"),
        ("load", "40"),
        ("kill", "child 200"),
        ("own-kill", "child 200"),
        ("own-near", "56"),
        ("cache", "file 90"),
        ("stall", "60"),
        ("own-stall", "60"),
    ]);
    let told = wait(
        server,
        &[
            ("above", "rule-fired", "above"),
            ("age", "rule-fired", "age"),
            ("kill", "rule-fired", "event"),
            ("stall", "rule-fired", "stalled"),
            ("cache", "memory-reclaimed", ""),
            ("grown", "restart-done", "grown"),
            ("load", "restart-done", "above"),
            ("load", "rule-cleared", "above"),
            ("own-kill", "oom-killed", "built-in:oom_kill"),
            ("own-stall", "stalled", "built-in:stalled"),
        ],
    );
    // The killed child's parent lives, and so does its unit.
    assert_eq!(server.property("flex@kill.service", "NRestarts"), "0");
    let killed = first(&told, &unit("kill"), "rule-fired");
    assert!(text(killed, "message").contains("1 oom_kill"), "{killed}");
    let stalled = first(&told, &unit("stall"), "rule-fired");
    assert!(
        text(stalled, "message").contains("no room in swap"),
        "{stalled}"
    );
    let above = first(&told, &unit("above"), "rule-fired");
    assert!(above["need"].as_u64() > Some(30 << 20), "{above}");

    // The page cache has really gone.
    let reclaimed = first(&told, &unit("cache"), "memory-reclaimed");
    assert!(reclaimed["freed"].as_u64() > Some(30 << 20), "{reclaimed}");
    let current =
        "cat /sys/fs/cgroup/system.slice/system-flex.slice/flex@cache.service/memory.current";
    let current: u64 = guest.ok(current).trim().parse().expect("bytes");
    assert!(current < 70 << 20, "{current}");

    let done = first(&told, &unit("grown"), "restart-done");
    assert_eq!(text(done, "action"), "restart");
    assert!(done["freed"].as_u64() > Some(20 << 20), "{done}");
    let done = first(&told, &unit("load"), "restart-done");
    assert_eq!(text(done, "action"), "reload");
    assert_eq!(server.property("flex@load.service", "NRestarts"), "0");
    // One at a time.
    let of = |name: &str, event: &str| {
        let is = |e: &Value| e["unit"] == unit(name) && e["event"] == event;
        told.iter().position(is).expect(event)
    };
    let runs = ["grown", "load"].map(|n| (of(n, "restart-begun"), of(n, "restart-done")));
    assert!(
        runs[0].1 < runs[1].0 || runs[1].1 < runs[0].0,
        "{}",
        in_short(&told).join("\n")
    );

    let explained: Value =
        serde_json::from_str(&server.done("--json explain flex@above.service")).expect("JSON");
    assert_eq!(
        explained["rules"][0]["conditions"][0]["holds"], true,
        "{explained}"
    );
    // Nothing else fired: neither what is below its threshold, nor a built-in rule beside one's own.
    let is_quiet = |e: &&Value| ["read", "held"].iter().any(|name| e["unit"] == unit(name));
    let fired = |e: &&Value| is_quiet(e) && e["event"] != "applied";
    assert_eq!(told.iter().find(fired), None);

    // What is over, is told as over.
    server.flex(&[("above", "10"), ("read", "read 60")]);
    guest.ok("systemctl stop flex@stall flex@own-stall");
    wait(
        server,
        &[
            ("above", "rule-cleared", "above"),
            ("stall", "rule-cleared", "stalled"),
            ("own-stall", "rule-cleared", "built-in:stalled"),
            ("read", "rule-fired", "event"),
            ("read", "rule-fired", "pressure"),
        ],
    );
    server.flex(&[("read", "10")]);
}

/// A minute and more at a time: what lasts, and what is long ago.
fn what_the_clock_alone_brings(server: &Server) {
    for _ in 0..4 {
        server.guest.ok("date -s '+61 sec' >/run/date; sleep 2.5");
    }
    let told = wait(
        server,
        &[
            ("own-near", "near-limit", "built-in:near_limit"),
            ("kill", "rule-cleared", "event"),
            ("own-kill", "rule-cleared", "built-in:oom_kill"),
            ("read", "rule-cleared", "event"),
            ("read", "rule-cleared", "pressure"),
        ],
    );
    let near = first(&told, &unit("own-near"), "near-limit");
    assert_eq!(near["limit"], 64 << 20, "{near}");
}

/// The example has started for each event with its id, and no more often than it may; the rest is counted.
fn alerts(server: &Server) {
    let guest = &server.guest;
    server.wait_told(&[":alerts-suppressed"]);
    server.wait_until("! systemctl list-units --no-legend 'memctl-alert@*' | grep -q .");
    let told = server.told();
    let sent: BTreeSet<String> = guest
        .ok("cat /var/log/memctl-alerts.json")
        .lines()
        .map(|line| {
            let alert: Value = serde_json::from_str(line).expect(line);
            let id = text(&alert, "alert_id").to_owned();
            let entry = told.iter().find(|e| e["alert_id"] == *id);
            assert_eq!(Some(&alert), entry, "all of it");
            id
        })
        .collect();
    let at = told.iter().position(|e| e["event"] == "alerts-suppressed");
    let (before, after) = told.split_at(at.expect("told above"));
    let asked: Vec<&str> = before
        .iter()
        .map(|e| text(e, "alert_id"))
        .filter(|id| !id.is_empty())
        .collect();
    let missing = asked.iter().filter(|id| !sent.contains(**id)).count();
    assert_eq!(after[0]["count"], missing, "{}", in_short(&told).join("\n"));
    assert!(
        missing > 0 && asked.len() - missing >= 10,
        "{missing} of {}",
        asked.len()
    );
}

/// Where cgroupfs cannot be written to, the averages are asked.
fn pressure_without_a_trigger(server: &Server) {
    let guest = &server.guest;
    guest.write(
        "/etc/systemd/system/memctl.service.d/no-trigger.conf",
        "[Service]\nProtectControlGroups=yes\n",
    );
    guest.ok("systemctl daemon-reload; systemctl restart memctl");
    server.flex(&[("read", "read 60")]);
    wait_again(server, &[("read", "rule-fired", "pressure")]);
    server.flex(&[("read", "10")]);
    guest.ok(
        "journalctl -u memctl --output=cat | grep 'no trigger (Read-only'
              rm -r /etc/systemd/system/memctl.service.d
              systemctl daemon-reload; systemctl restart memctl",
    );
}

/// For the second time.
fn wait_again(server: &Server, all: &[(&str, &str, &str)]) -> Vec<Value> {
    let words: Vec<String> = words(all).iter().map(|w| format!("2*{w}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    server.wait_told(&words)
}

/// `act = false`, and a dry run beside the daemon: told, and nothing is touched.
fn what_is_only_told(server: &Server) -> Result<()> {
    let guest = &server.guest;
    let life = server.life(&unit("held"));
    guest.write(
        "/etc/memctl/memctl.toml",
        "interval = \"1s\"\nact = false\n",
    );
    guest.ok("systemctl reload memctl");
    server.flex(&[("held", "40")]);
    let told = wait(server, &[("held", "restart-begun", "above")]);
    let would = first(&told, &unit("held"), "restart-begun");
    assert_eq!(would["dry_run"], true, "{would}");
    assert!(
        text(would, "message").contains("would be restarted now"),
        "{would}"
    );
    let entries = server.told_of(&unit("held"));
    let dry = guest.sh("timeout --signal=INT 8 memctl watch --dry-run");
    assert!(
        dry.stdout
            .contains("flex@held.service would be restarted now"),
        "{}\n{}",
        dry.stdout,
        dry.stderr
    );
    assert_eq!(
        server.told_of(&unit("held")),
        entries,
        "a dry run writes no journal"
    );
    assert_eq!(server.life(&unit("held")), life);
    let state = guest
        .sh("cat '/var/lib/memctl/state/flex@held.service.json'")
        .stdout;
    assert!(
        !state.contains("\"done\"") && !state.contains("\"run\""),
        "{state}"
    );
    Ok(())
}

/// A unit, the host for a time, the host by the fleet's switch; and over a boot.
fn holds(server: &Server) {
    let guest = &server.guest;
    let held = unit("held");
    let life = server.life(&held);
    let withheld = |expected: &[&str]| {
        let explained: Value =
            serde_json::from_str(&server.done(&format!("--json explain {held}"))).expect("JSON");
        let gates = explained["withheld"].as_array().expect("gates");
        let gates: Vec<&str> = gates.iter().map(|g| text(g, "gate")).collect();
        assert_eq!(gates, expected, "{explained}");
    };
    let wait_gate = |gate: &str| {
        server.wait_until(&format!(
            "memctl --json log {held} | grep '\"why\":\"{gate}\"'"
        ));
    };
    server.done(&format!("hold {held}"));
    guest.write("/etc/memctl/memctl.toml", "interval = \"1s\"\n");
    guest.ok("systemctl reload memctl");
    wait_gate("hold");
    guest.ok("touch /etc/memctl/hold");
    withheld(&["hold", "host-hold"]);
    let told = server.memctl(&format!("release {held}"));
    assert!(told.stderr.contains("/etc/memctl/hold"), "{}", told.stderr);
    wait_gate("host-hold");
    assert_eq!(server.life(&held), life);

    server.done(&format!("hold {held}"));
    guest.ok("rm /etc/memctl/hold");
    guest.reboot();
    guest.ok(format!("systemctl start '{held}'"));
    server.wait_up(&held);
    let life = server.life(&held);
    server.flex(&[("held", "40")]);
    // The guest keeps its journal in /run.
    wait_gate("hold");
    withheld(&["hold"]);
    server.done("hold --all --for 4s");
    server.done(&format!("release {held}"));
    assert_eq!(server.life(&held), life);
    let told = server.wait_told(&[&format!("{held}:restart-done:above")]);
    let host = told
        .iter()
        .find(|e| e["event"] == "hold" && e["unit"].is_null());
    let until = host.map(|e| text(e, "until")).expect("the host's hold");
    let begun = told
        .iter()
        .rfind(|e| e["event"] == "restart-begun")
        .expect("told above");
    assert!(
        text(begun, "time") >= until,
        "{}",
        in_short(&told).join("\n")
    );
    assert_ne!(server.life(&held), life);
}
