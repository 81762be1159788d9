//! A small world to apply profiles in: a directory that stands for a running system, and a manager that does to
//! its cgroup files what systemd does to the kernel's (FACTS 1, 2).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use memctl::apply::record::{Contents, present};
use memctl::apply::{Edit, Engine, Outcome, Request, Tight};
use memctl::error::{Error, Result};
use memctl::generator;
use memctl::kernel::cgroup::{Cgroup, Tree};
use memctl::kernel::host::Host;
use memctl::kernel::root::Root;
use memctl::limits::effective::{Effective, effective};
use memctl::limits::key::Key;
use memctl::limits::level::{Level, expected, unset};
use memctl::profiles::Set;
use memctl::scope::Scope;
use memctl::systemd::files::UnitFiles;
use memctl::systemd::manager::{Manager, UnitState};
use memctl::systemd::names::UnitName;

/// One mebibyte.
pub const M: u64 = 1 << 20;
/// Where the administrator's profiles are.
pub const ETC: &str = "etc/memctl/profiles.d";

/// A directory that stands for a running system.
pub struct World {
    path: PathBuf,
    pub root: Root,
    /// Kept for its removal at the end; a world that was opened a second time has none.
    _dir: Option<tempfile::TempDir>,
}

impl World {
    /// 2 GiB of RAM, no swap, `system.slice` and nothing in it.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(dir.path().join("sys/fs/cgroup")).expect("mkdir");
        let world = Self {
            _dir: None,
            ..Self::at(dir.path())
        };
        let world = Self {
            _dir: Some(dir),
            ..world
        };
        world.ram_and_swap(2048, 0);
        world.write("sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n");
        world.cgroup("system.slice", 0, 0);
        world
    }

    /// The world that is in a directory already.
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            root: Root::open_running(path).expect("a root"),
            _dir: None,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn ram_and_swap(&self, ram: u64, swap: u64) {
        let (ram, swap) = (ram * 1024, swap * 1024);
        let text = format!("MemTotal: {ram} kB\nSwapFree: {swap} kB\n");
        self.write("proc/meminfo", &text);
        self.write("proc/sys/kernel/pid_max", "32768\n");
        self.write("proc/sys/kernel/threads-max", "15595\n");
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        // Kernel files change in one step, too: nobody reads half of one.
        let aside = PathBuf::from(format!("{}.aside", path.display()));
        fs::write(&aside, text).expect("write");
        fs::rename(aside, path).expect("rename");
    }

    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path.join(path)).ok()
    }

    /// A running unit that needs and caches so many mebibytes, unlimited.
    pub fn cgroup(&self, path: &str, need: u64, cache: u64) {
        for (file, text) in [
            ("cgroup.controllers", "cpu io memory pids"),
            ("cpu.max", "max 100000"),
            ("cpu.weight", "100"),
            ("memory.high", "max"),
            ("memory.low", "0"),
            ("memory.max", "max"),
            ("memory.min", "0"),
            ("memory.oom.group", "0"),
            ("memory.reclaim", ""),
            ("memory.swap.current", "0"),
            ("memory.swap.max", "max"),
            ("pids.max", "1000"),
        ] {
            self.write(
                &format!("sys/fs/cgroup/{path}/{file}"),
                &format!("{text}\n"),
            );
        }
        self.holds(path, need, cache);
    }

    /// What a running unit needs and caches from now on.
    pub fn holds(&self, path: &str, need: u64, cache: u64) {
        let base = format!("sys/fs/cgroup/{path}");
        let current = (need + cache) * M;
        self.write(&format!("{base}/memory.current"), &format!("{current}\n"));
        let stat = format!("anon {}\nfile {}\n", need * M, cache * M);
        self.write(&format!("{base}/memory.stat"), &stat);
    }

    /// A unit starts anew: another cgroup, without limits.
    pub fn restart(&self, path: &str, need: u64) {
        let folder = self.path.join("sys/fs/cgroup").join(path);
        // The new one is made before the old one goes: the inode must not be the same by chance.
        let aside = folder.with_extension("old");
        fs::rename(&folder, &aside).expect("rename");
        self.cgroup(path, need, 0);
        fs::remove_dir_all(aside).expect("rm");
    }

    pub fn stop(&self, path: &str) {
        fs::remove_dir_all(self.path.join("sys/fs/cgroup").join(path)).expect("rm");
    }

    /// A kernel file's text, trimmed.
    pub fn kernel(&self, path: &str) -> String {
        let text = self.read(&format!("sys/fs/cgroup/{path}"));
        text.unwrap_or_else(|| panic!("{path} is not there"))
            .trim()
            .to_owned()
    }

    /// A kernel's limit in mebibytes, `None` without.
    pub fn limit(&self, path: &str) -> Option<u64> {
        self.kernel(path).parse::<u64>().ok().map(|n| n / M)
    }

    pub fn profile(&self, name: &str, text: &str) {
        self.write(&format!("{ETC}/{name}.toml"), text);
    }

    /// What is in the profile's place.
    pub fn installed(&self, name: &str) -> Option<String> {
        self.read(&format!("{ETC}/{name}.toml"))
    }

    /// An unfinished transaction's record is there.
    pub fn record(&self) -> Option<String> {
        self.read("etc/memctl/transaction.json")
            .or_else(|| self.read("run/memctl/transaction.json"))
    }

    pub fn generated(&self, file: &str) -> Option<String> {
        self.read(&format!("run/systemd/generator/{file}"))
    }

    pub fn cgroups(&self) -> Vec<Cgroup> {
        Tree::new(&self.root, &Scope::System).walk().expect("walk")
    }
}

/// `[unit."web.service"]` with limits, one a line.
pub fn unit(name: &str, limits: &str) -> String {
    format!("[unit.\"{name}\"]\n{limits}\n")
}

/// The edit that installs a profile.
pub fn install(name: &str, text: &str) -> Edit {
    Edit {
        path: format!("/{ETC}/{name}.toml").into(),
        new: Some(Contents::Text(text.to_owned())),
    }
}

/// The edit that takes one away.
pub fn uninstall(name: &str) -> Edit {
    Edit {
        path: format!("/{ETC}/{name}.toml").into(),
        new: None,
    }
}

/// Goes with a call to the fake manager: what happens to the world meanwhile.
pub type Hook<'w> = Box<dyn FnMut(&World) + 'w>;

/// A service manager over a [`World`], which writes down what it is asked.
pub struct Fake<'w> {
    pub world: &'w World,
    /// As 257: a reload reaches no kernel file, a nudge those of a whole slice.
    pub lags: bool,
    /// The next so many reloads are refused.
    pub refuse_reloads: u32,
    /// Reloads are refused while there is this file.
    pub refuse_when: Option<PathBuf>,
    /// Limits that the kernel does not take: unit, directive.
    pub deaf: Vec<(&'static str, Key)>,
    /// What a restart leaves a unit needing, in mebibytes; others do not come back.
    pub restarts: BTreeMap<&'static str, u64>,
    /// Runs when a reload begins, before the generators.
    pub before_reload: Option<Hook<'w>>,
    /// The profiles that are asked for by name; `None`: all.
    pub named: Option<Vec<String>>,
    /// What was asked.
    pub calls: Vec<String>,
    /// Units that got a MemoryMax under what they hold: the one thing that must never happen.
    pub killed: Vec<String>,
    loaded: BTreeMap<UnitName, BTreeMap<Key, Effective>>,
    invalid: BTreeSet<PathBuf>,
    invocations: BTreeMap<UnitName, u8>,
    dead: BTreeSet<UnitName>,
}

impl<'w> Fake<'w> {
    /// A manager that has just started the world's units, with the profiles that are installed.
    pub fn boot(world: &'w World, lags: bool) -> Self {
        let mut fake = Self::boot_as_is(world, lags);
        fake.load();
        for cgroup in world.cgroups() {
            fake.realize(&cgroup);
        }
        fake.killed.clear();
        fake
    }

    /// The manager of a world that runs already.
    pub fn boot_as_is(world: &'w World, lags: bool) -> Self {
        Self {
            world,
            lags,
            refuse_reloads: 0,
            refuse_when: None,
            deaf: Vec::new(),
            restarts: BTreeMap::new(),
            before_reload: None,
            named: None,
            calls: Vec::new(),
            killed: Vec::new(),
            loaded: BTreeMap::new(),
            invalid: BTreeSet::new(),
            invocations: BTreeMap::new(),
            dead: BTreeSet::new(),
        }
    }

    /// Generators, unit files.
    pub fn load(&mut self) {
        let world = self.world;
        let output = world.path.join("run/systemd/generator");
        if output.exists() {
            fs::remove_dir_all(&output).expect("rm");
        }
        fs::create_dir_all(&output).expect("mkdir");
        generator::run(&world.root, &Scope::System, &output, &mut |_| {});
        let files = UnitFiles::scan(&world.root, &Scope::System).expect("scan");
        let generated = files.generated().expect("generated");
        self.loaded = world
            .cgroups()
            .into_iter()
            .map(|c| {
                let all = files.assignments(&c.unit, &generated).expect("assignments");
                let words = effective(&c.unit, &all);
                (c.unit, words)
            })
            .collect();
    }

    /// Somebody else's `daemon-reload`: apt's, an administrator's.
    pub fn stray_reload(&mut self) {
        self.load();
        let cgroups = self.world.cgroups();
        if self.lags {
            self.invalid = cgroups.into_iter().map(|c| c.path).collect();
        } else {
            cgroups.iter().for_each(|c| self.realize(c));
        }
    }

    /// Somebody else's start of a unit in a slice, which realizes the whole slice where a reload lags.
    pub fn stray_start(&mut self, slice: &str) {
        let folder = Path::new("/sys/fs/cgroup").join(slice);
        self.realize_folder(&folder);
    }

    fn realize_folder(&mut self, folder: &Path) {
        for cgroup in self.world.cgroups() {
            if cgroup.path.parent() == Some(folder) && self.invalid.remove(&cgroup.path) {
                self.realize(&cgroup);
            }
        }
    }

    fn realize(&mut self, cgroup: &Cgroup) {
        let world = self.world;
        let host = Host::read(&world.root).expect("a host");
        let tree = Tree::new(&world.root, &Scope::System);
        let none = BTreeMap::new();
        let words = self.loaded.get(&cgroup.unit).unwrap_or(&none);
        for key in Key::ALL {
            let word = words.get(&key).and_then(|word| word.value.as_ref());
            let level = match word {
                Some(value) => expected(key, value, &host),
                None => unset(key),
            };
            // One that does not lag is a 252, see `version`: what came later it ignores.
            let too_new = !self.lags && key.since().is_some();
            let deaf = too_new || self.deaf.contains(&(cgroup.unit.as_str(), key));
            let (Some(level), Some(file)) = (level.filter(|_| !deaf), key.kernel_file()) else {
                continue;
            };
            let text = match level {
                Level::Bytes(n) | Level::Count(n) | Level::Weight(n) => n.to_string(),
                Level::Unlimited if key == Key::CPUQuota => "max 100000".to_owned(),
                Level::Unlimited => "max".to_owned(),
                Level::Quota { quota, period } => format!("{quota} {period}"),
                Level::Idle => continue,
                Level::Group(kill) => u8::from(kill).to_string(),
            };
            // systemd, too, goes on where the kernel has no such file.
            let _ = tree.write(cgroup, file, &text);
            let held = tree.held(cgroup).expect("readable").unwrap_or_default();
            if key == Key::MemoryMax && level.bytes() < held.resident {
                self.killed.push(cgroup.unit.to_string());
            }
        }
    }

    /// What `memctl apply` does under its lock, for these changes of files.
    pub fn apply(&mut self, edits: &[Edit], tight: Tight) -> Result<Outcome> {
        self.apply_with(edits, tight, &AtomicBool::new(false).into(), &|_| {})
    }

    /// The same, with an interrupt flag and somebody who is told of the progress.
    pub fn apply_with(
        &mut self,
        edits: &[Edit],
        tight: Tight,
        interrupted: &Arc<AtomicBool>,
        progress: &dyn Fn(&str),
    ) -> Result<Outcome> {
        let (root, scope) = (&self.world.root, &Scope::System);
        let named = self.named.clone();
        let mut engine = Engine {
            root,
            scope,
            manager: self,
            progress,
            patience: std::time::Duration::ZERO,
            interrupted: Arc::clone(interrupted),
        };
        let recovered = engine.recover()?;
        let edits: Vec<Edit> = edits
            .iter()
            .filter(|edit| present(root, &edit.path).expect("readable") != edit.new)
            .cloned()
            .collect();
        let set = Set::read(root, scope, &edits)?;
        engine.run(Request {
            profiles: &set.installed(),
            edits: &edits,
            named: named.as_deref(),
            tight,
            recovered,
        })
    }

    /// [`Fake::apply`] of one profile.
    pub fn install(&mut self, name: &str, text: &str) -> Result<Outcome> {
        self.apply(&[install(name, text)], Tight::default())
    }

    /// The calls since the last time.
    pub fn asked(&mut self) -> Vec<String> {
        std::mem::take(&mut self.calls)
    }
}

impl Manager for Fake<'_> {
    fn version(&mut self) -> Result<String> {
        Ok(if self.lags { "257.7-1" } else { "252.39-1" }.to_owned())
    }

    fn reload(&mut self) -> Result<()> {
        self.calls.push("reload".to_owned());
        let refused = self.refuse_when.as_ref().is_some_and(|path| path.exists());
        if refused || self.refuse_reloads > 0 {
            self.refuse_reloads = self.refuse_reloads.saturating_sub(1);
            return Err(Error::failed("systemd refuses to reload so often"));
        }
        if let Some(hook) = &mut self.before_reload {
            hook(self.world);
        }
        self.stray_reload();
        Ok(())
    }

    fn nudge(&mut self, unit: &UnitName) -> Result<()> {
        self.calls.push(format!("nudge {unit}"));
        let cgroups = self.world.cgroups();
        let cgroup = cgroups.iter().find(|c| &c.unit == unit);
        let cgroup = cgroup.unwrap_or_else(|| panic!("{unit} has no cgroup and would get one"));
        let folder = cgroup.path.parent().expect("a parent").to_owned();
        self.realize_folder(&folder);
        Ok(())
    }

    fn state(&mut self, unit: &UnitName) -> Result<UnitState> {
        let active = if self.dead.contains(unit) {
            "failed"
        } else {
            "active"
        };
        Ok(UnitState {
            active: active.to_owned(),
            invocation: vec![self.invocations.get(unit).copied().unwrap_or(1)],
        })
    }

    fn try_restart(&mut self, unit: &UnitName) -> Result<()> {
        self.calls.push(format!("restart {unit}"));
        let cgroups = self.world.cgroups();
        let cgroup = cgroups.iter().find(|c| &c.unit == unit).expect("it runs");
        let path = cgroup
            .path
            .strip_prefix("/sys/fs/cgroup")
            .expect("a cgroup");
        let path = path.to_str().expect("a text").to_owned();
        match self.restarts.get(unit.as_str()) {
            Some(need) => {
                self.world.restart(&path, *need);
                *self.invocations.entry(unit.clone()).or_insert(1) += 1;
                self.realize(&cgroup.clone());
            }
            None => {
                self.world.stop(&path);
                self.dead.insert(unit.clone());
            }
        }
        Ok(())
    }
}
