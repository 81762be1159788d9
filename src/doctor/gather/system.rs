//! The kernel, systemd, what all of it runs in.

use std::path::{Path, PathBuf};

use super::Look;
use crate::doctor::Area;
use crate::doctor::facts::{Facts, Hierarchy, Said, Wsl};
use crate::kernel::root::Root;
use crate::scope::Scope;
use crate::systemd::files::Origin;
use crate::systemd::unit_file::{self, Assignment};

const CGROUP: &str = "/sys/fs/cgroup";

pub(super) fn look(look: Look<'_>, facts: &mut Facts) {
    let root = look.root;
    facts.system.default_accounting = default_accounting(look);
    if !root.is_host() {
        return;
    }
    facts.system.wsl = wsl(root);
    facts.system.container = container(root);
    facts.system.booted = Some(booted(root, look.scope));
    facts.system.cgroups = Some(hierarchy(root));
    facts.system.cmdline = text(root, "/proc/cmdline").unwrap_or_default();
    facts.system.pressure = Some(root.inode(Path::new("/proc/pressure/memory")).is_some());
    facts.system.read_only =
        text(root, "/proc/self/mountinfo").is_some_and(|t| is_read_only(&t, CGROUP));
    let own = look.scope.cgroup();
    let mut list = |file: &str| match root.read_if_any(&own.join(file)) {
        Ok(list) => words(&list.unwrap_or_default()),
        Err(e) => {
            facts.cannot_see(Area::System, e.message());
            Vec::new()
        }
    };
    let controllers = list("cgroup.controllers");
    let passed_on = list("cgroup.subtree_control");
    facts.system.controllers = controllers;
    facts.system.passed_on = passed_on;
}

fn words(list: &str) -> Vec<String> {
    let mut words: Vec<String> = list.split_whitespace().map(str::to_owned).collect();
    words.sort();
    words
}

/// A file that may be missing or unreadable: it only adds to what is known.
fn text(root: &Root, path: &str) -> Option<String> {
    root.read(Path::new(path)).ok()
}

fn there(root: &Root, path: &str) -> bool {
    root.inode(Path::new(path)).is_some()
}

/// As `sd_booted(3)` asks; a user's manager has its private socket.
fn booted(root: &Root, scope: &Scope) -> bool {
    match scope {
        Scope::System => there(root, "/run/systemd/system"),
        Scope::User(user) => root.inode(&user.runtime.join("systemd")).is_some(),
    }
}

fn hierarchy(root: &Root) -> Hierarchy {
    let is = |path: &str| there(root, &format!("{CGROUP}/{path}"));
    if is("cgroup.controllers") {
        Hierarchy::Unified
    } else if is("unified/cgroup.controllers") {
        Hierarchy::Hybrid
    } else if is("systemd") || is("memory") {
        Hierarchy::Legacy
    } else {
        Hierarchy::None
    }
}

/// Whether the mount on a folder is read-only:
///
/// ```text
/// 31 24 0:27 / /sys/fs/cgroup ro,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
/// ```
fn is_read_only(mountinfo: &str, folder: &str) -> bool {
    let mut options = mountinfo.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(4);
        let on = fields.next()?;
        (on == folder).then_some(fields.next()?)
    });
    // The last mount lies on top.
    options
        .next_back()
        .is_some_and(|options| options.split(',').any(|o| o == "ro"))
}

/// By the kernel's name, or its bridge to Windows programs.
fn wsl(root: &Root) -> Option<Wsl> {
    let version = text(root, "/proc/version")
        .unwrap_or_default()
        .to_lowercase();
    let is = version.contains("microsoft") || there(root, "/proc/sys/fs/binfmt_misc/WSLInterop");
    is.then(|| Wsl {
        asks_for_systemd: text(root, "/etc/wsl.conf").is_some_and(|t| asks_for_systemd(&t)),
    })
}

/// `[boot]` with `systemd=true` in `wsl.conf`, with blanks wherever people put them.
fn asks_for_systemd(conf: &str) -> bool {
    let mut section = String::new();
    let mut asks = false;
    for line in conf.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = name.trim().to_lowercase();
        } else if let Some((key, value)) = line.split_once('=')
            && section == "boot"
            && key.trim().eq_ignore_ascii_case("systemd")
        {
            asks = value.trim().eq_ignore_ascii_case("true");
        }
    }
    asks
}

/// In the order of `systemd-detect-virt`: what the manager has noted, what it was started with, what Docker and
/// Podman leave about. WSL is told of as itself.
fn container(root: &Root) -> Option<String> {
    for path in ["/run/host/container-manager", "/run/systemd/container"] {
        if let Some(text) = text(root, path)
            .map(|t| visible(t.trim()))
            .filter(|t| !t.is_empty())
        {
            return Some(text);
        }
    }
    let environ = root
        .read_bytes(Path::new("/proc/1/environ"), 1 << 20)
        .unwrap_or_default();
    let named = environ
        .split(|b| *b == 0)
        .find_map(|word| word.strip_prefix(b"container="));
    if let Some(name) = named.filter(|name| !name.is_empty()) {
        return Some(visible(&String::from_utf8_lossy(name)));
    }
    let left = [("/run/.containerenv", "podman"), ("/.dockerenv", "docker")];
    let found = left.into_iter().find(|(path, _)| there(root, path));
    found.map(|(_, name)| name.to_owned())
}

/// A name for a message, without what a terminal would take for a command.
fn visible(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// The last word on `DefaultMemoryAccounting=`: the main file, then the drop-ins by name.
fn default_accounting(look: Look<'_>) -> Option<Said> {
    let (file, mut dirs) = match look.scope {
        Scope::System => ("system.conf", Vec::new()),
        Scope::User(user) => ("user.conf", vec![user.config.join("systemd")]),
    };
    let others = [
        "/etc/systemd",
        "/run/systemd",
        "/usr/local/lib/systemd",
        "/usr/lib/systemd",
    ];
    dirs.extend(others.map(PathBuf::from));
    let mut chosen: Vec<PathBuf> = Vec::new();
    let main = dirs.iter().map(|dir| dir.join(file));
    chosen.extend(
        main.into_iter()
            .find(|path| look.root.inode(path).is_some()),
    );
    let mut dropins = std::collections::BTreeMap::new();
    for dir in &dirs {
        let folder = dir.join(format!("{file}.d"));
        for name in look.root.list(&folder).unwrap_or_default() {
            if name.ends_with(".conf") {
                dropins
                    .entry(name.clone())
                    .or_insert_with(|| folder.join(name));
            }
        }
    }
    chosen.extend(dropins.into_values());
    let words = chosen.into_iter().flat_map(|path| {
        let bytes = look.root.read_bytes(&path, 1 << 20).unwrap_or_default();
        let all = unit_file::parse_bytes(&bytes).into_iter();
        all.map(move |assignment| (assignment, path.clone()))
    });
    let is_said = |(a, _): &(Assignment, PathBuf)| {
        a.section == "Manager" && a.key == "DefaultMemoryAccounting"
    };
    let words: Vec<(Assignment, PathBuf)> = words.collect();
    let (assignment, path) = words.into_iter().rfind(is_said)?;
    Some(Said {
        value: assignment.value,
        origin: Origin {
            path,
            line: assignment.line,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wsl_conf_as_people_write_it() {
        assert!(asks_for_systemd("[boot]\nsystemd=true\n"));
        assert!(asks_for_systemd("# x\n[ Boot ]\r\n  systemd = True\r\n"));
        assert!(!asks_for_systemd("[network]\nsystemd=true\n"));
        assert!(!asks_for_systemd("[boot]\nsystemd=true\nsystemd=false\n"));
        assert!(!asks_for_systemd(""));
    }

    #[test]
    fn the_topmost_mount_counts() {
        let line = |options: &str| {
            format!("31 24 0:27 / /sys/fs/cgroup {options} shared:9 - cgroup2 c rw\n")
        };
        assert!(is_read_only(&line("ro,nosuid"), CGROUP));
        assert!(!is_read_only(&line("rw,nosuid"), CGROUP));
        assert!(!is_read_only(&(line("ro") + &line("rw")), CGROUP));
        assert!(!is_read_only(
            "31 24 0:27 / / ro shared:1 - ext4 x rw\nshort\n",
            CGROUP
        ));
    }

    proptest! {
        #[test]
        fn strange_files_are_no_reason_to_end(text in "\\PC*(\\n\\PC*){0,4}") {
            let _ = asks_for_systemd(&text);
            let _ = is_read_only(&text, CGROUP);
            prop_assert!(!visible(&text).chars().any(char::is_control));
        }
    }
}
