//! Makes room under a limit before it comes: throttles what grows, gives page cache back (FACTS 3).

use std::time::{Duration, Instant};

use crate::apply::record::OldValue;
use crate::error::{Error, Result};
use crate::kernel::cgroup::{Tree, is_gone};
use crate::kernel::root::is_absent;
use crate::limits::fit::fit;
use crate::limits::lowering::Lowering;
use crate::units::show_bytes;

/// How much is asked of `memory.reclaim` at once: small enough that a unit never stands still for long.
const STEP: u64 = 16 << 20;
/// How long one unit's reclaim may take.
const DEADLINE: Duration = Duration::from_secs(20);
/// So many steps in a row without any effect, and there is nothing more to be had.
const FRUITLESS: u32 = 5;

/// What to write into `memory.high` for the time until the new MemoryMax is in force: 95 % of it slowed a
/// growth of 33M in 2 s to less than 7M in 4 s (FACTS 3). `None` where there is room enough without.
fn cap(lowering: &Lowering, page: u64) -> Option<u64> {
    let max = lowering.after.max;
    let tightens = max < lowering.before.max;
    let near = lowering.held.current > max / 2;
    (tightens && near).then(|| max / 100 * 95 / page * page)
}

/// The values that [`throttle`] will write, with what is there now: for the record, before any is written.
#[must_use]
pub fn intended(tree: &Tree<'_>, lowerings: &[Lowering], page: u64) -> Vec<OldValue> {
    let old_values = lowerings.iter().filter_map(|lowering| {
        let cap = cap(lowering, page)?;
        let cgroup = &lowering.cgroup;
        let old = tree.file(cgroup, "memory.high").ok()??;
        (cap < lowering.before.high).then_some(OldValue {
            inode: tree.inode(&cgroup.path)?,
            cgroup: cgroup.path.clone(),
            file: "memory.high".to_owned(),
            old: old.trim().to_owned(),
            new: cap.to_string(),
        })
    });
    old_values.collect()
}

/// Throttles and reclaims every unit down to where its new limit does no harm, then looks again.
///
/// # Errors
/// A unit that cannot be brought down, or that has grown meanwhile; what was written is for the caller to put
/// back, from [`intended`].
pub fn throttle(
    tree: &Tree<'_>,
    lowerings: &[Lowering],
    intended: &[OldValue],
    page: u64,
) -> Result<()> {
    for lowering in lowerings {
        let cgroup = &lowering.cgroup;
        let written = intended.iter().find(|v| v.cgroup == cgroup.path);
        if let Some(value) = written {
            match tree.write(cgroup, &value.file, &value.new) {
                Ok(()) => {}
                // A unit that has just ended needs no limit.
                Err(e) if is_absent(&e) || is_gone(&e) => continue,
                Err(e) => {
                    let path = cgroup.path.join(&value.file);
                    return Err(Error::io("write", &path, &e));
                }
            }
        }
        if let Some(cap) = cap(lowering, page) {
            reclaim(tree, lowering, cap)?;
        }
        let Some(held) = tree.held(cgroup)? else {
            continue;
        };
        if fit(&held, lowering.before, lowering.after, lowering.room).is_err() {
            return Err(Error::failed(format!(
                "{} has grown meanwhile: it needs {} now, too much for MemoryMax={}",
                cgroup.unit,
                show_bytes(held.need()),
                show_bytes(lowering.after.max)
            ))
            .remedy("--restart restarts it gracefully first; --next-start lets it wait for its next start"));
        }
    }
    Ok(())
}

fn reclaim(tree: &Tree<'_>, lowering: &Lowering, cap: u64) -> Result<()> {
    let cgroup = &lowering.cgroup;
    let deadline = Instant::now() + DEADLINE;
    let mut fruitless = 0;
    loop {
        let Some(held) = tree.held(cgroup)? else {
            return Ok(());
        };
        let surplus = held.current.saturating_sub(cap);
        if surplus == 0 {
            return Ok(());
        }
        if fruitless >= FRUITLESS || Instant::now() > deadline {
            // Under the limit itself is good enough: the rest of the way is the kernel's, and it has room.
            return if held.current <= lowering.after.max {
                Ok(())
            } else {
                Err(Error::failed(format!(
                    "{} holds {} and could not be brought under MemoryMax={} (needs {}, the rest would not go)",
                    cgroup.unit,
                    show_bytes(held.current),
                    show_bytes(lowering.after.max),
                    show_bytes(held.need()),
                ))
                .remedy("--restart restarts it gracefully first; --next-start lets it wait for its next start"))
            };
        }
        // EAGAIN: fell short. ENOENT: a kernel before 5.19. What counts is what is held afterwards.
        let _ = ask(tree, lowering, surplus.min(STEP));
        let after = tree.held(cgroup)?.unwrap_or_default();
        if after.current < held.current {
            fruitless = 0;
        } else {
            fruitless += 1;
            // Dirty pages must be written out first.
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Asks the kernel to take pages back, page cache before anything is swapped out where it knows how (6.9).
fn ask(tree: &Tree<'_>, lowering: &Lowering, bytes: u64) -> std::io::Result<()> {
    let file = "memory.reclaim";
    let gently = tree.write(&lowering.cgroup, file, &format!("{bytes} swappiness=0"));
    match gently {
        Err(e) if e.kind() == std::io::ErrorKind::InvalidInput => {
            tree.write(&lowering.cgroup, file, &bytes.to_string())
        }
        other => other,
    }
}
