//! The unit files on disk: which fragment and which drop-ins make up a unit, in the order systemd applies them.
//!
//! Read from disk, not over the bus: it costs PID 1 nothing (FACTS 8), tells what the *next* reload will load,
//! and works for images. Where a setting comes from is known to the line.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::error::Result;
use crate::kernel::root::Root;
use crate::scope::Scope;
use crate::systemd::names::{NameKind, UnitName, dropin_names};
use crate::systemd::reader::Reader;
use crate::systemd::search::{SearchDir, SearchPath};
use crate::systemd::unit_file::{self, Assignment};

pub use crate::systemd::search::Fragment;

/// The unit search path of a manager, its folders listed once.
#[derive(Debug)]
pub struct UnitFiles<'a> {
    search: SearchPath<'a>,
    generator: PathBuf,
    parsed: RefCell<HashMap<PathBuf, Rc<Vec<Assignment>>>>,
    listed: RefCell<HashMap<PathBuf, Rc<Vec<String>>>>,
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
    /// A folder is there and cannot be listed. To anybody but root this, like any file or folder he may not read, is
    /// no error: see [`UnitFiles::unreadable`].
    pub fn scan(root: &'a Root, scope: &Scope) -> Result<Self> {
        Ok(Self {
            search: SearchPath::scan(Reader::new(root), scope)?,
            generator: scope.generator_dir(),
            parsed: RefCell::default(),
            listed: RefCell::default(),
        })
    }

    /// What of all that was asked for so far the caller may not read; it counted as saying nothing. Empty for root.
    #[must_use]
    pub fn unreadable(&self) -> Vec<PathBuf> {
        self.search.reader.unreadable()
    }

    /// The unit file behind a name.
    ///
    /// # Errors
    /// A link that cannot be read.
    pub fn fragment(&self, unit: &UnitName) -> Result<Fragment> {
        self.search.fragment(unit)
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
        let mut groups = vec![names];
        for alias in self.search.other_names(unit) {
            let mut names = dropin_names(&alias);
            names.pop();
            groups.push(names);
        }
        groups.push(type_folder.into_iter().collect());
        for group in groups {
            for dir in &self.search.dirs {
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
        let names = Rc::new(self.search.reader.list(path)?);
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
        let bytes = self.search.reader.bytes(path)?;
        let parsed = Rc::new(unit_file::parse_bytes(&bytes));
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
        let dirs = self.search.dirs.iter();
        let folders = dirs
            .filter(|dir| dir.path == self.generator)
            .flat_map(|dir| dir.names.iter().filter(|name| name.ends_with(".d")));
        for folder in folders {
            let path = self.generator.join(folder);
            for file in self.list(&path)?.iter().filter(|file| is_ours(file)) {
                let text = self.search.reader.bytes(&path.join(file))?;
                let text = String::from_utf8_lossy(&text).into_owned();
                found.insert(Path::new(folder).join(file), text);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
