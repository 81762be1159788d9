//! The profiles, and a transaction that was left half-way.

use std::io::ErrorKind;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::Look;
use crate::apply::lock::is_held;
use crate::apply::record::{FILE, Record};
use crate::doctor::Area;
use crate::doctor::facts::{Facts, ProfileFault, ProfileFile};
use crate::error::Kind;
use crate::kernel::root::Root;
use crate::profile::{Checked, Fault, Severity, Source};
use crate::profiles::Set;

pub(super) fn look(look: Look<'_>, set: &Set, facts: &mut Facts) {
    facts.profiles.seen = true;
    facts.profiles.at_work = look.root.is_host() && is_held(look.root, look.scope);
    let both: Vec<(&Source, &Checked)> = set.sources.iter().zip(&set.checked).collect();
    for found in &set.found {
        let checked = both.iter().find(|(source, _)| source.path == found.path);
        let mut file = ProfileFile {
            name: found.name.clone(),
            path: found.path.clone(),
            masked: found.masked,
            ..ProfileFile::default()
        };
        if let Some((source, checked)) = checked {
            let units = &checked.profile.units;
            file.units = units.len();
            file.rules = units.iter().map(|u| u.rules.len()).sum();
            file.faults = faults(source, &checked.faults);
        } else if !found.masked {
            // It is among the problems.
            continue;
        }
        facts.profiles.files.push(file);
    }
    for problem in &set.problems {
        // What only root may read is well for root.
        if is_denied(look.root, &problem.path) {
            let why = format!("{}: {}", problem.path.display(), problem.message);
            facts.cannot_see(Area::Profiles, why);
        } else {
            let told = (problem.path.clone(), problem.message.clone());
            facts.profiles.problems.push(told);
        }
    }
    match Record::left_behind(look.root, look.scope) {
        Ok(records) => {
            let paths = records.into_iter().map(|record| record.folder.join(FILE));
            facts.profiles.records = paths.collect();
        }
        Err(e) if e.kind() == Kind::NotPermitted => facts.cannot_see(Area::Profiles, e.message()),
        Err(e) => facts.profiles.damaged = Some(e.message().to_owned()),
    }
}

/// Whether a file or folder is there and not the caller's to read: root may read it.
fn is_denied(root: &Root, path: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = root.open_at(path, flags, Mode::empty());
    opened.is_err_and(|e| e.kind() == ErrorKind::PermissionDenied)
}

pub(super) fn faults(source: &Source, faults: &[Fault]) -> Vec<ProfileFault> {
    let faults = faults.iter().map(|fault| {
        let before = source.text().get(..fault.at.start).unwrap_or_default();
        ProfileFault {
            error: fault.severity == Severity::Error,
            line: 1 + before.matches('\n').count(),
            message: fault.message.clone(),
        }
    });
    faults.collect()
}
