//! Which slice a unit lies in: the kernel says so of what runs, the unit files of the rest.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::error::Result;
use crate::kernel::cgroup::Cgroup;
use crate::limits::key::Key;
use crate::limits::plan::Plan;
use crate::scope::Scope;
use crate::systemd::files::{Overlay, UnitFiles};
use crate::systemd::names::{NameKind, UnitName, UnitType, escape};
use crate::systemd::unit_file::Assignment;

/// Units and the slice that each lies in; slices themselves spell theirs.
pub type Slices = BTreeMap<UnitName, UnitName>;

/// The slices of the units that a plan gives a MemoryMax: what [`totals`](crate::limits::totals::totals) asks for.
///
/// # Errors
/// A unit file that is there and cannot be read.
pub fn slices(
    plan: &Plan,
    cgroups: &[Cgroup],
    files: &UnitFiles<'_>,
    scope: &Scope,
) -> Result<Slices> {
    let running: BTreeMap<&UnitName, &Cgroup> = cgroups.iter().map(|c| (&c.unit, c)).collect();
    let rows = plan.rows.iter();
    let mut found = Slices::new();
    for row in rows.filter(|row| row.ours && row.key == Key::MemoryMax) {
        let slice = match running.get(&row.unit) {
            Some(cgroup) => cgroup.slice.clone(),
            None => {
                // What memctl generates says nothing of slices.
                let all = files.assignments(&row.unit, &Overlay::new())?;
                slice_of(&row.unit, &all, scope)
            }
        };
        if let Some(slice) = slice {
            found.insert(row.unit.clone(), slice);
        }
    }
    Ok(found)
}

/// The slice that a unit would be started in, by the lines of its files; none for a prefix, for the root slice,
/// and where `Slice=` names something that only systemd could resolve.
#[must_use]
pub fn slice_of(
    unit: &UnitName,
    assignments: &[(Assignment, PathBuf)],
    scope: &Scope,
) -> Option<UnitName> {
    if unit.unit_type() == UnitType::Slice {
        return unit.parent_slice();
    }
    let section = unit.unit_type().section();
    let said = assignments
        .iter()
        .map(|(assignment, _)| assignment)
        // systemd ignores an empty one.
        .rfind(|a| a.section == section && a.key == "Slice" && !a.value.is_empty());
    match said {
        Some(said) => {
            let slice = UnitName::parse(&said.value).ok();
            slice.filter(|slice| slice.unit_type() == UnitType::Slice)
        }
        None => default_slice(unit, scope),
    }
}

/// Where systemd puts a unit that names no slice (`unit_set_default_slice`): the instances of a template have a
/// slice of their own.
fn default_slice(unit: &UnitName, scope: &Scope) -> Option<UnitName> {
    let own = if scope.is_user() { "app" } else { "system" };
    let text = match (unit.kind(), unit.stem().split_once('@')) {
        (NameKind::Prefix, _) => return None,
        // A dash would be a level of its own.
        (_, Some((prefix, _))) => format!("{own}-{}.slice", escape(prefix)),
        (_, None) => format!("{own}.slice"),
    };
    UnitName::parse(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::User;
    use crate::systemd::unit_file;

    fn slice(unit: &str, text: &str, scope: &Scope) -> String {
        let unit = UnitName::parse(unit).expect(unit);
        let parsed = unit_file::parse(text).into_iter();
        let all: Vec<_> = parsed.map(|a| (a, PathBuf::new())).collect();
        slice_of(&unit, &all, scope).map_or_else(|| "?".to_owned(), |s| s.to_string())
    }

    #[test]
    fn the_files_say_it_or_systemd_s_default() {
        let user = Scope::User(User {
            uid: 1000,
            runtime: "/run/user/1000".into(),
            config: "/home/u/.config".into(),
            data: "/home/u/.local/share".into(),
            state: "/home/u/.local/state".into(),
        });
        for (unit, text, system, own) in [
            ("a.service", "", "system.slice", "app.slice"),
            (
                "a-b@1.service",
                "",
                "system-a\\x2db.slice",
                "app-a\\x2db.slice",
            ),
            ("w@.service", "", "system-w.slice", "app-w.slice"),
            (
                "a.service",
                "[Service]\nSlice=x.slice\nSlice=shop-web.slice\nSlice=\n[Slice]\nSlice=y.slice\n",
                "shop-web.slice",
                "shop-web.slice",
            ),
            (
                "a.scope",
                "[Service]\nSlice=x.slice\n",
                "system.slice",
                "app.slice",
            ),
            ("a@1.service", "[Service]\nSlice=x-%i.slice\n", "?", "?"),
            ("a.service", "[Service]\nSlice=other.service\n", "?", "?"),
            ("a-.service", "", "?", "?"),
            ("shop-web.slice", "", "shop.slice", "shop.slice"),
        ] {
            assert_eq!(slice(unit, text, &Scope::System), system, "{unit} {text}");
            assert_eq!(slice(unit, text, &user), own, "{unit} {text}");
        }
    }
}
