//! Facts from the system: files through an open root, the rest from the manager. Nothing is written but into a
//! temporary folder, and the manager is only asked.

mod figures;
mod generator;
mod limits;
mod profiles;
mod system;
mod watching;

use jiff::Timestamp;

use crate::doctor::Area;
use crate::doctor::facts::{Facts, Hierarchy};
use crate::error::Result;
use crate::kernel::root::Root;
use crate::profiles::Set;
use crate::scope::Scope;
use crate::systemd::manager::{Manager, major};

/// Where to look.
#[derive(Debug, Clone, Copy)]
pub struct Look<'l> {
    /// The system's root, or an image's.
    pub root: &'l Root,
    /// Which manager.
    pub scope: &'l Scope,
    /// The time.
    pub now: Timestamp,
}

/// Looks at everything; what cannot be looked at is noted, and stops nothing else.
///
/// The manager is asked for when it is clear that one runs.
#[must_use]
pub fn gather<'m>(
    look: Look<'_>,
    connect: impl FnOnce() -> Result<Box<dyn Manager + 'm>>,
) -> Facts {
    let mut facts = Facts::new(look.now);
    facts.user = look.scope.is_user();
    facts.image = (!look.root.is_host()).then(|| look.root.path().to_owned());
    system::look(look, &mut facts);
    // Without systemd there are profiles to look at, and nothing else.
    let (mut manager, mut ticks) = (None, None);
    if facts.runs() {
        let asked = connect().and_then(|mut made| Ok((made.version()?, made)));
        match asked {
            Ok((version, mut made)) => {
                ticks = watching::ticks(look, &mut *made);
                facts.system.major = major(&version);
                facts.system.version = Some(version);
                manager = Some(made);
            }
            Err(e) => facts.cannot_see(
                Area::System,
                format!("systemd does not tell its version: {}", e.message()),
            ),
        }
    }
    let set = match Set::read(look.root, look.scope, &[]) {
        Ok(set) => Some(set),
        Err(e) => {
            facts.cannot_see(Area::Profiles, e.message());
            None
        }
    };
    if let Some(set) = &set {
        profiles::look(look, set, &mut facts);
    }
    if facts.system.booted == Some(false) {
        return facts;
    }
    generator::look(look, &mut facts);
    if let Some(set) = &set {
        if facts.image.is_some() || facts.readable() {
            limits::look(look, set, &mut facts);
            if let Some(manager) = manager {
                figures::look(look, manager, &mut facts);
            }
        } else {
            let why = match facts.system.cgroups {
                Some(Hierarchy::Unified) => "the memory controller is not there",
                _ => "there is no cgroup v2",
            };
            facts.cannot_see(Area::Limits, why);
            facts.cannot_see(Area::Memory, why);
        }
    }
    watching::look(look, ticks, &mut facts);
    facts
}

#[cfg(test)]
mod tests;
