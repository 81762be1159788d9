//! What all of it runs in: no systemd, the Windows subsystem for Linux, a container.

use crate::doctor::facts::{Facts, Hierarchy};
use crate::doctor::{Area, Finding, Severity};

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let system = &facts.system;
    let error =
        |id, what: &str, why: &str| Finding::new(Severity::Error, Area::System, id, what, why);
    let mixed = matches!(system.cgroups, Some(Hierarchy::Hybrid | Hierarchy::Legacy));
    if system.booted == Some(false) {
        let finding = match (&system.wsl, facts.user) {
            (_, true) => error(
                "no-systemd",
                "your systemd --user is not running",
                "profiles of your own are for its units",
            )
            .advise("log in anew, or `loginctl enable-linger`; with su or sudo set XDG_RUNTIME_DIR"),
            (Some(wsl), _) => {
                let finding = error(
                    "wsl-systemd",
                    "this is WSL, and systemd is not its init system",
                    "limits are systemd's: without it memctl can only check, plan and render for images",
                );
                if wsl.asks_for_systemd {
                    finding.advise("/etc/wsl.conf asks for systemd already: in Windows run `wsl.exe --shutdown`, then start it again")
                } else {
                    finding.advise("put `[boot]` and below it `systemd=true` into /etc/wsl.conf, then in Windows run `wsl.exe --shutdown`")
                }
            }
            (None, _) => error(
                "no-systemd",
                "systemd is not the init system here",
                "limits are systemd's: without it memctl can only check, plan and render for images (--root DIR)",
            )
            .advise("run memctl where systemd runs; in a container, start one with systemd as its first process"),
        };
        found.push(finding);
    }
    if system.wsl.is_some() && mixed {
        found.push(
            error(
                "wsl-cgroup-v1",
                "WSL has given the memory controller to cgroup v1",
                "systemd can put no limits on units' memory, and memctl cannot read what they hold",
            )
            .advise(
                "in Windows put `[wsl2]` and below it `kernelCommandLine = cgroup_no_v1=all` into \
                 %UserProfile%\\.wslconfig, then run `wsl.exe --shutdown`",
            ),
        );
    }
    if let Some(container) = &system.container {
        found.push(
            Finding::new(
                Severity::Note,
                Area::System,
                "container",
                format!("this is a container ({container})"),
                "what the host limits it to is not seen from inside, nor is who else needs the host's memory: RAM and \
                 swap here may be more than the container may have",
            )
            .advise("limit the container itself on its host; limits of units inside only divide what it has"),
        );
    }
    if system.read_only && facts.runs() {
        found.push(
            Finding::new(
                Severity::Warning,
                Area::System,
                "cgroup-read-only",
                "/sys/fs/cgroup is mounted read-only here",
                "from here memctl cannot make room for a lower limit; and if the init system sees it so too, no limit at all comes into force",
            )
            .advise("run memctl outside of the sandbox; of a container, give it a cgroup of its own that it may write"),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::bench::{healthy, ids};
    use super::*;
    use crate::doctor::facts::Wsl;

    #[test]
    fn a_host_of_its_own_is_nothing_to_tell() {
        assert_eq!(ids(&check(&healthy())), Vec::<&str>::new());
    }

    #[test]
    fn without_systemd_that_is_said() {
        let mut facts = healthy();
        facts.system.booted = Some(false);
        assert_eq!(ids(&check(&facts)), ["no-systemd"]);
        facts.user = true;
        let found = check(&facts);
        assert!(found[0].what.contains("--user"), "{found:?}");
    }

    #[test]
    fn wsl_is_told_what_its_files_should_say() {
        let mut facts = healthy();
        let wsl = |asks_for_systemd| Some(Wsl { asks_for_systemd });
        facts.system.wsl = wsl(true);
        assert!(check(&facts).is_empty(), "set up well");
        facts.system.cgroups = Some(Hierarchy::Hybrid);
        let found = check(&facts);
        assert_eq!(ids(&found), ["wsl-cgroup-v1"]);
        let mend = found[0].mend.as_ref().expect("a mend").text();
        assert!(mend.contains("cgroup_no_v1=all"), "{mend}");
        facts.system.booted = Some(false);
        facts.system.wsl = wsl(false);
        let found = check(&facts);
        assert_eq!(ids(&found), ["wsl-systemd", "wsl-cgroup-v1"]);
        let mend = found[0].mend.as_ref().expect("a mend").text();
        assert!(mend.contains("systemd=true"), "{mend}");
    }

    #[test]
    fn a_container_is_worth_knowing() {
        let mut facts = healthy();
        facts.system.container = Some("lxc".to_owned());
        let found = check(&facts);
        assert_eq!(ids(&found), ["container"]);
        assert_eq!(found[0].severity, Severity::Note);
        facts.system.read_only = true;
        assert_eq!(ids(&check(&facts)), ["container", "cgroup-read-only"]);
    }
}
