//! The demonstration: a small server with a homework scraper of gunicorn, a
//! celery worker, celery beat and redis, and memctl at work on it: limits, what
//! is held against them, and a leak that is restarted in time.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::guest::{Guest, GuestConfig, Script, Suite};
use crate::{host, package, tell};

/// What the small server has.
const MEMORY_MIB: u32 = 906;

/// What is looked at in the kernel while the profile is in force.
const KERNEL: &str = "grep . homework-*/{memory.high,memory.max,cpu.max}";

/// What is looked at without it: `cpu.max` is only there while somebody limits
/// a unit's neighbours.
const KERNEL_FREE: &str = "grep . homework-*/{memory.high,memory.max}";

/// The same without any limit.
const FREE: &str = "\
homework-beat.service/memory.high:max
homework-celery.service/memory.high:max
homework-scraper.service/memory.high:max
homework-beat.service/memory.max:max
homework-celery.service/memory.max:max
homework-scraper.service/memory.max:max
";

/// The kernel's files under the profile, in the order of [`KERNEL`].
const LIMITED: &str = "\
homework-beat.service/memory.high:125829120
homework-celery.service/memory.high:209715200
homework-scraper.service/memory.high:367001600
homework-beat.service/memory.max:157286400
homework-celery.service/memory.max:262144000
homework-scraper.service/memory.max:419430400
homework-beat.service/cpu.max:30000 100000
homework-celery.service/cpu.max:50000 100000
homework-scraper.service/cpu.max:80000 100000
";

/// Who runs, and in which start of the unit: the same again means that nobody
/// was restarted or killed.
const LIVES: &str = "systemctl show --property=MainPID,InvocationID homework-{scraper,celery,beat}";

/// Boots the server and shows memctl on it, on standard output. An error means
/// that memctl did not do there what it is for.
pub fn run() -> Result<()> {
    let deb = package::built()?;
    tell::step(format_args!(
        "booting a server of {MEMORY_MIB} MB with Debian 13"
    ));
    let guest = Guest::boot(server(Suite::Trixie, &deb))?;
    tell::step("installing memctl, starting gunicorn, celery and redis");
    start(&guest);
    let out = &mut io::stdout();
    tour(&guest, out)?;
    tour_of_restarts(&guest, out)
}

/// The server, with the package, the homework scraper's files and the profile.
pub fn server(suite: Suite, deb: &std::path::Path) -> GuestConfig {
    let files = host::repository().join("xtask/demo");
    let mut config = GuestConfig::new(suite)
        .memory_mib(MEMORY_MIB)
        .file(deb, "/root/memctl.deb")
        .file(
            host::repository().join("examples/homework.toml"),
            "/root/homework.toml",
        );
    for name in ["app.py", "tasks.py", "feed.py", "reader.py"] {
        config = config.file(files.join(name), format!("/srv/homework/{name}"));
    }
    for unit in [
        "scraper.service",
        "celery.service",
        "beat.service",
        "feed.service",
        "feed.socket",
        "reader.service",
    ] {
        let unit = format!("homework-{unit}");
        config = config.file(files.join(&unit), format!("/etc/systemd/system/{unit}"));
    }
    config = config.file(files.join("feed.toml"), "/root/feed.toml");
    config.file(
        files.join("redis.conf"),
        "/etc/systemd/system/redis-server.service.d/socket.conf",
    )
}

/// Installs memctl, starts the homework scraper, and waits until it has
/// scraped a page.
pub fn start(guest: &Guest) {
    const START: &str = "
dpkg --install /root/memctl.deb
systemctl daemon-reload
systemctl start redis-server homework-scraper homework-celery homework-beat
page='import urllib.request as u; print(u.urlopen(\"http://127.0.0.1:8000\").read().decode())'
until python3 -c \"$page\" | grep '^[1-9]'; do sleep 1; done
";
    guest.ok(Script::new(START).timeout(Duration::from_secs(240)));
}

/// Shows, command by command, what memctl does on the server, and checks it by
/// the kernel's files.
pub fn tour(guest: &Guest, out: &mut dyn Write) -> Result<()> {
    let mut tour = Tour { guest, out };
    let lives = guest.ok(LIVES);

    tour.say("A small server: gunicorn, a celery worker, celery beat; nothing is limited.")?;
    tour.run("free --mega | head -n 2")?;
    tour.run("systemctl list-units --legend=no 'homework-*'")?;
    tour.run("cd /sys/fs/cgroup/system.slice")?;
    tour.run("grep . homework-*/memory.current")?;
    tour.free()?;

    tour.say("What would the profile change? Nothing is touched.")?;
    tour.run("memctl plan ~/homework.toml")?;

    tour.say("In force, now and at every boot, and proved by the kernel's own files.")?;
    tour.run("memctl apply ~/homework.toml")?;
    tour.limited()?;

    tour.say("What they need, against their limits; and over time, from the service that came with the package.")?;
    let status = tour.run("memctl status")?;
    ensure!(
        status.contains("homework-scraper.service") && status.contains("350M"),
        "the status does not show what is in force"
    );
    guest.ok("until memctl history homework-scraper --since 1h --csv 2>&1 | grep -q 367001600; do sleep 1; done");
    tour.run("memctl history homework-scraper --since 10min")?;

    tour.say("A limit that gunicorn could not live under is refused; nothing changes.")?;
    let tight = "sed 's/400M/20M/; s/350M/15M/' ~/homework.toml >/tmp/homework.toml";
    tour.run(tight)?;
    tour.fails("memctl apply /tmp/homework.toml", 1)?;
    tour.limited()?;

    tour.say("An administrator's own setting wins, and is named.")?;
    tour.run("systemctl set-property homework-celery.service MemoryMax=300M")?;
    let plan = tour.run("memctl plan")?;
    ensure!(
        plan.contains("/50-MemoryMax.conf:") && plan.contains("300M"),
        "the plan does not name what overrides the profile"
    );
    tour.run("systemctl revert homework-celery.service")?;

    tour.say("And back.")?;
    tour.run("memctl remove homework")?;
    tour.free()?;

    ensure!(guest.ok(LIVES) == lives, "a service was restarted");
    let kills = guest.ok("cat /sys/fs/cgroup/system.slice/homework-*/memory.events");
    for line in kills.lines().filter(|line| line.starts_with("oom")) {
        ensure!(line.ends_with(" 0"), "a service was killed: {line}");
    }
    tour.say("All services ran on all the while.")
}

/// Who runs as the feed, and whether anything beside memctl ended it.
const FEED: &str = "systemctl show --property=InvocationID,NRestarts,Result homework-feed.service";

/// Shows a leak and what memctl does about it: a rule, the restart in time, the journal. Nobody who asks the leaking
/// service meanwhile goes without an answer.
pub fn tour_of_restarts(guest: &Guest, out: &mut dyn Write) -> Result<()> {
    let mut tour = Tour { guest, out };
    tour.say(
        "The feed keeps every page that it ever rendered; somebody reads it ten times a second.",
    )?;
    tour.run("systemctl start homework-feed.socket homework-feed homework-reader")?;
    guest.ok("until [ -s /run/homework-reader/totals ]; do sleep 0.2; done");
    let before = guest.ok(FEED);

    tour.say(
        "A rule: when it has grown by 20M, restart it. Long before the limit, let alone a kill.",
    )?;
    tour.run("cat ~/feed.toml")?;
    tour.run("memctl apply ~/feed.toml")?;
    tour.run("memctl explain homework-feed")?;

    tour.say("memctl.service watches. A while later:")?;
    let done = format!(
        "until [ \"$({FEED})\" != '{}' ]; do sleep 1; done",
        before.trim()
    );
    guest.ok(Script::new(done).timeout(Duration::from_secs(180)));
    guest.ok("until memctl log homework-feed --json | grep -q freed; do sleep 1; done");
    tour.run("journalctl -u homework-feed --no-pager --lines=20")?;
    tour.run("journalctl -u homework-feed --identifier=memctl --catalog --no-pager --lines=1")?;
    let log = tour.run("memctl log homework-feed")?;
    ensure!(log.contains("restart"), "memctl's log does not tell of it");
    tour.run("memctl explain homework-feed")?;
    tour.run("cat homework-feed.service/memory.events")?;

    tour.say("Those who read it have not noticed: systemd held the socket.")?;
    let read = tour.run("cat /run/homework-reader/totals")?;
    ensure!(read.contains(" 0 failed"), "somebody was sent away: {read}");

    let after = guest.ok(FEED);
    ensure!(
        after.contains("NRestarts=0\n") && after.contains("Result=success\n"),
        "it was not memctl who restarted it: {after}"
    );
    guest.ok("systemctl stop homework-reader homework-feed.socket homework-feed");
    guest.ok("memctl remove feed");
    Ok(())
}

struct Tour<'a> {
    guest: &'a Guest,
    out: &'a mut dyn Write,
}

impl Tour<'_> {
    /// Tells what the next commands are about.
    fn say(&mut self, text: &str) -> Result<()> {
        Ok(writeln!(self.out, "\n--- {text}")?)
    }

    /// Looks at the kernel's files, which must be the profile's.
    fn limited(&mut self) -> Result<()> {
        let found = self.run(KERNEL)?;
        ensure!(
            found == LIMITED,
            "the kernel's files were to say\n{LIMITED}"
        );
        Ok(())
    }

    /// Looks at the kernel's files, which must know no limit.
    fn free(&mut self) -> Result<()> {
        let found = self.run(KERNEL_FREE)?;
        ensure!(found == FREE, "the kernel's files were to say\n{FREE}");
        let quotas = "cat /sys/fs/cgroup/system.slice/homework-*/cpu.max 2>/dev/null || true";
        for quota in self.guest.ok(quotas).lines() {
            ensure!(quota.starts_with("max "), "there is a quota left: {quota}");
        }
        Ok(())
    }

    /// Runs a command that must succeed.
    fn run(&mut self, command: &str) -> Result<String> {
        self.fails(command, 0)
    }

    /// Runs a command that must end with this status, shown as if it had been
    /// typed in the folder of the kernel's files.
    fn fails(&mut self, command: &str, status: i32) -> Result<String> {
        writeln!(self.out, "\n# {command}")?;
        let script = format!(
            "cd /sys/fs/cgroup/system.slice
{{ {command}
}} 2>&1"
        );
        let output = self.guest.sh(script);
        self.out.write_all(&output.raw)?;
        self.out.flush()?;
        ensure!(
            output.status == status,
            "`{command}` ended with status {}, not {status}",
            output.status
        );
        Ok(output.stdout)
    }
}
