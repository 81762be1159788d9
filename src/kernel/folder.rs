//! A directory opened for writing into it: files are put in place so that a crash leaves the old one or the new one.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, Mode, OFlags};

use crate::error::{Error, Result};

/// A directory opened for writing into it.
#[derive(Debug)]
pub struct Folder {
    pub(super) fd: OwnedFd,
    pub(super) shown: PathBuf,
}

impl Folder {
    /// Opens a directory that was named on the command line or in the settings: it must be there.
    ///
    /// # Errors
    /// The system call's, with the path.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = fs::open(path, flags, Mode::empty())
            .map_err(|e| Error::io("open the folder", path, &e.into()))?;
        let shown = path.to_owned();
        Ok(Self { fd, shown })
    }

    /// Replaces a file that others read, whatever the umask, and that several memctl may write at once: each by a
    /// temporary file of its own, which nobody can have put there before.
    ///
    /// # Errors
    /// The system call's, with the path; there is something else than a file; the temporary file is gone then.
    pub fn publish(&self, name: &str, contents: &[u8]) -> Result<()> {
        // A device or a folder is nothing to put a file in the place of.
        match fs::statat(&self.fd, name, AtFlags::empty()) {
            Ok(stat) if fs::FileType::from_raw_mode(stat.st_mode) != fs::FileType::RegularFile => {
                let path = self.shown.join(name);
                let told = format!("{} is not a regular file", path.display());
                return Err(Error::usage(told).remedy("name a file to replace"));
            }
            _ => {}
        }
        let staged = format!(".{name}.{}.memctl-new", std::process::id());
        self.discard(&staged);
        let write = || -> io::Result<()> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let fd = fs::openat(&self.fd, &staged, flags, Mode::from_raw_mode(0o644))?;
            fs::fchmod(&fd, Mode::from_raw_mode(0o644))?;
            let mut file = File::from(fd);
            file.write_all(contents)?;
            file.sync_all()
        };
        let done = write().map_err(|e| Error::io("write", &self.shown.join(name), &e));
        done.and_then(|()| self.commit(&staged, name))
            .inspect_err(|_| self.discard(&staged))
    }

    /// Puts a file in place so that a crash leaves the old one or the new one: temporary file, fsync, rename,
    /// fsync of the folder.
    ///
    /// # Errors
    /// The system call's, with the path; the temporary file is gone then.
    pub fn replace(&self, name: &str, contents: &[u8]) -> Result<()> {
        let staged = self.stage(name, contents)?;
        self.commit(&staged, name)
    }

    /// Replaces a file that may be lost, in one step and without a wait for the disk. One process at a time.
    ///
    /// # Errors
    /// The system call's, with the path; the temporary file is gone then.
    pub fn put(&self, name: &str, contents: &[u8]) -> Result<()> {
        let staged = staged_name(name);
        let write = || -> io::Result<()> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW;
            let mode = Mode::from_raw_mode(0o644);
            let fd = fs::openat(&self.fd, &staged, flags | OFlags::CLOEXEC, mode)?;
            File::from(fd).write_all(contents)?;
            Ok(fs::renameat(&self.fd, &staged, &self.fd, name)?)
        };
        write().map_err(|e| {
            self.discard(&staged);
            Error::io("write", &self.shown.join(name), &e)
        })
    }

    /// Writes the contents beside the file they are for, synced; answers the temporary name.
    ///
    /// # Errors
    /// The system call's, with the path; the temporary file is gone then.
    pub fn stage(&self, name: &str, contents: &[u8]) -> Result<String> {
        let staged = staged_name(name);
        let write = || -> io::Result<()> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW;
            let mode = Mode::from_raw_mode(0o644);
            let fd = fs::openat(&self.fd, &staged, flags | OFlags::CLOEXEC, mode)?;
            let mut file = File::from(fd);
            file.write_all(contents)?;
            file.sync_all()
        };
        write().map_err(|e| {
            self.discard(&staged);
            Error::io("write", &self.shown.join(name), &e)
        })?;
        Ok(staged)
    }

    /// Renames a staged file into place and syncs the folder.
    ///
    /// # Errors
    /// The system call's, with the path.
    pub fn commit(&self, staged: &str, name: &str) -> Result<()> {
        fs::renameat(&self.fd, staged, &self.fd, name)
            .and_then(|()| fs::fsync(&self.fd))
            .map_err(|e| Error::io("replace", &self.shown.join(name), &e.into()))
    }

    /// Removes a temporary file, if it is there.
    pub fn discard(&self, staged: &str) {
        // Nothing depends on it: a leftover begins with a dot and is overwritten by the next.
        let _ = fs::unlinkat(&self.fd, staged, AtFlags::empty());
    }

    /// Removes a file, which may be absent, and syncs the folder.
    ///
    /// # Errors
    /// The system call's, with the path.
    pub fn remove(&self, name: &str) -> Result<()> {
        match fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) => fs::fsync(&self.fd),
            Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(e) => Err(e),
        }
        .map_err(|e| Error::io("remove", &self.shown.join(name), &e.into()))
    }

    /// Puts a symbolic link in place, as [`Folder::replace`] does a file.
    ///
    /// # Errors
    /// The system call's, with the path.
    pub fn link(&self, name: &str, target: &Path) -> Result<()> {
        let staged = staged_name(name);
        self.discard(&staged);
        fs::symlinkat(target, &self.fd, &staged)
            .map_err(|e| Error::io("link", &self.shown.join(name), &e.into()))?;
        self.commit(&staged, name)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A name that no reader of profiles takes for one.
fn staged_name(name: &str) -> String {
    format!(".{name}.memctl-new")
}
