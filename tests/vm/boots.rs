//! The guests themselves: what all other scenarios take for granted.

use std::time::{Duration, Instant};

use anyhow::Result;
use xtask::guest::{Guest, GuestConfig, Script, Suite};

/// systemd of the suite's version is PID 1 over cgroup v2, and a reboot and a
/// power failure are seen as such.
pub fn boots(suite: Suite) -> Result<()> {
    let guest = Guest::boot(GuestConfig::new(suite))?;
    assert_eq!(guest.ok("cat /proc/1/comm"), "systemd\n");
    assert_eq!(guest.systemd_version(), suite.systemd());
    assert_eq!(
        guest.ok("stat --file-system --format=%T /sys/fs/cgroup"),
        "cgroup2fs\n"
    );
    let controllers = guest.ok("cat /sys/fs/cgroup/cgroup.controllers");
    for controller in ["memory", "cpu", "pids", "io"] {
        assert!(
            controllers
                .split_whitespace()
                .any(|word| word == controller),
            "no {controller} controller among {controllers}"
        );
    }

    guest.write("/etc/kept", "through a reboot");
    guest.write("/run/lost", "by a reboot");
    let boot = guest.ok("cat /proc/sys/kernel/random/boot_id");
    assert_eq!(guest.reboot(), "running");
    assert_ne!(guest.ok("cat /proc/sys/kernel/random/boot_id"), boot);
    assert_eq!(guest.read("/etc/kept"), b"through a reboot");
    assert!(!guest.sh("test -e /run/lost").success());

    guest.ok("echo synced >/etc/synced; sync");
    assert_eq!(guest.crash(), "running");
    assert_eq!(guest.read("/etc/synced"), b"synced\n");
    Ok(())
}

/// Scripts do not wait for each other, nor for what they leave behind, and what
/// they run may be killed for want of memory as on any system.
pub fn runs_scripts_beside_each_other(suite: Suite) -> Result<()> {
    let guest = Guest::boot(GuestConfig::new(suite))?;
    let mut waiting = guest.spawn("until [ -e /run/go ]; do sleep 0.1; done; echo gone");
    guest.ok("sleep 1000 &");
    assert!(waiting.is_running());
    guest.ok("touch /run/go");
    assert_eq!(waiting.wait()?.stdout, "gone\n");

    let failed = guest.sh("echo out; echo err >&2; false | true; exit 4");
    assert_eq!((failed.status, failed.stdout.as_str()), (1, "out\n"));
    assert_eq!(failed.stderr, "err\n");

    let start = Instant::now();
    let slow = guest.sh(Script::new("sleep 1000").timeout(Duration::from_secs(1)));
    assert!(slow.timed_out && slow.status == 137);
    assert!(start.elapsed() < Duration::from_secs(20));

    let who = guest.ok(Script::new("id -un; cat /proc/self/oom_score_adj").user("admin"));
    assert_eq!(who, "admin\n0\n");
    let echoed = guest.ok(Script::new(r#"cat; echo "$V""#)
        .stdin("in ")
        .env("V", "a 'b'"));
    assert_eq!(echoed, "in a 'b'\n");
    Ok(())
}

/// Files of the host are where they were asked for, and stay as the guest
/// changed them; swap is on after a reboot too.
pub fn brings_files_and_swap(suite: Suite) -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("file"), "from the host")?;
    let guest = Guest::boot(
        GuestConfig::new(suite)
            .memory_mib(700)
            .swap_mib(256)
            .file(folder.path(), "/opt/folder")
            .file(folder.path().join("file"), "/opt/single"),
    )?;
    assert_eq!(guest.read("/opt/folder/file"), b"from the host");
    assert_eq!(guest.read("/opt/single"), b"from the host");
    let memory = "awk '/MemTotal/ { print $2 }' /proc/meminfo";
    let kib: u32 = guest.ok(memory).trim().parse()?;
    assert!((550_000..700 << 10).contains(&kib), "{kib} KiB");

    guest.write("/opt/single", "changed");
    guest.reboot();
    assert_eq!(guest.read("/opt/single"), b"changed");
    let swap = guest.ok("awk '/SwapTotal/ { print $2 }' /proc/meminfo");
    assert_eq!(swap, "262140\n");
    Ok(())
}
