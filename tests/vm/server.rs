//! A guest that is a small server with memctl installed, and what scenarios ask of it.

use anyhow::Result;
use xtask::guest::{Guest, GuestConfig, Output, Suite};
use xtask::package;

/// A guest with memctl installed from its package.
pub struct Server {
    pub guest: Guest,
}

/// What holds memory: `hold MIB [MIB_PER_SECOND]`.
const HOLD: &str = include_str!("guest/hold.py");

/// What fills the page cache and reads it again and again: `cache MIB`.
const CACHE: &str = include_str!("guest/cache.py");

/// A cache of its own that fills to a cap, as fast as a leak, and stays there: `cap MIB [MIB_PER_SECOND]`.
const CAP: &str = include_str!("guest/cap.py");

impl Server {
    /// Boots a guest of 1 GiB and installs the package.
    pub fn boot(suite: Suite) -> Result<Self> {
        Self::with(GuestConfig::new(suite).memory_mib(1024))
    }

    /// Boots a guest and installs the package.
    pub fn with(config: GuestConfig) -> Result<Self> {
        let deb = package::deb()?;
        let guest = Guest::boot(config.file(deb, "/root/memctl.deb"))?;
        guest.ok("dpkg --install /root/memctl.deb");
        guest.write("/usr/local/bin/hold", HOLD);
        guest.write("/usr/local/bin/cache", CACHE);
        guest.write("/usr/local/bin/cap", CAP);
        guest.ok("chmod +x /usr/local/bin/hold /usr/local/bin/cache /usr/local/bin/cap");
        Ok(Self { guest })
    }

    /// Writes a profile to `/root/NAME.toml`.
    pub fn profile(&self, name: &str, text: &str) {
        self.guest.write(&format!("/root/{name}.toml"), text);
    }

    /// Writes a service that runs `command` and waits until it says that it is up.
    pub fn start(&self, unit: &str, command: &str, more: &str) {
        self.define(unit, command, more);
        self.guest
            .ok(format!("systemctl daemon-reload; systemctl start '{unit}'"));
        self.wait_up(unit);
    }

    /// Writes a service without starting it.
    pub fn define(&self, unit: &str, command: &str, more: &str) {
        self.guest.write(
            &format!("/etc/systemd/system/{unit}"),
            format!("[Service]\nExecStart={command}\nRestart=on-failure\n{more}\n"),
        );
    }

    /// Waits until the present run of a service has printed "up".
    pub fn wait_up(&self, unit: &str) {
        self.guest.ok(format!(
            "for i in $(seq 300); do
                 id=$(systemctl show --property=InvocationID --value '{unit}')
                 if journalctl --quiet --output=cat _SYSTEMD_INVOCATION_ID=\"$id\" | grep -q '^up$'; then exit 0; fi
                 sleep 0.2
             done
             systemctl status '{unit}'; exit 1"
        ));
    }

    /// Runs memctl; its status, output and errors.
    pub fn memctl(&self, arguments: &str) -> Output {
        self.guest.sh(format!("cd /root; memctl {arguments}"))
    }

    /// Runs memctl, which must succeed; its output.
    pub fn done(&self, arguments: &str) -> String {
        self.guest.ok(format!("cd /root; memctl {arguments}"))
    }

    /// Runs memctl, which must refuse with this exit code; its errors.
    pub fn refused(&self, arguments: &str, status: i32) -> String {
        let output = self.memctl(arguments);
        assert_eq!(
            output.status, status,
            "memctl {arguments}\n{}\n{}",
            output.stdout, output.stderr
        );
        output.stderr
    }

    /// A property of a unit.
    pub fn property(&self, unit: &str, property: &str) -> String {
        let text = self.guest.ok(format!(
            "systemctl show --property={property} --value '{unit}'"
        ));
        text.trim().to_owned()
    }

    /// Who runs as a unit: the main process and the invocation. The same again means that nothing touched it.
    pub fn life(&self, unit: &str) -> String {
        let life = self.guest.ok(format!(
            "systemctl show --property=MainPID,InvocationID '{unit}'"
        ));
        assert!(!life.contains("MainPID=0\n"), "{unit} does not run");
        life
    }

    /// Asserts kernel files of units: `("a.service", "memory.max", "104857600")`.
    pub fn assert_kernel(&self, expected: &[(&str, &str, &str)]) {
        // One script: a guest without KVM takes half a second for each.
        let script: String = expected
            .iter()
            .map(|(unit, file, _)| {
                format!(
                    "group=$(systemctl show --property=ControlGroup --value '{unit}')
                     cat \"/sys/fs/cgroup$group/{file}\" 2>&1 || true\n"
                )
            })
            .collect();
        let found = self.guest.ok(script);
        let wanted: String = expected
            .iter()
            .map(|(.., value)| format!("{value}\n"))
            .collect();
        assert_eq!(found, wanted, "{expected:?}");
    }

    /// The same, as soon as the kernel has it: what systemd starts by itself takes a while without KVM.
    pub fn wait_kernel(&self, expected: &[(&str, &str, &str)]) {
        let tests: String = expected
            .iter()
            .map(|(unit, file, value)| {
                format!(
                    "group=$(systemctl show --property=ControlGroup --value '{unit}')
                     [ \"$(cat \"/sys/fs/cgroup$group/{file}\")\" = {value} ] || return 1\n"
                )
            })
            .collect();
        self.guest.sh(format!(
            "there() {{\n{tests}\n}}
             for i in $(seq 150); do there && exit; sleep 0.2; done"
        ));
        self.assert_kernel(expected);
    }

    /// Waits until nothing that memctl has systemd start runs any more.
    pub fn wait_idle(&self) {
        self.guest.ok(
            "for i in $(seq 150); do
                 systemctl list-units --no-legend --state=activating 'memctl-*' | grep -q . || exit 0
                 sleep 0.2
             done
             systemctl list-jobs; exit 1",
        );
    }

    /// No process was killed for want of memory, in any cgroup.
    pub fn assert_nobody_killed(&self) {
        let kills = self
            .guest
            .ok("grep -h '^oom_kill ' $(find /sys/fs/cgroup -name memory.events) | sort -u");
        assert_eq!(kills, "oom_kill 0\n");
        // A cgroup that is gone takes its counter along; the kernel's is of the whole machine.
        assert_eq!(
            self.guest.ok("grep '^oom_kill ' /proc/vmstat"),
            "oom_kill 0\n"
        );
    }

    /// memctl has nothing left to do and nothing lies about: no record, no temporary file.
    pub fn assert_clean(&self) {
        let left = self
            .guest
            .ok("find /etc/memctl /run/memctl -name 'transaction.json' -o -name '.*'");
        assert_eq!(left, "");
        let check = self.memctl("plan --check");
        assert_eq!(check.status, 0, "{}\n{}", check.stdout, check.stderr);
    }
}

/// Mebibytes as the kernel's files have them.
pub fn mib(n: u64) -> String {
    (n << 20).to_string()
}
