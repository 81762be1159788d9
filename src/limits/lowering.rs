//! Running units whose memory limits would become tighter with the next reload, whoever wrote the limit.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::kernel::cgroup::{Cgroup, Held};
use crate::limits::effective::Effective;
use crate::limits::fit::{Bounds, Misfit, fit};
use crate::limits::key::Key;
use crate::limits::level::Level;
use crate::limits::scene::Scene;
use crate::systemd::files::Origin;

/// A running unit whose memory limits would become tighter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lowering {
    /// The unit.
    pub cgroup: Cgroup,
    /// What it holds.
    pub held: Held,
    /// What is in force.
    pub before: Bounds,
    /// What would be.
    pub after: Bounds,
    /// What it could still swap out, as far as the machine and the slices above go, in bytes.
    pub room: u64,
    /// Why it cannot live under that, if it cannot.
    pub misfit: Option<Misfit>,
    /// A profile's drop-in reaches the unit.
    pub ours: bool,
    /// The lines that bring it.
    pub words: BTreeMap<Key, Effective>,
}

impl Lowering {
    /// The directives that the unit could not live under: each becomes tighter and has its part in the misfit.
    #[must_use]
    pub fn at_fault(&self) -> Vec<Key> {
        let Some(misfit) = self.misfit else {
            return Vec::new();
        };
        let reasons = [
            (misfit.max, Key::MemoryMax),
            (misfit.high, Key::MemoryHigh),
            (misfit.swap, Key::MemorySwapMax),
        ];
        let keys = reasons.into_iter().filter(|(reason, _)| *reason);
        keys.map(|(_, key)| key)
            .filter(|key| self.after.of(*key) < self.before.of(*key))
            .collect()
    }

    /// The line of the first directive at fault.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        let key = *self.at_fault().first()?;
        self.words.get(&key).map(|word| &word.origin)
    }
}

/// Judges one running unit by what its files will say; `None` if nothing becomes tighter.
///
/// # Errors
/// A cgroup's file that says something strange; with its path.
pub fn lowering(
    scene: &Scene<'_>,
    cgroup: &Cgroup,
    words: &BTreeMap<Key, Effective>,
    ours: bool,
) -> Result<Option<Lowering>> {
    // What no file limits can only become looser.
    if !Bounds::KEYS.iter().any(|key| words.contains_key(key)) {
        return Ok(None);
    }
    let before = Bounds::by(|key| {
        let level = scene.kernel_level(cgroup, key)?;
        Ok(level.map_or(u64::MAX, Level::bytes))
    })?;
    let after = Bounds::by(|key| {
        let level = scene.level(key, words.get(&key));
        Ok(level.map_or(u64::MAX, Level::bytes))
    })?;
    if !before.lowers(after) {
        return Ok(None);
    }
    let Some(held) = scene.tree.held(cgroup)? else {
        return Ok(None);
    };
    let room = scene
        .tree
        .swap_room_above(cgroup)?
        .min(scene.host.swap_free);
    let bounding = words.iter().filter(|(key, _)| Bounds::KEYS.contains(key));
    Ok(Some(Lowering {
        cgroup: cgroup.clone(),
        held,
        before,
        after,
        room,
        misfit: fit(&held, before, after, room).err(),
        ours,
        words: bounding.map(|(key, word)| (*key, word.clone())).collect(),
    }))
}
