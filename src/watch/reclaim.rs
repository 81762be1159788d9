//! Taking memory from a unit that it can do without.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::kernel::root::Root;
use crate::kernel::text;

/// So much at once: the unit never stands still for long.
const STEP: u64 = 16 << 20;
/// How long it may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// Has the kernel reclaim up to so many bytes of a cgroup; answers by how much `memory.current` fell. What it cannot
/// get it does not get: no error.
///
/// # Errors
/// No `memory.reclaim` (kernel 5.19), or it may not be written.
pub fn reclaim(root: &Root, cgroup: &Path, bytes: u64) -> Result<u64> {
    let path = cgroup.join("memory.reclaim");
    let current = || -> Option<u64> {
        let text = root.read(&cgroup.join("memory.current")).ok()?;
        text::number(&text).ok()
    };
    let (before, begun) = (current(), Instant::now());
    let mut left = bytes;
    while left > 0 && begun.elapsed() < DEADLINE {
        let step = left.min(STEP);
        match root.write_kernel(&path, &step.to_string()) {
            Ok(()) => left -= step,
            // It fell short, and has dropped what there was (FACTS 3).
            Err(e) if e.raw_os_error() == Some(Errno::AGAIN.raw_os_error()) => break,
            Err(e) => return Err(Error::io("write", &root.shown(&path), &e)),
        }
    }
    Ok(match (before, current()) {
        (Some(before), Some(after)) => before.saturating_sub(after),
        _ => 0,
    })
}
