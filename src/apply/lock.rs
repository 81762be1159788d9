//! One writer of limits at a time.

use std::os::fd::OwnedFd;

use rustix::fs::{FlockOperation, Mode, OFlags, flock};

use crate::error::{Error, Result};
use crate::kernel::root::Root;
use crate::scope::Scope;

/// The lock; let go of when dropped, or when the process ends however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: OwnedFd,
}

impl Lock {
    /// Takes the lock, or says that somebody else has it.
    ///
    /// # Errors
    /// Another memctl is at work; the file cannot be made.
    pub fn take(root: &Root, scope: &Scope) -> Result<Self> {
        let folder = scope.runtime_dir();
        root.make_dir(&folder)?;
        let path = folder.join("lock");
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW;
        let file = root
            .open_at(&path, flags, Mode::from_raw_mode(0o600))
            .map_err(|e| Error::io("open", &root.shown(&path), &e))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::failed(format!(
                "another memctl is changing limits (it holds {})",
                root.shown(&path).display()
            ))
            .remedy("wait for it to end; nothing was changed")),
            Err(e) => Err(Error::io("lock", &root.shown(&path), &e.into())),
        }
    }
}
