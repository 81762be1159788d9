//! Profiles against the units that there are: what only the unit files can tell.

use super::fault::{Concerns, Fault};
use super::rule::Action;
use super::{Profile, UnitProfile};
use crate::error::Result;
use crate::systemd::files::{Fragment, Overlay, UnitFiles};
use crate::systemd::names::{NameKind, UnitName, UnitType};

/// The faults of a profile's names and actions, by the unit files on disk.
///
/// # Errors
/// A unit file that is there and cannot be read.
pub fn against(profile: &Profile, files: &UnitFiles<'_>) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for unit in &profile.units {
        if unit.name.kind() == NameKind::Prefix {
            continue;
        }
        match files.fragment(&unit.name)? {
            Fragment::Alias(real) => faults.push(alias(unit, &real)),
            Fragment::Masked(path) => faults.push(
                Fault::warning(
                    unit.at.clone(),
                    Concerns::Other,
                    format!("{} is masked ({})", unit.name, path.display()),
                )
                .note("its limits wait until it is unmasked and started"),
            ),
            Fragment::Missing if unit.name.unit_type() == UnitType::Service => faults.push(
                Fault::warning(
                    unit.at.clone(),
                    Concerns::Other,
                    format!("there is no {} on this system", unit.name),
                )
                .note("its limits wait until there is; `systemctl list-unit-files` shows what there is"),
            ),
            Fragment::Missing => {}
            Fragment::File(_) => faults.extend(actions(unit, files)?),
        }
    }
    Ok(faults)
}

fn alias(unit: &UnitProfile, real: &UnitName) -> Fault {
    Fault::error(
        unit.at.clone(),
        Concerns::Other,
        format!("{} is another name of {real}", unit.name),
    )
    .label("an alias")
    .help(format!(
        "write \"{real}\": a drop-in under an alias works only while the alias is enabled"
    ))
}

/// Rules that ask of a unit what it cannot do.
fn actions(unit: &UnitProfile, files: &UnitFiles<'_>) -> Result<Vec<Fault>> {
    let asks = |action: Action| unit.rules.iter().find(|r| r.action == action);
    let (restart, reload) = (asks(Action::Restart), asks(Action::Reload));
    if restart.is_none() && reload.is_none() {
        return Ok(Vec::new());
    }
    let all = files.assignments(&unit.name, &Overlay::new())?;
    let last = |key: &str| {
        let mut words = all.iter().filter(|(a, _)| a.section == "Service");
        words
            .rfind(|(a, _)| a.key == key)
            .map(|(a, _)| a.value.as_str())
            .filter(|value| !value.is_empty())
    };
    let concerns = || Concerns::Rule(Some(unit.name.to_string()));
    let mut faults = Vec::new();
    if let Some(rule) = reload.filter(|_| last("ExecReload").is_none()) {
        let message = format!("{} cannot be reloaded: it has no ExecReload=", unit.name);
        faults.push(
            Fault::error(rule.at.clone(), concerns(), message)
                .help("action = \"restart\", or give the unit an ExecReload="),
        );
    }
    if let Some(rule) = restart
        .or(reload)
        .filter(|_| last("Type") == Some("oneshot"))
    {
        let message = format!(
            "{} is Type=oneshot: a restart would run it again",
            unit.name
        );
        faults.push(Fault::error(rule.at.clone(), concerns(), message).help("action = \"alert\""));
    }
    Ok(faults)
}
