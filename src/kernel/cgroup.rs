//! The cgroup v2 tree of a service manager: which units have a cgroup, what they hold, what limits them.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::kernel::root::{Root, is_absent};
use crate::kernel::stat::MemoryStat;
use crate::scope::Scope;
use crate::systemd::names::{UnitName, UnitType};

/// The cgroup tree below a manager's own cgroup.
#[derive(Debug)]
pub struct Tree<'a> {
    root: &'a Root,
    base: PathBuf,
    users: bool,
}

/// A unit that has a cgroup: its processes are, or may be, running in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cgroup {
    /// The unit.
    pub unit: UnitName,
    /// The folder, `/sys/fs/cgroup/system.slice/x.service`.
    pub path: PathBuf,
    /// The slice whose cgroup it lies in, unless that is the manager's own.
    pub slice: Option<UnitName>,
}

/// What a cgroup and everything below it holds, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// `memory.current`: page cache included.
    pub current: u64,
    /// What of it cannot be reclaimed without swap (FACTS 24): the resident part of need.
    pub resident: u64,
    /// `memory.swap.current`; 0 where the kernel keeps no count of it.
    pub swap: u64,
}

impl Held {
    /// What the unit needs, wherever it lies: resident and swapped.
    #[must_use]
    pub fn need(&self) -> u64 {
        self.resident.saturating_add(self.swap)
    }
}

impl<'a> Tree<'a> {
    /// The tree of a manager; nothing is read yet.
    #[must_use]
    pub fn new(root: &'a Root, scope: &Scope) -> Self {
        Self {
            root,
            base: scope.cgroup(),
            users: scope.is_user(),
        }
    }

    /// Whether the manager's tree is cgroup v2 with a memory controller.
    ///
    /// # Errors
    /// It is not; says what is there instead.
    pub fn check(&self) -> Result<()> {
        let path = self.base.join("cgroup.controllers");
        match self.root.read_if_any(&path)? {
            Some(list) if list.split_whitespace().any(|c| c == "memory") => Ok(()),
            Some(_) => Err(Error::failed(format!(
                "{}: the memory controller is not there",
                path.display()
            ))
            .remedy("boot without cgroup_disable=memory")),
            // Most users have a manager only while they are logged in, and root has hardly ever one.
            None if self.users => Err(Error::failed(format!(
                "{} is not there: this user has no service manager running",
                self.base.display()
            ))
            .remedy("log in as that user, or `loginctl enable-linger USER`; without --user it is about the system's services")),
            None => Err(Error::failed(format!(
                "{} is not there: no cgroup v2, or no systemd running",
                path.display()
            ))
            .remedy("on a cgroup v1 or hybrid host boot with systemd.unified_cgroup_hierarchy=1; for an image use --root DIR")),
        }
    }

    /// Every unit that has a cgroup, parents before children.
    ///
    /// Goes down through slices alone: what is below a service or a scope belongs to that unit.
    ///
    /// # Errors
    /// A folder that exists and cannot be listed; with the path.
    pub fn walk(&self) -> Result<Vec<Cgroup>> {
        let mut found = Vec::new();
        let mut open = vec![(self.base.clone(), None)];
        while let Some((folder, slice)) = open.pop() {
            let mut names = self.root.list(&folder)?;
            names.sort();
            for name in names {
                // Files of the cgroup have no unit's suffix; `_` escapes a clash with them (cg_escape).
                let Ok(unit) = UnitName::parse(name.strip_prefix('_').unwrap_or(&name)) else {
                    continue;
                };
                let path = folder.join(&name);
                if unit.unit_type() == UnitType::Slice {
                    open.push((path.clone(), Some(unit.clone())));
                }
                found.push(Cgroup {
                    unit,
                    path,
                    slice: slice.clone(),
                });
            }
        }
        Ok(found)
    }

    /// What a cgroup holds; `None` if it is gone or the memory controller is off in it.
    ///
    /// # Errors
    /// A file is there and says nothing that can be understood; with the path.
    pub fn held(&self, cgroup: &Cgroup) -> Result<Option<Held>> {
        let Some(current) = self.file(cgroup, "memory.current")? else {
            return Ok(None);
        };
        let Some(stat) = self.file(cgroup, "memory.stat")? else {
            return Ok(None);
        };
        let swap = self.file(cgroup, "memory.swap.current")?;
        let strange = |file: &str, text: &str| {
            let path = cgroup.path.join(file);
            let start: String = text.chars().take(40).collect();
            Error::failed(format!("{}: unexpected {start:?}", path.display()))
        };
        let number =
            |file: &str, text: &str| text.trim().parse::<u64>().map_err(|_| strange(file, text));
        Ok(Some(Held {
            current: number("memory.current", &current)?,
            resident: MemoryStat::parse(&stat)
                .ok()
                .and_then(|stat| stat.resident())
                .ok_or_else(|| strange("memory.stat", &stat))?,
            swap: match swap {
                Some(text) => number("memory.swap.current", &text)?,
                None => 0,
            },
        }))
    }

    /// A file of a cgroup; `None` where there is no such file, or no such cgroup any more.
    ///
    /// # Errors
    /// It is there and cannot be read; with the path.
    pub fn file(&self, cgroup: &Cgroup, name: &str) -> Result<Option<String>> {
        let path = cgroup.path.join(name);
        match self.root.read(&path) {
            Ok(text) => Ok(Some(text)),
            // A cgroup that was removed while its file was open answers ENODEV.
            Err(e) if is_absent(&e) || is_gone(&e) => Ok(None),
            Err(e) => Err(Error::io("read", &self.root.shown(&path), &e)),
        }
    }

    /// What the slices above a cgroup still let it swap out, in bytes; `u64::MAX` where none limits that.
    ///
    /// # Errors
    /// A file is there and says nothing that can be understood; with the path.
    pub fn swap_room_above(&self, cgroup: &Cgroup) -> Result<u64> {
        let mut room = u64::MAX;
        // Slices of the system's manager lie above a user's too; the root of all has no such files.
        for folder in cgroup.path.ancestors().skip(1) {
            let read = |name| self.root.read_if_any(&folder.join(name));
            let (Some(max), Some(current)) =
                (read("memory.swap.max")?, read("memory.swap.current")?)
            else {
                break;
            };
            let number = |name: &str, text: &str| match text.trim() {
                "max" => Ok(u64::MAX),
                text => text.parse::<u64>().map_err(|_| {
                    Error::failed(format!(
                        "{}: unexpected {text:?}",
                        folder.join(name).display()
                    ))
                }),
            };
            let max = number("memory.swap.max", &max)?;
            room = room.min(max.saturating_sub(number("memory.swap.current", &current)?));
        }
        Ok(room)
    }

    /// Whether this kernel has no such file at all: its controller is on in the cgroup and the file is not there
    /// (FACTS 9a: `memory.zswap.max`).
    #[must_use]
    pub fn lacks(&self, cgroup: &Cgroup, name: &str) -> bool {
        let controller = name.split('.').next().unwrap_or_default();
        let on = self.file(cgroup, "cgroup.controllers").ok().flatten();
        on.is_some_and(|list| list.split_whitespace().any(|c| c == controller))
            && matches!(self.file(cgroup, name), Ok(None))
    }

    /// Writes a file of a cgroup.
    ///
    /// # Errors
    /// The kernel's answer as it is: the caller knows which ones to expect (FACTS 3: `EAGAIN`).
    pub fn write(&self, cgroup: &Cgroup, name: &str, value: &str) -> io::Result<()> {
        self.root.write_kernel(&cgroup.path.join(name), value)
    }

    /// The cgroup's inode: another one means that the unit was started anew.
    #[must_use]
    pub fn inode(&self, path: &Path) -> Option<u64> {
        self.root.inode(path)
    }
}

/// Whether the cgroup went away under a read or write.
#[must_use]
pub fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        for (path, text) in files {
            let path = dir.path().join("sys/fs/cgroup").join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
            std::fs::write(path, text).expect("write");
        }
        let root = Root::open(dir.path()).expect("open");
        (dir, root)
    }

    #[test]
    fn the_walk_ends_at_services_and_undoes_escapes() {
        let (_dir, root) = tree(&[
            ("cgroup.controllers", "cpu memory\n"),
            ("system.slice/a.service/memory.max", "max\n"),
            (
                "system.slice/a.service/inner.slice/b.service/memory.max",
                "max\n",
            ),
            (
                "system.slice/system-w.slice/w@1.service/memory.max",
                "max\n",
            ),
            ("_memory.slice/memory.max", "max\n"),
            ("init.scope/memory.max", "max\n"),
        ]);
        let tree = Tree::new(&root, &Scope::System);
        tree.check().expect("cgroup v2");
        let mut found: Vec<String> = tree
            .walk()
            .expect("walk")
            .iter()
            .map(|c| match &c.slice {
                Some(slice) => format!("{slice}/{}", c.unit),
                None => c.unit.to_string(),
            })
            .collect();
        found.sort();
        assert_eq!(
            found,
            [
                "init.scope",
                "memory.slice",
                "system-w.slice/w@1.service",
                "system.slice",
                "system.slice/a.service",
                "system.slice/system-w.slice",
            ]
        );
    }

    #[test]
    fn the_least_room_above_counts() {
        let (_dir, root) = tree(&[
            ("cgroup.controllers", "cpu memory\n"),
            ("a.slice/memory.swap.max", "1000\n"),
            ("a.slice/memory.swap.current", "900\n"),
            ("a.slice/a-b.slice/memory.swap.max", "max\n"),
            ("a.slice/a-b.slice/memory.swap.current", "900\n"),
            ("a.slice/a-b.slice/x.service/memory.swap.max", "5\n"),
        ]);
        let tree = Tree::new(&root, &Scope::System);
        let room = |unit: &str| {
            let cgroups = tree.walk().expect("walk");
            let cgroup = cgroups.iter().find(|c| c.unit.as_str() == unit);
            tree.swap_room_above(cgroup.expect(unit)).expect(unit)
        };
        assert_eq!(room("x.service"), 100);
        assert_eq!(room("a-b.slice"), 100);
        assert_eq!(room("a.slice"), u64::MAX);
    }

    #[test]
    fn a_strange_reading_is_an_error_with_its_path() {
        let (_dir, root) = tree(&[
            ("a.service/memory.current", "12 apples\n"),
            ("a.service/memory.stat", "anon 1\n"),
        ]);
        let tree = Tree::new(&root, &Scope::System);
        let cgroup = tree.walk().expect("walk").remove(0);
        let error = tree.held(&cgroup).expect_err("strange");
        assert!(
            error
                .message()
                .contains("/sys/fs/cgroup/a.service/memory.current"),
            "{error}"
        );
    }

    #[test]
    fn a_user_without_a_manager_is_not_told_to_boot_otherwise() {
        let (_dir, root) = tree(&[("cgroup.controllers", "cpu memory\n")]);
        let user = Scope::User(crate::scope::User {
            uid: 0,
            runtime: "/run/user/0".into(),
            config: "/root/.config".into(),
            data: "/root/.local/share".into(),
            state: "/root/.local/state".into(),
        });
        let error = Tree::new(&root, &user).check().expect_err("no manager");
        assert!(error.to_string().contains("no service manager"), "{error}");
        assert!(!error.to_string().contains("boot"), "{error}");
    }

    #[test]
    fn hosts_without_cgroup_v2_are_told_what_to_do() {
        let (_dir, root) = tree(&[("memory/memory.limit_in_bytes", "1\n")]);
        let error = Tree::new(&root, &Scope::System).check().expect_err("v1");
        assert!(
            error.to_string().contains("unified_cgroup_hierarchy"),
            "{error}"
        );
    }
}
