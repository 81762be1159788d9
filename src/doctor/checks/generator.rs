//! The generator: there, whole, quick, and of one mind with what is in systemd's folder.

use std::time::Duration;

use super::count;
use crate::doctor::facts::{End, Facts};
use crate::doctor::{Area, Finding, Severity};

/// Longer than this is slow: all generators together have 90 s (FACTS 11).
const SLOW: Duration = Duration::from_secs(10);
/// How many files, or lines, a finding names.
const NAMED: usize = 3;

pub(super) fn saw(facts: &Facts) -> Option<String> {
    let generator = &facts.generator;
    let file = generator.found.as_ref()?;
    let mut told = file.path.display().to_string();
    if let Some(run) = &generator.run {
        told += &format!(", ran in {:.2} s", run.took.as_secs_f64());
    }
    if facts.image.is_none() {
        told += &format!(", {} in force", count(generator.dropins, "drop-in"));
    }
    Some(told)
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let generator = &facts.generator;
    let error =
        |id, what: String, why: &str| Finding::new(Severity::Error, Area::Generator, id, what, why);
    let lost = "no limit of any profile comes into force, and at the next daemon-reload or boot those that are go";
    let Some(file) = &generator.found else {
        if generator.belongs.as_os_str().is_empty() {
            return Vec::new();
        }
        let what = format!("{} is not there", generator.belongs.display());
        return vec![
            error("generator-missing", what, lost)
                .advise("install the package memctl again (`apt install --reinstall memctl`)"),
        ];
    };
    let path = facts.path(&file.path);
    let reload = match facts.image {
        Some(_) => String::new(),
        None => format!(" && {}", facts.systemctl("daemon-reload")),
    };
    if file.masked {
        let what = format!("{} masks the generator", file.path.display());
        return vec![error("generator-masked", what, lost).run(format!("rm {path}{reload}"))];
    }
    if !file.executable {
        let what = format!("{} is not executable", file.path.display());
        return vec![error("generator-mode", what, lost).run(format!("chmod 755 {path}{reload}"))];
    }
    let mut found = Vec::new();
    if let Some(run) = &generator.run {
        let words = match run.said.as_slice() {
            [] => String::new(),
            said => format!(
                ": {}",
                said.iter()
                    .take(NAMED)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join("; ")
            ),
        };
        let failed = match &run.end {
            End::Good => None,
            End::Bad(status) => Some(format!("{} fails ({status}){words}", file.path.display())),
            End::NotStarted(why) => Some(format!("{} cannot be run: {why}", file.path.display())),
            End::TooLong => Some(format!(
                "{} did not end within {} s",
                file.path.display(),
                run.took.as_secs()
            )),
        };
        if let Some(what) = failed {
            let again = "install the package memctl again (`apt install --reinstall memctl`); if that does not help, it is a bug";
            return vec![error("generator-failed", what, lost).advise(again)];
        }
        if run.took >= SLOW {
            found.push(
                Finding::new(
                    Severity::Warning,
                    Area::Generator,
                    "generator-slow",
                    format!("the generator took {:.0} s", run.took.as_secs_f64()),
                    "all generators together have 90 s; it stops by itself after 20 s, and what is missing then comes with the next reload",
                )
                .advise("look at how many profiles and unit files there are, and at what the disk is doing"),
            );
        }
    }
    if let Some(differing) = generator
        .differing
        .as_ref()
        .filter(|files| !files.is_empty())
    {
        let mut names: Vec<String> = differing
            .iter()
            .take(NAMED)
            .map(|p| p.display().to_string())
            .collect();
        if differing.len() > NAMED {
            names.push("…".to_owned());
        }
        let what = format!(
            "{} not as the profiles say: {}",
            match differing.len() {
                1 => "1 drop-in is".to_owned(),
                n => format!("{n} drop-ins are"),
            },
            names.join(", ")
        );
        found.push(
            error(
                "reload-needed",
                what,
                "a profile was changed without a reload: what it says is not in force, and the next reload, whoever asks for it, brings it",
            )
            .run(facts.systemctl("daemon-reload")),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::bench::{healthy, ids};
    use super::*;
    use crate::doctor::facts::Run;

    fn ran(end: End, took: u64) -> Facts {
        let mut facts = healthy();
        facts.generator.run = Some(Run {
            took: Duration::from_secs(took),
            end,
            said: vec!["cannot write".to_owned()],
        });
        facts
    }

    #[test]
    fn one_that_works_is_nothing_to_tell() {
        assert!(check(&ran(End::Good, 1)).is_empty());
        assert_eq!(
            saw(&ran(End::Good, 1)).expect("seen"),
            "/usr/lib/systemd/system-generators/memctl-generator, ran in 1.00 s, 0 drop-ins in force"
        );
    }

    #[test]
    fn missing_masked_or_not_executable() {
        let mut facts = healthy();
        let file = facts.generator.found.as_mut().expect("a file");
        file.executable = false;
        let found = check(&facts);
        assert_eq!(ids(&found), ["generator-mode"]);
        let mend = found[0].mend.as_ref().expect("a mend").text();
        assert_eq!(
            mend,
            "chmod 755 /usr/lib/systemd/system-generators/memctl-generator && systemctl daemon-reload"
        );
        facts.generator.found.as_mut().expect("a file").masked = true;
        assert_eq!(ids(&check(&facts)), ["generator-masked"]);
        facts.generator.found = None;
        assert_eq!(ids(&check(&facts)), ["generator-missing"]);
    }

    #[test]
    fn a_run_that_goes_wrong() {
        let found = check(&ran(End::Bad("exit status: 1".to_owned()), 1));
        assert_eq!(ids(&found), ["generator-failed"]);
        assert!(
            found[0].what.ends_with("(exit status: 1): cannot write"),
            "{found:?}"
        );
        let no = End::NotStarted("Exec format error".to_owned());
        assert_eq!(ids(&check(&ran(no, 0))), ["generator-failed"]);
        assert_eq!(ids(&check(&ran(End::TooLong, 30))), ["generator-failed"]);
        assert_eq!(ids(&check(&ran(End::Good, 10))), ["generator-slow"]);
    }

    #[test]
    fn another_answer_than_systemd_has_is_a_reload_that_is_due() {
        let mut facts = ran(End::Good, 0);
        let files = ["a", "b", "c", "d"].map(|n| format!("{n}.service.d/00-memctl.conf").into());
        facts.generator.differing = Some(files.to_vec());
        let found = check(&facts);
        assert_eq!(ids(&found), ["reload-needed"]);
        assert!(found[0].what.starts_with("4 drop-ins are not"), "{found:?}");
        assert!(found[0].what.ends_with('…'), "{found:?}");
    }
}
