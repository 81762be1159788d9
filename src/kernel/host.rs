//! What the machine has: memory, swap, tasks. The bases that systemd takes percentages of.

use std::path::Path;

use crate::error::Result;
use crate::kernel::meminfo::MemInfo;
use crate::kernel::root::Root;

/// The machine's figures; bytes and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// RAM as systemd counts it: the kernel's total, or the root cgroup's limit in a container, if less.
    pub ram: u64,
    /// Swap that nobody uses yet.
    pub swap_free: u64,
    /// The page size, to which the kernel rounds memory limits down (FACTS 9b).
    pub page: u64,
    /// What `TasksMax=` takes percentages of: the least of threads-max, pid_max - 1 and the root's pids.max.
    pub tasks: u64,
}

impl Host {
    /// A machine that is not there: an image. Percentages of its RAM stay percentages.
    pub const UNKNOWN: Self = Self {
        ram: 0,
        swap_free: 0,
        page: 4096,
        tasks: 0,
    };

    /// Reads `/proc/meminfo` and its siblings.
    ///
    /// # Errors
    /// `/proc` is not there, or says nothing of memory; with the path.
    pub fn read(root: &Root) -> Result<Self> {
        let info = MemInfo::read(root)?;
        let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
        let limit = number(root, "/sys/fs/cgroup/memory.max").unwrap_or(u64::MAX);
        let tasks = [
            number(root, "/proc/sys/kernel/threads-max"),
            number(root, "/proc/sys/kernel/pid_max").map(|max| max.saturating_sub(1)),
            number(root, "/sys/fs/cgroup/pids.max"),
        ];
        Ok(Self {
            ram: info.total.min(limit / page * page),
            swap_free: info.swap_free.unwrap_or(0),
            page,
            tasks: tasks.into_iter().flatten().min().unwrap_or(u64::MAX),
        })
    }
}

/// A file that holds one number; anything else (`max`, absent) is none.
fn number(root: &Root, path: &str) -> Option<u64> {
    root.read(Path::new(path)).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tasks_base_is_the_least_of_what_the_kernel_allows() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
            std::fs::write(path, text).expect("write");
        };
        write(
            "proc/meminfo",
            "MemTotal: 1048576 kB\nSwapTotal: 2048 kB\nSwapFree: 1024 kB\n",
        );
        write("proc/sys/kernel/pid_max", "32768\n");
        write("proc/sys/kernel/threads-max", "15595\n");
        write("sys/fs/cgroup/memory.max", "536870913\n");
        let host = Host::read(&Root::open(dir.path()).expect("open")).expect("read");
        assert_eq!(host.tasks, 15595);
        assert_eq!(host.ram, 536_870_912, "a container's limit, in whole pages");
        assert_eq!(host.swap_free, 1 << 20);
    }
}
