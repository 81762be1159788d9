//! The profiles: faulty, unreadable, masked; a transaction that was left half-way.

use super::count;
use crate::doctor::facts::Facts;
use crate::doctor::{Area, Finding, Severity};

pub(super) fn saw(facts: &Facts) -> Option<String> {
    let profiles = &facts.profiles;
    if !profiles.seen {
        return None;
    }
    let used: Vec<_> = profiles.files.iter().filter(|f| !f.masked).collect();
    if used.is_empty() {
        return Some("none is installed".to_owned());
    }
    let units = used.iter().map(|f| f.units).sum();
    let rules = used.iter().map(|f| f.rules).sum();
    Some(format!(
        "{}, {}, {}",
        count(used.len(), "profile"),
        count(units, "unit"),
        count(rules, "rule")
    ))
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let profiles = &facts.profiles;
    let finding = |severity, id, what: String, why: &str| {
        Finding::new(severity, Area::Profiles, id, what, why)
    };
    for file in &profiles.files {
        let path = file.path.display();
        if file.masked {
            let made = finding(
                Severity::Note,
                "profile-masked",
                format!(
                    "{path} is a link to /dev/null: the profile {} is switched off",
                    file.name
                ),
                "its limits are not in force",
            );
            let back = format!("rm {} && {}", facts.path(&file.path), facts.memctl("apply"));
            found.push(made.profile(Some(&file.name)).run(back));
            continue;
        }
        let errors = file.faults.iter().filter(|f| f.error);
        let verify = match &facts.image {
            _ if facts.user => facts.memctl("verify"),
            Some(_) => facts.memctl("verify"),
            None => format!("memctl verify {}", facts.path(&file.path)),
        };
        if let Some(first) = errors.clone().next() {
            let more = match errors.count() {
                1 => String::new(),
                n => format!(" (and {} more)", n - 1),
            };
            let made = finding(
                Severity::Error,
                "profile-faulty",
                format!("{path}:{}: {}{more}", first.line, first.message),
                "what cannot be read of it is not in force, and `memctl apply` refuses all profiles until it is mended",
            );
            let shows = format!("edit it; `{verify}` shows every fault with its place");
            found.push(made.profile(Some(&file.name)).advise(shows));
        } else if let Some(first) = file.faults.first() {
            let more = match file.faults.len() {
                1 => String::new(),
                n => format!(" (and {} more)", n - 1),
            };
            let made = finding(
                Severity::Warning,
                "profile-warning",
                format!("{path}:{}: {}{more}", first.line, first.message),
                "it is allowed, and perhaps not what was meant",
            );
            found.push(
                made.profile(Some(&file.name))
                    .advise(format!("`{verify}` shows it")),
            );
        }
    }
    for (path, why) in &profiles.problems {
        found.push(
            finding(
                Severity::Error,
                "profile-unreadable",
                format!("{}: {why}", path.display()),
                "its limits are not in force",
            )
            .advise("make it a regular file called NAME.toml that root can read, or remove it"),
        );
    }
    found.extend(records(facts));
    found
}

fn records(facts: &Facts) -> Vec<Finding> {
    let profiles = &facts.profiles;
    // Who holds the lock has written the record, and will remove it.
    if profiles.at_work {
        return vec![Finding::new(
            Severity::Note,
            Area::Profiles,
            "at-work",
            "another memctl is changing limits just now",
            "what is shown here may be over in a moment",
        )];
    }
    let mut found = Vec::new();
    for path in &profiles.records {
        found.push(
            Finding::new(
                Severity::Error,
                Area::Profiles,
                "half-applied",
                format!("{} is there: an earlier memctl was interrupted half-way", path.display()),
                "the profiles count as they were before it, and the kernel may have limits of neither",
            )
            .run(facts.memctl("apply")),
        );
    }
    if let Some(why) = &profiles.damaged {
        found.push(
            Finding::new(
                Severity::Error,
                Area::Profiles,
                "record-damaged",
                format!("the record of an interrupted change cannot be understood: {why}"),
                "`memctl apply` and `memctl remove` refuse to work until it is gone",
            )
            .advise("look at the profiles in profiles.d beside it, then remove the file, then `memctl apply`"),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::bench::{healthy, ids};
    use super::*;
    use crate::doctor::facts::{ProfileFault, ProfileFile};

    fn with(file: ProfileFile) -> Facts {
        let mut facts = healthy();
        facts.profiles.files.push(ProfileFile {
            name: "web".to_owned(),
            path: "/etc/memctl/profiles.d/web.toml".into(),
            units: 2,
            rules: 1,
            ..file
        });
        facts
    }

    fn fault(error: bool, line: usize) -> ProfileFault {
        ProfileFault {
            error,
            line,
            message: "no such key".to_owned(),
        }
    }

    #[test]
    fn good_ones_are_counted() {
        let facts = with(ProfileFile::default());
        assert!(check(&facts).is_empty());
        assert_eq!(saw(&facts).expect("seen"), "1 profile, 2 units, 1 rule");
        assert_eq!(saw(&healthy()).expect("seen"), "none is installed");
    }

    #[test]
    fn the_first_fault_is_shown_with_its_line() {
        let facts = with(ProfileFile {
            faults: vec![fault(false, 2), fault(true, 7), fault(true, 9)],
            ..ProfileFile::default()
        });
        let found = check(&facts);
        assert_eq!(ids(&found), ["profile-faulty"]);
        assert!(
            found[0]
                .what
                .ends_with("web.toml:7: no such key (and 1 more)"),
            "{found:?}"
        );
        let facts = with(ProfileFile {
            faults: vec![fault(false, 2)],
            ..ProfileFile::default()
        });
        assert_eq!(ids(&check(&facts)), ["profile-warning"]);
    }

    #[test]
    fn masked_and_unreadable_ones() {
        let facts = with(ProfileFile {
            masked: true,
            ..ProfileFile::default()
        });
        let found = check(&facts);
        assert_eq!(ids(&found), ["profile-masked"]);
        assert_eq!(found[0].severity, Severity::Note);
        let mut facts = healthy();
        facts
            .profiles
            .problems
            .push(("/etc/x.toml".into(), "is a FIFO".to_owned()));
        assert_eq!(ids(&check(&facts)), ["profile-unreadable"]);
    }

    #[test]
    fn what_was_left_half_way_is_wrong_unless_somebody_is_at_it() {
        let mut facts = healthy();
        facts
            .profiles
            .records
            .push("/etc/memctl/transaction.json".into());
        assert_eq!(ids(&check(&facts)), ["half-applied"]);
        facts.profiles.at_work = true;
        assert_eq!(ids(&check(&facts)), ["at-work"]);
        let mut facts = healthy();
        facts.profiles.damaged = Some("transaction.json: EOF".to_owned());
        assert_eq!(ids(&check(&facts)), ["record-damaged"]);
    }
}
