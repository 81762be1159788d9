//! `memctl withdraw`: what the package's removal calls before memctl and its generator are gone.
//!
//! Nobody else will lift the limits: dpkg has systemd reload for no package without units of its own that run, and on
//! systemd 257 a reload would not reach the kernel (FACTS 1). So it is a change like others, to no profile at all,
//! while the profiles stay in place for the next installation.
//!
//! Where a profile had *raised* a limit, a running unit would meet the lower one of its own files and might be killed
//! (FACTS 3), and there would be nobody left to withhold it. Such a limit is left behind as it is, under `/run`.

use std::path::Path;

use crate::apply::lock::{self, Lock};
use crate::apply::survey::Survey;
use crate::apply::{Engine, PATIENCE, Request, Tight};
use crate::command::{Context, apply, change, enact};
use crate::error::{Error, Result};
use crate::journal::changes::changes;
use crate::limits::dropin::DropIn;
use crate::limits::withhold::withhold;
use crate::profiles::{reinstate, withdraw};
use crate::scope::Scope;
use crate::systemd::manager::connect;
use crate::view::out::print;

/// Sorts behind every other drop-in, memctl's own included, and is not taken for one of those.
const FILE: &str = "zzz-left-by-memctl.conf";

pub(super) fn run(context: &Context) -> Result<u8> {
    if context.scope != Scope::System || !context.root.is_host() {
        return Err(Error::usage("withdraw is for the running system alone"));
    }
    apply::permitted(context)?;
    let _lock = Lock::take(&context.root, &context.scope, lock::PATIENCE)?;
    leave_behind(context)?;
    withdraw(&context.root, &context.scope)?;
    if let Err(error) = lift(context) {
        // The package leaves everything as it is then; so must the generator.
        reinstate(&context.root, &context.scope)?;
        return Err(error);
    }
    Ok(0)
}

/// Keeps what a running unit could not do without.
fn leave_behind(context: &Context) -> Result<()> {
    let survey = Survey::take(&context.root, &context.scope)?;
    let without = survey.prepare(&[])?;
    let ours = without.misfits().filter(|l| l.ours);
    for kept in ours.filter_map(withhold) {
        let folder = format!("/run/systemd/system/{}.d", kept.unit);
        let folder = context.root.make_dir(Path::new(&folder))?;
        folder.replace(FILE, text(&kept).as_bytes())?;
        print(&format!(
            "{} keeps its limits until the next boot: it holds more than its own files allow",
            kept.unit
        ))?;
    }
    Ok(())
}

/// Takes all limits of profiles out of systemd and the kernel, with no profile's file touched.
fn lift(context: &Context) -> Result<()> {
    let interrupted = crate::signals::catch()?;
    let mut manager = connect(&context.scope, &interrupted)?;
    let mut engine = Engine {
        root: &context.root,
        scope: &context.scope,
        manager: manager.as_mut(),
        progress: &|_| {},
        patience: PATIENCE,
        interrupted,
    };
    let recovered = engine.recover()?;
    let outcome = engine.run(Request {
        profiles: &[],
        edits: &[],
        named: Some(&[]),
        // A stranger's limit that waits goes on waiting as long as it can.
        tight: Tight {
            restart: false,
            next_start: true,
        },
        recovered,
    })?;
    enact::write(context, &changes(&outcome, &[], &[]));
    change::warn(&outcome.warnings);
    Ok(())
}

fn text(kept: &DropIn) -> String {
    let lines: String = kept
        .settings
        .iter()
        .map(|(key, value)| format!("{}={value}\n", key.name()))
        .collect();
    format!(
        "# Left behind when memctl was removed: what was in force is more than this unit's own files allow,\n\
         # and lowering it might have killed the unit. Gone with the next boot; to be rid of it before, stop the\n\
         # unit, delete this file, and run systemctl daemon-reload.\n\
         [{}]\n{lines}",
        kept.unit.unit_type().section()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::cgroup::{Cgroup, Held};
    use crate::limits::fit::{Bounds, fit};
    use crate::limits::lowering::Lowering;
    use crate::systemd::files::is_ours;
    use crate::systemd::names::UnitName;

    #[test]
    fn only_what_would_harm_is_left_behind() {
        let before = Bounds {
            high: u64::MAX,
            max: 800 << 20,
            swap: 0,
        };
        let after = Bounds {
            high: 150 << 20,
            max: 200 << 20,
            swap: u64::MAX,
        };
        let held = Held {
            current: 180 << 20,
            resident: 190 << 20,
            swap: 0,
        };
        let lowering = Lowering {
            cgroup: Cgroup {
                unit: UnitName::parse("a.service").expect("a name"),
                path: "/sys/fs/cgroup/system.slice/a.service".into(),
                slice: None,
            },
            held,
            before,
            after,
            misfit: fit(&held, before, after, 0).err(),
            ours: true,
            room: 0,
            words: std::collections::BTreeMap::new(),
        };
        let text = text(&withhold(&lowering).expect("it harms"));
        let (_, body) = text.split_once("[Service]\n").expect("a section");
        assert_eq!(body, "MemoryHigh=infinity\nMemoryMax=838860800\n");
    }

    #[test]
    fn the_file_is_the_last_and_nobody_s() {
        assert!(FILE > "zz-memctl.conf" && FILE > "override.conf");
        assert!(!is_ours(FILE));
    }
}
