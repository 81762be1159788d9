//! The generator, as a function: profiles and the running units in, drop-ins and log lines out.

use crate::error::Error;
use crate::kernel::cgroup::Tree;
use crate::kernel::host::Host;
use crate::kernel::root::Root;
use crate::limits::dropin::{DropIn, Installed, dropins, overlay};
use crate::limits::lowering::lowering;
use crate::limits::scene::Scene;
use crate::limits::withhold::withhold;
use crate::scope::Scope;
use crate::systemd::files::UnitFiles;
use crate::systemd::names::UnitType;
use crate::units::show_bytes;

/// What the generator writes and says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Generated {
    /// The drop-ins.
    pub dropins: Vec<DropIn>,
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
    let (held, told) = held_back(root, scope, &dropins);
    dropins.extend(held);
    log.extend(told);
    Generated { dropins, log }
}

/// What must wait because a running unit could not live under it, with a log line each, and one for each unit
/// that could not be looked at: that one is not protected.
fn held_back(root: &Root, scope: &Scope, dropins: &[DropIn]) -> (Vec<DropIn>, Vec<String>) {
    let mut held = Vec::new();
    let mut log = Vec::new();
    let blind = |e: Error| vec![format!("cannot see what the units hold: {}", e.message())];
    let tree = Tree::new(root, scope);
    let cgroups = match tree.walk() {
        Ok(cgroups) => cgroups,
        Err(e) => return (held, blind(e)),
    };
    // Nothing of that can be at boot: unit files need not be read then.
    if !cgroups
        .iter()
        .any(|c| c.unit.unit_type() != UnitType::Slice && c.unit.as_str() != "init.scope")
    {
        return (held, log);
    }
    let seen = Host::read(root).and_then(|host| Ok((host, UnitFiles::scan(root, scope)?)));
    let (host, files) = match seen {
        Ok(seen) => seen,
        Err(e) => return (held, blind(e)),
    };
    let scene = Scene {
        host,
        systemd: None,
        cgroups: &cgroups,
        tree: &tree,
        files: &files,
    };
    let overlay = overlay(dropins);
    for cgroup in &cgroups {
        let judged = scene
            .effective(&cgroup.unit, &overlay)
            .and_then(|words| lowering(&scene, cgroup, &words, false));
        match judged {
            Ok(Some(lowering)) => {
                let (Some(dropin), Some(misfit)) = (withhold(&lowering), lowering.misfit) else {
                    continue;
                };
                for (key, value) in &dropin.withheld {
                    log.push(format!(
                        "{}: {key}={value} withheld until the next start: the unit needs {}",
                        dropin.unit,
                        show_bytes(misfit.demand)
                    ));
                }
                held.push(dropin);
            }
            Ok(None) => {}
            Err(e) => log.push(format!("not protected by withholding: {}", e.message())),
        }
    }
    (held, log)
}
