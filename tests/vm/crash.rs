//! Killed at every step of apply, refused by the kernel, out of disk: afterwards the old state or the new one, never a
//! mixture, and the next apply is clean.

use anyhow::Result;
use memctl::apply::stop::Step;
use xtask::guest::{GuestConfig, Suite};

use crate::server::{Server, built, mib};

/// Two profiles that change together, and units that are near enough to their limits to be throttled first.
struct Pair {
    server: Server,
}

const UNITS: [&str; 2] = ["one.service", "two.service"];
const OLD: u64 = 200;
const NEW: u64 = 100;

impl Pair {
    fn boot(suite: Suite) -> Result<Self> {
        let stoppable = built("MEMCTL_STOPPABLE")?;
        let config = GuestConfig::new(suite)
            .memory_mib(1024)
            .file(stoppable, "/root/memctl-stoppable");
        let server = Server::with(config)?;
        for unit in UNITS {
            server.define(unit, "/usr/local/bin/hold 60", "[Install]\nWantedBy=multi-user.target");
        }
        server.guest.ok("chmod +x /root/memctl-stoppable; systemctl daemon-reload; systemctl enable --now one two 2>&1");
        for unit in UNITS {
            server.wait_up(unit);
        }
        let pair = Self { server };
        pair.write(OLD);
        pair.server.done("apply one.toml two.toml");
        pair.assert_limits(OLD);
        Ok(pair)
    }

    fn write(&self, limit: u64) {
        for unit in UNITS {
            let name = unit.trim_end_matches(".service");
            let text = format!("[unit.\"{unit}\"]\nMemoryMax = \"{limit}M\"\n");
            self.server.profile(name, &text);
        }
    }

    fn assert_limits(&self, limit: u64) {
        for unit in UNITS {
            self.server
                .assert_kernel(&[(unit, "memory.max", &mib(limit)), (unit, "memory.high", "max")]);
        }
    }

    /// Begins a change and dies at a step of it.
    fn die_at(&self, step: Step, refuse: &str) {
        let output = self.server.guest.sh(format!(
            "cd /root; {refuse} MEMCTL_STOP_AT={} ./memctl-stoppable apply one.toml two.toml",
            step.name()
        ));
        assert_eq!(output.status, 137, "{}: {}{}", step.name(), output.stdout, output.stderr);
    }

    /// What a reload or a boot would bring: the limits in the drop-ins, which must be of one kind.
    fn standing(&self, step: Step) -> u64 {
        let limits = self.server.guest.ok(
            "cat /run/systemd/generator/{one,two}.service.d/00-memctl.conf | grep '^MemoryMax=' | sort -u",
        );
        match limits.trim() {
            "MemoryMax=200M" => OLD,
            "MemoryMax=100M" => NEW,
            mixture => panic!("killed at {}: {mixture}", step.name()),
        }
    }

    /// Dies at a step on the way from `old` to the other limit, looks, and goes there.
    fn survive(&self, step: Step, new: u64, refuse: &str) -> u64 {
        let lives = UNITS.map(|unit| self.server.life(unit));
        self.write(new);
        self.die_at(step, refuse);
        self.server.guest.ok("systemctl daemon-reload");
        let standing = self.standing(step);
        self.server.done("apply one.toml two.toml");
        self.assert_limits(new);
        self.server.assert_clean();
        assert_eq!(UNITS.map(|unit| self.server.life(unit)), lives, "{}", step.name());
        standing
    }
}

/// Up to the moment at which the new profiles count, the old ones do.
pub fn killed_before_the_commit(suite: Suite) -> Result<()> {
    let pair = Pair::boot(suite)?;
    let (mut old, mut new) = (OLD, NEW);
    let steps = Step::ALL.into_iter().take_while(|step| *step != Step::Committed);
    for step in steps {
        assert_eq!(pair.survive(step, new, ""), old, "killed at {}", step.name());
        (old, new) = (new, old);
    }
    // A boot in the middle of it.
    pair.write(new);
    pair.die_at(Step::FirstInstalled, "");
    pair.server.guest.reboot();
    assert_eq!(pair.standing(Step::FirstInstalled), old);
    pair.server.done("apply one.toml two.toml");
    pair.assert_limits(new);
    pair.server.assert_clean();
    Ok(())
}

/// From then on the new ones do; and while it is rolling back, the old ones again.
pub fn killed_after_the_commit(suite: Suite) -> Result<()> {
    let pair = Pair::boot(suite)?;
    let (mut old, mut new) = (OLD, NEW);
    for step in [Step::Committed, Step::Reloaded, Step::Realized] {
        assert_eq!(pair.survive(step, new, ""), new, "killed at {}", step.name());
        (old, new) = (new, old);
    }
    for step in [Step::Undoing, Step::Restored] {
        let standing = pair.survive(step, new, "MEMCTL_REFUSE=1");
        assert_eq!(standing, old, "killed at {}", step.name());
        (old, new) = (new, old);
    }

    // Refused without being killed: rolled back, and it says so.
    pair.write(new);
    let output = pair
        .server
        .guest
        .sh("cd /root; MEMCTL_REFUSE=1 ./memctl-stoppable apply one.toml two.toml");
    assert_eq!(output.status, 1, "{}", output.stderr);
    assert!(output.stderr.contains("rolled back"), "{}", output.stderr);
    pair.assert_limits(old);
    pair.server.assert_clean();
    Ok(())
}

/// No room for the new profiles: nothing is changed.
pub fn the_disk_is_full(suite: Suite) -> Result<()> {
    let pair = Pair::boot(suite)?;
    let server = &pair.server;
    server.guest.ok(
        "cp -a /etc/memctl /root/saved
         mount -t tmpfs -o size=64k tmpfs /etc/memctl
         cp -a /root/saved/. /etc/memctl/
         dd if=/dev/zero of=/etc/memctl/filler bs=4k 2>/dev/null || true",
    );
    pair.write(NEW);
    let told = server.refused("apply one.toml two.toml", 1);
    assert!(told.contains("No space left") && told.contains("disk is full"), "{told}");
    pair.assert_limits(OLD);
    server.guest.ok("systemctl daemon-reload");
    assert_eq!(pair.standing(Step::Staged), OLD);

    // Room for some of it: one page is not enough for the record and two files.
    for pages in 1..=3 {
        server.guest.ok(format!("truncate --size=-{}K /etc/memctl/filler", 4));
        let output = server.memctl("apply one.toml two.toml");
        server.guest.ok("systemctl daemon-reload");
        let standing = pair.standing(Step::Staged);
        let expected = if output.status == 0 { NEW } else { OLD };
        assert_eq!(standing, expected, "{pages} pages: {}", output.stderr);
        if output.status == 0 {
            break;
        }
        pair.assert_limits(OLD);
    }
    server.guest.ok("rm /etc/memctl/filler");
    server.done("apply one.toml two.toml");
    pair.assert_limits(NEW);
    server.assert_clean();
    Ok(())
}
