//! Brings the kernel to where the files are, and confirms it there: nudges what a reload left behind (FACTS 1, 2).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::kernel::cgroup::{Cgroup, Tree};
use crate::limits::key::Key;
use crate::limits::level::{Level, in_force, unset};
use crate::limits::plan::{Plan, Row, When};
use crate::systemd::manager::Manager;
use crate::systemd::names::UnitName;

/// How long the kernel's files may lag behind a nudge (FACTS 9b).
const LAG: Duration = Duration::from_secs(2);
/// How often they are looked at meanwhile.
const POLL: Duration = Duration::from_millis(50);

/// A level that a running unit is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The unit and its cgroup.
    pub cgroup: Cgroup,
    /// The cgroup's inode when this was planned: another start of the unit is another matter.
    pub inode: Option<u64>,
    /// The directive.
    pub key: Key,
    /// What was in force; `None` where the kernel had no such file.
    pub before: Option<Level>,
    /// What is to be in force; `None`: whatever systemd's own settings say, which only it knows (the default
    /// TasksMax). Then anything else than before will do.
    pub level: Option<Level>,
}

/// A target that was not reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// The target.
    pub target: Target,
    /// What the kernel says instead; `None`: it has no such file.
    pub found: Option<Level>,
}

/// The targets of a plan: what of the profiles' takes force now and is the kernel's to keep. A stranger's
/// pending limit is judged before (it must fit), and is nobody's failure if it does not come.
#[must_use]
pub fn targets(plan: &Plan, cgroups: &[Cgroup], tree: &Tree<'_>) -> Vec<Target> {
    let running: BTreeMap<&UnitName, &Cgroup> = cgroups.iter().map(|c| (&c.unit, c)).collect();
    let now = |row: &&Row| row.ours && row.when == When::Now;
    let wanted = plan.rows.iter().filter(now);
    wanted
        .filter_map(|row| {
            row.key.kernel_file()?;
            let cgroup = (*running.get(&row.unit)?).clone();
            Some(Target {
                inode: tree.inode(&cgroup.path),
                cgroup,
                key: row.key,
                before: row.before.as_ref().and_then(|b| b.level),
                level: row.after.as_ref().and_then(|after| after.level),
            })
        })
        .collect()
}

/// Nudges once per slice that differs, deepest first, until the kernel agrees.
///
/// Answers the targets that were missed all the same.
///
/// # Errors
/// A cgroup's file that says something strange. A nudge that fails is no error by itself: what counts is what
/// the kernel says in the end.
pub fn realize(
    manager: &mut dyn Manager,
    tree: &Tree<'_>,
    targets: &[Target],
    mut tell: impl FnMut(&UnitName),
) -> Result<Vec<Miss>> {
    let mut misses = differing(tree, targets)?;
    // What this kernel does not have no nudge brings.
    let reachable = |misses: &[Miss]| -> Vec<Miss> {
        let here = misses.iter().filter(|miss| !is_kernel_too_old(tree, miss));
        here.cloned().collect()
    };
    // A slice's siblings follow one nudged unit (FACTS 2); who did not follow is nudged by itself.
    for alone in [false, true] {
        for group in groups(&reachable(&misses), alone) {
            let Some(first) = group.first() else { continue };
            tell(&first.cgroup.unit);
            // Its refusal shows in the kernel's files, and is told from there.
            let _ = manager.nudge(&first.cgroup.unit);
            wait(tree, &group)?;
        }
        misses = differing(tree, targets)?;
        if reachable(&misses).is_empty() {
            break;
        }
    }
    // What only systemd knows cannot be missed.
    misses.retain(|miss| miss.target.level.is_some());
    Ok(misses)
}

/// The missed targets by slice, or one by one by unit; the deepest folders first.
fn groups(misses: &[Miss], alone: bool) -> Vec<Vec<Target>> {
    let mut groups: BTreeMap<(std::cmp::Reverse<usize>, PathBuf), Vec<Target>> = BTreeMap::new();
    for miss in misses {
        let path = &miss.target.cgroup.path;
        let folder = if alone {
            path.clone()
        } else {
            path.parent().map(PathBuf::from).unwrap_or_default()
        };
        let depth = std::cmp::Reverse(path.components().count());
        let group = groups.entry((depth, folder)).or_default();
        group.push(miss.target.clone());
    }
    groups.into_values().collect()
}

fn wait(tree: &Tree<'_>, group: &[Target]) -> Result<()> {
    let deadline = Instant::now() + LAG;
    loop {
        let misses = differing(tree, group)?;
        let settled = misses.iter().all(|miss| is_kernel_too_old(tree, miss));
        if settled || Instant::now() >= deadline {
            return Ok(());
        }
        std::thread::sleep(POLL);
    }
}

/// The targets that the kernel does not agree with; units that ended or began anew are nobody's miss.
///
/// # Errors
/// A file that says something strange.
pub fn differing(tree: &Tree<'_>, targets: &[Target]) -> Result<Vec<Miss>> {
    let mut misses = Vec::new();
    for target in targets {
        let found = in_force(target.key, |file| tree.file(&target.cgroup, file))
            .map_err(|e| e.context(&target.cgroup.path.display().to_string()))?;
        // A controller that nobody needs any more is switched off, and its files are gone.
        let in_force = found.or_else(|| unset(target.key));
        let reached = match target.level {
            Some(level) => in_force.is_some_and(|found| found.same(level)),
            None => found != target.before,
        };
        if reached {
            continue;
        }
        if target.inode.is_some() && tree.inode(&target.cgroup.path) == target.inode {
            misses.push(Miss {
                target: target.clone(),
                found,
            });
        }
    }
    Ok(misses)
}

/// Whether the kernel is too old for the target: it has no such file.
#[must_use]
pub fn is_kernel_too_old(tree: &Tree<'_>, miss: &Miss) -> bool {
    let file = miss.target.key.kernel_file();
    file.is_some_and(|file| tree.lacks(&miss.target.cgroup, file))
}

/// What was missed, as a failure.
#[must_use]
pub fn failure(misses: &[Miss]) -> Error {
    let lines: Vec<String> = misses
        .iter()
        .map(|miss| {
            let path = miss
                .target
                .cgroup
                .path
                .join(miss.target.key.kernel_file().unwrap_or_default());
            let found = miss
                .found
                .map_or_else(|| "is not there".to_owned(), |l| format!("says {l}"));
            let wanted = miss
                .target
                .level
                .map_or_else(String::new, |level| format!(", not {level}"));
            format!("{} {found}{wanted}", path.display())
        })
        .collect();
    Error::failed(format!(
        "the kernel did not take the limits: {}",
        lines.join("; ")
    ))
    .remedy("`journalctl -b _PID=1` may say why")
}
