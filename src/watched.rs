//! Which units are watched, and shown where nobody names any.

use crate::limits::dropin::Installed;
use crate::status::typed::is_unit;
use crate::systemd::names::{UnitName, UnitType};
use crate::systemd::reach::Reach;

/// Which units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// Those that these names reach, of profiles or typed: instances of templates and prefixes included.
    Names(Vec<UnitName>),
    /// Every service.
    Services,
    /// Every service, scope and slice.
    All,
}

impl Watched {
    /// The units of the installed profiles; where there is no profile yet, every service: limits are chosen by what
    /// units have held before.
    #[must_use]
    pub fn of(profiles: &[Installed]) -> Self {
        let units = profiles.iter().flat_map(|p| &p.profile.units);
        let mut names: Vec<UnitName> = units.map(|unit| unit.name.clone()).collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            Self::Services
        } else {
            Self::Names(names)
        }
    }

    /// Tells of units whether each is one of them.
    #[must_use]
    pub fn test(&self) -> Box<dyn Fn(&UnitName) -> bool + '_> {
        match self {
            Self::Names(names) => {
                let reach = Reach::new(names.iter().map(|name| (name, ())));
                Box::new(move |unit| reach.covers(unit))
            }
            Self::Services => Box::new(|unit| unit.unit_type() == UnitType::Service),
            Self::All => Box::new(|unit| {
                let all = [UnitType::Service, UnitType::Scope, UnitType::Slice];
                all.contains(&unit.unit_type())
            }),
        }
    }

    /// The names that are of one unit each, and no template or prefix.
    pub fn named(&self) -> impl Iterator<Item = &UnitName> {
        let names = match self {
            Self::Names(names) => names.as_slice(),
            Self::Services | Self::All => &[],
        };
        names.iter().filter(|name| is_unit(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> UnitName {
        UnitName::parse(text).expect(text)
    }

    #[test]
    fn profiles_name_units_templates_and_prefixes() {
        let names = ["a.service", "w@.service", "celery-.service", "shop.slice"].map(name);
        let watched = Watched::Names(names.to_vec());
        let test = watched.test();
        for unit in ["a.service", "w@1.service", "celery-x.service", "shop.slice"] {
            assert!(test(&name(unit)), "{unit}");
        }
        for unit in ["b.service", "a.scope", "shop-web.slice"] {
            assert!(!test(&name(unit)), "{unit}");
        }
    }

    #[test]
    fn without_profiles_it_is_every_service() {
        let watched = Watched::of(&[]);
        let test = watched.test();
        assert!(test(&name("a.service")));
        assert!(!test(&name("session-1.scope")) && !test(&name("system.slice")));
        let all = Watched::All;
        assert!(all.test()(&name("session-1.scope")) && !all.test()(&name("a.socket")));
    }
}
