//! The generator, as a function: profiles and the running units in, drop-ins and log lines out.

use crate::error::Error;
use crate::kernel::cgroup::Tree;
use crate::kernel::host::Host;
use crate::kernel::root::Root;
use crate::limits::dropin::{DropIn, Installed, dropins};
use crate::limits::keep::Keep;
use crate::limits::withhold::{Withheld, withhold};
use crate::scope::Scope;

/// What the generator writes and says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Generated {
    /// The drop-ins.
    pub dropins: Vec<DropIn>,
    /// What waits for a unit's next start.
    pub withheld: Vec<Withheld>,
    /// One line for the kernel log each.
    pub log: Vec<String>,
}

/// Turns profiles into drop-ins that harm no running unit.
///
/// At boot there are no cgroups of services yet and nothing is withheld (FACTS 10a). Where the kernel's files
/// cannot be read nothing is withheld either, and the log says so.
#[must_use]
pub fn generate(root: &Root, scope: &Scope, profiles: &[Installed]) -> Generated {
    let (mut dropins, conflicts) = dropins(profiles);
    let mut log: Vec<String> = conflicts
        .iter()
        .map(|c| {
            format!(
                "{}: {} is in {} already, ignored here",
                c.ignored.display(),
                c.unit,
                c.kept.display()
            )
        })
        .collect();
    let mut withheld = Vec::new();
    let tree = Tree::new(root, scope);
    let kept = root.inode(&Keep::path(scope)).is_some();
    if !dropins.is_empty() || kept {
        let looked = tree.walk().and_then(|cgroups| {
            if cgroups.is_empty() {
                return Ok(());
            }
            let host = Host::read(root)?;
            let (found, errors) = withhold(&mut dropins, &tree, &cgroups, &host);
            withheld = found;
            let blind = |e: Error| format!("not protected by withholding: {}", e.message());
            log.extend(errors.into_iter().map(blind));
            Keep::read(root, scope, &tree, &cgroups).add_dropins(scope, &cgroups, &mut dropins);
            Ok(())
        });
        if let Err(e) = looked {
            log.push(format!("cannot see what the units hold: {}", e.message()));
        }
    }
    for w in &withheld {
        for (key, value) in &w.settings {
            log.push(format!(
                "{}: {}={value} withheld until the next start: the unit needs {}",
                w.unit,
                key.name(),
                crate::units::show_bytes(w.misfit.demand)
            ));
        }
    }
    Generated {
        dropins,
        withheld,
        log,
    }
}
