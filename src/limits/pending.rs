//! What the files say and the kernel does not have: on 257 a reload leaves running units behind (FACTS 1, 2).

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::kernel::cgroup::Cgroup;
use crate::limits::effective::Effective;
use crate::limits::fit::Bounds;
use crate::limits::key::Key;
use crate::limits::level::{Level, unset};
use crate::limits::scene::Scene;

/// A directive of a running unit that is not in force yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The unit.
    pub cgroup: Cgroup,
    /// The directive.
    pub key: Key,
    /// What the kernel has.
    pub before: Option<Level>,
    /// What it is to have.
    pub level: Level,
}

/// What of a unit's directives the kernel does not have, `words` being the last ones of its files.
///
/// Looked at are the directives that its files set, and those whose absence lifts a limit: a profile that was
/// deleted leaves no word behind.
///
/// # Errors
/// A cgroup's file that says something strange; with its path.
pub fn pending(
    scene: &Scene<'_>,
    cgroup: &Cgroup,
    words: &BTreeMap<Key, Effective>,
) -> Result<Vec<Pending>> {
    let mut keys: BTreeSet<Key> = words.keys().copied().collect();
    keys.extend(Bounds::KEYS);
    keys.insert(Key::CPUQuota);
    let mut found = Vec::new();
    for key in keys {
        let Some(level) = scene.level(key, words.get(&key)) else {
            continue;
        };
        let before = scene.kernel_level(cgroup, key)?;
        // A controller that is not switched on for the unit limits nothing.
        let same = before.or_else(|| unset(key)).is_some_and(|b| b.same(level));
        let lacks = || {
            key.kernel_file()
                .is_some_and(|file| scene.tree.lacks(cgroup, file))
        };
        if !same && (before.is_some() || !lacks()) {
            found.push(Pending {
                cgroup: cgroup.clone(),
                key,
                before,
                level,
            });
        }
    }
    Ok(found)
}
