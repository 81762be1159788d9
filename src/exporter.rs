//! What `metrics` and the watch hand to Prometheus: what is known beside a reading, and the file for node_exporter.

mod textfile;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use crate::apply::survey::Survey;
use crate::error::{Error, Kind, Result};
use crate::kernel::folder::Folder;
use crate::kernel::root::Root;
use crate::limits::dropin::Installed;
use crate::limits::standing::Standing;
use crate::profile::Severity;
use crate::profiles::Set;
use crate::sample::Reading;
use crate::scope::Scope;
use crate::state::Store;
use crate::state::acts::acts;
use crate::systemd::names::UnitName;
use crate::view::metrics::{Facts, Profiles};

pub use textfile::Textfile;

/// Finds out what a reading does not tell; what cannot be found out is counted, and told in the second answer.
///
/// Dear beside a reading: all unit files are read. `systemd` is the running version, where it is known; the last tick
/// is the caller's to add.
#[must_use]
pub fn facts(
    root: &Root,
    scope: &Scope,
    set: &Set,
    reading: &Reading,
    systemd: Option<u32>,
) -> (Facts, Vec<String>) {
    let mut told = Vec::new();
    let standing = standing(root, scope, &set.installed(), systemd);
    let standing = standing.map_err(|e| told.push(e.message().to_owned())).ok();
    let (acts, unread) = acts(&Store::new(root, scope), reading.time);
    told.extend(unread);
    let facts = Facts {
        last_tick: None,
        standing,
        profiles: Some(Profiles {
            count: set.sources.len(),
            faults: faults(set),
        }),
        starts: starts(root, scope, reading),
        acts: Some(acts),
        faults: told.len(),
    };
    (facts, told)
}

/// How the limits of the installed profiles stand.
fn standing(
    root: &Root,
    scope: &Scope,
    installed: &[Installed],
    systemd: Option<u32>,
) -> Result<Standing> {
    let survey = Survey::take(root, scope)?.under(systemd);
    Ok(Standing::of(&survey.prepare(installed)?.plan))
}

/// The faults that cost something; a warning costs nothing.
fn faults(set: &Set) -> usize {
    let faults = set.checked.iter().flat_map(|checked| &checked.faults);
    let errors = faults.filter(|fault| fault.severity == Severity::Error);
    errors.count() + set.problems.len()
}

/// When units were started: systemd notes each start's invocation as a link, anew each time.
fn starts(root: &Root, scope: &Scope, reading: &Reading) -> BTreeMap<UnitName, Timestamp> {
    let notes = scope.unit_notes();
    let start = |unit: &UnitName| root.modified(&notes.join(format!("invocation:{unit}")));
    let units = reading.samples.iter().map(|sample| &sample.unit);
    units
        .filter_map(|unit| Some((unit.clone(), start(unit)?)))
        .collect()
}

/// Puts metrics in a file's place in one step; node_exporter never sees a half one, nor the temporary file.
///
/// # Errors
/// The folder is not there, which is not made; the file cannot be written.
pub fn publish(file: &Path, text: &str) -> Result<()> {
    let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
        let told = format!("{} is no name of a file", file.display());
        return Err(Error::usage(told));
    };
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = Folder::open(folder).map_err(|error| match error.kind() {
        Kind::Failed => error.remedy(
            "make it, or name a folder that is there: node_exporter's is the one in --collector.textfile.directory",
        ),
        _ => error,
    })?;
    folder.publish(name, text.as_bytes())
}

#[cfg(test)]
mod tests;
