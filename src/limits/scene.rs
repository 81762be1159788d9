//! What limits are judged over: the machine, the units that have a cgroup, the unit files.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::kernel::cgroup::{Cgroup, Tree};
use crate::kernel::host::Host;
use crate::limits::effective::{Effective, effective};
use crate::limits::key::Key;
use crate::limits::level::{Level, expected, in_force, unset};
use crate::systemd::files::{Overlay, UnitFiles};
use crate::systemd::names::UnitName;

/// The machine, its units and their files.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The machine's figures.
    pub host: Host,
    /// The running systemd's version, where that is known: it ignores directives that came later.
    pub systemd: Option<u32>,
    /// Every unit that has a cgroup; empty for an image.
    pub cgroups: &'a [Cgroup],
    /// Their files.
    pub tree: &'a Tree<'a>,
    /// The unit files on disk.
    pub files: &'a UnitFiles<'a>,
}

impl Scene<'_> {
    /// The last words on a unit's directives, with `overlay` in the place of what the generator has written.
    ///
    /// # Errors
    /// A unit file that is there and cannot be read.
    pub fn effective(
        &self,
        unit: &UnitName,
        overlay: &Overlay,
    ) -> Result<BTreeMap<Key, Effective>> {
        let mut words = effective(unit, &self.files.assignments(unit, overlay)?);
        words.retain(|key, _| self.knows(*key, unit));
        Ok(words)
    }

    /// Whether the running systemd heeds a directive in units of that type.
    #[must_use]
    pub fn knows(&self, key: Key, unit: &UnitName) -> bool {
        let since = key.since_for(unit.unit_type());
        !matches!((self.systemd, since), (Some(running), Some(since)) if running < since)
    }

    /// What will be in force by an effective word, or by its absence.
    #[must_use]
    pub fn level(&self, key: Key, word: Option<&Effective>) -> Option<Level> {
        match word.and_then(|w| w.value.as_ref()) {
            Some(value) => expected(key, value, &self.host),
            None => unset(key),
        }
    }

    /// What the kernel has in force; `None` where it keeps no such file.
    ///
    /// # Errors
    /// The file says something that cannot be understood; with its path.
    pub fn kernel_level(&self, cgroup: &Cgroup, key: Key) -> Result<Option<Level>> {
        in_force(key, |file| self.tree.file(cgroup, file))
            .map_err(|e| e.context(&cgroup.path.display().to_string()))
    }
}
