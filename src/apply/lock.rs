//! One at a time: one writer of limits, one watch.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::kernel::root::Root;
use crate::scope::Scope;

/// How long a verb waits for another to end: a change takes a few seconds, most of them systemd's reload.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How often it looks.
const POLL: Duration = Duration::from_millis(100);

/// The lock; let go of when dropped, or when the process ends however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: OwnedFd,
}

/// Whether a memctl is at work just now. What cannot be asked is answered with no.
#[must_use]
pub fn is_held(root: &Root, scope: &Scope) -> bool {
    is_held_in(root, &scope.runtime_dir()).unwrap_or(false)
}

/// Whether somebody has the lock of a folder; `None` where that may not be asked.
#[must_use]
pub fn is_held_in(root: &Root, folder: &Path) -> Option<bool> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW;
    let file = match root.open_at(&folder.join("lock"), flags, Mode::empty()) {
        Ok(file) => file,
        Err(e) if crate::kernel::root::is_absent(&e) => return Some(false),
        Err(_) => return None,
    };
    Some(flock(&file, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK))
}

impl Lock {
    /// Takes the lock of those who change limits; waits for `patience` if somebody else has it, then says so.
    ///
    /// # Errors
    /// Another memctl is at work; the file cannot be made.
    pub fn take(root: &Root, scope: &Scope, patience: Duration) -> Result<Self> {
        let folder = scope.runtime_dir();
        Self::of_folder(root, &folder, patience)?.ok_or_else(|| {
            let path = root.shown(&folder.join("lock"));
            let message = format!(
                "another memctl is changing limits (it holds {})",
                path.display()
            );
            Error::failed(message).remedy("wait for it to end; nothing was changed")
        })
    }

    /// Takes the lock of a folder, which is made if it is not there; `None` if somebody else has it for longer than
    /// `patience`.
    ///
    /// # Errors
    /// The file cannot be made or locked.
    pub fn of_folder(root: &Root, folder: &Path, patience: Duration) -> Result<Option<Self>> {
        root.make_dir(folder)?;
        let path = folder.join("lock");
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW;
        let file = root
            .open_at(&path, flags, Mode::from_raw_mode(0o600))
            .map_err(|e| Error::io("open", &root.shown(&path), &e))?;
        let deadline = Instant::now() + patience;
        let mut taken = flock(&file, FlockOperation::NonBlockingLockExclusive);
        while taken == Err(Errno::WOULDBLOCK) && Instant::now() < deadline {
            std::thread::sleep(POLL);
            taken = flock(&file, FlockOperation::NonBlockingLockExclusive);
        }
        match taken {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(e) => Err(Error::io("lock", &root.shown(&path), &e.into())),
        }
    }
}
