//! One writer of limits at a time.

use std::os::fd::OwnedFd;
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
    let path = scope.runtime_dir().join("lock");
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW;
    let Ok(file) = root.open_at(&path, flags, Mode::empty()) else {
        return false;
    };
    flock(&file, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK)
}

impl Lock {
    /// Takes the lock; waits for `patience` if somebody else has it, then says so.
    ///
    /// # Errors
    /// Another memctl is at work; the file cannot be made.
    pub fn take(root: &Root, scope: &Scope, patience: Duration) -> Result<Self> {
        let folder = scope.runtime_dir();
        root.make_dir(&folder)?;
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
            Ok(()) => Ok(Self { _file: file }),
            Err(Errno::WOULDBLOCK) => Err(Error::failed(format!(
                "another memctl is changing limits (it holds {})",
                root.shown(&path).display()
            ))
            .remedy("wait for it to end; nothing was changed")),
            Err(e) => Err(Error::io("lock", &root.shown(&path), &e.into())),
        }
    }
}
