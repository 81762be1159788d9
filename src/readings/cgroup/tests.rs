use std::fs;

use proptest::prelude::*;

use super::*;

struct Host {
    dir: tempfile::TempDir,
    root: Root,
}

impl Host {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = Root::open_running(dir.path()).expect("open");
        let host = Self { dir, root };
        host.write("proc/meminfo", b"MemTotal: 1048576 kB\n");
        host.write("sys/fs/cgroup/cgroup.controllers", b"cpu memory pids\n");
        host.unit("system.slice", 90, 50);
        host.unit("system.slice/a.service", 30, 20);
        host.unit("system.slice/b.service", 60, 30);
        host
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        fs::write(path, bytes).expect("write");
    }

    fn file(&self, unit: &str, file: &str, bytes: &[u8]) {
        self.write(&format!("sys/fs/cgroup/{unit}/{file}"), bytes);
    }

    fn unit(&self, unit: &str, current: u64, anon: u64) {
        self.file(unit, "cgroup.controllers", b"memory pids\n");
        self.file(unit, "memory.current", format!("{current}\n").as_bytes());
        let stat = format!("anon {anon}\nfile 1\n");
        self.file(unit, "memory.stat", stat.as_bytes());
        self.file(unit, "memory.high", b"max\n");
        self.file(unit, "memory.max", b"100\n");
    }

    fn reader(&self) -> CgroupReadings<'_> {
        CgroupReadings::new(&self.root, &Scope::System).expect("cgroup v2")
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn needs(reading: &Reading) -> Vec<(String, Option<u64>)> {
    let samples = reading.samples.iter();
    samples
        .map(|s| (s.unit.to_string(), s.memory.need()))
        .collect()
}

#[test]
fn units_and_the_slices_above_them_are_read() {
    let host = Host::new();
    let mut reader = host.reader();
    let reading = reader
        .read(at(0), &|unit| unit.as_str() == "a.service")
        .expect("read");
    assert_eq!(reading.faults, [""; 0]);
    let expected = [("a.service", Some(20)), ("system.slice", Some(50))];
    assert_eq!(needs(&reading), expected.map(|(u, n)| (u.to_owned(), n)));
    let sample = &reading.samples[0];
    assert_eq!(sample.limits.high, Some(Limit::Infinity));
    assert_eq!(sample.limits.max, Some(Limit::Bytes(100)));
    assert_eq!(sample.limits.swap_max, None);
    assert_eq!(sample.tasks, None);
    assert!(sample.start.inode.is_some());
}

#[test]
fn statistics_are_read_where_memory_moved_and_once_a_minute() {
    let host = Host::new();
    let mut reader = host.reader();
    let mut need = |second| {
        let reading = reader.read(at(second), &|_| true).expect("read");
        reading.samples[0].memory.need()
    };
    assert_eq!(need(0), Some(20));
    host.file("system.slice/a.service", "memory.stat", b"anon 25\n");
    assert_eq!(need(10), Some(20), "memory.current did not move");
    assert_eq!(need(60), Some(25), "a minute is over");
    host.file("system.slice/a.service", "memory.stat", b"anon 26\n");
    host.file("system.slice/a.service", "memory.current", b"31\n");
    assert_eq!(need(70), Some(26), "it moved");
    host.file("system.slice/a.service", "memory.stat", b"anon 27\n");
    assert_eq!(need(65), Some(27), "the clock was set back");
}

#[test]
fn a_cgroup_that_was_made_anew_is_another_start() {
    let host = Host::new();
    let mut reader = host.reader();
    let first = reader.read(at(0), &|_| true).expect("read");
    let folder = host.dir.path().join("sys/fs/cgroup/system.slice/a.service");
    // Its name is free, and its inode is not, as long as the other is there.
    fs::rename(&folder, host.dir.path().join("gone")).expect("rename");
    fs::remove_file(host.dir.path().join("gone/cgroup.controllers")).expect("remove");
    host.unit("system.slice/a.service", 12, 11);
    let second = reader.read(at(10), &|_| true).expect("read");
    assert!(!first.samples[0].start.same(&second.samples[0].start));
    assert_eq!(second.samples[0].memory.need(), Some(11));
}

#[test]
fn without_a_memory_controller_the_rest_is_read() {
    let host = Host::new();
    host.file("system.slice/bare.service", "cgroup.controllers", b"cpu\n");
    host.file("system.slice/bare.service", "cpu.stat", b"usage_usec 7\n");
    let reading = host.reader().read(at(0), &|_| true).expect("read");
    assert_eq!(reading.faults, [""; 0]);
    let bare = UnitName::parse("bare.service").expect("a name");
    let sample = reading.get(&bare).expect("read");
    assert_eq!(sample.memory, crate::sample::Memory::default());
    assert_eq!(sample.cpu.usage_usec, Some(7));
}

const FILES: [&str; 9] = [
    "memory.current",
    "memory.stat",
    "memory.swap.current",
    "memory.high",
    "memory.events",
    "memory.events.local",
    "memory.pressure",
    "cpu.stat",
    "pids.current",
];

/// What a broken, strange or hostile file may hold.
fn contents() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        Just(b"\n".to_vec()),
        Just(b"max".to_vec()),
        Just(b"anon 18446744073709551615\nshmem 18446744073709551615\n".to_vec()),
        Just(b"anon 18446744073709551616\n".to_vec()),
        Just(b"anon -1\n".to_vec()),
        Just(b"some avg10=0.0".to_vec()),
        Just(vec![b'a'; 2 << 20]),
        "(anon|file|low|oom|usage_usec|some) ?[0-9a-z=. ]{0,30}\n?".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Garbled, truncated, empty and huge files: a fault with the path or an unknown figure, no panic, and the other
    /// unit is read.
    #[test]
    fn strange_files_cost_their_own_figure_alone(at_file in 0..FILES.len(), bytes in contents()) {
        let host = Host::new();
        host.file("system.slice/a.service", FILES[at_file], &bytes);
        let reading = host.reader().read(at(0), &|_| true).expect("read");
        let b = UnitName::parse("b.service").expect("a name");
        prop_assert_eq!(reading.get(&b).and_then(|s| s.memory.need()), Some(30));
        for fault in &reading.faults {
            let path = format!("/sys/fs/cgroup/system.slice/a.service/{}: ", FILES[at_file]);
            prop_assert!(fault.starts_with(&path), "{}", fault);
            prop_assert!(fault.len() < 250, "{}", fault);
        }
        let a = UnitName::parse("a.service").expect("a name");
        prop_assert!(reading.get(&a).is_some());
    }
}
