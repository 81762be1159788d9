//! The host, the generator, profiles as files, and who watches.

use std::fs;
use std::path::Path;

use super::super::*;
use super::made::{GENERATOR, Made, told};
use crate::doctor::{Report, examine};

#[test]
fn a_healthy_host_is_clean_and_stays_as_it_is() {
    let host = Made::host();
    host.service("web.service", "");
    let before = listing(host.dir.path());
    let report = host.report();
    assert_eq!(report.findings, []);
    assert!(
        report.checked.iter().all(|c| c.unseen.is_empty()),
        "{report:?}"
    );
    assert!(report.checked.iter().all(|c| c.saw.is_some()), "{report:?}");
    assert_eq!(listing(host.dir.path()), before);
    assert_eq!(*host.asked.borrow(), ["version"]);
}

/// Every path below a folder with what is in it.
fn listing(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(&path).expect("readable") {
            let entry = entry.expect("readable");
            let kind = entry.file_type().expect("a type");
            let contents = if kind.is_file() {
                fs::read(entry.path()).expect("readable")
            } else {
                Vec::new()
            };
            if kind.is_dir() {
                open.push(entry.path());
            }
            found.push((entry.path().display().to_string(), contents));
        }
    }
    found.sort();
    found
}

#[test]
fn a_host_without_systemd_is_told_first_and_no_more_is_asked() {
    let host = Made::host();
    host.remove("run/systemd/system");
    let report = host.report();
    assert_eq!(report.findings.len(), 1, "{report:?}");
    assert_eq!(report.findings[0].id, "no-systemd");
    assert!(host.asked.borrow().is_empty());
}

#[test]
fn wsl_is_known_by_its_kernel_or_its_bridge() {
    let host = Made::host();
    host.write(
        "proc/version",
        "Linux version 6.6 (x@y) Microsoft-standard-WSL2\n",
    );
    host.write("etc/wsl.conf", "[boot]\nsystemd=true\n");
    assert_eq!(host.found(), Vec::<&str>::new());
    host.remove("sys/fs/cgroup/cgroup.controllers");
    host.write("sys/fs/cgroup/unified/cgroup.controllers", "\n");
    assert_eq!(host.found(), ["wsl-cgroup-v1", "systemd-lacks"]);
    host.remove("run/systemd/system");
    host.remove("proc/version");
    host.write("proc/sys/fs/binfmt_misc/WSLInterop", "enabled\n");
    host.remove("etc/wsl.conf");
    assert_eq!(host.found(), ["wsl-systemd", "wsl-cgroup-v1"]);
}

#[test]
fn cgroup_v1_hides_what_units_hold() {
    let host = Made::host();
    host.remove("sys/fs/cgroup/cgroup.controllers");
    host.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "1\n");
    let report = host.report();
    assert!(told(&report, "cgroup-v1").contains("cgroup v1"));
    let unseen = |area: Area| {
        report
            .checked
            .iter()
            .any(|c| c.area == area && !c.unseen.is_empty())
    };
    assert!(unseen(Area::Limits) && unseen(Area::Memory), "{report:?}");
}

#[test]
fn a_disabled_memory_controller() {
    let host = Made::host();
    host.write("sys/fs/cgroup/cgroup.controllers", "cpu pids\n");
    host.write("proc/cmdline", "root=/dev/vda cgroup_disable=memory\n");
    assert!(told(&host.report(), "memory-controller").contains("cgroup_disable=memory"));
}

#[test]
fn containers_in_the_order_of_detect_virt() {
    let host = Made::host();
    host.write(".dockerenv", "");
    assert!(told(&host.report(), "container").contains("(docker)"));
    host.write("proc/1/environ", "HOME=/\0container=lxc\0x=y\0");
    assert!(told(&host.report(), "container").contains("(lxc)"));
    host.write("run/systemd/container", "systemd-nspawn\n");
    assert!(told(&host.report(), "container").contains("(systemd-nspawn)"));
    host.write(
        "proc/self/mountinfo",
        "31 24 0:27 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw\n",
    );
    assert!(host.found().contains(&"cgroup-read-only"));
}

#[test]
fn generators_that_do_not_work() {
    let host = Made::host();
    host.script("echo broken >&2; exit 3");
    let what = told(&host.report(), "generator-failed");
    assert!(what.ends_with("(exit status: 3): broken"), "{what}");
    host.write(GENERATOR, "no program\n");
    assert_eq!(host.found(), ["generator-failed"]);
    host.mode(GENERATOR, 0o644);
    assert_eq!(host.found(), ["generator-mode"]);
    host.link(
        "etc/systemd/system-generators/memctl-generator",
        "/dev/null",
    );
    assert_eq!(host.found(), ["generator-masked"]);
    host.remove("etc/systemd/system-generators");
    host.remove(GENERATOR);
    assert_eq!(host.found(), ["generator-missing"]);
}

#[test]
fn what_the_generator_would_write_is_compared_with_what_systemd_has() {
    let host = Made::host();
    let text = "[Service]\\nTasksMax=5\\n";
    host.script(&format!(
        "[ $# = 3 ] && [ \"$SYSTEMD_SCOPE\" = system ] || exit 1\nmkdir $1/a.service.d\n\
         printf '{text}' >$1/a.service.d/00-memctl.conf\nmkdir $1/basic.target.d\n\
         echo >$1/basic.target.d/memctl-realize.conf"
    ));
    let what = told(&host.report(), "reload-needed");
    assert!(
        what.contains("1 drop-in is not as the profiles say: a.service.d/00-memctl.conf"),
        "{what}"
    );
    let place = "run/systemd/generator/a.service.d/00-memctl.conf";
    host.write(place, &text.replace("\\n", "\n"));
    assert_eq!(host.found(), Vec::<&str>::new());
    host.write(
        "run/systemd/generator/b.service.d/zz-memctl.conf",
        "[Service]\n",
    );
    assert_eq!(host.found(), ["reload-needed"]);
}

#[test]
fn profiles_that_do_not_count_as_they_are() {
    let host = Made::host();
    host.service("web.service", "");
    host.profile("bad", "[unit.\"web.service\"]\n\nMemoryMax = \"400MB\"\n");
    let what = told(&host.report(), "profile-faulty");
    assert!(
        what.starts_with("/etc/memctl/profiles.d/bad.toml:3: "),
        "{what}"
    );
    host.remove("etc/memctl/profiles.d/bad.toml");
    host.link("etc/memctl/profiles.d/off.toml", "/dev/null");
    assert_eq!(host.found(), ["profile-masked"]);
    fs::create_dir(host.dir.path().join("etc/memctl/profiles.d/dir.toml")).expect("mkdir");
    assert_eq!(host.found(), ["profile-unreadable", "profile-masked"]);
}

#[test]
fn a_transaction_that_was_left_half_way() {
    let host = Made::host();
    let record = "{\"v\":1,\"undo\":true,\"files\":[],\"kernel\":[]}";
    host.write("etc/memctl/transaction.json", record);
    assert_eq!(host.found(), ["half-applied"]);
    host.write("etc/memctl/transaction.json", "{");
    assert_eq!(host.found(), ["record-damaged"]);
}

#[test]
fn nothing_watches_and_who_else_acts() {
    let host = Made::host();
    host.remove("run/systemd/units");
    assert_eq!(host.found(), ["nothing-watches"]);
    let host = Made {
        ticks: true,
        ..host
    };
    assert!(host.found().is_empty());
    host.link("run/systemd/units/invocation:earlyoom.service", "0123");
    let report = host.report();
    assert_eq!(told(&report, "neighbour"), "earlyoom.service is active");
    assert_eq!(report.findings.len(), 1);
    host.write("var/lib/memctl/history.db-wal", "");
    host.write("var/lib/memctl/history.db.aside-20261124T100000Z", "");
    host.write("etc/memctl/memctl.toml", "interval = \"1h\"\n");
    assert_eq!(
        host.found(),
        ["settings-faulty", "history-aside", "neighbour"]
    );
}

#[test]
fn without_the_bus_everything_else_is_looked_at() {
    let host = Made {
        version: None,
        ..Made::host()
    };
    let report = host.report();
    assert_eq!(report.findings, []);
    let system = &report.checked[0];
    assert!(
        system.unseen[0].contains("cannot reach D-Bus"),
        "{report:?}"
    );
    // Nor can the timer be asked for; one that is enabled is taken to tick.
    host.remove("run/systemd/units");
    assert_eq!(host.found(), ["nothing-watches"]);
    host.link(
        "etc/systemd/system/timers.target.wants/memctl-watch.timer",
        "/usr/lib/systemd/system/memctl-watch.timer",
    );
    assert!(host.found().is_empty());
}

#[test]
fn an_image_is_looked_at_as_far_as_it_goes() {
    let host = Made::host();
    // It would fail, if it were run.
    host.script("exit 1");
    host.service("web.service", "Restart=no");
    host.profile("web", "[unit.\"web.service\"]\nMemoryMax = \"400M\"\nrules = [{ above = \"80%\", action = \"alert\" }]\n");
    host.write(
        "etc/systemd/system/web.service.d/10.conf",
        "[Service]\nMemoryMax=1G\n",
    );
    let image = Root::open(host.dir.path()).expect("a root");
    let report = |host: &Made| examine(&host.facts_of(&image, &Scope::System));
    let ids = |report: &Report| report.findings.iter().map(|f| f.id).collect::<Vec<_>>();
    let first = report(&host);
    assert_eq!(
        ids(&first),
        ["overridden", "oom-stays-dead", "nothing-watches"]
    );
    assert!(host.asked.borrow().is_empty(), "no manager");
    let mend = first.findings[2].mend.as_ref().expect("a mend").text();
    assert!(mend.starts_with("systemctl --root /"), "{mend}");
    host.link(
        "etc/systemd/system/multi-user.target.wants/memctl.service",
        "/usr/lib/systemd/system/memctl.service",
    );
    host.mode(GENERATOR, 0o644);
    assert_eq!(
        ids(&report(&host)),
        ["generator-mode", "overridden", "oom-stays-dead"]
    );
}

#[test]
fn a_user_s_manager_without_the_controller() {
    let host = Made::host();
    let home = "/home/u";
    let scope = Scope::User(crate::scope::User {
        uid: 1000,
        runtime: "/run/user/1000".into(),
        config: format!("{home}/.config").into(),
        data: format!("{home}/.local/share").into(),
        state: format!("{home}/.local/state").into(),
    });
    let ids = |host: &Made| {
        let root = Root::open_running(host.dir.path()).expect("a root");
        let report = examine(&host.facts_of(&root, &scope));
        report.findings.iter().map(|f| f.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&host), ["no-systemd"]);
    host.write("run/user/1000/systemd/private", "");
    let own = "sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service";
    host.write(&format!("{own}/cgroup.controllers"), "cpu pids\n");
    assert!(
        ids(&host).starts_with(&["user-controllers"]),
        "{:?}",
        ids(&host)
    );
    host.write(&format!("{own}/cgroup.controllers"), "cpu memory pids\n");
    assert!(!ids(&host).contains(&"user-controllers"));
}
