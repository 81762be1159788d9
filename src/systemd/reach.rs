//! Which of many names reach a unit, without asking each of them: a server may have hundreds of both.

use std::collections::HashMap;

use crate::systemd::names::{UnitName, dropin_names};

/// Things by the unit, template, instance or prefix that they are for.
#[derive(Debug)]
pub struct Reach<'a, T> {
    by_name: HashMap<&'a str, Vec<(&'a UnitName, T)>>,
}

impl<'a, T> Reach<'a, T> {
    /// Takes up things with the names they are for.
    pub fn new(things: impl IntoIterator<Item = (&'a UnitName, T)>) -> Self {
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for (name, thing) in things {
            by_name
                .entry(name.as_str())
                .or_default()
                .push((name, thing));
        }
        Self { by_name }
    }

    /// The things whose names [cover](UnitName::covers) a unit, in no order.
    #[must_use]
    pub fn covering(&self, unit: &UnitName) -> Vec<&T> {
        // Every name that covers a unit is one under which systemd looks for its drop-ins; some come twice.
        let mut names = dropin_names(unit);
        names.sort_unstable();
        names.dedup();
        let known = names.iter().filter_map(|name| self.by_name.get(&**name));
        known
            .flatten()
            .filter(|(name, _)| name.covers(unit))
            .map(|(_, thing)| thing)
            .collect()
    }

    /// Whether any of the names covers a unit.
    #[must_use]
    pub fn covers(&self, unit: &UnitName) -> bool {
        !self.covering(unit).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_same_as_asking_each(
            names in prop::collection::vec("[ab]{1,2}(-[ab]?){0,3}(@[ab]?)?\\.(service|slice)", 1..12),
            unit in "[ab]{1,2}(-[ab]){0,3}(@[ab]?)?\\.(service|slice)",
        ) {
            let names: Vec<UnitName> = names.iter().filter_map(|n| UnitName::parse(n).ok()).collect();
            prop_assume!(UnitName::parse(&unit).is_ok());
            let unit = UnitName::parse(&unit).expect("a name");
            let reach = Reach::new(names.iter().enumerate().map(|(at, name)| (name, at)));
            let mut found: Vec<usize> = reach.covering(&unit).into_iter().copied().collect();
            found.sort_unstable();
            let asked: Vec<usize> = (0..names.len()).filter(|at| names[*at].covers(&unit)).collect();
            prop_assert_eq!(found, asked);
        }
    }
}
