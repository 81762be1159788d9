//! `memctl withdraw`: what the package's removal calls before memctl and its generator are gone.
//!
//! The reload after that takes all of memctl's drop-ins away. Where they had *raised* a limit, a running unit would
//! meet the lower one of its own files and might be killed (FACTS 3), and there would be nobody left to withhold it.
//! So such a limit is left behind as it is, under `/run`.

use std::path::Path;

use crate::apply::lock::{self, Lock};
use crate::apply::survey::Survey;
use crate::command::{Context, apply};
use crate::error::{Error, Result};
use crate::limits::key::Key;
use crate::limits::lowering::Lowering;
use crate::limits::withhold::as_directive;
use crate::scope::Scope;
use crate::view::out::print;

/// Sorts behind every other drop-in, memctl's own included, and is not taken for one of those.
const FILE: &str = "zzz-left-by-memctl.conf";

pub(super) fn run(context: &Context) -> Result<u8> {
    if context.scope != Scope::System || !context.root.is_host() {
        return Err(Error::usage("withdraw is for the running system alone"));
    }
    apply::permitted(context)?;
    let _lock = Lock::take(&context.root, &context.scope, lock::PATIENCE)?;
    let survey = Survey::take(&context.root, &context.scope)?;
    let without = survey.prepare(&[])?;
    for lowering in without.lowerings.iter().filter(|l| l.ours) {
        let folder = format!("/run/systemd/system/{}.d", lowering.cgroup.unit);
        let text = text(lowering);
        let folder = context.root.make_dir(Path::new(&folder))?;
        folder.replace(FILE, text.as_bytes())?;
        print(&format!(
            "{} keeps its limits until the next boot: those of its own files are lower",
            lowering.cgroup.unit
        ))?;
    }
    Ok(0)
}

fn text(lowering: &Lowering) -> String {
    let (before, after) = (lowering.before, lowering.after);
    let lowered = [
        (Key::MemoryHigh, before.high, after.high),
        (Key::MemoryMax, before.max, after.max),
        (Key::MemorySwapMax, before.swap, after.swap),
    ];
    let lines: String = lowered
        .into_iter()
        .filter(|(_, before, after)| after < before)
        .map(|(key, before, _)| format!("{key}={}\n", as_directive(before)))
        .collect();
    format!(
        "# Left behind when memctl was removed: what was in force is more than this unit's own files allow,\n\
         # and lowering it might have killed the unit. Gone with the next boot; to be rid of it before, stop the\n\
         # unit, delete this file, and run systemctl daemon-reload.\n\
         [{}]\n{lines}",
        lowering.cgroup.unit.unit_type().section()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::cgroup::{Cgroup, Held};
    use crate::limits::fit::Bounds;
    use crate::systemd::files::is_ours;
    use crate::systemd::names::UnitName;

    #[test]
    fn only_what_would_be_lowered_is_left_behind() {
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
        let lowering = Lowering {
            cgroup: Cgroup {
                unit: UnitName::parse("a.service").expect("a name"),
                path: "/sys/fs/cgroup/system.slice/a.service".into(),
                slice: None,
            },
            held: Held::default(),
            before,
            after,
            misfit: None,
            ours: true,
            room: 0,
            words: std::collections::BTreeMap::new(),
        };
        let text = text(&lowering);
        let (_, body) = text.split_once("[Service]\n").expect("a section");
        assert_eq!(body, "MemoryHigh=infinity\nMemoryMax=838860800\n");
    }

    #[test]
    fn the_file_is_the_last_and_nobody_s() {
        assert!(FILE > "zz-memctl.conf" && FILE > "override.conf");
        assert!(!is_ours(FILE));
    }
}
