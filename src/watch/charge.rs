//! What the profiles say of a unit that runs: its rules and how it is restarted.

use std::fmt::Write as _;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use crate::kernel::root::Root;
use crate::limits::dropin::Installed;
use crate::limits::key::Key;
use crate::policy::built_in;
use crate::profile::{Restart, Rule, Setting, UnitProfile};
use crate::scope::Scope;
use crate::systemd::names::{UnitName, dropin_names};
use crate::systemd::reach::Reach;

/// What is to be done about one unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Charge {
    /// The profile's file.
    pub profile: PathBuf,
    /// The rules, and after them those that memctl has by itself.
    pub rules: Vec<Rule>,
    /// How it is restarted.
    pub restart: Restart,
    /// The fingerprint of the profile.
    hash: String,
}

impl Charge {
    /// Tells whether profile or unit files were changed: what failed before may work with them (DESIGN §7).
    #[must_use]
    pub fn fingerprint(&self, root: &Root, scope: &Scope, unit: &UnitName) -> String {
        let mut digest = Sha256::new();
        digest.update(&self.hash);
        // The generator's folder is written anew at each reload.
        let ours = scope.generator_dir();
        let folders = scope.unit_dirs().into_iter().filter(|dir| *dir != ours);
        for folder in folders {
            for name in dropin_names(unit) {
                for path in [folder.join(&*name), folder.join(format!("{name}.d"))] {
                    if let Some(stamp) = root.stamp(&path) {
                        digest.update(format!("{} {stamp:?}\n", path.display()));
                    }
                }
            }
        }
        let bytes = digest.finalize();
        bytes.iter().take(8).fold(String::new(), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// What the installed profiles say of units that run.
#[derive(Debug)]
pub struct Charges<'p> {
    reach: Reach<'p, (&'p Installed, &'p UnitProfile)>,
}

impl<'p> Charges<'p> {
    /// Of profiles as they are installed; of a unit that two of them name the first by file name counts.
    #[must_use]
    pub fn new(profiles: &'p [Installed]) -> Self {
        let units = profiles.iter().flat_map(|installed| {
            let units = installed.profile.units.iter();
            units.map(move |unit| (&unit.name, (installed, unit)))
        });
        Self {
            reach: Reach::new(units),
        }
    }

    /// What is said of a unit: the rules of the most specific name that has any, and restart settings key by key, as
    /// limits are merged. `None` where no profile names it.
    #[must_use]
    pub fn of(&self, unit: &UnitName) -> Option<Charge> {
        let found = self.covering(unit);
        let (first, _) = found.first()?;
        let own = found.iter().find(|(_, unit)| !unit.rules.is_empty());
        let mut rules = own.map_or_else(Vec::new, |(_, unit)| unit.rules.clone());
        let limited = found.iter().any(|(_, unit)| !unit.limits.is_empty());
        rules.extend(built_in(limited, &rules));
        let settings = found.iter().map(|(_, unit)| unit.restart.clone());
        let restart = settings
            .reduce(|specific, general| specific.or(&general))
            .unwrap_or_default();
        Some(Charge {
            profile: first.path.clone(),
            rules,
            restart,
            hash: first.hash.clone(),
        })
    }

    /// What is said of one of its limits, by the most specific name that says anything of it.
    #[must_use]
    pub fn limit(&self, unit: &UnitName, key: Key) -> Option<&'p Setting> {
        let found = self.covering(unit);
        found.iter().find_map(|(_, unit)| unit.limits.get(&key))
    }

    /// What the profiles say of a unit, under each of the names that are for it, the most specific first.
    fn covering(&self, unit: &UnitName) -> Vec<&(&'p Installed, &'p UnitProfile)> {
        let mut found: Vec<_> = self.reach.covering(unit).into_iter().collect();
        // systemd asks for drop-ins from the most specific name to the least.
        let names = dropin_names(unit);
        let place = |name: &UnitName| names.iter().position(|n| **n == *name.as_str());
        found.sort_by(|(a, x), (b, y)| {
            let by_name = place(&x.name).cmp(&place(&y.name));
            by_name.then_with(|| a.path.file_name().cmp(&b.path.file_name()))
        });
        found
    }
}
