//! What is to be typed, for what was looked at: the running system, a user's manager, an image.

use std::path::{Path, PathBuf};

use crate::doctor::facts::Facts;
use crate::systemd::names::UnitName;

impl Facts {
    /// `memctl VERB` for what was looked at.
    #[must_use]
    pub fn memctl(&self, verb: &str) -> String {
        match (&self.image, self.user) {
            (Some(image), _) => {
                format!("memctl --root {} {verb}", quoted(&image.to_string_lossy()))
            }
            (None, true) => format!("memctl --user {verb}"),
            (None, false) => format!("memctl {verb}"),
        }
    }

    /// `systemctl VERB` for what was looked at.
    #[must_use]
    pub fn systemctl(&self, verb: &str) -> String {
        match (&self.image, self.user) {
            (Some(image), _) => {
                format!(
                    "systemctl --root {} {verb}",
                    quoted(&image.to_string_lossy())
                )
            }
            (None, true) => format!("systemctl --user {verb}"),
            (None, false) => format!("systemctl {verb}"),
        }
    }

    /// A path as it is to be typed.
    #[must_use]
    pub fn path(&self, path: &Path) -> String {
        let whole = match &self.image {
            Some(image) => image.join(path.strip_prefix("/").unwrap_or(path)),
            None => path.to_owned(),
        };
        quoted(&whole.to_string_lossy())
    }

    /// A shell's command that adds a drop-in to a unit and reloads.
    #[must_use]
    pub fn drop_in(&self, unit: &UnitName, file: &str, section: &str, line: &str) -> String {
        let folder = match self.user {
            true => format!("~/.config/systemd/user/{}.d", quoted(unit.as_str())),
            false => self.path(&PathBuf::from(format!("/etc/systemd/system/{unit}.d"))),
        };
        let reload = match &self.image {
            Some(_) => String::new(),
            None => format!(" && {}", self.systemctl("daemon-reload")),
        };
        format!(
            "mkdir -p {folder} && {{ echo '[{section}]'; echo {line}; }} >{folder}/{file}.conf{reload}"
        )
    }
}

/// A word as a shell takes it.
#[must_use]
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-@:+=%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_typed_is_typed_safely() {
        assert_eq!(quoted("/etc/x.d/a@1.service"), "/etc/x.d/a@1.service");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("a\\x2db.service"), "'a\\x2db.service'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn commands_are_for_what_was_looked_at() {
        let mut facts = Facts::default();
        assert_eq!(facts.memctl("apply"), "memctl apply");
        facts.user = true;
        assert_eq!(
            facts.systemctl("daemon-reload"),
            "systemctl --user daemon-reload"
        );
        facts.user = false;
        facts.image = Some("/srv/my image".into());
        assert_eq!(
            facts.memctl("verify"),
            "memctl --root '/srv/my image' verify"
        );
    }
}
