//! Doctor on made-up hosts.

mod made;
mod system;
mod units;

use std::fs;

use proptest::prelude::*;

use super::*;
use made::Made;

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
