//! The units with their limits: what the files say, what the kernel has.

use std::collections::{BTreeMap, BTreeSet};

use super::Look;
use crate::apply::survey::{Prepared, Survey};
use crate::doctor::Area;
use crate::doctor::facts::{Facts, Overridden, Pending, Said, Unit, Withheld, Word};
use crate::error::{Error, Result};
use crate::kernel::cgroup::Cgroup;
use crate::limits::dropin::{Installed, overlay};
use crate::limits::effective::effective;
use crate::limits::pending::pending;
use crate::limits::plan::Row;
use crate::limits::slices::{slice_of, slices};
use crate::limits::totals::totals;
use crate::profile::rule::{Action, Condition};
use crate::profiles::Set;
use crate::readings::Readings as _;
use crate::readings::cgroup::CgroupReadings;
use crate::systemd::files::{Origin, Overlay};
use crate::systemd::names::{NameKind, UnitName, UnitType};
use crate::systemd::reach::Reach;

/// The directives that are no limits and matter here, in the section of the unit's type or in `[Unit]`.
const MATTERS: [&str; 9] = [
    "ExecStart",
    "MemoryAccounting",
    "Restart",
    "StartLimitBurst",
    "StartLimitInterval",
    "StartLimitIntervalSec",
    "Type",
    "Slice",
    "WatchdogSec",
];

/// The most that is told of what could not be read.
const MOST_UNSEEN: usize = 5;

pub(super) fn look(look: Look<'_>, set: &Set, facts: &mut Facts) {
    let installed = set.installed();
    let seen = Survey::take(look.root, look.scope)
        .map(|survey| survey.under(facts.system.major))
        .and_then(|survey| Ok((survey.prepare(&installed)?, survey)));
    let (prepared, survey) = match seen {
        Ok(seen) => seen,
        Err(e) => {
            facts.cannot_see(Area::Limits, e.message());
            facts.cannot_see(Area::Memory, e.message());
            return;
        }
    };
    facts.limits.seen = true;
    in_force(&prepared, facts);
    let summed = slices(&prepared.plan, &survey.cgroups, &survey.files, look.scope);
    match summed {
        Ok(slices) => {
            facts.limits.totals = totals(&prepared.plan, &installed, &slices, survey.host.ram)
        }
        Err(e) => facts.cannot_see(Area::Limits, e.message()),
    }
    let mut faults = Faults::default();
    let profiles = Profiles::new(&installed);
    not_in_kernel(&survey, &profiles, facts, &mut faults);
    let overlay = overlay(&prepared.dropins);
    for name in names(look, &survey, &installed, &overlay, &mut faults) {
        match unit(look, &survey, &name, &overlay, &profiles) {
            Ok(unit) => facts.units.push(unit),
            Err(e) => faults.add(&e),
        }
    }
    readings(look, &survey, facts);
    for path in survey.files.unreadable() {
        faults
            .told
            .insert(format!("{} is not yours to read", path.display()));
    }
    faults.tell(facts);
}

/// What could not be read, each once.
#[derive(Debug, Default)]
struct Faults {
    told: BTreeSet<String>,
}

impl Faults {
    fn add(&mut self, error: &Error) {
        self.told.insert(error.message().to_owned());
    }

    fn tell(self, facts: &mut Facts) {
        tell(self.told, Area::Limits, facts);
    }
}

fn tell(told: impl IntoIterator<Item = String>, area: Area, facts: &mut Facts) {
    let mut told = told.into_iter();
    for why in told.by_ref().take(MOST_UNSEEN) {
        facts.cannot_see(area, why);
    }
    let rest = told.count();
    if rest > 0 {
        facts.cannot_see(area, format!("and {rest} more"));
    }
}

/// The profiles by the units that they reach.
struct Profiles<'p> {
    reach: Reach<'p, (&'p str, &'p crate::profile::UnitProfile)>,
}

impl<'p> Profiles<'p> {
    fn new(installed: &'p [Installed]) -> Self {
        let units = installed.iter().flat_map(|i| {
            let name = i.profile.name.as_str();
            i.profile
                .units
                .iter()
                .map(move |unit| (&unit.name, (name, unit)))
        });
        Self {
            reach: Reach::new(units),
        }
    }
}

/// Rows of the plan that say what is overridden, and what waits.
fn in_force(prepared: &Prepared, facts: &mut Facts) {
    for row in &prepared.plan.rows {
        let text = |shown: &Option<crate::limits::plan::Shown>| {
            shown
                .as_ref()
                .map_or_else(|| "none".to_owned(), |s| s.text.clone())
        };
        let Row {
            unit,
            key,
            overridden,
            withheld,
            ..
        } = row;
        if let Some(by) = overridden {
            facts.limits.overridden.push(Overridden {
                unit: unit.clone(),
                key: *key,
                // In the kernel's figures, where it has any: a file that systemd wrote has bytes.
                value: row
                    .after
                    .as_ref()
                    .map_or_else(|| by.value.clone(), |s| s.text.clone()),
                wanted: by.wanted.clone(),
                by: by.by.clone(),
            });
        } else if let Some(wanted) = withheld {
            facts.limits.withheld.push(Withheld {
                unit: unit.clone(),
                key: *key,
                wanted: wanted.clone(),
                kernel: text(&row.before),
            });
        }
    }
}

/// What the files on disk say and the kernel does not have.
fn not_in_kernel(
    survey: &Survey<'_>,
    profiles: &Profiles<'_>,
    facts: &mut Facts,
    faults: &mut Faults,
) {
    let scene = survey.scene();
    for cgroup in &survey.cgroups {
        let found = scene
            .effective(&cgroup.unit, &survey.generated)
            .and_then(|words| pending(&scene, cgroup, &words));
        match found {
            Ok(found) => facts.limits.pending.extend(found.into_iter().map(|p| {
                Pending {
                    unit: cgroup.unit.clone(),
                    key: p.key,
                    kernel: p
                        .before
                        .map_or_else(|| "none".to_owned(), |level| level.to_string()),
                    files: p.level.to_string(),
                    ours: profiles.reach.covers(&cgroup.unit),
                }
            })),
            Err(e) => faults.add(&e),
        }
    }
}

/// The units that run, those of the profiles, and the slices of all of them.
fn names(
    look: Look<'_>,
    survey: &Survey<'_>,
    installed: &[Installed],
    overlay: &Overlay,
    faults: &mut Faults,
) -> BTreeSet<UnitName> {
    let running = survey.cgroups.iter().map(|c| c.unit.clone());
    let ours = installed.iter().flat_map(|i| &i.profile.units);
    let mut names: BTreeSet<UnitName> = running.chain(ours.map(|u| u.name.clone())).collect();
    for unit in installed.iter().flat_map(|i| &i.profile.units) {
        let slice = match survey.files.assignments(&unit.name, overlay) {
            Ok(all) => slice_of(&unit.name, &all, look.scope),
            Err(e) => {
                faults.add(&e);
                None
            }
        };
        let mut next = slice;
        while let Some(slice) = next {
            next = slice.parent_slice();
            names.insert(slice);
        }
    }
    names
}

fn unit(
    look: Look<'_>,
    survey: &Survey<'_>,
    name: &UnitName,
    overlay: &Overlay,
    profiles: &Profiles<'_>,
) -> Result<Unit> {
    let all = survey.files.assignments(name, overlay)?;
    let scene = survey.scene();
    let mut made = Unit::new(name.clone());
    let covering = profiles.reach.covering(name);
    made.profile = covering.first().map(|(profile, _)| (*profile).to_owned());
    for (_, unit) in &covering {
        if &unit.name == name {
            made.asked = unit.limits.keys().copied().collect();
        }
        let conditions = unit.rules.iter().flat_map(|rule| &rule.conditions);
        made.minds_standstill |= conditions
            .into_iter()
            .any(|c| matches!(c, Condition::Stalled));
        made.restarts |= unit
            .rules
            .iter()
            .any(|rule| matches!(rule.action, Action::Restart));
    }
    for (key, word) in effective(name, &all) {
        if !scene.knows(key, name) {
            continue;
        }
        let level = scene.level(key, Some(&word));
        made.limits.insert(
            key,
            Word {
                text: word.text,
                level,
                origin: word.origin,
            },
        );
    }
    let section = name.unit_type().section();
    for (assignment, path) in &all {
        let Some(directive) = MATTERS.iter().find(|d| **d == assignment.key) else {
            continue;
        };
        if assignment.section == section || assignment.section == "Unit" {
            let said = Said {
                value: assignment.value.clone(),
                origin: Origin {
                    path: path.clone(),
                    line: assignment.line,
                },
            };
            made.said.insert(directive, said);
        }
    }
    made.slice = match survey.cgroups.iter().find(|c| &c.unit == name) {
        Some(cgroup) => cgroup.slice.clone(),
        None if name.kind() == NameKind::Prefix => None,
        None => slice_of(name, &all, look.scope),
    };
    Ok(made)
}

/// What the kernel tells of what runs.
fn readings(look: Look<'_>, survey: &Survey<'_>, facts: &mut Facts) {
    if !look.root.is_host() {
        return;
    }
    let reading =
        CgroupReadings::new(look.root, look.scope).and_then(|mut r| r.read(look.now, &|_| true));
    let reading = match reading {
        Ok(reading) => reading,
        Err(e) => {
            facts.cannot_see(Area::Memory, e.message());
            return;
        }
    };
    facts.swap = reading.host.and_then(|host| host.swap_total);
    let cgroups: BTreeMap<&UnitName, &Cgroup> =
        survey.cgroups.iter().map(|c| (&c.unit, c)).collect();
    let mut faults = reading.faults.clone();
    for unit in &mut facts.units {
        let (Some(sample), Some(cgroup)) = (reading.get(&unit.name), cgroups.get(&unit.name))
        else {
            continue;
        };
        unit.unaccounted = is_unaccounted(survey, cgroup);
        match survey.tree.swap_room_above(cgroup) {
            Ok(room) => unit.swap_room = Some(room),
            Err(e) => faults.push(e.message().to_owned()),
        }
        unit.reading = Some(sample.clone());
    }
    tell(faults, Area::Memory, facts);
}

/// It is there, holds processes, and has no file of memory.
fn is_unaccounted(survey: &Survey<'_>, cgroup: &Cgroup) -> bool {
    let of_processes = matches!(cgroup.unit.unit_type(), UnitType::Service | UnitType::Scope);
    let has = |file| survey.tree.file(cgroup, file);
    of_processes
        && matches!(has("memory.current"), Ok(None))
        && matches!(has("cgroup.procs"), Ok(Some(_)))
}
