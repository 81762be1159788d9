//! The Debian package: installs, upgrades, removes and purges cleanly, and its parts are where they belong.

use anyhow::Result;
use xtask::guest::Suite;

use crate::server::{Server, mib};

/// From installation to purge, with a profile in force.
pub fn package_comes_and_goes(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    let guest = &server.guest;
    guest.ok("dpkg --verify memctl; dpkg --audit");
    let files = guest.ok("dpkg --listfiles memctl");
    for part in [
        "/usr/bin/memctl",
        "/usr/lib/systemd/system-generators/memctl-generator",
        "/usr/lib/systemd/user-generators/memctl-generator",
        "/usr/lib/systemd/system/memctl.service",
        "/usr/lib/systemd/system/memctl.slice",
        "/usr/lib/systemd/system/memctl-watch.service",
        "/usr/lib/systemd/system/memctl-watch.timer",
        "/usr/lib/systemd/system/memctl-realize@.service",
        "/usr/lib/systemd/system/memctl-withheld@.service",
        "/usr/lib/systemd/user/memctl-realize@.service",
        "/usr/lib/systemd/catalog/memctl.catalog",
        "/usr/share/doc/memctl/examples/memctl-alert@.service",
        "/usr/share/man/man1/memctl.1.gz",
        "/usr/share/man/man5/memctl.profile.5.gz",
        "/usr/share/man/man5/memctl.toml.5.gz",
        "/usr/share/man/man8/memctl-generator.8.gz",
        "/usr/share/bash-completion/completions/memctl",
        "/usr/share/zsh/vendor-completions/_memctl",
        "/usr/share/fish/vendor_completions.d/memctl.fish",
        "/etc/memctl",
    ] {
        assert!(
            files.lines().any(|line| line == part),
            "{part} is not in\n{files}"
        );
    }
    guest.ok("systemd-analyze verify --man=no /usr/lib/systemd/system/memctl*.service 2>&1");
    guest.ok(
        "cd /usr/share/doc/memctl/examples
         ls homework.toml prometheus/memctl.rules.yml prometheus/memctl.rules.test.yml grafana/memctl.json",
    );

    server.start("web.service", "/usr/local/bin/hold 5", "");
    server.profile("web", "[unit.\"web.service\"]\nMemoryMax = \"200M\"\n");
    server.done("apply web.toml");
    let life = server.life("web.service");

    // The same version again is what an upgrade does to files and scripts.
    guest.ok("dpkg --install /root/memctl.deb");
    server.assert_kernel(&[("web.service", "memory.max", &mib(200))]);
    server.assert_clean();

    guest.ok("dpkg --remove memctl");
    assert_eq!(server.life("web.service"), life);
    // Nobody but the package sees to that: dpkg has systemd reload for no such package, and 257 has to be nudged.
    server.assert_kernel(&[("web.service", "memory.max", "max")]);
    guest.ok("test ! -e /usr/bin/memctl; test -e /etc/memctl/profiles.d/web.toml");
    assert_eq!(server.property("web.service", "MemoryMax"), "infinity");
    guest.ok("dpkg --install /root/memctl.deb");
    server.assert_kernel(&[("web.service", "memory.max", &mib(200))]);
    server.done("apply");

    guest.ok("dpkg --purge memctl");
    server.assert_kernel(&[("web.service", "memory.max", "max")]);
    assert_eq!(server.life("web.service"), life);
    guest.ok("test ! -e /etc/memctl; test ! -e /run/memctl; dpkg --audit");
    let left = guest.ok("find / -xdev -name '*memctl*' -not -path '/proc/*' -not -path '/root/*' -not -path '/var/lib/dpkg/*' -not -path '/var/log/*' -not -path '/sys/*' 2>/dev/null || true");
    assert_eq!(left, "", "left behind after purge");
    let failed = guest.ok("systemctl --failed --no-legend --plain");
    assert_eq!(failed, "");
    Ok(())
}
