//! The generator, as a function: profiles and the running units in, drop-ins and log lines out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::error::{Error, Result};
use crate::kernel::cgroup::{Cgroup, Tree};
use crate::kernel::host::Host;
use crate::kernel::root::Root;
use crate::limits::dropin::{DropIn, Installed, dropins, fingerprint, overlay};
use crate::limits::effective::Effective;
use crate::limits::key::Key;
use crate::limits::lowering::lowering;
use crate::limits::pending::pending;
use crate::limits::scene::Scene;
use crate::limits::withhold::{recalls, withhold};
use crate::scope::Scope;
use crate::systemd::files::UnitFiles;
use crate::systemd::names::UnitType;
use crate::units::show_bytes;

/// What the generator writes and says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Generated {
    /// The drop-ins.
    pub dropins: Vec<DropIn>,
    /// What running units will not have by the reload alone on a systemd that leaves the kernel behind, in a word that
    /// is the same for the same changes; `None` if there is nothing.
    pub pending: Option<String>,
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
    let look = look(root, scope, &dropins);
    dropins.extend(look.held);
    log.extend(look.log);
    let pending = (!look.pending.is_empty()).then(|| fingerprint(look.pending.as_bytes()));
    Generated {
        dropins,
        pending,
        log,
    }
}

/// What a look at the running units shows.
#[derive(Debug, Default)]
struct Look {
    /// What must wait because a running unit could not live under it.
    held: Vec<DropIn>,
    /// What the kernel does not have, a line each.
    pending: String,
    /// A line for each limit that waits, and for each unit that could not be looked at: that one is not protected.
    log: Vec<String>,
}

fn look(root: &Root, scope: &Scope, dropins: &[DropIn]) -> Look {
    let blind = |e: Error| Look {
        log: vec![format!("cannot see what the units hold: {}", e.message())],
        ..Look::default()
    };
    let tree = Tree::new(root, scope);
    let cgroups = match tree.walk() {
        Ok(cgroups) => cgroups,
        Err(e) => return blind(e),
    };
    // Nothing runs yet at boot: the unit files need not be read then.
    let runs =
        |c: &Cgroup| c.unit.unit_type() != UnitType::Slice && c.unit.as_str() != "init.scope";
    if !cgroups.iter().any(runs) {
        return Look::default();
    }
    let seen = Host::read(root).and_then(|host| Ok((host, UnitFiles::scan(root, scope)?)));
    let (host, files) = match seen {
        Ok(seen) => seen,
        Err(e) => return blind(e),
    };
    let scene = Scene {
        host,
        systemd: None,
        cgroups: &cgroups,
        tree: &tree,
        files: &files,
    };
    let overlay = overlay(dropins);
    let mut look = Look::default();
    for cgroup in &cgroups {
        let judged = scene
            .effective(&cgroup.unit, &overlay)
            .and_then(|words| judge(&scene, cgroup, &words, &mut look));
        if let Err(e) = judged {
            look.log
                .push(format!("not protected by withholding: {}", e.message()));
        }
    }
    look.held.extend(recalls(&look.held, &cgroups));
    look
}

fn judge(
    scene: &Scene<'_>,
    cgroup: &Cgroup,
    words: &BTreeMap<Key, Effective>,
    look: &mut Look,
) -> Result<()> {
    let lowering = lowering(scene, cgroup, words, false)?;
    let held = lowering.as_ref().and_then(withhold);
    for pending in pending(scene, cgroup, words)? {
        let waits = |d: &DropIn| d.withheld.contains_key(&pending.key);
        if !held.as_ref().is_some_and(waits) {
            // Writing to a String cannot fail.
            let _ = writeln!(
                look.pending,
                "{} {}={}",
                cgroup.unit, pending.key, pending.level
            );
        }
    }
    let misfit = lowering.and_then(|l| l.misfit);
    if let (Some(dropin), Some(misfit)) = (held, misfit) {
        for (key, value) in &dropin.withheld {
            look.log.push(format!(
                "{}: {key}={value} withheld until the next start: the unit needs {}",
                dropin.unit,
                show_bytes(misfit.demand)
            ));
        }
        look.held.push(dropin);
    }
    Ok(())
}
