//! A directory that stands for a host, and a manager that writes down what it is told.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::rc::Rc;

use super::super::*;
use crate::doctor::{Report, examine};
use crate::error::Error;
use crate::kernel::cgroup::Tree;
use crate::systemd::manager::{Figures, Job, JobEnd, UnitInfo, UnitState};
use crate::systemd::names::{UnitName, UnitType};

/// A directory that stands for a host.
pub struct Made {
    pub dir: tempfile::TempDir,
    pub asked: Rc<RefCell<Vec<String>>>,
    pub version: Option<&'static str>,
    pub forgets: bool,
    pub ticks: bool,
}

/// A manager that may be asked, and writes down what it was told to do.
pub struct Asked {
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

pub const GENERATOR: &str = "usr/lib/systemd/system-generators/memctl-generator";

impl Made {
    /// A host with cgroup v2, systemd, 2 GiB of RAM, no swap, a generator that writes nothing, and a watch.
    pub fn host() -> Self {
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

    pub fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        fs::write(path, text).expect("write");
    }

    pub fn link(&self, path: &str, target: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        symlink(target, path).expect("a link");
    }

    pub fn remove(&self, path: &str) {
        let path = self.dir.path().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).expect("rm");
        } else {
            fs::remove_file(path).expect("rm");
        }
    }

    pub fn mode(&self, path: &str, mode: u32) {
        let path = self.dir.path().join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
    }

    /// A generator that runs these lines of shell; `$1` is where it writes.
    pub fn script(&self, lines: &str) {
        self.write(GENERATOR, &format!("#!/bin/sh\n{lines}\n"));
        self.mode(GENERATOR, 0o755);
    }

    /// A running unit without limits that holds a mebibyte.
    pub fn unit(&self, path: &str) {
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

    pub fn service(&self, name: &str, lines: &str) {
        let text = format!("[Service]\nExecStart=/bin/x\nRestart=on-failure\n{lines}\n");
        self.write(&format!("usr/lib/systemd/system/{name}"), &text);
        self.unit(&format!("system.slice/{name}"));
    }

    pub fn profile(&self, name: &str, text: &str) {
        self.write(&format!("etc/memctl/profiles.d/{name}.toml"), text);
    }

    pub fn facts_of(&self, root: &Root, scope: &Scope) -> Facts {
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

    pub fn report(&self) -> Report {
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
    pub fn found(&self) -> Vec<&'static str> {
        self.report().findings.iter().map(|f| f.id).collect()
    }
}

/// What is said of a finding.
pub fn told(report: &Report, id: &str) -> String {
    let finding = report.findings.iter().find(|f| f.id == id);
    finding
        .unwrap_or_else(|| panic!("no {id} in {report:?}"))
        .what
        .clone()
}
