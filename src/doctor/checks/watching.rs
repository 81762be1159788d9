//! Whether anything reads, and where it writes.

use jiff::SignedDuration;

use crate::doctor::facts::Facts;
use crate::doctor::{Area, Finding, Severity};
use crate::units::Span;

/// A timer ticks once a minute; three missed are a gap.
const OLD: SignedDuration = SignedDuration::from_mins(4);

pub(super) fn saw(facts: &Facts) -> Option<String> {
    let watching = &facts.watching;
    if facts.image.is_some() {
        return Some(match watching.by.flatten() {
            Some(by) => format!("{by} is enabled"),
            None => "nothing is enabled".to_owned(),
        });
    }
    let by = match watching.by? {
        Some(by) => format!("{by} is active"),
        None => "nothing watches".to_owned(),
    };
    Some(match watching.last {
        Some(last) => format!("{by}, last reading {} ago", age(facts, last)),
        None => by,
    })
}

fn age(facts: &Facts, last: jiff::Timestamp) -> String {
    let seconds = facts.now.duration_since(last).as_secs().max(0);
    Span::seconds(u64::try_from(seconds).unwrap_or(0)).to_string()
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let watching = &facts.watching;
    let finding = |severity, id, what: String, why: &str| {
        Finding::new(severity, Area::Watching, id, what, why)
    };
    let used = facts.profiles.files.iter().filter(|f| !f.masked);
    let rules: usize = used.map(|f| f.rules).sum();
    if watching.by == Some(None) {
        let verb = match (&facts.image, facts.user) {
            (Some(_), _) => "enable memctl.service",
            _ => "enable --now memctl.service",
        };
        let (severity, why) = match rules {
            0 => (
                Severity::Note,
                "there is no history to look at, and nobody notices a leak".to_owned(),
            ),
            n => (
                Severity::Error,
                format!(
                    "{} of the profiles {} never judged",
                    super::count(n, "rule"),
                    if n == 1 { "is" } else { "are" }
                ),
            ),
        };
        let what = match &facts.image {
            Some(_) => "neither memctl.service nor memctl-watch.timer is enabled",
            None => "nothing watches: neither memctl.service nor memctl-watch.timer is active",
        };
        let made = finding(severity, "nothing-watches", what.to_owned(), &why);
        found.push(if watching.installed {
            made.run(facts.systemctl(verb))
        } else {
            made.advise("neither of them is installed: install the package memctl again")
        });
    }
    if let (Some(Some(by)), Some(last)) = (watching.by, watching.last)
        && facts.image.is_none()
        && facts.now.duration_since(last) > OLD
    {
        found.push(
            finding(
                Severity::Error,
                "last-reading-old",
                format!(
                    "{by} is active, and the last reading is {} old",
                    age(facts, last)
                ),
                "nothing is noticed meanwhile",
            )
            .run(facts.systemctl(&format!("restart {by}"))),
        );
    }
    if let Some(why) = &watching.unreadable {
        found.push(
            finding(
                Severity::Warning,
                "history-unreadable",
                format!("the history cannot be read: {why}"),
                "what was recorded cannot be shown; the watch sets the file aside and begins anew, within a day at the latest",
            )
            .advise(format!("look at the disk under {}", watching.state.display())),
        );
    }
    for path in &watching.aside {
        found.push(
            finding(
                Severity::Warning,
                "history-aside",
                format!("{} was set aside: it could not be read", path.display()),
                "the history before it is not shown, and the file takes room",
            )
            .run(format!("rm {}*", facts.path(path))),
        );
    }
    for (path, faults) in &watching.settings {
        let Some(first) = faults.first() else {
            continue;
        };
        let what = format!("{}:{}: {}", path.display(), first.line, first.message);
        let made = if faults.iter().any(|f| f.error) {
            let why =
                "a setting that is faulty is not heeded, and the watch does not start with it";
            finding(Severity::Error, "settings-faulty", what, why)
        } else {
            let why = "it is allowed, and perhaps not what was meant";
            finding(Severity::Warning, "settings-warning", what, why)
        };
        found.push(made.advise("edit it; memctl.toml(5) describes it"));
    }
    if let Some(why) = &watching.unwritable {
        found.push(
            finding(
                Severity::Error,
                "state-unwritable",
                format!(
                    "nothing can be written to {}: {why}",
                    watching.state.display()
                ),
                "readings are not kept, and every action is withheld",
            )
            .advise("make room on its file system, or mount that for writing"),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::bench::{healthy, ids};
    use super::*;
    use crate::doctor::facts::ProfileFile;

    #[test]
    fn somebody_watches() {
        assert!(check(&healthy()).is_empty());
        assert_eq!(
            saw(&healthy()).expect("seen"),
            "memctl.service is active, last reading 0 ago"
        );
    }

    #[test]
    fn nobody_watches_is_worse_with_rules() {
        let mut facts = healthy();
        facts.watching.by = Some(None);
        let found = check(&facts);
        assert_eq!(
            (ids(&found), found[0].severity),
            (vec!["nothing-watches"], Severity::Note)
        );
        facts.profiles.files.push(ProfileFile {
            rules: 2,
            ..ProfileFile::default()
        });
        let found = check(&facts);
        assert_eq!(found[0].severity, Severity::Error);
        assert_eq!(
            found[0].mend.as_ref().expect("a mend").text(),
            "systemctl enable --now memctl.service"
        );
        facts.profiles.files[0].masked = true;
        assert_eq!(check(&facts)[0].severity, Severity::Note);
        facts.watching.installed = false;
        assert!(
            check(&facts)[0]
                .mend
                .as_ref()
                .expect("a mend")
                .text()
                .contains("install")
        );
        facts.watching.by = None;
        assert!(check(&facts).is_empty(), "nobody could be asked");
    }

    #[test]
    fn a_watcher_that_reads_nothing() {
        let mut facts = healthy();
        let ago = |mins| healthy().now - SignedDuration::from_mins(mins);
        facts.watching.last = Some(ago(4));
        assert!(check(&facts).is_empty());
        facts.watching.last = Some(ago(5));
        assert_eq!(ids(&check(&facts)), ["last-reading-old"]);
        facts.watching.by = Some(None);
        assert_eq!(ids(&check(&facts)), ["nothing-watches"]);
    }

    #[test]
    fn settings_that_are_faulty() {
        let mut facts = healthy();
        let fault = |error| crate::doctor::facts::ProfileFault {
            error,
            line: 4,
            message: "no such key".to_owned(),
        };
        let path = || "/etc/memctl/memctl.toml".into();
        facts.watching.settings = vec![
            (path(), vec![fault(true)]),
            (path(), vec![fault(false)]),
            (path(), vec![]),
        ];
        let found = check(&facts);
        assert_eq!(ids(&found), ["settings-faulty", "settings-warning"]);
        assert_eq!(found[0].what, "/etc/memctl/memctl.toml:4: no such key");
    }

    #[test]
    fn a_history_that_is_lost() {
        let mut facts = healthy();
        facts.watching.unreadable = Some("not a database".to_owned());
        facts.watching.aside = vec!["/var/lib/memctl/history.db.aside-20261124T100000Z".into()];
        facts.watching.unwritable = Some("read-only".to_owned());
        assert_eq!(
            ids(&check(&facts)),
            ["history-unreadable", "history-aside", "state-unwritable"]
        );
    }
}
