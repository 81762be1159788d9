//! Limits that are really in the kernel: after apply, reload and reboot; gone after remove; and who else may set them.

use anyhow::Result;
use xtask::guest::Suite;

use crate::server::{Server, mib};

const PROFILE: &str = r#"
description = "One of each kind"

[unit."plain.service"]
MemoryHigh = "100M"
MemoryMax = "120M"
CPUQuota = "80%"
TasksMax = 30
OOMPolicy = "kill"

[unit."worker@.service"]
MemoryMax = "60M"
TasksMax = 20

[unit."app-.service"]
MemoryMax = "70M"
CPUWeight = 50

[unit."app-one.service"]
MemoryHigh = "65M"

[unit."batch.slice"]
MemoryMax = "50%"
CPUQuota = "150%"

[unit.'odd\x20name.service']
MemoryMax = "80M"
"#;

/// A service, a template's instances (running, and started later), a prefix, a slice with a percentage, an escaped
/// name: in the kernel after apply, after a reload, after a reboot; gone after remove.
pub fn limits_are_in_the_kernel(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    let sleep = "/usr/bin/sleep infinity";
    server.define(
        "plain.service",
        sleep,
        "[Install]\nWantedBy=multi-user.target",
    );
    server.define("worker@.service", sleep, "");
    server.define("app-one.service", sleep, "");
    server.define("batch-job.service", sleep, "Slice=batch.slice");
    server.define(r"odd\x20name.service", sleep, "");
    let start = r"systemctl start plain worker@1 app-one batch-job 'odd\x20name.service'";
    server.guest.ok(format!(
        "systemctl daemon-reload; {start}; systemctl enable plain 2>&1"
    ));
    server.profile("kinds", PROFILE);

    let shown = server.done("apply kinds.toml");
    assert!(shown.contains("confirmed in the kernel"), "{shown}");
    let half = half_of_ram(&server);
    let expected = [
        ("plain.service", "memory.high", &*mib(100)),
        ("plain.service", "memory.max", &mib(120)),
        ("plain.service", "cpu.max", "80000 100000"),
        ("plain.service", "pids.max", "30"),
        ("plain.service", "memory.oom.group", "1"),
        ("worker@1.service", "memory.max", &mib(60)),
        ("worker@1.service", "pids.max", "20"),
        ("app-one.service", "memory.max", &mib(70)),
        ("app-one.service", "memory.high", &mib(65)),
        ("app-one.service", "cpu.weight", "50"),
        ("batch.slice", "memory.max", &half),
        ("batch.slice", "cpu.max", "150000 100000"),
        (r"odd\x20name.service", "memory.max", &mib(80)),
    ];
    server.assert_kernel(&expected);

    // The same again changes nothing, and asks PID 1 for no reload.
    let reloads = "journalctl --boot --quiet --output=cat _PID=1 | grep -ci 'reloading' || true";
    let before = server.guest.ok(reloads);
    let again = server.done("apply kinds.toml");
    assert!(again.contains("Nothing to change"), "{again}");
    assert_eq!(server.guest.ok(reloads), before);
    server.assert_clean();

    // An instance that is started later.
    server.guest.ok("systemctl start worker@later");
    server.assert_kernel(&[("worker@later.service", "memory.max", &mib(60))]);

    server.guest.ok("systemctl daemon-reload");
    server.assert_kernel(&expected);
    server.guest.reboot();
    server.guest.ok(start);
    server.assert_kernel(&expected);
    let log = server
        .guest
        .ok("dmesg | grep memctl | grep -v 'systemd.1.:' || true");
    assert_eq!(log, "", "the generator has nothing to say at boot");

    server.done("remove kinds");
    let unlimited = expected.map(|(unit, file, _)| match file {
        "memory.max" | "memory.high" => (unit, file, "max"),
        "memory.oom.group" => (unit, file, "0"),
        // The others go back to what systemd's own settings say, or their controller is switched off.
        _ => (unit, "memory.max", "max"),
    });
    server.assert_kernel(&unlimited);
    let left = server
        .guest
        .ok("find /run/systemd/generator /etc/memctl -name '*memctl*.conf' -o -name '*.toml'");
    assert_eq!(left, "");
    Ok(())
}

fn half_of_ram(server: &Server) -> String {
    let kib: u64 = server
        .guest
        .ok("awk '/^MemTotal/ { print $2 }' /proc/meminfo")
        .trim()
        .parse()
        .expect("a number");
    // In whole pages, as systemd counts them.
    (kib / 4 / 2 * 4096).to_string()
}

/// An administrator's `set-property` wins, and `plan` names its file; `override = true` turns that round.
pub fn the_administrator_wins(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    server.start("web.service", "/usr/local/bin/hold 5", "");
    server
        .guest
        .ok("systemctl set-property web.service MemoryMax=300M");
    server.profile(
        "web",
        "[unit.\"web.service\"]\nMemoryMax = \"200M\"\nMemoryHigh = \"150M\"\n",
    );
    let plan = server.done("plan web.toml");
    assert!(
        plan.contains("/etc/systemd/system.control/web.service.d/50-MemoryMax.conf"),
        "{plan}"
    );
    assert!(plan.contains("300M"), "{plan}");
    server.assert_kernel(&[("web.service", "memory.high", "max")]);
    let done = server.done("apply web.toml");
    assert!(done.contains("50-MemoryMax.conf"), "{done}");
    server.assert_kernel(&[
        ("web.service", "memory.max", &mib(300)),
        ("web.service", "memory.high", &mib(150)),
    ]);
    let json = server.done("plan --json");
    assert!(json.contains("\"overridden\":[{"), "{json}");

    server.profile(
        "web",
        "[unit.\"web.service\"]\noverride = true\nMemoryMax = \"200M\"\nMemoryHigh = \"150M\"\n",
    );
    server.done("apply web.toml");
    server.assert_kernel(&[("web.service", "memory.max", &mib(200))]);
    server.assert_clean();
    server.done("remove web");
    server.assert_kernel(&[
        ("web.service", "memory.max", &mib(300)),
        ("web.service", "memory.high", "max"),
    ]);

    // A runtime profile is gone after a reboot; a lasting one of the same name wins over it.
    server.profile("web", "[unit.\"web.service\"]\nMemoryHigh = \"140M\"\n");
    server.done("apply --runtime web.toml");
    server.assert_kernel(&[("web.service", "memory.high", &mib(140))]);
    assert_eq!(server.guest.ok("ls /run/memctl/profiles.d"), "web.toml\n");
    server.guest.reboot();
    server.guest.ok("systemctl start web");
    server.assert_kernel(&[("web.service", "memory.high", "max")]);
    Ok(())
}

/// `plan --check` tells by its exit code; a plan touches nothing; an ordinary user may plan and may not apply;
/// apply works while D-Bus is down; two at once do not mix.
pub fn plans_and_permissions(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    server.start("web.service", "/usr/local/bin/hold 5", "");
    server.profile("web", "[unit.\"web.service\"]\nMemoryMax = \"200M\"\n");
    server
        .guest
        .ok("chmod 755 /root; cp /root/web.toml /tmp/web.toml");
    let state = "find /etc/memctl /run/memctl /run/systemd/generator -type f -print -exec cat {} + 2>/dev/null || true";
    let before = server.guest.ok(state);
    assert_eq!(server.memctl("plan --check web.toml").status, 4);
    assert_eq!(server.memctl("apply --dry-run web.toml").status, 0);
    assert_eq!(server.guest.ok(state), before);
    server.assert_kernel(&[("web.service", "memory.max", "max")]);

    let plan = xtask::guest::Script::new("cd /tmp; memctl plan web.toml").user("admin");
    assert!(server.guest.ok(plan).contains("200M"));
    let apply = xtask::guest::Script::new("cd /tmp; memctl apply web.toml").user("admin");
    let denied = server.guest.sh(apply);
    assert_eq!(denied.status, 3, "{}", denied.stderr);
    assert!(denied.stderr.contains("as root"), "{}", denied.stderr);

    // Standard input, and JSON.
    let json = server.guest.ok(
        "memctl --json apply - --name web <<X\n[unit.\"web.service\"]\nMemoryMax = \"200M\"\nX",
    );
    assert!(json.contains("\"after\":209715200"), "{json}");
    assert!(json.contains("\"changed\":true"), "{json}");
    assert_eq!(server.memctl("plan --check").status, 0);

    // The lock: while one is at work the other is told.
    server.guest.ok("exec 9>/run/memctl/lock; flock 9; if memctl apply 2>/run/told; then exit 1; fi; grep 'another memctl' /run/told");

    server.profile("web", "[unit.\"web.service\"]\nMemoryMax = \"210M\"\n");
    server
        .guest
        .ok("systemctl stop dbus.socket dbus.service 2>&1");
    server.done("apply web.toml");
    let max = server
        .guest
        .ok("cat /sys/fs/cgroup/system.slice/web.service/memory.max");
    assert_eq!(max.trim(), mib(210));
    server.guest.ok("systemctl start dbus.socket");
    Ok(())
}

/// A user's own services under `--user`.
pub fn users_have_their_own(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    server
        .guest
        .ok("loginctl enable-linger admin; systemctl start user@1000");
    let as_user = |script: &str| {
        let script = format!("export XDG_RUNTIME_DIR=/run/user/1000; cd; {script}");
        server
            .guest
            .ok(xtask::guest::Script::new(script).user("admin"))
    };
    as_user(
        "mkdir -p ~/.config/systemd/user
         printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\nRestart=on-failure\\n' >~/.config/systemd/user/mine.service
         printf '[unit.\"mine.service\"]\\nMemoryMax = \"50M\"\\n' >mine.toml
         systemctl --user daemon-reload; systemctl --user start mine",
    );
    let shown = as_user("memctl --user apply mine.toml");
    assert!(shown.contains("confirmed in the kernel"), "{shown}");
    let max = "cat /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/mine.service/memory.max";
    assert_eq!(as_user(max).trim(), mib(50));
    as_user("memctl --user remove mine");
    assert_eq!(as_user(max).trim(), "max");
    Ok(())
}
