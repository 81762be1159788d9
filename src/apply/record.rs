//! The record of an unfinished transaction: what to put back if memctl is killed half-way.
//!
//! It is written before anything changes and removed at the end. While it says `undo`, the profiles in it count
//! as they were, for every reader, the generator at the next boot included: so a transaction over several files
//! is never half in force. Without `undo` the new files count, and only the kernel may be behind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::kernel::root::Root;
use crate::scope::Scope;

/// The file's name, in `/etc/memctl` or, where only the runtime profiles change, `/run/memctl`.
pub const FILE: &str = "transaction.json";
/// The largest file that is kept to be put back: some times what a profile may have.
const MOST: usize = 8 << 20;

/// What is in a profile's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Contents {
    /// A text.
    Text(String),
    /// A file that is no UTF-8: no profile, but the administrator's.
    Bytes(Vec<u8>),
    /// A link: to `/dev/null` it masks, to elsewhere it is how the administrator keeps profiles.
    Link(PathBuf),
}

impl Contents {
    /// A link to `/dev/null`.
    #[must_use]
    pub fn mask() -> Self {
        Self::Link("/dev/null".into())
    }
}

/// A file that the transaction changes, as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldFile {
    /// Its path.
    pub path: PathBuf,
    /// What was there; `None`: nothing.
    pub old: Option<Contents>,
    /// What comes there. Anything else than these two is somebody's later edit, and left alone.
    pub new: Option<Contents>,
}

impl OldFile {
    /// Whether the old contents are to be put back: what this transaction wrote is still there.
    fn stands(&self, root: &Root) -> bool {
        // What cannot be read is no edit of the administrator's.
        present(root, &self.path).map_or(true, |now| now != self.old && now == self.new)
    }
}

/// The form of the record that this memctl writes, and the only one that it reads.
const VERSION: u32 = 1;

/// A value that the preflight has written into the kernel by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldValue {
    /// The cgroup's folder.
    pub cgroup: PathBuf,
    /// Its inode: another one is another start of the unit.
    pub inode: u64,
    /// The file in it.
    pub file: String,
    /// What it said.
    pub old: String,
    /// What was written.
    pub new: String,
}

/// An unfinished transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The format.
    pub v: u32,
    /// The old files count.
    pub undo: bool,
    /// What the files were.
    pub files: Vec<OldFile>,
    /// What the kernel had.
    pub kernel: Vec<OldValue>,
    /// The folder that the record is in.
    #[serde(skip)]
    pub folder: PathBuf,
}

impl Record {
    /// A record for changes to `files`, to be kept where they are kept.
    #[must_use]
    pub fn new(scope: &Scope, files: Vec<OldFile>, kernel: Vec<OldValue>) -> Self {
        let lasting = files.iter().any(|f| f.path.starts_with(scope.config_dir()));
        Self {
            v: VERSION,
            undo: true,
            files,
            kernel,
            folder: if lasting {
                scope.config_dir()
            } else {
                scope.runtime_dir()
            },
        }
    }

    /// The unfinished transactions that were left behind, the lasting one first.
    ///
    /// # Errors
    /// A record that is there and cannot be understood.
    pub fn left_behind(root: &Root, scope: &Scope) -> Result<Vec<Self>> {
        let mut found = Vec::new();
        for folder in [scope.config_dir(), scope.runtime_dir()] {
            let path = folder.join(FILE);
            let Some(text) = root.read_if_any(&path)? else {
                continue;
            };
            let damaged = |why: String| {
                Error::failed(format!("{}: {why}", root.shown(&path).display()))
                    .remedy("look at the profiles in profiles.d beside it, then remove this file")
            };
            let mut record: Self =
                serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
            if record.v != VERSION {
                return Err(damaged(format!("of format {}, not {VERSION}", record.v)));
            }
            record.folder = folder;
            found.push(record);
        }
        Ok(found)
    }

    /// Puts the record, as it is now, on disk.
    ///
    /// # Errors
    /// It cannot be written; then the one before stands.
    pub fn write(&self, root: &Root) -> Result<()> {
        let text = serde_json::to_string(self)
            .map_err(|e| Error::failed(format!("cannot write the transaction: {e}")))?;
        root.make_dir(&self.folder)?.replace(FILE, text.as_bytes())
    }

    /// Ends the transaction.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn finish(&self, root: &Root) -> Result<()> {
        root.make_dir(&self.folder)?.remove(FILE)
    }

    /// Puts the old files back in place; what is in place already needs no room on a full disk, and what somebody
    /// has edited since is theirs.
    ///
    /// # Errors
    /// The first that cannot be; the record still makes the old ones count.
    pub fn restore_files(&self, root: &Root) -> Result<()> {
        for file in &self.files {
            if file.stands(root) {
                put(root, &file.path, file.old.as_ref())?;
            }
        }
        Ok(())
    }

    /// Puts back what the preflight wrote, where it still stands. Best effort: a reload writes it anew anyway.
    pub fn restore_kernel(&self, root: &Root) {
        for value in &self.kernel {
            let path = value.cgroup.join(&value.file);
            let same_start = root.inode(&value.cgroup) == Some(value.inode);
            let untouched = root
                .read(&path)
                .is_ok_and(|now| now.trim() == value.new.trim());
            if same_start && untouched {
                // The unit may end at any moment; nothing is lost then.
                let _ = root.write_kernel(&path, &value.old);
            }
        }
    }
}

/// The files as they count while transactions are unfinished: path → what to take instead of what is there.
///
/// A record that cannot be read counts for nothing: the files on disk are whole profiles in any case.
#[must_use]
pub fn standing(root: &Root, scope: &Scope) -> BTreeMap<PathBuf, Option<Contents>> {
    Record::left_behind(root, scope)
        .unwrap_or_default()
        .into_iter()
        .filter(|record| record.undo)
        .flat_map(|record| record.files)
        .filter(|file| file.stands(root))
        .map(|file| (file.path, file.old))
        .collect()
}

/// What is in a profile's place now.
///
/// # Errors
/// It is there and cannot be read, or is too large to be put back.
pub fn present(root: &Root, path: &Path) -> Result<Option<Contents>> {
    if let Some(target) = root.read_link(path)? {
        return Ok(Some(Contents::Link(target)));
    }
    match root.read_bytes(path, MOST as u64) {
        Ok(bytes) if bytes.len() > MOST => Err(Error::failed(format!(
            "{} is larger than 8M: no profile, and too large to be put back",
            root.shown(path).display()
        ))
        .remedy("move it away yourself")),
        Ok(bytes) => Ok(Some(
            String::from_utf8(bytes)
                .map_or_else(|e| Contents::Bytes(e.into_bytes()), Contents::Text),
        )),
        Err(e) if crate::kernel::root::is_absent(&e) => Ok(None),
        Err(e) => Err(Error::io("read", &root.shown(path), &e)),
    }
}

/// Whether a profile's place says this already, be it through a link.
///
/// # Errors
/// It is there and cannot be read.
pub fn says(root: &Root, path: &Path, text: &str) -> Result<bool> {
    // A mask is no regular file, and says nothing.
    if root.read_link(path)?.as_deref() == Some(Path::new("/dev/null")) {
        return Ok(false);
    }
    match root.read_bytes(path, MOST as u64) {
        Ok(bytes) => Ok(bytes == text.as_bytes()),
        Err(e) if crate::kernel::root::is_absent(&e) => Ok(false),
        Err(e) => Err(Error::io("read", &root.shown(path), &e)),
    }
}

/// Puts contents in a profile's place, or nothing, atomically.
///
/// # Errors
/// The system call's, with the path.
pub fn put(root: &Root, path: &Path, contents: Option<&Contents>) -> Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str()))
    else {
        return Err(Error::failed(format!("{}: no file name", path.display())));
    };
    let folder = root.make_dir(folder)?;
    match contents {
        Some(Contents::Text(text)) => folder.replace(name, text.as_bytes()),
        Some(Contents::Bytes(bytes)) => folder.replace(name, bytes),
        Some(Contents::Link(target)) => folder.link(name, target),
        None => folder.remove(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_says_nothing_and_is_no_error() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        // What is no regular file, as the device is.
        std::fs::create_dir_all(dir.path().join("dev/null")).expect("mkdir");
        std::fs::create_dir_all(dir.path().join("etc")).expect("mkdir");
        let mask = dir.path().join("etc/web.toml");
        std::os::unix::fs::symlink("/dev/null", mask).expect("symlink");
        let root = Root::open(dir.path()).expect("open");
        assert_eq!(says(&root, Path::new("/etc/web.toml"), ""), Ok(false));
        assert!(says(&root, Path::new("/dev/null"), "").is_err());
    }
}
