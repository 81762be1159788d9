//! One look at the system before a change: machine, running units, unit files, what is generated now.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::kernel::cgroup::{Cgroup, Tree};
use crate::kernel::host::Host;
use crate::kernel::root::Root;
use crate::limits::dropin::{DropIn, Installed, dropins, overlay};
use crate::limits::lowering::{Lowering, lowering};
use crate::limits::pending::{Pending, pending};
use crate::limits::plan::{Plan, Row, When, plan};
use crate::limits::scene::Scene;
use crate::limits::withhold::{recalls, withhold};
use crate::profiles::lenient;
use crate::scope::Scope;
use crate::systemd::files::{Overlay, UnitFiles};
use crate::systemd::names::UnitName;

/// What was seen.
#[derive(Debug)]
pub struct Survey<'a> {
    /// The machine's figures.
    pub host: Host,
    /// The manager's cgroups.
    pub tree: Tree<'a>,
    /// The units that have one.
    pub cgroups: Vec<Cgroup>,
    /// The unit files on disk.
    pub files: UnitFiles<'a>,
    /// memctl's drop-ins on disk.
    pub generated: Overlay,
    /// The running systemd's version, where it was asked for.
    pub systemd: Option<u32>,
}

/// What would be written, and what that changes.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The drop-ins, with those that withhold.
    pub dropins: Vec<DropIn>,
    /// The changes.
    pub plan: Plan,
    /// The running units whose limits the files as they are written would lower.
    pub lowerings: Vec<Lowering>,
    /// Those of them whose limits are withheld on disk already: nothing gets worse for them.
    pub waiting: BTreeSet<UnitName>,
}

impl Prepared {
    /// The running units that could not live under the files as they are written.
    pub fn misfits(&self) -> impl Iterator<Item = &Lowering> {
        self.lowerings.iter().filter(|l| l.misfit.is_some())
    }

    /// The misfits that this change would be the first to touch.
    #[must_use]
    pub fn refused(&self) -> Vec<Lowering> {
        let new = |l: &&Lowering| !self.waiting.contains(&l.cgroup.unit);
        self.misfits().filter(new).cloned().collect()
    }
}

impl<'a> Survey<'a> {
    /// Looks. An image (`root` other than `/`) has no running units.
    ///
    /// # Errors
    /// No cgroup v2; a file or folder that is there and cannot be read.
    pub fn take(root: &'a Root, scope: &Scope) -> Result<Self> {
        let tree = Tree::new(root, scope);
        let running = root.is_host();
        if running {
            tree.check()?;
        }
        let files = UnitFiles::scan(root, scope)?;
        Ok(Self {
            host: if running {
                Host::read(root)?
            } else {
                Host::UNKNOWN
            },
            cgroups: if running { tree.walk()? } else { Vec::new() },
            // An image's generator has not run yet: it will write what the image's profiles say.
            generated: if running {
                files.generated()?
            } else {
                overlay(&dropins(&lenient(root, scope).0).0)
            },
            tree,
            files,
            systemd: None,
        })
    }

    /// The same, knowing which directives the running systemd is too old for.
    #[must_use]
    pub fn under(self, systemd: Option<u32>) -> Self {
        Self { systemd, ..self }
    }

    /// What limits are judged over.
    #[must_use]
    pub fn scene(&self) -> Scene<'_> {
        Scene {
            host: self.host,
            systemd: self.systemd,
            cgroups: &self.cgroups,
            tree: &self.tree,
            files: &self.files,
        }
    }

    /// What `profiles` would bring about; what cannot follow waits, as the generator will see to.
    ///
    /// # Errors
    /// A file that says something strange.
    pub fn prepare(&self, profiles: &[Installed]) -> Result<Prepared> {
        let (mut dropins, _) = dropins(profiles);
        let mut planned = plan(&self.scene(), &self.generated, &dropins)?;
        let lowerings = planned.lowerings.clone();
        let held: Vec<DropIn> = lowerings.iter().filter_map(withhold).collect();
        let as_on_disk = |d: &&DropIn| self.generated.get(&d.path()) == Some(&d.text());
        let waiting = held.iter().filter(as_on_disk).map(|d| d.unit.clone());
        let waiting = waiting.collect();
        if !held.is_empty() {
            dropins.extend(recalls(&held, &self.cgroups));
            dropins.extend(held);
            planned = plan(&self.scene(), &self.generated, &dropins)?;
        }
        Ok(Prepared {
            dropins,
            plan: planned,
            lowerings,
            waiting,
        })
    }

    /// What the files on disk say and the kernel does not have, of all running units that can follow.
    ///
    /// # Errors
    /// A file that says something strange.
    pub fn pending(&self) -> Result<Vec<Pending>> {
        let scene = self.scene();
        let mut found = Vec::new();
        for cgroup in &self.cgroups {
            let words = scene.effective(&cgroup.unit, &self.generated)?;
            let lowering = lowering(&scene, cgroup, &words, false)?;
            // A nudge is of the whole slice: nobody in it may be harmed.
            if lowering.is_some_and(|l| l.misfit.is_some()) {
                return Ok(Vec::new());
            }
            found.extend(pending(&scene, cgroup, &words)?);
        }
        Ok(found)
    }

    /// Whether systemd must be asked to reload for `prepared`.
    #[must_use]
    pub fn differs(&self, prepared: &Prepared) -> bool {
        let overlay = overlay(&prepared.dropins);
        let now = |row: &Row| row.ours && row.when == When::Now;
        overlay != self.generated || prepared.plan.rows.iter().any(now)
    }
}
