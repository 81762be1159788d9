//! `memctl doctor`: finds what is broken, and what it says to run mends it.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;
use xtask::guest::Suite;

use crate::server::{Server, mib};

/// What doctor has found.
struct Found {
    status: i32,
    findings: Vec<Value>,
}

impl Found {
    fn by(server: &Server, arguments: &str) -> Self {
        let output = server.memctl(&format!("{arguments} doctor --json"));
        let document: Value = serde_json::from_str(&output.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}\n{}", output.stdout, output.stderr));
        let findings = document["findings"].as_array().expect("findings").clone();
        let errors = findings.iter().any(|f| f["severity"] == "error");
        assert_eq!(output.status, i32::from(errors), "{document}");
        Self {
            status: output.status,
            findings,
        }
    }

    /// The findings of a kind, about a unit if one is named.
    fn of(&self, id: &str, unit: &str) -> Vec<&Value> {
        let is = |f: &&Value| f["id"] == id && (unit.is_empty() || f["unit"] == unit);
        self.findings.iter().filter(is).collect()
    }

    fn assert_has(&self, expected: &[(&str, &str)]) {
        for (id, unit) in expected {
            assert!(
                !self.of(id, unit).is_empty(),
                "no {id} {unit}: {:#?}",
                self.findings
            );
        }
    }

    fn assert_lacks(&self, expected: &[(&str, &str)]) {
        for (id, unit) in expected {
            assert!(
                self.of(id, unit).is_empty(),
                "{id} {unit}: {:#?}",
                self.findings
            );
        }
    }

    /// The commands that mend, each once, in the order of the findings; whether anything watches is another
    /// scenario's.
    fn mends(&self) -> Vec<String> {
        let runs = self
            .findings
            .iter()
            .filter(|f| f["command"] == true && f["id"] != "nothing-watches");
        let mut commands: Vec<String> = Vec::new();
        for command in runs.filter_map(|f| f["mend"].as_str()) {
            if !commands.iter().any(|known| known == command) {
                commands.push(command.to_owned());
            }
        }
        commands
    }
}

/// A healthy server is clean; each thing that is broken is found; what doctor says to run mends it.
pub fn what_is_broken_is_found_and_mended(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    let guest = &server.guest;
    for unit in ["web.service", "hand.service"] {
        server.define(unit, "/usr/local/bin/hold 20", "");
    }
    server.start("db.service", "/usr/local/bin/hold 20", "");
    guest.ok("systemctl start web hand");
    let limits = |unit: &str| format!("[unit.\"{unit}\"]\nMemoryMax = \"200M\"\n");
    server.profile("web", &limits("web.service"));
    server.done("apply web.toml");
    let healthy = Found::by(&server, "");
    let bad = |f: &&Value| f["severity"] != "note";
    let bad: Vec<_> = healthy.findings.iter().filter(bad).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let told = server.done("doctor");
    assert!(told.contains("ok      systemd "), "{told}");
    assert!(told.contains("Nothing is wrong"), "{told}");
    // It changes nothing.
    server.assert_clean();

    // An ordinary user sees the same.
    guest.ok("useradd --create-home jo");
    let output = guest.sh("runuser -u jo -- memctl doctor");
    assert_eq!(output.status, 0, "{}\n{}", output.stdout, output.stderr);
    assert!(
        output.stdout.contains("ok      systemd "),
        "{}",
        output.stdout
    );

    // All of it at once.
    let traps = BTreeMap::from([
        ("bare.service", "Slice=bare.slice\nMemoryAccounting=no"),
        ("dead.service", "Restart=no\nOOMPolicy=stop\nMemoryMax=100M"),
        ("high.service", "MemoryHigh=100M"),
    ]);
    for (unit, more) in &traps {
        server.define(unit, "/usr/local/bin/hold 5", more);
    }
    server.define("stuck.service", "/usr/local/bin/hold 60", "MemoryHigh=40M");
    server.define("earlyoom.service", "/bin/sleep infinity", "");
    guest.ok("systemctl daemon-reload
              systemctl start bare dead high earlyoom
              systemctl start --no-block stuck
              systemctl set-property web.service MemoryMax=300M
              echo 209715200 >/sys/fs/cgroup/system.slice/hand.service/memory.max
              echo max >/sys/fs/cgroup/system.slice/web.service/memory.max
              echo '{\"v\":1,\"undo\":true,\"files\":[],\"kernel\":[]}' >/etc/memctl/transaction.json
              chmod 644 /usr/lib/systemd/system-generators/memctl-generator
              printf '[unit.\"db.service\"]\\nMemoryMax = \"300MB\"\\n' >/etc/memctl/profiles.d/db.toml
              sleep 15");
    let broken = [
        ("generator-mode", ""),
        ("half-applied", ""),
        ("profile-faulty", ""),
        ("overridden", "web.service"),
        ("pending", "hand.service"),
        ("pending", "web.service"),
        ("no-accounting", "bare.service"),
        ("oom-stays-dead", "dead.service"),
        ("high-without-swap", "high.service"),
        ("standstill", "stuck.service"),
        ("neighbour", ""),
    ];
    let found = Found::by(&server, "");
    assert_eq!(found.status, 1);
    found.assert_has(&broken);
    let overridden = found.of("overridden", "web.service");
    let what = overridden[0]["what"].as_str().unwrap_or_default();
    assert!(what.contains("300M, not the profile's 200M, by /etc/systemd/system.control/web.service.d/50-MemoryMax.conf:"), "{what}");

    // What is only advice is done by hand.
    guest.ok(
        "rm /etc/memctl/profiles.d/db.toml; sed -i /MemoryHigh/d /etc/systemd/system/high.service",
    );
    for command in found.mends() {
        // What a reload has systemd start holds memctl's lock, and is slow without KVM.
        server.wait_idle();
        guest.ok(format!("cd /root; {command}"));
    }
    guest.ok("systemctl daemon-reload");
    server.wait_idle();
    server.wait_kernel(&[
        ("web.service", "memory.max", &mib(200)),
        ("hand.service", "memory.max", "max"),
    ]);
    let mended = Found::by(&server, "");
    mended.assert_lacks(&broken);
    assert_eq!(mended.status, 0, "{:#?}", mended.findings);

    // A profile that was edited without a reload; and the bus may be down.
    guest.ok("sed -i s/200M/210M/ /etc/memctl/profiles.d/web.toml
              systemctl stop dbus.socket dbus.service");
    let found = Found::by(&server, "");
    found.assert_has(&[("reload-needed", "")]);
    for command in found.mends() {
        guest.ok(command);
    }
    guest.ok("systemctl start dbus.socket dbus.service");
    server.wait_kernel(&[("web.service", "memory.max", &mib(210))]);
    Found::by(&server, "").assert_lacks(&[("reload-needed", ""), ("pending", "")]);
    server.assert_nobody_killed();
    Ok(())
}
