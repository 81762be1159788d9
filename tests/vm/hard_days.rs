//! The daemon on days on which everything goes wrong, and the timer in its place.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use xtask::guest::{GuestConfig, Script, Suite};

use crate::server::Server;
use crate::told::{in_short, text};

/// Services that are slow to stop and slow to start; `slow@kill` has something to do before.
const PROFILE: &str = r#"
[unit."slow@.service"]
rules = [{ above = "30M", action = "restart" }]
[unit."slow@.service".restart]
cooldown = "1s"
limit = "20/1d"
[unit."slow@kill.service"]
[unit."slow@kill.service".restart]
before = "first.service"
[unit."steady.service"]
rules = [
    { age = "1h", action = "alert" },
    { grown = "+20M", settle = "0", action = "alert" },
    { name = "long", above = "5M", for = "2h", action = "alert" },
]
"#;

/// In the guest: how far the restart of `slow@NAME` is, and a wait for a step of it.
const STEPS: &str = r#"
step() {
    sed -n '/"step"/,/}/s/.*"at": "\(.*\)".*/\1/p' "/var/lib/memctl/state/slow@$1.service.json"
}
at() {
    for i in $(seq 900); do [ "$(step $1)" = $2 ] && return 0; sleep 0.1; done
    echo "slow@$1 never $2: $(step $1)"; cat /var/lib/memctl/state/slow@$1.service.json; exit 1
}
"#;

impl Server {
    fn prepare_slow(&self) {
        self.prepare_flex();
        let guest = &self.guest;
        self.define(
            "slow@.service",
            "/usr/local/bin/flex %i 10 1.5",
            "Type=exec\nExecStartPre=/bin/sh -c 'echo start >>/run/starts-%i; sleep 1.5'",
        );
        self.define("steady.service", "/usr/local/bin/flex steady 10", "");
        guest.write(
            "/etc/systemd/system/first.service",
            "[Service]\nType=oneshot\nExecStart=/bin/sleep 3\n",
        );
        guest.write(
            "/etc/systemd/system/memctl.service.d/quick.conf",
            "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=100ms\n",
        );
        guest.write("/etc/memctl/memctl.toml", "interval = \"1s\"\n");
        self.profile("slow", PROFILE);
        guest.ok("systemctl daemon-reload");
    }

    /// Runs a script that knows the steps.
    fn steps(&self, script: &str) -> String {
        let script = Script::new(format!("{STEPS}\n{script}"));
        self.guest.ok(script.timeout(Duration::from_secs(300)))
    }

    /// So often a slow service was begun.
    fn starts(&self, name: &str) -> usize {
        self.guest
            .ok(format!("cat /run/starts-{name}"))
            .lines()
            .count()
    }

    /// One restart was begun, is done, was told and is counted; nothing of it has failed.
    fn assert_one_restart(&self, name: &str) {
        let unit = format!("slow@{name}.service");
        let told = self.told_of(&unit);
        let count = |word: &str| told.iter().filter(|t| t.starts_with(word)).count();
        let counts = ["restart-begun", "restart-done", "restart-failed"].map(count);
        assert_eq!(counts, [1, 1, 0], "{unit}: {told:?}");
        assert_eq!(self.starts(name), 2, "{unit}: {told:?}");
        let explained: Value =
            serde_json::from_str(&self.done(&format!("--json explain {unit}"))).expect("JSON");
        let restarts = explained["restarts"].as_array().map(Vec::len);
        assert_eq!(restarts, Some(1), "{explained}");
    }
}

/// Killed at each step of a restart; PID 1 and D-Bus begun anew under it; a broken profile, a full disk, a clock that
/// jumps, a host without memory.
pub fn the_daemon_lives_through_hard_days(suite: Suite) -> Result<()> {
    let server = Server::with(GuestConfig::new(suite).memory_mib(1024))?;
    let guest = &server.guest;
    server.prepare_slow();
    guest.ok("systemctl start steady slow@kill slow@bus slow@lost slow@full slow@oom");
    server.done("apply slow.toml");
    guest.ok("systemctl restart memctl");
    // The daemon's own baseline: what explain shows before is its own.
    server.wait_until("grep -q baseline /var/lib/memctl/state/steady.service.json");

    killed(&server);
    without_a_bus(&server);
    a_full_disk(&server);
    a_broken_profile(&server);
    server.wait_told(&["slow@full.service:restart-done"]);
    server.assert_one_restart("full");
    guest.ok("systemctl stop memctl; umount /var/lib/memctl; systemctl start memctl");
    a_clock_that_jumps(&server);
    a_host_without_memory(&server);
    Ok(())
}

/// Killed wherever it is, it never restarts twice, and tells the end.
fn killed(server: &Server) {
    server.flex(&[("kill", "40")]);
    let last = server.steps(
        "n=0
         for step in before asked settling judging; do
             at kill $step
             systemctl kill --signal=KILL memctl.service
             for i in $(seq 200); do
                 [ $(systemctl show -p NRestarts --value memctl) -gt $n ] && break
                 sleep 0.1
             done
             n=$(systemctl show -p NRestarts --value memctl)
         done
         [ $n = 4 ]
         for i in $(seq 200); do systemctl -q is-active memctl && break; sleep 0.1; done
         sleep 2; step kill",
    );
    assert_eq!(last.trim(), "judging");
    server.assert_one_restart("kill");
    // The first time nothing had been done yet; that was told, and decided anew.
    let told = server.told_of("slow@kill.service");
    assert!(
        told.contains(&"restart-withheld interrupted".to_owned()),
        "{told:?}"
    );
}

/// PID 1 reloads, and is begun anew, and D-Bus is, while it waits for a job; and it acts where there is no D-Bus.
fn without_a_bus(server: &Server) {
    let guest = &server.guest;
    let life = server.life("memctl.service");
    server.flex(&[("bus", "40")]);
    server.steps(
        "at bus asked
         systemctl daemon-reload; systemctl daemon-reexec; systemctl restart dbus.service
         at bus judging",
    );
    server.assert_one_restart("bus");
    guest.ok("systemctl stop dbus.socket dbus.service 2>&1");
    server.flex(&[("lost", "40")]);
    server.steps(
        "at lost judging
         ! systemctl is-active dbus.service
         systemctl start dbus.socket",
    );
    server.assert_one_restart("lost");
    assert_eq!(server.life("memctl.service"), life);
}

/// What cannot be remembered is not done, and that is told; once there is room it is done.
fn a_full_disk(server: &Server) {
    let guest = &server.guest;
    guest.ok("systemctl stop memctl
         mount -t tmpfs -o size=4m tmpfs /var/lib/memctl
         systemctl start memctl
         for i in $(seq 100); do [ -s /var/lib/memctl/state/slow@full.service.json ] && break; sleep 0.2; done
         dd if=/dev/zero of=/var/lib/memctl/filler bs=4k 2>/dev/null || true");
    server.flex(&[("full", "40"), ("steady", "40")]);
    server.wait_told(&[
        "slow@full.service:rule-fired:above",
        "slow@full.service:restart-withheld:above",
        "steady.service:rule-fired:grown",
    ]);
    let told = server.told_of("slow@full.service");
    assert_eq!(told, ["rule-fired", "restart-withheld unwritable"]);
    guest.ok("sleep 5");
    assert_eq!(server.starts("full"), 1);
    assert_eq!(server.told_of("slow@full.service"), told, "told once");
    guest.ok("rm /var/lib/memctl/filler");
    server.flex(&[("steady", "10")]);
}

/// The last good one counts until it is mended; what its rules remember stays.
fn a_broken_profile(server: &Server) {
    let guest = &server.guest;
    let path = "/etc/memctl/profiles.d/slow.toml";
    let bad = || {
        let told = server.told();
        told.iter().filter(|e| e["event"] == "profile-bad").count()
    };
    let baseline = || {
        server.wait_until(
            "grep -A3 '\"baseline\"' /var/lib/memctl/state/steady.service.json >/run/baseline",
        );
        guest.ok("cat /run/baseline")
    };
    let before = baseline();
    guest.ok(format!("sed -i 's/grown = /groan = /' {path}"));
    server.wait_told(&[":profile-bad"]);
    server.flex(&[("steady", "40")]);
    server.wait_told(&["2*steady.service:rule-fired:grown"]);
    server.flex(&[("steady", "10")]);
    server.wait_told(&["2*steady.service:rule-cleared:grown"]);
    assert_eq!(bad(), 1, "told once");
    guest.ok(format!(
        "sed -i 's/groan = .+20M./grown = \"+15M\"/' {path}"
    ));
    server.flex(&[("steady", "28")]);
    let told = server.wait_told(&["3*steady.service:rule-fired:grown"]);
    assert_eq!(baseline(), before, "{}", in_short(&told).join("\n"));
    assert_eq!(bad(), 1);
    server.flex(&[("steady", "10")]);
}

/// A day ahead, two back, and where it was: nobody is older for it, nothing has lasted for it, and nothing is blocked.
fn a_clock_that_jumps(server: &Server) {
    let guest = &server.guest;
    let steady = server.life("steady.service");
    let lives = server.guest.ok("cat /run/starts-*");
    let entries = |server: &Server| {
        let mut told = server.told();
        // What was there before, or was going on.
        told.retain(|e| e["event"] != "rule-cleared" && e["event"] != "profile-bad");
        told.len()
    };
    server.wait_told(&["3*steady.service:rule-cleared:grown"]);
    let before = entries(server);
    for step in ["+1 day", "-2 days", "+1 day"] {
        guest.ok(format!("date -s '{step}' >/run/date; sleep 4"));
        let told = server.told();
        assert_eq!(
            entries(server),
            before,
            "{step}: {}",
            in_short(&told).join("\n")
        );
    }
    assert_eq!(server.life("steady.service"), steady);
    assert_eq!(guest.ok("cat /run/starts-*"), lives);
    // And what is to fire fires, where a restart was made in what is the future now.
    guest.ok("date -s '-1 day' >/run/date; sleep 3");
    server.flex(&[("lost", "40")]);
    server.steps("at lost asked; date -s '+1 day' >/run/date");
}

/// Another service takes all there is: the daemon is not killed, and restarts what is to be restarted.
fn a_host_without_memory(server: &Server) {
    let guest = &server.guest;
    let life = server.life("memctl.service");
    server.define(
        "fill.service",
        "/usr/local/bin/hold 400 200",
        "OOMScoreAdjust=900\nRestartSec=2s\n[Unit]\nStartLimitIntervalSec=0",
    );
    guest.ok("systemctl daemon-reload; systemctl start fill.service");
    // It grows until it is killed, and begins anew.
    server.wait_until("! grep '^oom_kill 0$' /proc/vmstat");
    server.flex(&[("oom", "40")]);
    server.steps("at oom judging");
    server.assert_one_restart("oom");
    // The other one was under way when the clock was set.
    assert_eq!(server.starts("lost"), 3);
    let kills = guest.ok("grep '^oom_kill ' /proc/vmstat; systemctl stop fill.service");
    assert_ne!(kills.trim(), "oom_kill 0");
    assert_eq!(server.life("memctl.service"), life);
    server.assert_kernel(&[("memctl.service", "memory.oom.group", "0")]);
    let own =
        guest.ok("grep '^oom_kill ' /sys/fs/cgroup/memctl.slice/memctl.service/memory.events");
    assert_eq!(own, "oom_kill 0\n");
}

/// The timer's ticks, one by one, on the service that the daemon has restarted: the same is told, and remembered from
/// tick to tick.
pub fn the_timer_gives_the_same_verdicts(suite: Suite) -> Result<()> {
    let server = Server::with(GuestConfig::new(suite).memory_mib(1024))?;
    let guest = &server.guest;
    server.prepare_slow();
    guest.ok("systemctl start steady slow@daemon slow@timer");
    server.done("apply slow.toml");
    guest.ok("systemctl restart memctl");
    // The daemon's own baseline: what explain shows before is its own.
    server.wait_until("grep -q baseline /var/lib/memctl/state/steady.service.json");
    server.flex(&[("daemon", "40"), ("steady", "40")]);
    server.wait_told(&[
        "slow@daemon.service:restart-done:above",
        "steady.service:rule-fired:grown",
    ]);
    server.flex(&[("steady", "10")]);
    server.wait_told(&["steady.service:rule-cleared:grown"]);
    guest.ok("systemctl stop memctl");
    let by_daemon = server.told();

    // Ticks come faster here than a minute apart, which the start limit takes amiss.
    let tick = || {
        let script = "systemctl reset-failed memctl-watch; systemctl start memctl-watch";
        guest.ok(Script::new(script))
    };
    let baseline = "grep -A3 '\"baseline\"' /var/lib/memctl/state/steady.service.json";
    let before = guest.ok(baseline);
    tick();
    assert_eq!(server.told().len(), by_daemon.len(), "nothing is new");
    assert_eq!(guest.ok(baseline), before);
    server.flex(&[("timer", "40"), ("steady", "40")]);
    guest.ok("sleep 2");
    tick();
    server.flex(&[("steady", "10")]);
    guest.ok("sleep 2");
    tick();
    // That a rule is over is seen at the next reading, which is the timer's next tick.
    let verdicts = |unit: &str, told: &[Value]| -> Vec<String> {
        let own = told.iter().filter(|e| e["unit"] == unit);
        let words = ["event", "rule", "action"];
        let mut all: Vec<String> = own.map(|e| words.map(|w| text(e, w)).join(" ")).collect();
        all.sort();
        all
    };
    let told = server.told();
    assert_eq!(
        verdicts("slow@timer.service", &told),
        verdicts("slow@daemon.service", &by_daemon),
        "{}",
        in_short(&told).join("\n")
    );
    let by_timer = told.get(by_daemon.len()..).unwrap_or_default();
    assert_eq!(
        verdicts("steady.service", by_timer),
        verdicts("steady.service", &by_daemon),
        "{}",
        in_short(&told).join("\n")
    );
    server.assert_one_restart("timer");
    assert_eq!(server.starts("daemon"), 2);

    // Judged over ticks: five minutes later each is at its end.
    assert_eq!(server.steps("step timer").trim(), "judging");
    for _ in 0..6 {
        guest.ok("date -s '+61 sec' >/run/date");
        tick();
    }
    let state = guest.ok("cat /var/lib/memctl/state/slow@timer.service.json");
    assert!(
        !state.contains("\"run\"") && !state.contains("\"useless\""),
        "{state}"
    );
    assert_eq!(
        server.told().len(),
        told.len(),
        "it helped, and that is no news"
    );
    Ok(())
}
