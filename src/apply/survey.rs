//! One look at the system before a change: machine, running units, unit files, what is generated now.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::kernel::cgroup::{Cgroup, Tree};
use crate::kernel::host::Host;
use crate::kernel::root::Root;
use crate::limits::dropin::{DropIn, Installed, dropins, overlay};
use crate::limits::keep::Keep;
use crate::limits::plan::{Lowering, Plan, Row, Scene, When, plan};
use crate::limits::withhold::withhold;
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
}

/// What would be written, and what that changes.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The drop-ins, with what is withheld or kept in them.
    pub dropins: Vec<DropIn>,
    /// The changes.
    pub plan: Plan,
    /// The running units that could not live under the profiles as they are written.
    pub misfits: Vec<Lowering>,
    /// Those of them whose limits are withheld on disk already: nothing gets worse for them.
    pub waiting: BTreeSet<UnitName>,
}

impl Prepared {
    /// The misfits that this change would be the first to touch.
    #[must_use]
    pub fn refused(&self) -> Vec<Lowering> {
        let new = |l: &&Lowering| !self.waiting.contains(&l.cgroup.unit);
        self.misfits.iter().filter(new).cloned().collect()
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
        })
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            host: self.host,
            cgroups: &self.cgroups,
            tree: &self.tree,
            files: &self.files,
        }
    }

    /// What `profiles` would bring about, with `keep` for units that cannot follow.
    ///
    /// # Errors
    /// A file that says something strange.
    pub fn prepare(&self, scope: &Scope, profiles: &[Installed], keep: &Keep) -> Result<Prepared> {
        let (written, _) = dropins(profiles);
        let mut held_back = written.clone();
        let (withheld, errors) = withhold(&mut held_back, &self.tree, &self.cgroups, &self.host);
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        keep.add_dropins(scope, &self.cgroups, &mut held_back);
        let mut plain = written;
        keep.add_dropins(scope, &self.cgroups, &mut plain);
        let as_written = plan(&self.scene(), &self.generated, &plain)?;
        let misfits = as_written
            .lowerings
            .iter()
            .filter(|l| l.misfit.is_some())
            .cloned()
            .collect();
        let plan = if withheld.is_empty() {
            as_written
        } else {
            plan(&self.scene(), &self.generated, &held_back)?
        };
        let waiting = held_back
            .iter()
            .filter(|d| !d.withheld.is_empty())
            .filter(|d| {
                let there = self.generated.get(&d.path());
                there.is_some_and(|text| same_settings(text, &d.text()))
            })
            .map(|d| d.unit.clone())
            .collect();
        Ok(Prepared {
            dropins: held_back,
            plan,
            misfits,
            waiting,
        })
    }

    /// Whether systemd must be asked to reload for `prepared`.
    #[must_use]
    pub fn differs(&self, prepared: &Prepared) -> bool {
        let overlay = overlay(&prepared.dropins);
        let now = |row: &Row| row.ours && row.when == When::Now;
        overlay != self.generated || prepared.plan.rows.iter().any(now)
    }
}

/// Whether two drop-ins set the same, whatever file they are made from.
fn same_settings(a: &str, b: &str) -> bool {
    let settings = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("# Profile:"));
        lines.map(ToOwned::to_owned).collect()
    };
    settings(a) == settings(b)
}
