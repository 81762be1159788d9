//! Processes of a cgroup: what each of them is and holds.
//!
//! Anybody may read `status` and `cmdline`; `smaps_rollup` and the descriptors of others are for root
//! (`CAP_SYS_PTRACE`, FACTS 29). What may not be read is unknown.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use procfs::FromBufRead;
use procfs::process::{SmapsRollup, Status};

use crate::kernel::root::Root;
use crate::units::visible;

/// The most that is read of a file of one process; command lines can be longer.
const MOST: u64 = 64 << 10;

/// The longest command line that is kept, in characters.
const COMMAND_MOST: usize = 4096;

/// How deep cgroups are followed below a unit; the kernel's own limit may be any.
const DEEPEST: usize = 64;

/// One process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its short name, as the kernel keeps it.
    pub comm: String,
    /// Its command line, arguments separated by blanks, safe to print; the name in brackets where there is none.
    pub command: String,
    /// `Pss`: its memory, and its part of what it shares.
    pub pss: Option<u64>,
    /// What nobody else has: what its end would free.
    pub private: Option<u64>,
    /// `VmRSS`: all that it maps and that is in RAM, shared memory counted in full.
    pub rss: Option<u64>,
    /// `VmSwap`.
    pub swap: Option<u64>,
    /// Open descriptors.
    pub fds: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
}

/// The processes in a cgroup and in those below it, biggest first; those that end meanwhile are left out.
#[must_use]
pub fn processes(root: &Root, cgroup: &Path) -> Vec<Process> {
    let mut pids = pids(root, cgroup);
    pids.sort_unstable();
    pids.dedup();
    let mut all: Vec<Process> = pids.into_iter().filter_map(|pid| read(root, pid)).collect();
    let size = |p: &Process| (p.pss, p.rss);
    all.sort_by(|a, b| size(b).cmp(&size(a)).then(a.pid.cmp(&b.pid)));
    all
}

fn pids(root: &Root, cgroup: &Path) -> Vec<u32> {
    let mut found = Vec::new();
    let mut open = vec![(cgroup.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        // A threaded cgroup lists none (EOPNOTSUPP); its processes are listed further up.
        let text = root.read(&folder.join("cgroup.procs")).unwrap_or_default();
        // 0 is a process outside of this PID namespace.
        let numbers = text.lines().filter_map(|line| line.parse::<u32>().ok());
        found.extend(numbers.filter(|pid| *pid != 0));
        if depth < DEEPEST {
            let below = root.folders(&folder).unwrap_or_default();
            open.extend(below.into_iter().map(|name| (folder.join(name), depth + 1)));
        }
    }
    found
}

/// One process; `None` if it has ended.
#[must_use]
pub fn read(root: &Root, pid: u32) -> Option<Process> {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    let bytes = |name: &str| root.read_bytes(&folder.join(name), MOST).ok();
    // Names are bytes to the kernel, and the crate's parsers take text alone.
    let text = |name: &str| Some(String::from_utf8_lossy(&bytes(name)?).into_owned());
    let comm = text("comm")?;
    let comm: String = comm
        .trim_end_matches('\n')
        .chars()
        .flat_map(visible)
        .collect();
    let status = text("status").and_then(|t| Status::from_buf_read(Cursor::new(t)).ok());
    let rollup = text("smaps_rollup").and_then(|t| SmapsRollup::from_buf_read(Cursor::new(t)).ok());
    let size = |name: &str| {
        let map = rollup.as_ref()?.memory_map_rollup.0.first()?;
        map.extension.map.get(name).copied()
    };
    let private = ["Private_Clean", "Private_Dirty", "Private_Hugetlb"];
    let private = private.into_iter().filter_map(size);
    // A zombie has no memory and no descriptors, and says so by errors.
    let fds = folder.join("fd");
    let is_there = root.inode(&fds).is_some();
    let fds = is_there.then(|| root.list(&fds).ok()).flatten();
    Some(Process {
        pid,
        command: command(&bytes("cmdline").unwrap_or_default(), &comm),
        comm,
        pss: size("Pss"),
        private: size("Pss").map(|_| private.fold(0, u64::saturating_add)),
        rss: status.as_ref().and_then(|s| kib(s.vmrss)),
        swap: status.as_ref().and_then(|s| kib(s.vmswap)),
        fds: fds.map(|names| names.len() as u64),
        threads: status.map(|s| s.threads),
    })
}

fn kib(kib: Option<u64>) -> Option<u64> {
    kib?.checked_mul(1024)
}

/// A command line of arguments that end in NUL, as one line for a terminal.
fn command(bytes: &[u8], comm: &str) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.trim_end_matches(['\0', ' ']).replace('\0', " ");
    if line.is_empty() {
        return format!("[{comm}]");
    }
    line.chars().take(COMMAND_MOST).flat_map(visible).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    /// As kernels write it, shortened.
    const ROLLUP: &str = "55d0c6f6e000-7ffd2b9f4000 ---p 00000000 00:00 0                          [rollup]\n\
        Rss:               12288 kB\nPss:                9216 kB\nPss_Dirty:          8000 kB\n\
        Shared_Clean:       4096 kB\nShared_Dirty:          0 kB\nPrivate_Clean:       192 kB\n\
        Private_Dirty:      8000 kB\nReferenced:        12288 kB\nSwap:                  0 kB\n\
        SwapPss:               0 kB\nLocked:                0 kB\n";

    const STATUS: &str = "Name:\tweb: 1\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t7\nNgid:\t0\nPid:\t7\nPPid:\t1\n\
        TracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t \nVmRSS:\t   12288 kB\n\
        VmSwap:\t      64 kB\nThreads:\t3\nSigQ:\t0/3690\nSigPnd:\t0\nShdPnd:\t0\nSigBlk:\t0\nSigIgn:\t0\n\
        SigCgt:\t0\nCapInh:\t0\nCapPrm:\t0\nCapEff:\t0\n";

    struct Host {
        dir: tempfile::TempDir,
        root: Root,
    }

    impl Host {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a temporary directory");
            let root = Root::open_running(dir.path()).expect("open");
            Self { dir, root }
        }

        fn write(&self, path: &str, bytes: &[u8]) {
            let path = self.dir.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
            fs::write(path, bytes).expect("write");
        }
    }

    #[test]
    fn processes_of_a_cgroup_and_below_biggest_first() {
        let host = Host::new();
        let unit = "sys/fs/cgroup/a.service";
        host.write(&format!("{unit}/cgroup.procs"), b"7\n0\n");
        host.write(&format!("{unit}/memory.max"), b"max\n");
        host.write(&format!("{unit}/inner/deep.slice/cgroup.procs"), b"8\n9\n");
        host.write("proc/7/comm", b"web: 1\n");
        host.write("proc/7/status", STATUS.as_bytes());
        host.write("proc/7/smaps_rollup", ROLLUP.as_bytes());
        host.write("proc/7/cmdline", b"/bin/web\0-x\0\x1b[31m\xff\0");
        host.write("proc/7/fd/0", b"");
        host.write("proc/7/fd/1", b"");
        // To others than root this one shows less; 9 has ended.
        host.write("proc/8/comm", b"big\n");
        host.write(
            "proc/8/status",
            STATUS.replace("12288 kB", "99999 kB").as_bytes(),
        );
        host.write("proc/8/cmdline", b"");
        let all = processes(&host.root, Path::new("/sys/fs/cgroup/a.service"));
        assert_eq!(all.iter().map(|p| p.pid).collect::<Vec<_>>(), [7, 8]);
        assert_eq!(
            all[0],
            Process {
                pid: 7,
                comm: "web: 1".to_owned(),
                command: "/bin/web -x \\u{1b}[31m\u{fffd}".to_owned(),
                pss: Some(9216 << 10),
                private: Some(8192 << 10),
                rss: Some(12288 << 10),
                swap: Some(64 << 10),
                fds: Some(2),
                threads: Some(3),
            }
        );
        assert_eq!(all[1].command, "[big]");
        assert_eq!((all[1].pss, all[1].private), (None, None));
        assert_eq!(all[1].rss, Some(99999 << 10));
    }

    #[test]
    fn this_process_is_read() {
        let root = Root::open(Path::new("/")).expect("open");
        let me = read(&root, std::process::id()).expect("it runs");
        assert!(me.rss.is_some_and(|rss| rss > 1 << 20), "{me:?}");
        assert!(
            me.pss.is_some_and(|pss| pss <= me.rss.unwrap_or(0)),
            "{me:?}"
        );
        assert!(
            me.private
                .is_some_and(|private| private <= me.pss.unwrap_or(0))
        );
        assert!(me.threads.is_some_and(|threads| threads >= 1));
        assert!(me.fds.is_some_and(|fds| fds >= 3), "{me:?}");
        assert!(!me.command.is_empty() && !me.comm.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn strange_files_are_unknown(
            file in prop::sample::select(vec!["status", "smaps_rollup", "cmdline", "comm"]),
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                (0..STATUS.len()).prop_map(|n| STATUS.as_bytes()[..n].to_vec()),
                (0..ROLLUP.len()).prop_map(|n| ROLLUP.as_bytes()[..n].to_vec()),
                "[A-Z][a-zA-Z_]{0,8}:? {0,3}[0-9a-z-]{0,12}( kB)?\n".prop_map(String::into_bytes),
            ],
        ) {
            let host = Host::new();
            host.write("proc/7/comm", b"x\n");
            host.write("proc/7/status", STATUS.as_bytes());
            host.write(&format!("proc/7/{file}"), &bytes);
            let process = read(&host.root, 7).expect("there");
            prop_assert!(!process.command.chars().any(char::is_control));
            prop_assert!(!process.comm.chars().any(char::is_control));
        }
    }
}
