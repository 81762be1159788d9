//! The statistics of one cgroup: `memory.stat`, `memory.events`, `cpu.stat`.
//!
//! Every field is optional: kernels differ, and 0 is another answer than none.

use crate::kernel::text::{Parsed, flat};

/// `memory.stat`, in bytes; of the whole subtree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryStat {
    /// Heaps, stacks, anonymous mappings.
    pub anon: Option<u64>,
    /// Page cache, `shmem` included.
    pub file: Option<u64>,
    /// Shared memory and tmpfs: cannot be dropped, only swapped out.
    pub shmem: Option<u64>,
    /// Page cache that is not on disk yet.
    pub file_dirty: Option<u64>,
    /// Kernel objects that can be dropped: dentries, inodes.
    pub slab_reclaimable: Option<u64>,
    /// Kernel objects that cannot.
    pub slab_unreclaimable: Option<u64>,
    /// Stacks of threads in the kernel.
    pub kernel_stack: Option<u64>,
    /// Page tables.
    pub pagetables: Option<u64>,
    /// Per-processor data (5.14 and newer: charged).
    pub percpu: Option<u64>,
    /// Buffers of sockets.
    pub sock: Option<u64>,
}

impl MemoryStat {
    /// Reads a `memory.stat`.
    ///
    /// # Errors
    /// A known name without a number; none of the known names.
    pub fn parse(text: &str) -> Parsed<Self> {
        flat(text, |stat: &mut Self, key| {
            Some(match key {
                "anon" => &mut stat.anon,
                "file" => &mut stat.file,
                "shmem" => &mut stat.shmem,
                "file_dirty" => &mut stat.file_dirty,
                "slab_reclaimable" => &mut stat.slab_reclaimable,
                "slab_unreclaimable" => &mut stat.slab_unreclaimable,
                "kernel_stack" => &mut stat.kernel_stack,
                "pagetables" => &mut stat.pagetables,
                "percpu" => &mut stat.percpu,
                "sock" => &mut stat.sock,
                _ => return None,
            })
        })
    }

    /// What cannot be reclaimed without swap, in bytes (FACTS 24): resident need. `None` without `anon`, the greatest
    /// part of it.
    #[must_use]
    pub fn resident(&self) -> Option<u64> {
        let rest = [
            self.shmem,
            self.slab_unreclaimable,
            self.kernel_stack,
            self.pagetables,
            self.percpu,
            self.sock,
        ];
        let rest = rest.into_iter().flatten();
        Some(rest.fold(self.anon?, u64::saturating_add))
    }
}

/// `memory.events` or `memory.events.local`: how often what happened since the cgroup was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryEvents {
    /// Reclaimed although under MemoryLow.
    pub low: Option<u64>,
    /// Throttled over MemoryHigh.
    pub high: Option<u64>,
    /// About to go over MemoryMax.
    pub max: Option<u64>,
    /// Over MemoryMax with nothing left to reclaim.
    pub oom: Option<u64>,
    /// Processes that were killed for it.
    pub oom_kill: Option<u64>,
    /// Whole units that were killed for it (5.17).
    pub oom_group_kill: Option<u64>,
}

impl MemoryEvents {
    /// Reads a `memory.events`.
    ///
    /// # Errors
    /// A known name without a number; none of the known names.
    pub fn parse(text: &str) -> Parsed<Self> {
        flat(text, |events: &mut Self, key| {
            Some(match key {
                "low" => &mut events.low,
                "high" => &mut events.high,
                "max" => &mut events.max,
                "oom" => &mut events.oom,
                "oom_kill" => &mut events.oom_kill,
                "oom_group_kill" => &mut events.oom_group_kill,
                _ => return None,
            })
        })
    }
}

/// `cpu.stat`: microseconds and periods since the cgroup was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuStat {
    /// CPU time used.
    pub usage_usec: Option<u64>,
    /// Periods in which CPUQuota was exhausted; absent without the controller.
    pub nr_throttled: Option<u64>,
    /// Time spent waiting for the next period.
    pub throttled_usec: Option<u64>,
}

impl CpuStat {
    /// Reads a `cpu.stat`.
    ///
    /// # Errors
    /// A known name without a number; none of the known names.
    pub fn parse(text: &str) -> Parsed<Self> {
        flat(text, |stat: &mut Self, key| {
            Some(match key {
                "usage_usec" => &mut stat.usage_usec,
                "nr_throttled" => &mut stat.nr_throttled,
                "throttled_usec" => &mut stat.throttled_usec,
                _ => return None,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn need_leaves_page_cache_out_and_counts_shmem_once() {
        let stat = "anon 1000\nfile 5000\nshmem 200\nkernel_stack 30\npagetables 4\npercpu 5\nsock 6\n\
                    slab_reclaimable 900\nslab_unreclaimable 70\nnew_in_7_2 one\n";
        let resident = |text| MemoryStat::parse(text).expect(text).resident();
        assert_eq!(resident(stat), Some(1315));
        assert_eq!(resident("file 1\n"), None);
        assert!(MemoryStat::parse("").is_err());
    }

    #[test]
    fn a_strange_line_is_named() {
        let told = |text| MemoryStat::parse(text).expect_err(text).to_string();
        assert_eq!(
            told("anon 1\nfile 12x\n"),
            "line 2: unexpected \"file 12x\""
        );
        assert_eq!(told("anon"), "line 1: unexpected \"anon\"");
        assert_eq!(told(""), "the file is empty");
        assert_eq!(told("hello\n"), "nothing known in it: \"hello\"");
    }
}
