use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;
use crate::doctor::{Report, Severity, examine};
use crate::error::Error;
use crate::kernel::cgroup::Tree;
use crate::systemd::manager::{Figures, Job, JobEnd, UnitInfo, UnitState};
use crate::systemd::names::{UnitName, UnitType};

/// A directory that stands for a host.
struct Made {
    dir: tempfile::TempDir,
    asked: Rc<RefCell<Vec<String>>>,
    version: Option<&'static str>,
    forgets: bool,
    ticks: bool,
}

/// A manager that may be asked, and writes down what it was told to do.
struct Asked {
    calls: Rc<RefCell<Vec<String>>>,
    version: &'static str,
    root: Root,
    forgets: bool,
    ticks: bool,
}

impl Asked {
    fn call(&self, name: &str) {
        self.calls.borrow_mut().push(name.to_owned());
    }
}

impl Manager for Asked {
    fn version(&mut self) -> Result<String> {
        self.call("version");
        Ok(self.version.to_owned())
    }

    fn reload(&mut self) -> Result<()> {
        self.call("reload");
        Ok(())
    }

    fn nudge(&mut self, unit: &UnitName) -> Result<()> {
        self.call(&format!("nudge {unit}"));
        Ok(())
    }

    fn state(&mut self, unit: &UnitName) -> Result<UnitState> {
        self.call(&format!("state {unit}"));
        Ok(UnitState::default())
    }

    fn try_restart(&mut self, unit: &UnitName) -> Result<()> {
        self.call(&format!("restart {unit}"));
        Ok(())
    }

    fn look(&mut self, unit: &str) -> Result<crate::restart::Look> {
        self.call(&format!("look {unit}"));
        match self.ticks {
            true => Ok(crate::restart::Look {
                active: "active".to_owned(),
                ..crate::restart::Look::default()
            }),
            false => Err(Error::failed(format!("{unit} is not loaded"))),
        }
    }

    fn job(&mut self, job: Job, unit: &str) -> JobEnd {
        self.call(&format!("{} {unit}", job.doing()));
        JobEnd::Done
    }

    fn units(&mut self, types: &[UnitType]) -> Result<Vec<UnitInfo>> {
        let cgroups = Tree::new(&self.root, &Scope::System).walk()?;
        let units = cgroups.into_iter().map(|c| c.unit);
        let units = units.filter(|u| types.contains(&u.unit_type()));
        let info = |name| UnitInfo {
            name,
            load: "loaded".to_owned(),
            active: "active".to_owned(),
            sub: "running".to_owned(),
            description: String::new(),
        };
        Ok(units.map(info).collect())
    }

    /// The same as the kernel's, unless it forgets.
    fn figures(&mut self, unit: &UnitName) -> Result<Option<Figures>> {
        let tree = Tree::new(&self.root, &Scope::System);
        let cgroup = tree.walk()?.into_iter().find(|c| &c.unit == unit);
        let Some(cgroup) = cgroup else {
            return Ok(None);
        };
        let current = tree.file(&cgroup, "memory.current")?;
        let current = current.and_then(|text| text.trim().parse().ok());
        Ok(Some(Figures {
            active: "active".to_owned(),
            slice: cgroup.slice.clone(),
            cgroup: Some(cgroup.path.display().to_string()),
            current: current.filter(|_| !self.forgets),
            ..Figures::default()
        }))
    }
}

const GENERATOR: &str = "usr/lib/systemd/system-generators/memctl-generator";

impl Made {
    /// A host with cgroup v2, systemd, 2 GiB of RAM, no swap, a generator that writes nothing, and a watch.
    fn host() -> Self {
        let made = Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
            asked: Rc::default(),
            version: Some("257.7-1"),
            forgets: false,
            ticks: false,
        };
        made.write("run/systemd/system/keep", "");
        made.write(
            "sys/fs/cgroup/cgroup.controllers",
            "cpuset cpu io memory pids\n",
        );
        made.write(
            "sys/fs/cgroup/cgroup.subtree_control",
            "cpu io memory pids\n",
        );
        made.write(
            "proc/meminfo",
            "MemTotal: 2097152 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
        );
        made.write(
            "proc/pressure/memory",
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
        );
        made.script("");
        made.write(
            "usr/lib/systemd/system/memctl.service",
            "[Service]\nExecStart=/usr/bin/memctl watch\n",
        );
        made.link("run/systemd/units/invocation:memctl.service", "0123");
        made.unit("system.slice");
        made
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        fs::write(path, text).expect("write");
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        symlink(target, path).expect("a link");
    }

    fn remove(&self, path: &str) {
        let path = self.dir.path().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).expect("rm");
        } else {
            fs::remove_file(path).expect("rm");
        }
    }

    fn mode(&self, path: &str, mode: u32) {
        let path = self.dir.path().join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
    }

    /// A generator that runs these lines of shell; `$1` is where it writes.
    fn script(&self, lines: &str) {
        self.write(GENERATOR, &format!("#!/bin/sh\n{lines}\n"));
        self.mode(GENERATOR, 0o755);
    }

    /// A running unit without limits that holds a mebibyte.
    fn unit(&self, path: &str) {
        for (file, text) in [
            ("cgroup.controllers", "cpu io memory pids"),
            ("cgroup.procs", "7"),
            ("cpu.max", "max 100000"),
            ("memory.current", "1048576"),
            ("memory.high", "max"),
            ("memory.max", "max"),
            ("memory.swap.current", "0"),
            ("memory.swap.max", "max"),
            ("memory.stat", "anon 1048576"),
        ] {
            self.write(
                &format!("sys/fs/cgroup/{path}/{file}"),
                &format!("{text}\n"),
            );
        }
    }

    fn service(&self, name: &str, lines: &str) {
        let text = format!("[Service]\nExecStart=/bin/x\nRestart=on-failure\n{lines}\n");
        self.write(&format!("usr/lib/systemd/system/{name}"), &text);
        self.unit(&format!("system.slice/{name}"));
    }

    fn profile(&self, name: &str, text: &str) {
        self.write(&format!("etc/memctl/profiles.d/{name}.toml"), text);
    }

    fn facts_of(&self, root: &Root, scope: &Scope) -> Facts {
        let look = Look {
            root,
            scope,
            now: Timestamp::from_second(1_800_000_000).expect("a time"),
        };
        let version = self.version;
        let calls = Rc::clone(&self.asked);
        let (forgets, ticks) = (self.forgets, self.ticks);
        gather(look, move || match version {
            Some(version) => Ok(Box::new(Asked {
                calls,
                version,
                root: Root::open_running(self.dir.path())?,
                forgets,
                ticks,
            })),
            None => Err(Error::failed("cannot reach D-Bus")),
        })
    }

    fn report(&self) -> Report {
        let root = Root::open_running(self.dir.path()).expect("a root");
        let report = examine(&self.facts_of(&root, &Scope::System));
        assert!(
            self.asked
                .borrow()
                .iter()
                .all(|call| call == "version" || call == "look memctl-watch.timer"),
            "{:?}",
            self.asked
        );
        report
    }

    /// The ids of what is found.
    fn found(&self) -> Vec<&'static str> {
        self.report().findings.iter().map(|f| f.id).collect()
    }
}

fn told(report: &Report, id: &str) -> String {
    let finding = report.findings.iter().find(|f| f.id == id);
    finding
        .unwrap_or_else(|| panic!("no {id} in {report:?}"))
        .what
        .clone()
}

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands in a file, doctor ends with a report.
    #[test]
    fn strange_files_end_nothing(at in 0..STRANGE.len(), bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let host = Made::host();
        host.service("web.service", "");
        host.profile("web", "[unit.\"web.service\"]\nMemoryMax = \"400M\"\n");
        let path = host.dir.path().join(STRANGE[at]);
        fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        fs::write(path, &bytes).expect("write");
        let report = host.report();
        prop_assert_eq!(report.checked.len(), Area::ALL.len());
    }
}

const STRANGE: [&str; 19] = [
    "sys/fs/cgroup/cgroup.controllers",
    "sys/fs/cgroup/system.slice/web.service/memory.current",
    "sys/fs/cgroup/system.slice/web.service/memory.stat",
    "sys/fs/cgroup/system.slice/web.service/memory.max",
    "sys/fs/cgroup/system.slice/web.service/memory.swap.max",
    "sys/fs/cgroup/system.slice/memory.swap.max",
    "sys/fs/cgroup/system.slice/web.service/memory.events",
    "sys/fs/cgroup/system.slice/web.service/memory.pressure",
    "proc/meminfo",
    "proc/cmdline",
    "proc/version",
    "proc/self/mountinfo",
    "proc/1/environ",
    "etc/wsl.conf",
    "etc/systemd/system.conf",
    "etc/memctl/memctl.toml",
    "etc/memctl/profiles.d/web.toml",
    "etc/memctl/transaction.json",
    "usr/lib/systemd/system/web.service",
];
