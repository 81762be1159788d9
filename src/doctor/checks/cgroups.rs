//! The cgroup version and its controllers.

use std::collections::BTreeMap;

use super::count;
use crate::doctor::commands::quoted;
use crate::doctor::facts::{Facts, Hierarchy};
use crate::doctor::{Area, Finding, Severity};
use crate::limits::key::Key;

pub(super) fn saw(facts: &Facts) -> Option<String> {
    let system = &facts.system;
    let hierarchy = match system.cgroups {
        _ if facts.image.is_some() => return Some("an image: nothing in it runs".to_owned()),
        Some(Hierarchy::Unified) => format!("cgroup v2 ({})", system.controllers.join(" ")),
        Some(Hierarchy::Hybrid) => "cgroup v1 and v2 (hybrid)".to_owned(),
        Some(Hierarchy::Legacy) => "cgroup v1".to_owned(),
        Some(Hierarchy::None) | None => "no cgroups".to_owned(),
    };
    Some(match &system.version {
        Some(version) => format!("systemd {version}, {hierarchy}"),
        None => hierarchy,
    })
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    // A host without systemd has one thing to mend first, and WSL mends this in its own way.
    if !facts.runs() || facts.system.wsl.is_some() {
        return Vec::new();
    }
    let mut found = Vec::new();
    match facts.system.cgroups {
        Some(Hierarchy::Unified) => found.extend(controllers(facts)),
        Some(Hierarchy::Hybrid | Hierarchy::Legacy) => found.push(
            error(
                "cgroup-v1",
                "the memory controller is with cgroup v1",
                "limits cannot be confirmed, and the kernel's files do not tell what units hold",
            )
            .advise(
                "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line \
                 (GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub) and reboot",
            ),
        ),
        Some(Hierarchy::None) => found.push(
            error(
                "no-cgroup",
                "no cgroup file system is mounted on /sys/fs/cgroup",
                "nothing can be read of what units hold",
            )
            .advise(
                "look at `mount` and at the sandbox that this runs in; systemd mounts it at boot",
            ),
        ),
        None => {}
    }
    if facts.system.pressure == Some(false) {
        let off = facts
            .system
            .cmdline
            .split_whitespace()
            .any(|word| word == "psi=0");
        let finding = Finding::new(
            Severity::Note,
            Area::System,
            "no-pressure",
            "the kernel keeps no pressure figures",
            "a standstill and rules on pressure go unnoticed",
        );
        found.push(if off {
            finding.advise("take psi=0 from the kernel's command line and reboot")
        } else {
            finding.advise("add psi=1 to the kernel's command line and reboot")
        });
    }
    found
}

fn error(id: &'static str, what: impl Into<String>, why: &str) -> Finding {
    Finding::new(Severity::Error, Area::System, id, what, why)
}

fn controllers(facts: &Facts) -> Vec<Finding> {
    let system = &facts.system;
    let has = |name: &str| system.controllers.iter().any(|c| c == name);
    if !has("memory") {
        return vec![no_memory(facts)];
    }
    // Which keys of profiles want which controller.
    let mut wanted: BTreeMap<&str, Vec<Key>> = BTreeMap::new();
    for key in facts.units.iter().flat_map(|unit| &unit.asked) {
        let file = key.kernel_file().unwrap_or_default();
        if let Some((controller, _)) = file.split_once('.') {
            let keys = wanted.entry(controller).or_default();
            if !keys.contains(key) {
                keys.push(*key);
            }
        }
    }
    let lacking = wanted
        .into_iter()
        .filter(|(controller, _)| !has(controller));
    lacking
        .map(|(controller, keys)| without(facts, controller, &keys))
        .collect()
}

fn no_memory(facts: &Facts) -> Finding {
    let disabled = facts.system.cmdline.split_whitespace().find(|word| {
        word.strip_prefix("cgroup_disable=")
            .is_some_and(|list| list.split(',').any(|c| c == "memory"))
    });
    let why = "no memory limit of any unit is in force, and nothing can be read of what units hold";
    if facts.user {
        return error(
            "user-controllers",
            "the memory controller is not delegated to your systemd --user",
            "no memory limit of your units is in force, and nothing can be read of what they hold",
        )
        .run(delegate());
    }
    match disabled {
        Some(word) => error("memory-controller", format!("the kernel was booted with {word}"), why)
            .advise(format!("take {word} from the kernel's command line and reboot")),
        None => error(
            "memory-controller",
            "the kernel has no memory controller for cgroup v2",
            why,
        )
        .advise(
            "look for cgroup_disable=memory and cgroup v1 mounts (`mount -t cgroup`); a kernel of one's own needs CONFIG_MEMCG",
        ),
    }
}

fn without(facts: &Facts, controller: &str, keys: &[Key]) -> Finding {
    let names: Vec<&str> = keys.iter().map(|key| key.name()).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let why = format!(
        "{} of the profiles {verb} without effect ({})",
        names.join(", "),
        count(names.len(), "directive"),
    );
    let finding = Finding::new(
        Severity::Warning,
        Area::System,
        if facts.user {
            "user-controllers"
        } else {
            "controller"
        },
        match facts.user {
            true => format!("the {controller} controller is not delegated to your systemd --user"),
            false => format!("the {controller} controller is not there"),
        },
        why,
    );
    match facts.user {
        true => finding.run(delegate()),
        false => finding.advise(format!(
            "look for cgroup_disable={controller} on the kernel's command line, and for cgroup v1 mounts"
        )),
    }
}

/// What gives users' managers their controllers; it takes force when the manager starts anew.
fn delegate() -> String {
    let folder = "/etc/systemd/system/user@.service.d";
    format!(
        "sudo mkdir -p {folder} && {{ echo '[Service]'; echo 'Delegate=cpu io memory pids'; }} | \
         sudo tee {file} && sudo systemctl daemon-reload # then log in anew",
        file = quoted(&format!("{folder}/delegate.conf")),
    )
}

#[cfg(test)]
mod tests {
    use super::super::bench::{healthy, ids, unit};
    use super::*;

    fn found(change: impl Fn(&mut Facts)) -> Vec<Finding> {
        let mut facts = healthy();
        change(&mut facts);
        check(&facts)
    }

    #[test]
    fn cgroup_v2_with_its_controllers_is_well() {
        assert!(check(&healthy()).is_empty());
        let told = saw(&healthy()).expect("seen");
        assert_eq!(told, "systemd 257.7-1, cgroup v2 (cpu io memory pids)");
    }

    #[test]
    fn other_hosts_are_told_how_to_boot() {
        for hierarchy in [Hierarchy::Hybrid, Hierarchy::Legacy] {
            let found = found(|f| f.system.cgroups = Some(hierarchy));
            assert_eq!(ids(&found), ["cgroup-v1"]);
            assert_eq!(found[0].severity, Severity::Error);
        }
        assert_eq!(
            ids(&found(|f| f.system.cgroups = Some(Hierarchy::None))),
            ["no-cgroup"]
        );
    }

    #[test]
    fn a_disabled_controller_is_named_as_it_was_typed() {
        let found = found(|f| {
            f.system.controllers = vec!["cpu".to_owned()];
            f.system.cmdline = "quiet cgroup_disable=io,memory".to_owned();
        });
        assert_eq!(ids(&found), ["memory-controller"]);
        assert!(
            found[0].what.contains("cgroup_disable=io,memory"),
            "{found:?}"
        );
    }

    #[test]
    fn only_controllers_that_a_profile_wants_are_missed() {
        let without_cpu = |f: &mut Facts| f.system.controllers.retain(|c| c != "cpu");
        assert!(found(without_cpu).is_empty());
        let found = found(|f| {
            without_cpu(f);
            f.units.push(unit(
                "a.service",
                &[(Key::CPUQuota, 1), (Key::MemoryMax, 1)],
            ));
        });
        assert_eq!(ids(&found), ["controller"]);
        assert!(found[0].why.contains("CPUQuota"), "{found:?}");
    }

    #[test]
    fn a_user_without_the_controller_is_told_how_to_get_it() {
        let found = found(|f| {
            f.user = true;
            f.system.controllers = vec!["pids".to_owned()];
        });
        assert_eq!(ids(&found), ["user-controllers"]);
        let mend = found[0].mend.as_ref().expect("a mend").text();
        assert!(
            mend.contains("Delegate=") && mend.contains("user@.service.d"),
            "{mend}"
        );
    }

    #[test]
    fn pressure_that_is_off_is_worth_knowing() {
        let found = found(|f| {
            f.system.pressure = Some(false);
            f.system.cmdline = "psi=0".to_owned();
        });
        assert_eq!(ids(&found), ["no-pressure"]);
        let mend = found[0].mend.as_ref().expect("a mend").text();
        assert!(mend.contains("take psi=0"), "{mend}");
    }
}
