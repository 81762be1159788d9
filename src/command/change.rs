//! What `apply`, `plan` and `remove` share: which files a change touches, what concerns it, what to warn of.

use std::path::PathBuf;
use std::sync::Arc;

use crate::apply::Edit;
use crate::apply::lock::is_held_in;
use crate::apply::record::{Contents, says};
use crate::apply::survey::Survey;
use crate::command::Context;
use crate::error::{Error, Result};
use crate::limits::caution::{cautions, room_in_run, too_old};
use crate::limits::dropin::Installed;
use crate::limits::plan::{Plan, When};
use crate::limits::slices::slices;
use crate::limits::totals::{Totals, totals};
use crate::policy::is_judged;
use crate::profile::rule::{Action, Rule};
use crate::profile::{Source, UnitProfile};
use crate::profiles::Set;
use crate::status::typed::is_unit;
use crate::systemd::manager::connect;
use crate::systemd::reach::Reach;
use crate::view::out::tell;

/// The edits that install `sources`; those that are in place already are none.
pub(super) fn installs(context: &Context, sources: &[Source], runtime: bool) -> Result<Vec<Edit>> {
    let mut edits = Vec::new();
    let folder = if runtime {
        context.scope.runtime_dir()
    } else {
        context.scope.config_dir()
    };
    for source in sources {
        let path = folder.join("profiles.d").join(file_name(&source.name));
        if !says(&context.root, &path, source.text())? {
            let new = Some(Contents::Text(source.text().to_owned()));
            edits.push(Edit { path, new });
        }
    }
    Ok(edits)
}

/// Why a runtime profile of that name would count for nothing, if it would.
pub(super) fn shadowed(context: &Context, name: &str, set: &Set) -> Option<Error> {
    let lasting = context.scope.config_dir();
    let shadow = set
        .found
        .iter()
        .find(|f| f.name == name && f.path.starts_with(&lasting))?;
    let told = format!(
        "{} is installed for good and wins over a runtime profile of the same name",
        shadow.path.display()
    );
    let ways = format!("leave out --runtime, or `memctl remove {name}` first");
    Some(Error::usage(told).remedy(ways))
}

/// The edits that take a profile away wherever it is; a package's is masked.
pub(super) fn removals(context: &Context, name: &str, set: &Set) -> Vec<Edit> {
    let (lasting, passing) = (context.scope.config_dir(), context.scope.runtime_dir());
    let mut edits = Vec::new();
    let mut vendor = false;
    let located = set.found.iter().filter(|f| f.name == name);
    for path in located.flat_map(|f| std::iter::once(&f.path).chain(&f.shadows)) {
        if path.starts_with(&lasting) || path.starts_with(&passing) {
            edits.push(Edit {
                path: path.clone(),
                new: None,
            });
        } else {
            vendor = true;
        }
    }
    if vendor {
        let path = lasting.join("profiles.d").join(file_name(name));
        edits.retain(|edit| edit.path != path);
        edits.push(Edit {
            path,
            new: Some(Contents::mask()),
        });
    }
    edits
}

/// The edits that leave `kept` and nothing else.
pub(super) fn prunes(context: &Context, kept: &[Source], set: &Set) -> Vec<Edit> {
    let others = set
        .found
        .iter()
        .filter(|f| !f.masked && kept.iter().all(|source| source.name != f.name));
    others
        .flat_map(|found| removals(context, &found.name, set))
        .collect()
}

/// `NAME.toml`.
pub(super) fn file_name(name: &str) -> PathBuf {
    PathBuf::from(format!("{name}.toml"))
}

/// Of a plan what concerns the named `profiles`, and what changes beside them; all, if none was `named`.
pub(super) fn of_interest(plan: &Plan, profiles: &[Installed], named: bool) -> Plan {
    if !named {
        return plan.clone();
    }
    let units = profiles.iter().flat_map(|p| &p.profile.units);
    let names = Reach::new(units.map(|u| (&u.name, ())));
    let rows = plan
        .rows
        .iter()
        .filter(|row| names.covers(&row.unit) || row.when != When::Unchanged);
    Plan {
        rows: rows.cloned().collect(),
        lowerings: plan.lowerings.clone(),
    }
}

/// What the limits of `profiles` add up to under a plan.
pub(super) fn sum(
    context: &Context,
    plan: &Plan,
    profiles: &[Installed],
    survey: &Survey<'_>,
) -> Result<Totals> {
    let slices = slices(plan, &survey.cgroups, &survey.files, &context.scope)?;
    Ok(totals(plan, profiles, &slices, survey.host.ram))
}

/// What deserves a warning before limits are put on units.
pub(super) fn warnings(
    context: &Context,
    profiles: &[Installed],
    survey: &Survey<'_>,
) -> Result<Vec<String>> {
    let mut warnings = cautions(profiles, &survey.files, &context.scope)?;
    warnings.extend(
        survey
            .systemd
            .map(|v| too_old(profiles, v))
            .unwrap_or_default(),
    );
    let unreadable = survey.files.unreadable();
    warnings.extend(unreadable.iter().map(|path| {
        format!(
            "{} is not yours to read: what it says is not counted",
            path.display()
        )
    }));
    warnings.extend(of_rules(context, profiles));
    if context.root.is_host() && !context.scope.is_user() {
        warnings.extend(room_in_run());
    }
    Ok(warnings)
}

/// What deserves a warning of rules: those that this version does not judge, and that nobody watches.
fn of_rules(context: &Context, profiles: &[Installed]) -> Vec<String> {
    let units = profiles.iter().flat_map(|p| &p.profile.units);
    let rules = || {
        units
            .clone()
            .flat_map(|unit| unit.rules.iter().map(move |rule| (unit, rule)))
    };
    let mut warnings = Vec::new();
    let unjudged = rules().filter(|(_, rule)| !is_judged(rule));
    for (unit, rule) in unjudged {
        warnings.push(format!(
            "{}: rule {} never fires: this version of memctl does not judge it",
            unit.name, rule.name
        ));
    }
    let units = profiles.iter().flat_map(|p| &p.profile.units);
    let waiting = units.filter(|unit| {
        let waits = |rule: &Rule| rule.action == Action::Restart && !rule.ignores_idle;
        unit.restart.idle.is_some() && unit.rules.iter().any(waits)
    });
    for unit in waiting {
        warnings.push(format!(
            "{}: is to be idle before a restart, which this version of memctl cannot tell: rules do not restart it",
            unit.name
        ));
    }
    warnings.extend(taken_along(context, profiles));
    let count = rules().count();
    if count > 0 && context.root.is_host() && !is_watched(context) {
        let (noun, start) = match (count, context.scope.is_user()) {
            (1, false) => ("1 rule".to_owned(), "systemctl enable --now memctl.service"),
            (n, false) => (
                format!("{n} rules"),
                "systemctl enable --now memctl.service",
            ),
            (1, true) => ("1 rule".to_owned(), "memctl --user watch"),
            (n, true) => (format!("{n} rules"), "memctl --user watch"),
        };
        warnings.push(format!("{noun} and nothing watches: `{start}`"));
    }
    warnings
}

/// What a restart that rules want would take along, of units that run now. Where systemd cannot be asked, nothing is
/// said: whoever restarts asks again.
fn taken_along(context: &Context, profiles: &[Installed]) -> Vec<String> {
    let restarts = |unit: &&UnitProfile| {
        let mut rules = unit.rules.iter();
        is_unit(&unit.name) && rules.any(|rule| rule.action == Action::Restart && is_judged(rule))
    };
    let units = profiles.iter().flat_map(|p| &p.profile.units);
    let units: Vec<&UnitProfile> = units.filter(restarts).collect();
    if units.is_empty() || !context.root.is_host() {
        return Vec::new();
    }
    let Ok(mut manager) = connect(&context.scope, &Arc::default()) else {
        return Vec::new();
    };
    let line = |unit: &UnitProfile| {
        let look = manager.look(unit.name.as_str()).ok()?;
        let along = look.dependents.iter();
        let along: Vec<String> = along.map(|d| format!("{} ({}=)", d.unit, d.by)).collect();
        let along = Some(along.join(", ")).filter(|along| !along.is_empty())?;
        Some(format!(
            "{}: a restart by its rules takes along {along}",
            unit.name
        ))
    };
    units.into_iter().filter_map(line).collect()
}

/// Whether a daemon watches, or a timer is enabled. Who may not see it says nothing.
fn is_watched(context: &Context) -> bool {
    let timer = context.scope.unit_dirs();
    let timer = timer
        .iter()
        .map(|dir| dir.join("timers.target.wants/memctl-watch.timer"));
    let mut timer = timer.filter_map(|link| context.root.read_link(&link).ok().flatten());
    is_held_in(&context.root, &context.scope.state_dir()).unwrap_or(true) || timer.next().is_some()
}

/// Tells warnings on standard error.
pub(super) fn warn(warnings: &[String]) {
    for warning in warnings {
        tell(&format!("warning: {warning}"));
    }
}
