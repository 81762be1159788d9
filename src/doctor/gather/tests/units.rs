//! Limits, and the traps of units.

use super::super::*;
use super::made::{Made, told};
use crate::doctor::Severity;

#[test]
fn limits_that_are_not_in_force() {
    let host = Made::host();
    host.service("web.service", "");
    host.service("own.service", "MemoryMax=3M");
    host.profile(
        "web",
        "[unit.\"web.service\"]\nMemoryMax = \"400M\"\nTasksMax = 50\n",
    );
    host.write(
        "run/systemd/generator/web.service.d/00-memctl.conf",
        "[Service]\nMemoryMax=400M\n",
    );
    host.write(
        "etc/systemd/system.control/web.service.d/50-TasksMax.conf",
        "[Service]\n# x\nTasksMax=77\n",
    );
    let report = host.report();
    let told: Vec<_> = report
        .findings
        .iter()
        .filter(|f| f.area == Area::Limits)
        .map(|f| (f.severity, f.what.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                Severity::Error,
                "web.service: MemoryMax=400M is on disk, the kernel has infinity"
            ),
            (
                Severity::Warning,
                "own.service: MemoryMax=3M is on disk, the kernel has infinity"
            ),
            (
                Severity::Warning,
                "web.service: TasksMax is 77, not the profile's 50, by \
                 /etc/systemd/system.control/web.service.d/50-TasksMax.conf:3"
            ),
        ]
    );
}

#[test]
fn a_limit_that_waits_for_the_next_start() {
    let host = Made::host();
    host.service("web.service", "");
    host.write(
        "sys/fs/cgroup/system.slice/web.service/memory.current",
        "104857600\n",
    );
    host.write(
        "sys/fs/cgroup/system.slice/web.service/memory.stat",
        "anon 104857600\n",
    );
    host.profile("web", "[unit.\"web.service\"]\nMemoryMax = \"50M\"\n");
    let what = told(&host.report(), "withheld");
    assert_eq!(
        what,
        "web.service: MemoryMax=50M waits for the unit's next start, the kernel has infinity"
    );
}

#[test]
fn what_systemd_does_not_know_of_a_profile_s_unit() {
    let host = Made::host();
    host.service("web.service", "");
    host.service("other.service", "");
    host.profile("web", "[unit.\"web.service\"]\nTasksMax = 50\n");
    assert!(!host.found().contains(&"readings-differ"));
    let host = Made {
        forgets: true,
        ..host
    };
    let report = host.report();
    assert_eq!(
        told(&report, "readings-differ"),
        "web.service: memory.current is 1M, and MemoryCurrent unknown"
    );
    let same = report.findings.iter().filter(|f| f.id == "readings-differ");
    assert_eq!(same.count(), 1, "nobody asks for the others");
}

#[test]
fn traps_of_units_are_found_in_their_files() {
    let host = Made::host();
    host.service("web.service", "Restart=no\nMemoryMax=3M");
    host.service("db.service", "");
    host.profile(
        "db",
        "[unit.\"db.service\"]\nMemoryLow = \"1M\"\nMemoryHigh = \"2G\"\nMemoryMax = \"3G\"\n",
    );
    host.write(
        "sys/fs/cgroup/system.slice/web.service/memory.max",
        "3145728\n",
    );
    for (file, value) in [
        ("low", "1048576"),
        ("high", "2147483648"),
        ("max", "3221225472"),
    ] {
        let path = format!("sys/fs/cgroup/system.slice/db.service/memory.{file}");
        host.write(&path, &format!("{value}\n"));
    }
    host.write(
        "run/systemd/generator/db.service.d/00-memctl.conf",
        "[Service]\nMemoryLow=1M\nMemoryHigh=2G\nMemoryMax=3G\n",
    );
    let report = host.report();
    let found: Vec<_> = report.findings.iter().map(|f| f.id).collect();
    assert_eq!(
        found,
        [
            "reload-needed",
            "more-than-ram",
            "oom-stays-dead",
            "protection-lost",
            "high-without-swap"
        ]
    );
    let unit = |id: &str| {
        let finding = report.findings.iter().find(|f| f.id == id).expect(id);
        finding.unit.as_ref().expect("a unit").to_string()
    };
    assert_eq!(unit("oom-stays-dead"), "web.service");
    assert_eq!(unit("protection-lost"), "db.service");
}

#[test]
fn units_without_a_count_of_memory() {
    let host = Made::host();
    host.service("web.service", "MemoryAccounting=no");
    host.remove("sys/fs/cgroup/system.slice/web.service/memory.current");
    let what = told(&host.report(), "no-accounting");
    assert!(
        what.ends_with("by MemoryAccounting=no in /usr/lib/systemd/system/web.service:4"),
        "{what}"
    );
    host.service("web.service", "");
    host.remove("sys/fs/cgroup/system.slice/web.service/memory.current");
    host.write(
        "etc/systemd/system.conf",
        "[Manager]\nDefaultMemoryAccounting=yes\n",
    );
    host.write(
        "usr/lib/systemd/system.conf",
        "[Manager]\nDefaultMemoryAccounting=off\n",
    );
    assert!(!told(&host.report(), "no-accounting").contains("by"));
    host.write(
        "run/systemd/system.conf.d/9.conf",
        "[Manager]\n\nDefaultMemoryAccounting=no\n",
    );
    let what = told(&host.report(), "no-accounting");
    assert!(
        what.ends_with("/run/systemd/system.conf.d/9.conf:3"),
        "{what}"
    );
}
