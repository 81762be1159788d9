//! The unit files on disk: which fragment and which drop-ins make up a unit, in the order systemd applies them.
//!
//! Read from disk, not over the bus: it costs PID 1 nothing (FACTS 8), tells what the *next* reload will load,
//! and works for images. Where a setting comes from is known to the line.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::error::Result;
use crate::kernel::root::Root;
use crate::scope::Scope;
use crate::systemd::names::{NameKind, UnitName, dropin_names};
use crate::systemd::unit_file::{self, Assignment};

/// The unit search path of a manager, its folders listed once.
#[derive(Debug)]
pub struct UnitFiles<'a> {
    root: &'a Root,
    dirs: Vec<SearchDir>,
    /// Real name → its other names: drop-ins under those count too (FACTS 6).
    aliases: HashMap<String, Vec<UnitName>>,
    generator: PathBuf,
    parsed: RefCell<HashMap<PathBuf, Rc<Vec<Assignment>>>>,
    listed: RefCell<HashMap<PathBuf, Rc<Vec<String>>>>,
}

#[derive(Debug)]
struct SearchDir {
    path: PathBuf,
    names: HashSet<String>,
}

/// What stands behind a unit's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fragment {
    /// Its unit file.
    File(PathBuf),
    /// A link to `/dev/null`, or an empty file.
    Masked(PathBuf),
    /// Another name of this unit.
    Alias(UnitName),
    /// No file: not installed, or a slice that needs none.
    Missing,
}

/// Where an assignment stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

/// Drop-ins that stand in for what the generator has written: `x.service.d/00-memctl.conf` → text.
pub type Overlay = BTreeMap<PathBuf, String>;

/// Whether a drop-in's name is one of memctl's.
#[must_use]
pub fn is_ours(file_name: &str) -> bool {
    file_name.ends_with(".conf")
        && ["00-memctl", "zz-memctl", "zzz-memctl"]
            .iter()
            .any(|stem| file_name.starts_with(stem))
}

impl<'a> UnitFiles<'a> {
    /// Lists the search path of a manager.
    ///
    /// # Errors
    /// A folder is there and cannot be listed.
    pub fn scan(root: &'a Root, scope: &Scope) -> Result<Self> {
        let mut dirs = Vec::new();
        for path in scope.unit_dirs() {
            // On merged /usr this is the same folder again; the first one counts.
            let names = root.list(&path)?.into_iter().collect();
            dirs.push(SearchDir { path, names });
        }
        let mut files = Self {
            root,
            dirs,
            aliases: HashMap::new(),
            generator: scope.generator_dir(),
            parsed: RefCell::default(),
            listed: RefCell::default(),
        };
        files.aliases = files.find_aliases()?;
        Ok(files)
    }

    fn find_aliases(&self) -> Result<HashMap<String, Vec<UnitName>>> {
        let mut found: HashMap<String, Vec<UnitName>> = HashMap::new();
        for dir in &self.dirs {
            for link in self.root.links(&dir.path)? {
                let Ok(alias) = UnitName::parse(&link) else {
                    continue;
                };
                if let Some(Fragment::Alias(real)) = self.lookup(&link)? {
                    let others = found.entry(real.as_str().to_owned()).or_default();
                    if !others.contains(&alias) {
                        others.push(alias);
                    }
                }
            }
        }
        Ok(found)
    }

    /// The unit file behind a name.
    ///
    /// # Errors
    /// A link that cannot be read.
    pub fn fragment(&self, unit: &UnitName) -> Result<Fragment> {
        if let Some(found) = self.lookup(unit.as_str())? {
            return Ok(found);
        }
        match unit.template() {
            Some(template) => Ok(match self.lookup(template.as_str())? {
                // An alias of a template is one of its instances too.
                Some(Fragment::Alias(real)) => {
                    let instance = unit.stem().split_once('@').map_or("", |(_, i)| i);
                    let text = real.as_str().replacen('@', &format!("@{instance}"), 1);
                    UnitName::parse(&text).map_or(Fragment::Missing, Fragment::Alias)
                }
                Some(other) => other,
                None => Fragment::Missing,
            }),
            None => Ok(Fragment::Missing),
        }
    }

    fn lookup(&self, name: &str) -> Result<Option<Fragment>> {
        let Some(dir) = self.dirs.iter().find(|dir| dir.names.contains(name)) else {
            return Ok(None);
        };
        let path = dir.path.join(name);
        let Some(target) = self.root.read_link(&path)? else {
            let empty = self.root.read_bytes(&path, 1).is_ok_and(|b| b.is_empty());
            return Ok(Some(if empty {
                Fragment::Masked(path)
            } else {
                Fragment::File(path)
            }));
        };
        if target == Path::new("/dev/null") {
            return Ok(Some(Fragment::Masked(path)));
        }
        let file_name = target.file_name().and_then(|n| n.to_str()).unwrap_or(name);
        let same = file_name == name || is_instance_of(name, file_name);
        Ok(Some(match UnitName::parse(file_name) {
            Ok(real) if !same => Fragment::Alias(real),
            _ => Fragment::File(path),
        }))
    }

    /// The drop-ins of a unit in the order of application, with `overlay` in the place of the generator's.
    ///
    /// All folders' files are merged and sorted by file name; of two of the same name the better folder's
    /// counts, whole (FACTS 4, 5).
    ///
    /// # Errors
    /// A drop-in folder that cannot be listed.
    pub fn dropins(&self, unit: &UnitName, overlay: &Overlay) -> Result<Vec<PathBuf>> {
        let mut chosen: BTreeMap<String, PathBuf> = BTreeMap::new();
        let mut names = dropin_names(unit);
        let type_folder = names.pop();
        // The folder of the whole type comes after all others of every path.
        let aliases = self.aliases.get(unit.as_str()).into_iter().flatten();
        let mut groups = vec![names];
        for alias in aliases {
            let mut names = dropin_names(alias);
            names.pop();
            groups.push(names);
        }
        groups.push(type_folder.into_iter().collect());
        for group in groups {
            for dir in &self.dirs {
                for name in &group {
                    self.add_folder(dir, &format!("{name}.d"), overlay, &mut chosen)?;
                }
            }
        }
        Ok(chosen.into_values().collect())
    }

    fn add_folder(
        &self,
        dir: &SearchDir,
        folder: &str,
        overlay: &Overlay,
        chosen: &mut BTreeMap<String, PathBuf>,
    ) -> Result<()> {
        let generated = dir.path == self.generator;
        if dir.names.contains(folder) {
            let path = dir.path.join(folder);
            for file in self.list(&path)?.iter() {
                if file.ends_with(".conf") && !(generated && is_ours(file)) {
                    chosen
                        .entry(file.clone())
                        .or_insert_with(|| path.join(file));
                }
            }
        }
        if generated {
            // Sorted as they are, a folder's files stand together: of hundreds only those are looked at.
            let folder = Path::new(folder);
            let from = (Bound::Excluded(folder), Bound::Unbounded);
            let inside = overlay.range::<Path, _>(from).map(|(key, _)| key);
            for key in inside.take_while(|key| key.parent() == Some(folder)) {
                if let Some(file) = key.file_name().and_then(|n| n.to_str()) {
                    chosen
                        .entry(file.to_owned())
                        .or_insert_with(|| dir.path.join(key));
                }
            }
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> Result<Rc<Vec<String>>> {
        if let Some(known) = self.listed.borrow().get(path) {
            return Ok(Rc::clone(known));
        }
        let names = Rc::new(self.root.list(path)?);
        let mut listed = self.listed.borrow_mut();
        listed.insert(path.to_owned(), Rc::clone(&names));
        Ok(names)
    }

    /// Every assignment that makes up a unit, in the order of application, with where it stands.
    ///
    /// # Errors
    /// A file that is there and cannot be read.
    pub fn assignments(
        &self,
        unit: &UnitName,
        overlay: &Overlay,
    ) -> Result<Vec<(Assignment, PathBuf)>> {
        let mut files = Vec::new();
        if unit.kind() != NameKind::Prefix
            && let Fragment::File(path) = self.fragment(unit)?
        {
            files.push(path);
        }
        files.extend(self.dropins(unit, overlay)?);
        let mut all = Vec::new();
        for path in files {
            let parsed = self.parse(&path, overlay)?;
            all.extend(parsed.iter().map(|a| (a.clone(), path.clone())));
        }
        Ok(all)
    }

    fn parse(&self, path: &Path, overlay: &Overlay) -> Result<Rc<Vec<Assignment>>> {
        if let Some(text) = path
            .strip_prefix(&self.generator)
            .ok()
            .and_then(|key| overlay.get(key))
        {
            return Ok(Rc::new(unit_file::parse(text)));
        }
        if let Some(known) = self.parsed.borrow().get(path) {
            return Ok(Rc::clone(known));
        }
        // A drop-in that is a link to /dev/null masks its namesakes and says nothing itself.
        let text = match self.root.read_link(path)? {
            Some(target) if target == Path::new("/dev/null") => String::new(),
            _ => self.root.read_lossy_if_any(path)?.unwrap_or_default(),
        };
        let parsed = Rc::new(unit_file::parse(&text));
        let mut cache = self.parsed.borrow_mut();
        cache.insert(path.to_owned(), Rc::clone(&parsed));
        Ok(parsed)
    }

    /// The drop-ins that the generator has written and that are on disk now, as an overlay.
    ///
    /// # Errors
    /// A folder or file that is there and cannot be read.
    pub fn generated(&self) -> Result<Overlay> {
        let mut found = Overlay::new();
        let folders = self
            .dirs
            .iter()
            .filter(|dir| dir.path == self.generator)
            .flat_map(|dir| dir.names.iter().filter(|name| name.ends_with(".d")));
        for folder in folders {
            let path = self.generator.join(folder);
            for file in self.list(&path)?.iter().filter(|file| is_ours(file)) {
                if let Some(text) = self.root.read_if_any(&path.join(file))? {
                    found.insert(Path::new(folder).join(file), text);
                }
            }
        }
        Ok(found)
    }
}

/// Whether `real` is the template of the instance `name` (`getty@tty1.service → getty@.service` is no alias).
fn is_instance_of(name: &str, real: &str) -> bool {
    UnitName::parse(name)
        .ok()
        .and_then(|n| n.template())
        .is_some_and(|template| template.as_str() == real)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Disk {
        dir: tempfile::TempDir,
        root: Root,
    }

    impl Disk {
        fn new(files: &[(&str, &str)]) -> Self {
            let dir = tempfile::tempdir().expect("a temporary directory");
            for (path, text) in files {
                let path = dir.path().join(path);
                std::fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
                match text.strip_prefix("-> ") {
                    Some(target) => std::os::unix::fs::symlink(target, path).expect("link"),
                    None => std::fs::write(path, text).expect("write"),
                }
            }
            let root = Root::open(dir.path()).expect("open");
            Self { dir, root }
        }

        fn files(&self) -> UnitFiles<'_> {
            assert!(self.dir.path().exists());
            UnitFiles::scan(&self.root, &Scope::System).expect("scan")
        }
    }

    fn name(text: &str) -> UnitName {
        UnitName::parse(text).expect(text)
    }

    #[test]
    fn fragments_aliases_and_masks() {
        let disk = Disk::new(&[
            ("usr/lib/systemd/system/ssh.service", "[Service]\n"),
            ("usr/lib/systemd/system/w@.service", "[Service]\n"),
            (
                "etc/systemd/system/sshd.service",
                "-> /usr/lib/systemd/system/ssh.service",
            ),
            (
                "etc/systemd/system/multi-user.target.wants/ssh.service",
                "-> /x",
            ),
            ("etc/systemd/system/off.service", "-> /dev/null"),
            (
                "etc/systemd/system/linked.service",
                "-> /opt/app/linked.service",
            ),
            (
                "etc/systemd/system/w@1.service",
                "-> /usr/lib/systemd/system/w@.service",
            ),
        ]);
        let files = disk.files();
        let fragment = |unit: &str| files.fragment(&name(unit)).expect(unit);
        let lib = |unit: &str| Fragment::File(format!("/usr/lib/systemd/system/{unit}").into());
        assert_eq!(fragment("ssh.service"), lib("ssh.service"));
        assert_eq!(
            fragment("sshd.service"),
            Fragment::Alias(name("ssh.service"))
        );
        assert_eq!(fragment("w@7.service"), lib("w@.service"));
        assert!(matches!(fragment("w@1.service"), Fragment::File(_)));
        assert!(matches!(fragment("off.service"), Fragment::Masked(_)));
        assert!(matches!(fragment("linked.service"), Fragment::File(_)));
        assert_eq!(fragment("none.service"), Fragment::Missing);
    }

    #[test]
    fn dropins_merge_by_name_and_the_better_folder_wins() {
        let disk = Disk::new(&[
            (
                "etc/systemd/system/a-b.service.d/50-x.conf",
                "[Service]\nMemoryMax=1G\n",
            ),
            (
                "usr/lib/systemd/system/a-b.service.d/50-x.conf",
                "[Service]\nMemoryMax=2G\n",
            ),
            (
                "usr/lib/systemd/system/a-.service.d/10-p.conf",
                "[Service]\nMemoryMax=3G\n",
            ),
            (
                "usr/lib/systemd/system/service.d/99-all.conf",
                "[Service]\nTasksMax=9\n",
            ),
            (
                "run/systemd/generator/a-b.service.d/00-memctl.conf",
                "[Service]\nMemoryMax=4G\n",
            ),
            (
                "run/systemd/generator/a-b.service.d/45-other.conf",
                "[Service]\nMemoryHigh=5G\n",
            ),
        ]);
        let files = disk.files();
        let overlay = Overlay::from([(
            PathBuf::from("a-b.service.d/zz-memctl.conf"),
            "[Service]\nMemoryMax=6G\n".to_owned(),
        )]);
        let shown: Vec<String> = files
            .dropins(&name("a-b.service"), &overlay)
            .expect("dropins")
            .iter()
            .map(|p| p.display().to_string())
            .collect();
        assert_eq!(
            shown,
            [
                "/usr/lib/systemd/system/a-.service.d/10-p.conf",
                "/run/systemd/generator/a-b.service.d/45-other.conf",
                "/etc/systemd/system/a-b.service.d/50-x.conf",
                "/usr/lib/systemd/system/service.d/99-all.conf",
                "/run/systemd/generator/a-b.service.d/zz-memctl.conf",
            ]
        );
        let last = files
            .assignments(&name("a-b.service"), &overlay)
            .expect("read");
        assert_eq!(last.last().map(|(a, _)| a.value.as_str()), Some("6G"));
        assert_eq!(files.generated().expect("generated").len(), 1);
    }

    #[test]
    fn a_masked_dropin_silences_its_namesakes() {
        let disk = Disk::new(&[
            ("etc/systemd/system/a.service.d/50-x.conf", "-> /dev/null"),
            (
                "usr/lib/systemd/system/a.service.d/50-x.conf",
                "[Service]\nMemoryMax=2G\n",
            ),
        ]);
        let found = disk
            .files()
            .assignments(&name("a.service"), &Overlay::new())
            .expect("read");
        assert_eq!(found, []);
    }
}
