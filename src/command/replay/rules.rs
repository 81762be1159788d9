//! Which rules a recording is replayed by.

use std::path::Path;

use crate::command::{Context, sources};
use crate::error::{Error, Result};
use crate::limits::dropin::{Installed, fingerprint};
use crate::profile::{Options, check as check_profile};
use crate::profiles::{Report, usable};
use crate::replay::Given;
use crate::status::typed::is_unit;
use crate::systemd::names::UnitName;
use crate::units::quote;

use super::warn;

/// What a profile gives a unit: a file's, an installed one's, or that of all that are installed.
pub(super) fn given(
    context: &Context,
    profile: Option<&Path>,
    unit: Option<&UnitName>,
    ram: Option<u64>,
) -> Result<Given> {
    let profiles = match profile {
        Some(path) if is_file(path) => from_file(path)?,
        named => installed(context, named)?,
    };
    let what = || match profile {
        Some(profile) => profile.display().to_string(),
        None => "the installed profiles".to_owned(),
    };
    let names = || {
        profiles
            .iter()
            .flat_map(|p| &p.profile.units)
            .map(|u| &u.name)
    };
    let unit = match (unit, names().collect::<Vec<_>>().as_slice()) {
        (Some(unit), _) => unit.clone(),
        (None, [only]) if is_unit(only) => (*only).clone(),
        (None, all) => {
            let all: Vec<&str> = all.iter().map(|name| name.as_str()).collect();
            return Err(
                Error::usage("which unit are the traces of?").remedy(format!(
                    "--unit UNIT; {} names {}",
                    what(),
                    list(&all)
                )),
            );
        }
    };
    Given::of(&profiles, &unit, ram).ok_or_else(|| {
        let all: Vec<&str> = names().map(|name| name.as_str()).collect();
        let told = match profile {
            Some(profile) => format!("{} does not name {unit}", profile.display()),
            None => format!("no installed profile names {unit}"),
        };
        Error::usage(told).remedy(format!("what is named: {}", list(&all)))
    })
}

/// A path, and not the name of an installed profile.
fn is_file(path: &Path) -> bool {
    path.components().count() > 1 || path.extension().is_some_and(|e| e == "toml")
}

fn list(names: &[&str]) -> String {
    match names {
        [] => "no unit".to_owned(),
        names => names.join(", "),
    }
}

/// A profile's file: its rules are checked, and not whether its units are on this machine.
fn from_file(path: &Path) -> Result<Vec<Installed>> {
    let mut given = sources::read(&[path.to_owned()], None);
    let checked = given.sources.iter();
    let checked: Vec<_> = checked
        .map(|source| check_profile(source, &Options::default()))
        .collect();
    let report = Report::of(given.errors()).with(&given.sources, &checked);
    report.refuse("nothing was replayed")?;
    let both = given.sources.iter().zip(checked);
    Ok(both
        .map(|(source, checked)| Installed {
            profile: checked.profile,
            path: path.to_owned(),
            hash: fingerprint(source.text().as_bytes()),
        })
        .collect())
}

/// The installed profiles, or the one of that name.
fn installed(context: &Context, name: Option<&Path>) -> Result<Vec<Installed>> {
    let (all, _) = usable(&context.root, &context.scope);
    let Some(name) = name.map(|name| name.to_string_lossy()) else {
        return Ok(all.into_iter().map(|one| one.installed).collect());
    };
    let names: Vec<String> = all
        .iter()
        .map(|o| o.installed.profile.name.clone())
        .collect();
    let found = all.into_iter().find(|o| o.installed.profile.name == name);
    let Some(found) = found else {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        return Err(
            Error::usage(format!("no profile {} is installed", quote(&name))).remedy(
                match names.as_slice() {
                    [] => "name its file; none is installed".to_owned(),
                    names => format!("name its file, or one of {}", names.join(", ")),
                },
            ),
        );
    };
    found.faults.iter().for_each(|fault| warn(fault));
    Ok(vec![found.installed])
}

/// What of the rules deserves a word before they are replayed.
///
/// # Errors
/// No recording could come to anything.
pub(super) fn check(sides: &[Given], is_history: bool) -> Result<()> {
    if sides.iter().all(|side| side.rules.is_empty()) {
        let side = &sides[0];
        let told = format!("{} has no rules in {}", side.unit, side.profile.display());
        return Err(Error::usage(told).remedy("`man memctl.profile` tells how rules are written"));
    }
    for side in sides {
        if let Some(key) = side.shares.first().filter(|_| !is_history) {
            return Err(Error::usage(format!(
                "{}: {key} of {} is a share of the machine's memory",
                side.profile.display(),
                side.unit
            ))
            .remedy("--ram SIZE says how much the recorded machine has"));
        }
        for rule in side.unjudged() {
            warn(&format!(
                "{}: rule {} never fires: this version of memctl does not judge it",
                side.profile.display(),
                rule.name
            ));
        }
    }
    Ok(())
}
