//! Which units are watched, and shown where nobody names any.

use crate::limits::dropin::Installed;
use crate::systemd::names::{UnitName, UnitType};
use crate::systemd::reach::Reach;

/// Which units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// Those that profiles name, instances of templates and prefixes included.
    Profiles(Vec<UnitName>),
    /// Every service and scope.
    Services,
}

impl Watched {
    /// The units of the installed profiles; where there is no profile yet, every service: limits are chosen by what
    /// units have held before.
    #[must_use]
    pub fn of(profiles: &[Installed]) -> Self {
        let units = profiles.iter().flat_map(|p| &p.profile.units);
        let names: Vec<UnitName> = units.map(|unit| unit.name.clone()).collect();
        if names.is_empty() {
            Self::Services
        } else {
            Self::Profiles(names)
        }
    }

    /// Whether a unit is one of them.
    #[must_use]
    pub fn test(&self) -> Box<dyn Fn(&UnitName) -> bool + '_> {
        match self {
            Self::Profiles(names) => {
                let reach = Reach::new(names.iter().map(|name| (name, ())));
                Box::new(move |unit| reach.covers(unit))
            }
            Self::Services => Box::new(is_service),
        }
    }
}

fn is_service(unit: &UnitName) -> bool {
    matches!(unit.unit_type(), UnitType::Service | UnitType::Scope)
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
        let watched = Watched::Profiles(names.to_vec());
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
        assert!(test(&name("a.service")) && test(&name("session-1.scope")));
        assert!(!test(&name("system.slice")));
    }
}
