//! Limits that running units keep until they start anew, though no profile says so any more: after a
//! `--next-start` where the tighter limit is not a profile's, or a rollback that would have killed.
//!
//! One file under `/run`, written by `apply`, read by the generator. An entry holds for one start of a unit: with
//! another cgroup inode it counts for nothing, and the next apply drops it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::kernel::cgroup::{Cgroup, Tree};
use crate::kernel::root::Root;
use crate::limits::dropin::DropIn;
use crate::limits::fit::{Bounds, Misfit};
use crate::limits::key::Key;
use crate::scope::Scope;

const FILE: &str = "keep.json";

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    v: u32,
    units: Vec<Entry>,
}

/// One unit's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    unit: String,
    inode: u64,
    settings: BTreeMap<String, String>,
}

impl Keep {
    /// Where it is.
    #[must_use]
    pub fn path(scope: &Scope) -> PathBuf {
        scope.runtime_dir().join(FILE)
    }

    /// What is kept for units that still run as they did then. A file that cannot be understood keeps nothing.
    #[must_use]
    pub fn read(root: &Root, scope: &Scope, tree: &Tree<'_>, cgroups: &[Cgroup]) -> Self {
        let text = root.read_if_any(&Self::path(scope)).ok().flatten();
        let mut keep: Self = text
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        keep.units.retain(|entry| {
            cgroups
                .iter()
                .find(|c| c.unit.as_str() == entry.unit)
                .is_some_and(|c| tree.inode(&c.path) == Some(entry.inode))
        });
        keep
    }

    /// Keeps for a unit what of its present bounds it cannot do without.
    pub fn add(&mut self, tree: &Tree<'_>, cgroup: &Cgroup, present: Bounds, misfit: Misfit) {
        let Some(inode) = tree.inode(&cgroup.path) else {
            return;
        };
        let kept = [
            (misfit.max, Key::MemoryMax, present.max),
            (misfit.high, Key::MemoryHigh, present.high),
            (misfit.swap, Key::MemorySwapMax, present.swap),
        ];
        let settings = kept
            .into_iter()
            .filter(|(keep, ..)| *keep)
            .map(|(_, key, bytes)| (key.name().to_owned(), as_directive(bytes)))
            .collect();
        self.units
            .retain(|entry| entry.unit != cgroup.unit.as_str());
        self.units.push(Entry {
            unit: cgroup.unit.to_string(),
            inode,
            settings,
        });
    }

    /// Puts it on disk; keeping nothing removes the file.
    ///
    /// # Errors
    /// `/run` cannot be written.
    pub fn write(&mut self, root: &Root, scope: &Scope) -> Result<()> {
        if self.units.is_empty() && root.read_if_any(&Self::path(scope))?.is_none() {
            return Ok(());
        }
        let folder = root.make_dir(&scope.runtime_dir())?;
        if self.units.is_empty() {
            return folder.remove(FILE);
        }
        self.v = 1;
        let text = serde_json::to_string(self)
            .map_err(|e| Error::failed(format!("cannot write what is kept: {e}")))?;
        folder.replace(FILE, text.as_bytes())
    }

    /// Adds the drop-ins that keep, behind all others whoever wrote those.
    pub fn add_dropins(&self, scope: &Scope, cgroups: &[Cgroup], dropins: &mut Vec<DropIn>) {
        for entry in &self.units {
            let Some(cgroup) = cgroups.iter().find(|c| c.unit.as_str() == entry.unit) else {
                continue;
            };
            let settings = entry
                .settings
                .iter()
                .filter_map(|(name, text)| Some((Key::from_name(name)?, text.clone())));
            let own = dropins
                .iter_mut()
                .find(|d| d.overrides && d.unit == cgroup.unit);
            let dropin = match own {
                Some(own) => own,
                None => {
                    dropins.push(DropIn {
                        unit: cgroup.unit.clone(),
                        overrides: true,
                        source: Self::path(scope),
                        hash: String::new(),
                        settings: BTreeMap::new(),
                        withheld: BTreeMap::new(),
                    });
                    let Some(last) = dropins.last_mut() else {
                        continue;
                    };
                    last
                }
            };
            for (key, text) in settings {
                let before = dropin.settings.insert(key, text);
                let before = before.unwrap_or_else(|| "what the unit files say".to_owned());
                dropin.withheld.insert(key, before);
            }
        }
    }
}

/// A bound as a directive's value.
#[must_use]
pub fn as_directive(bytes: u64) -> String {
    match bytes {
        u64::MAX => "infinity".to_owned(),
        bytes => bytes.to_string(),
    }
}
