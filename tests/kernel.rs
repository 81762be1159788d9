//! Kernel files as they are on Debian 12, 13 and forky (kernels 6.1, 6.12, 7.2), read off a service that was taking
//! 20 MiB under a MemoryHigh of 10 MiB, with swap.

use std::fs;
use std::path::Path;

use memctl::kernel::meminfo::MemInfo;
use memctl::kernel::psi::Pressure;
use memctl::kernel::stat::{CpuStat, MemoryEvents, MemoryStat};
use memctl::kernel::text::{limit, number};

const VERSIONS: [&str; 3] = ["252", "257", "262"];

fn file(version: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernel");
    let path = path.join(version).join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn statistics_of_all_three_are_whole() {
    for version in VERSIONS {
        let stat = MemoryStat::parse(&file(version, "memory.stat")).expect(version);
        let every = [
            stat.anon,
            stat.file,
            stat.shmem,
            stat.file_dirty,
            stat.slab_reclaimable,
            stat.slab_unreclaimable,
            stat.kernel_stack,
            stat.pagetables,
            stat.percpu,
            stat.sock,
        ];
        assert!(every.iter().all(Option::is_some), "{version}: {stat:?}");
        let current = number(&file(version, "memory.current")).expect(version);
        let swap = number(&file(version, "memory.swap.current")).expect(version);
        let peak = number(&file(version, "memory.peak")).expect(version);
        let resident = stat.resident().expect(version);
        // The statistics are of another moment than the sum, and the kernel gathers them in batches.
        assert!(
            resident <= current + (1 << 20),
            "{version}: {resident} of {current}"
        );
        assert!(peak >= current, "{version}");
        let need = resident + swap;
        // More than MemoryHigh lets stay in RAM; the slowest of the three had not taken all of its 20 MiB yet.
        assert!(
            (10 << 20..30 << 20).contains(&need),
            "{version}: needs {need}"
        );
    }
}

#[test]
fn limits_and_events_of_all_three() {
    for version in VERSIONS {
        let read = |name| limit(&file(version, name)).expect(version);
        assert_eq!(read("memory.high"), Some(10 << 20), "{version}");
        assert_eq!(read("memory.max"), Some(64 << 20), "{version}");
        assert_eq!(read("memory.swap.max"), None, "{version}");
        for name in ["memory.events", "memory.events.local"] {
            let events = MemoryEvents::parse(&file(version, name)).expect(version);
            assert!(events.high > Some(0), "{version} {name}: throttled");
            assert_eq!(events.oom_kill, Some(0), "{version} {name}");
            assert_eq!(events.oom_group_kill, Some(0), "{version} {name}");
        }
        assert_eq!(number(&file(version, "pids.current")), Ok(1), "{version}");
    }
}

#[test]
fn pressure_and_processor_time_of_all_three() {
    for version in VERSIONS {
        let names = [
            "memory.pressure",
            "cpu.pressure",
            "proc-pressure-memory",
            "proc-pressure-cpu",
            "proc-pressure-io",
        ];
        for name in names {
            let pressure = Pressure::parse(&file(version, name)).expect(name);
            assert!(pressure.full.is_some(), "{version} {name}");
        }
        let pressure = Pressure::parse(&file(version, "memory.pressure")).expect(version);
        assert!(
            pressure.some.total > 0 && pressure.some.avg10 > 0,
            "{version}"
        );
        let cpu = CpuStat::parse(&file(version, "cpu.stat")).expect(version);
        assert!(cpu.usage_usec > Some(0), "{version}");
        assert!(
            cpu.nr_throttled.is_some() && cpu.throttled_usec.is_some(),
            "{version}"
        );
    }
}

#[test]
fn the_machines_memory_of_all_three() {
    for version in VERSIONS {
        let info = MemInfo::parse(&file(version, "meminfo")).expect(version);
        assert!(info.total > 900 << 20, "{version}");
        assert!(info.available < Some(info.total), "{version}");
        assert!(
            info.swap_used() > Some(0),
            "{version}: something was swapped out"
        );
    }
}
