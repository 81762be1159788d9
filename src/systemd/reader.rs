//! Reading unit files and their folders, as far as the caller may.
//!
//! An ordinary user plans, too, and administrators keep some drop-ins to themselves (mode 0600, for the secrets in
//! their `Environment=`). What he may not read counts as saying nothing and is remembered, so that it can be told.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::kernel::root::{Root, is_absent};

/// Unit files are far smaller.
const READ_LIMIT: u64 = 8 << 20;

/// Reads below a root.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    root: &'a Root,
    /// To root everything is readable: where it is not, something is wrong.
    is_root: bool,
    unreadable: RefCell<BTreeSet<PathBuf>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(root: &'a Root) -> Self {
        Self {
            root,
            is_root: rustix::process::geteuid().is_root(),
            unreadable: RefCell::default(),
        }
    }

    /// What could not be read for want of permission, sorted.
    pub(super) fn unreadable(&self) -> Vec<PathBuf> {
        self.unreadable.borrow().iter().cloned().collect()
    }

    /// The names in a folder; none where there is no folder.
    pub(super) fn list(&self, path: &Path) -> Result<Vec<String>> {
        self.permitted(path, self.root.list(path))
    }

    /// The names of the symbolic links in a folder.
    pub(super) fn links(&self, path: &Path) -> Result<Vec<String>> {
        self.permitted(path, self.root.links(path))
    }

    /// Where a link points; `None` where there is no link.
    pub(super) fn link(&self, path: &Path) -> Result<Option<PathBuf>> {
        self.permitted(path, self.root.read_link(path))
    }

    /// A file's bytes; none where there is no file, but nothing, a folder or a device (`/dev/null`).
    pub(super) fn bytes(&self, path: &Path) -> Result<Vec<u8>> {
        let read = match self.root.read_bytes(path, READ_LIMIT) {
            Err(e) if is_absent(&e) || is_no_file(&e) => Ok(Vec::new()),
            other => other.map_err(|e| Error::io("read", &self.root.shown(path), &e)),
        };
        self.permitted(path, read)
    }

    /// Whether systemd would take a file for a mask: it is empty, or a device, whatever links lead there.
    pub(super) fn is_mask(&self, path: &Path) -> Result<bool> {
        match self.root.read_bytes(path, 1) {
            Ok(bytes) => Ok(bytes.is_empty()),
            // An image has no devices: what the link says has to do.
            Err(e) if is_absent(&e) => {
                Ok(self.link(path)?.as_deref() == Some(Path::new("/dev/null")))
            }
            Err(e) => Ok(is_no_file(&e) && e.kind() != io::ErrorKind::IsADirectory),
        }
    }

    fn permitted<T: Default>(&self, path: &Path, read: Result<T>) -> Result<T> {
        match read {
            Err(e) if e.kind() == Kind::NotPermitted && !self.is_root => {
                self.unreadable.borrow_mut().insert(path.to_owned());
                Ok(T::default())
            }
            other => other,
        }
    }
}

/// A folder, or what [`Root::read_bytes`] calls no regular file.
fn is_no_file(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::IsADirectory | io::ErrorKind::Other
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_read_is_remembered_except_for_root() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = Root::open(dir.path()).expect("open");
        let refused = || {
            Error::io(
                "read",
                Path::new("/x"),
                &io::ErrorKind::PermissionDenied.into(),
            )
        };
        for is_root in [false, true] {
            let reader = Reader {
                is_root,
                ..Reader::new(&root)
            };
            let read = reader.permitted::<Vec<u8>>(Path::new("/x"), Err(refused()));
            assert_eq!(read.is_err(), is_root);
            assert_eq!(reader.unreadable().len(), usize::from(!is_root));
            let broken = Error::io("read", Path::new("/y"), &io::ErrorKind::StorageFull.into());
            assert!(
                reader
                    .permitted::<Vec<u8>>(Path::new("/y"), Err(broken))
                    .is_err()
            );
        }
    }

    #[test]
    fn what_is_no_file_says_nothing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(dir.path().join("folder.conf")).expect("mkdir");
        std::os::unix::fs::symlink("/gone", dir.path().join("dangling.conf")).expect("link");
        std::os::unix::fs::symlink("/dev/null", dir.path().join("mask.conf")).expect("link");
        std::fs::write(dir.path().join("empty.conf"), "").expect("write");
        let root = Root::open(dir.path()).expect("open");
        let reader = Reader::new(&root);
        for (name, mask) in [
            ("folder.conf", false),
            ("dangling.conf", false),
            ("mask.conf", true),
            ("empty.conf", true),
            ("absent.conf", false),
        ] {
            assert_eq!(reader.bytes(Path::new(name)), Ok(Vec::new()), "{name}");
            assert_eq!(reader.is_mask(Path::new(name)), Ok(mask), "{name}");
        }
        let device = Root::open(Path::new("/")).expect("open");
        assert_eq!(
            Reader::new(&device).is_mask(Path::new("/dev/null")),
            Ok(true)
        );
    }
}
