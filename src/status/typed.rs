//! What a name that was typed means.

use crate::error::{Error, Result};
use crate::systemd::names::{NameError, NameKind, UnitName};

/// Whether a name is one unit's, and no template or prefix.
#[must_use]
pub fn is_unit(name: &UnitName) -> bool {
    matches!(name.kind(), NameKind::Plain | NameKind::Instance)
}

/// Reads a name as it was typed; `.service` may be left out, as for systemctl.
///
/// # Errors
/// It cannot be the name of a unit that has memory.
pub fn typed(text: &str) -> Result<UnitName> {
    let name = match UnitName::parse(text) {
        Err(NameError::NoType) => UnitName::parse(&format!("{text}.service")),
        other => other,
    };
    name.map_err(|e| {
        let shown: String = text
            .chars()
            .take(80)
            .flat_map(crate::units::visible)
            .collect();
        Error::usage(format!("{shown}: {e}"))
    })
}

/// Names that nobody knows, with what was perhaps meant of those that are known.
#[must_use]
pub fn unknown(names: &[UnitName], known: &[UnitName]) -> Error {
    let told = names.iter().map(|name| {
        let what = match name.kind() {
            NameKind::Prefix => format!("no unit's name begins as {name} says"),
            _ => format!("there is no {name} here"),
        };
        match nearest(name, known) {
            Some(meant) => format!("{what}; perhaps {meant}?"),
            None => what,
        }
    });
    let told: Vec<String> = told.collect();
    Error::usage(told.join("\n"))
        .remedy("`memctl status --all` shows what runs, `systemctl list-unit-files` what there is")
}

fn nearest<'k>(name: &UnitName, known: &'k [UnitName]) -> Option<&'k UnitName> {
    let most = (name.stem().len() / 4).clamp(1, 3);
    // Distances cost the product of the lengths.
    let alike = known
        .iter()
        .filter(|k| k.stem().len().abs_diff(name.stem().len()) <= most);
    let alike = alike.map(|k| (strsim::damerau_levenshtein(k.as_str(), name.as_str()), k));
    alike
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
        // `postgres` for `postgresql.service`: what begins so, if that is one.
        .or_else(|| {
            let mut longer = known.iter().filter(|k| k.stem().starts_with(name.stem()));
            longer.next().filter(|_| longer.next().is_none())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> UnitName {
        UnitName::parse(text).expect(text)
    }

    #[test]
    fn the_suffix_may_be_left_out() {
        assert_eq!(typed("web").expect("a name"), name("web.service"));
        assert_eq!(typed("a.slice").expect("a name"), name("a.slice"));
        assert_eq!(typed("w@").expect("a name"), name("w@.service"));
        assert_eq!(
            typed("php8.2-fpm").expect("a name"),
            name("php8.2-fpm.service")
        );
        for text in ["", "a.timer", "web*", "a b", "\u{1b}[31m"] {
            let told = typed(text).expect_err(text).to_string();
            assert!(!told.contains('\u{1b}'), "{told}");
        }
    }

    #[test]
    fn what_was_perhaps_meant() {
        let known = ["nginx.service", "postgresql.service", "web.slice"].map(name);
        let told = |typed: &str| unknown(&[name(typed)], &known).message().to_owned();
        assert_eq!(
            told("ngnix.service"),
            "there is no ngnix.service here; perhaps nginx.service?"
        );
        assert!(told("postgres.service").ends_with("perhaps postgresql.service?"));
        assert_eq!(told("apache.service"), "there is no apache.service here");
        let both = unknown(&[name("a.service"), name("b-.service")], &known);
        assert_eq!(both.message().lines().count(), 2);
    }
}
