//! A small world to apply profiles in: a directory that stands for a running system, and a manager that does to
//! its cgroup files what systemd does to the kernel's (FACTS 1, 2).

mod fake;

use std::fs;
use std::path::{Path, PathBuf};

use memctl::apply::Edit;
use memctl::apply::record::Contents;
use memctl::kernel::cgroup::{Cgroup, Tree};
use memctl::kernel::root::Root;
use memctl::scope::Scope;

pub use fake::Fake;

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
