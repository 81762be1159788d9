//! Profiles → drop-ins: file names that merge and give way, and the text in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::limits::key::Key;
use crate::profile::{Profile, UnitProfile};
use crate::systemd::files::Overlay;
use crate::systemd::names::{NameKind, UnitName};

/// How the names of drop-ins begin that limit nothing.
const RECALLS: &str = "zzz-memctl-slice";

/// A profile with the place it is, or will be, installed in.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// What it says.
    pub profile: Profile,
    /// Its file: `/etc/memctl/profiles.d/homework.toml`.
    pub path: PathBuf,
    /// [`fingerprint`] of the file.
    pub hash: String,
}

/// One drop-in before it is text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropIn {
    /// The unit, template, instance or prefix.
    pub unit: UnitName,
    /// Whom it gives way to.
    pub rank: Rank,
    /// The profile's file; empty for what no profile says.
    pub source: PathBuf,
    /// The fingerprint of that file.
    pub hash: String,
    /// What it sets, in systemd's words.
    pub settings: BTreeMap<Key, String>,
    /// What waits for the unit's next start meanwhile: directive → the files' value.
    pub withheld: BTreeMap<Key, String>,
    /// The slices above the unit from which something is withheld: its next start may make the room.
    pub slices: Vec<UnitName>,
}

/// Where a drop-in stands among all of a unit's: the last one that sets a directive has the last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Gives way to everybody's.
    GivesWay,
    /// `override = true`: wins over the administrator's.
    Overrides,
    /// Withholds: wins over every other while the unit runs and holds too much.
    Holds,
    /// Limits nothing: has withheld slices looked at again when the unit starts anew.
    Recalls,
}

/// A unit that two profiles name: the first by file name has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The unit.
    pub unit: UnitName,
    /// Whose limits count.
    pub kept: PathBuf,
    /// Whose do not.
    pub ignored: PathBuf,
}

/// The first 16 hexadecimal digits of a file's SHA-256: enough to see whether it is the same file.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().take(8).fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The drop-ins of all profiles, sorted by profile name; units without limits need none.
#[must_use]
pub fn dropins(profiles: &[Installed]) -> (Vec<DropIn>, Vec<Conflict>) {
    let mut owner: BTreeMap<&UnitName, &Installed> = BTreeMap::new();
    let mut made = Vec::new();
    let mut conflicts = Vec::new();
    for installed in profiles {
        for unit in &installed.profile.units {
            let kept = owner.entry(&unit.name).or_insert(installed);
            if kept.path != installed.path {
                conflicts.push(Conflict {
                    unit: unit.name.clone(),
                    kept: kept.path.clone(),
                    ignored: installed.path.clone(),
                });
            } else if !unit.limits.is_empty() {
                made.push(dropin(installed, unit));
            }
        }
    }
    (made, conflicts)
}

fn dropin(installed: &Installed, unit: &UnitProfile) -> DropIn {
    let settings = unit.limits.iter();
    DropIn {
        unit: unit.name.clone(),
        rank: if unit.overrides {
            Rank::Overrides
        } else {
            Rank::GivesWay
        },
        source: installed.path.clone(),
        hash: installed.hash.clone(),
        settings: settings.map(|(key, s)| (*key, s.text.clone())).collect(),
        withheld: BTreeMap::new(),
        slices: Vec::new(),
    }
}

impl DropIn {
    /// The path below the generator's folder: `x.service.d/00-memctl.conf`.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        Path::new(&format!("{}.d", self.unit)).join(file_name(&self.unit, self.rank))
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text =
            "# Written by memctl-generator at every daemon-reload; changes made here are lost.\n"
                .to_owned();
        if self.rank == Rank::Recalls {
            text.push_str("# Limits of these slices wait; less may be held in them when this unit has started anew.\n[Unit]\n");
            for slice in &self.slices {
                // Writing to a String cannot fail.
                let _ = writeln!(
                    text,
                    "Wants=memctl-withheld@{slice}.service\nBefore=memctl-withheld@{slice}.service"
                );
            }
            return text;
        }
        if self.rank == Rank::Holds {
            text.push_str(
                "# Held at the kernel's present value: the unit runs and holds more than these allow,\n\
                 # so they wait for its next start.\n",
            );
            for (key, value) in &self.withheld {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "#   {}={value}", key.name());
            }
            // The unit pulls in the oneshot when it starts, and comes up before it: by then its limits fit.
            text.push_str(
                "[Unit]\nWants=memctl-withheld@%n.service\nBefore=memctl-withheld@%n.service\n",
            );
        } else {
            let source = self.source.display();
            let _ = writeln!(text, "# Profile: {source} (sha256 {})", self.hash);
        }
        let _ = writeln!(text, "[{}]", self.unit.unit_type().section());
        for (key, value) in &self.settings {
            let _ = writeln!(text, "{}={value}", key.name());
        }
        text
    }
}

/// The files of drop-ins, as they lie below the generator's folder.
#[must_use]
pub fn overlay(dropins: &[DropIn]) -> Overlay {
    dropins.iter().map(|d| (d.path(), d.text())).collect()
}

/// The file name of a drop-in. Sorts before all others and so gives way to everybody (FACTS 4), or behind all
/// with `override`; prefix, template and unit have different names and so merge, the most specific last (FACTS 5).
#[must_use]
pub fn file_name(unit: &UnitName, rank: Rank) -> String {
    let stem = match rank {
        Rank::GivesWay => "00-memctl",
        Rank::Overrides => "zz-memctl",
        Rank::Holds => "zzz-memctl",
        Rank::Recalls => RECALLS,
    };
    match (unit.kind(), unit.prefix_depth()) {
        (NameKind::Plain | NameKind::Instance, _) => format!("{stem}.conf"),
        (NameKind::Template, _) => format!("{stem}-template.conf"),
        (NameKind::Prefix, 0 | 1) => format!("{stem}-prefix.conf"),
        // `a-b-.service` is more specific than `a-.service`.
        (NameKind::Prefix, depth) => format!("{stem}-prefix{depth:02}.conf"),
    }
}

/// Whether a drop-in limits nothing and only recalls what waits for its slices.
#[must_use]
pub fn is_recall(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(RECALLS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> UnitName {
        UnitName::parse(text).expect(text)
    }

    #[test]
    fn file_names_sort_from_the_general_to_the_specific() {
        for rank in [Rank::GivesWay, Rank::Overrides, Rank::Holds] {
            let names: Vec<String> = [
                "a-.service",
                "a-b-.service",
                "a-b-c-.service",
                "a-b-c-d@.service",
                "a-b-c-d@1.service",
            ]
            .iter()
            .map(|unit| file_name(&name(unit), rank))
            .collect();
            let mut sorted = names.clone();
            sorted.sort();
            assert_eq!(names, sorted);
        }
        let file = |unit: &str, rank| file_name(&name(unit), rank);
        assert!(file("a.service", Rank::GivesWay).as_str() < "10-administrator.conf");
        assert!(file("a-.service", Rank::Overrides).as_str() > "override.conf");
        assert!(file("a.service", Rank::Holds) > file("a.service", Rank::Overrides));
    }

    #[test]
    fn the_text_names_its_profile() {
        let dropin = DropIn {
            unit: name("web.service"),
            rank: Rank::GivesWay,
            source: "/etc/memctl/profiles.d/web.toml".into(),
            hash: fingerprint(b""),
            settings: BTreeMap::from([
                (Key::MemoryMax, "400M".to_owned()),
                (Key::CPUQuota, "80%".to_owned()),
            ]),
            withheld: BTreeMap::new(),
            slices: Vec::new(),
        };
        assert_eq!(
            dropin.text(),
            "# Written by memctl-generator at every daemon-reload; changes made here are lost.\n\
             # Profile: /etc/memctl/profiles.d/web.toml (sha256 e3b0c44298fc1c14)\n\
             [Service]\nMemoryMax=400M\nCPUQuota=80%\n"
        );
        assert_eq!(dropin.path(), Path::new("web.service.d/00-memctl.conf"));
    }
}
