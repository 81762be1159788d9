//! A service manager over a [`World`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use memctl::apply::record::present;
use memctl::apply::{Edit, Engine, Outcome, Request, Tight};
use memctl::error::{Error, Result};
use memctl::generator;
use memctl::kernel::cgroup::{Cgroup, Tree};
use memctl::kernel::host::Host;
use memctl::limits::effective::{Effective, effective};
use memctl::limits::key::Key;
use memctl::limits::level::{Level, expected, unset};
use memctl::profiles::Set;
use memctl::restart::Look;
use memctl::sample::Limit;
use memctl::scope::Scope;
use memctl::systemd::files::UnitFiles;
use memctl::systemd::manager::{Figures, Job, JobEnd, Manager, UnitInfo, UnitState};
use memctl::systemd::names::{UnitName, UnitType};

use super::{World, install};

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
            job: false,
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

    /// Every unit that has a cgroup runs; there are no others.
    fn units(&mut self, types: &[UnitType]) -> Result<Vec<UnitInfo>> {
        let units = self.world.cgroups().into_iter().map(|c| c.unit);
        let units = units.filter(|unit| types.contains(&unit.unit_type()));
        Ok(units
            .map(|name| UnitInfo {
                description: format!("The {name}"),
                load: "loaded".to_owned(),
                active: "active".to_owned(),
                sub: "running".to_owned(),
                name,
            })
            .collect())
    }

    /// What the kernel says, as far as a 252 tells it.
    fn look(&mut self, _: &str) -> Result<Look> {
        Ok(Look::default())
    }

    fn job(&mut self, job: Job, unit: &str) -> JobEnd {
        self.calls.push(format!("{} {unit}", job.doing()));
        JobEnd::Done
    }

    fn figures(&mut self, unit: &UnitName) -> Result<Option<Figures>> {
        let cgroups = self.world.cgroups();
        let Some(cgroup) = cgroups.iter().find(|c| &c.unit == unit) else {
            return Ok(None);
        };
        let number = |file: &str| -> Option<u64> {
            let path = self.world.path().join(cgroup.path.strip_prefix("/").ok()?);
            fs::read_to_string(path.join(file))
                .ok()?
                .trim()
                .parse()
                .ok()
        };
        let slice = cgroup.slice.clone();
        Ok(Some(Figures {
            active: "active".to_owned(),
            sub: "running".to_owned(),
            slice: slice.or_else(|| UnitName::parse("-.slice").ok()),
            cgroup: cgroup.path.to_str().map(str::to_owned),
            current: number("memory.current"),
            high: Some(Limit::from(number("memory.high"))),
            max: Some(Limit::from(number("memory.max"))),
            swap_max: Some(Limit::from(number("memory.swap.max"))),
            tasks: number("pids.current"),
            ..Figures::default()
        }))
    }
}
