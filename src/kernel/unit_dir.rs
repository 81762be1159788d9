//! The open folder of one cgroup: its files are read relative to it, by one buffer.
//!
//! The folder is kept open and its files are not: by the kernel's source (`seq_file`) a file that was read keeps its
//! buffer until it is closed, charged to the reader, and there are a dozen a unit. Not measured.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;

use crate::kernel::cgroup::is_gone;
use crate::kernel::root::{Root, is_absent};

/// The most that is read of one file; the largest, `memory.stat`, has some 2 KiB.
const MOST: usize = 1 << 20;

/// Where systemd notes the invocation on the cgroup, readable for all. Seen on 252, 257 and 262.
const INVOCATION: &str = "user.invocation_id";

/// The open folder of a cgroup.
#[derive(Debug)]
pub struct UnitDir {
    fd: OwnedFd,
    inode: u64,
}

impl UnitDir {
    /// Opens a cgroup's folder.
    ///
    /// # Errors
    /// The system call's; [`is_absent`] for one that is not there.
    pub fn open(root: &Root, path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let fd = root.open_at(path, flags, Mode::empty())?;
        let inode = fs::fstat(&fd)?.st_ino;
        Ok(Self { fd, inode })
    }

    /// The cgroup's inode: another one means that the cgroup was made anew.
    #[must_use]
    pub fn inode(&self) -> u64 {
        self.inode
    }

    /// Reads a file into `buffer`. `None`: there is no such file, or the cgroup is gone, or the kernel was booted
    /// without what the file tells of (`psi=0`: `EOPNOTSUPP`).
    ///
    /// # Errors
    /// It is there and cannot be read; it is larger than a kernel file can be; it is no text.
    pub fn read<'b>(&self, name: &str, buffer: &'b mut Vec<u8>) -> io::Result<Option<&'b str>> {
        match self.fill(name, buffer) {
            Ok(()) => {}
            Err(e) if is_absent(&e) || is_gone(&e) || is_unsupported(&e) => return Ok(None),
            Err(e) => return Err(e),
        }
        match std::str::from_utf8(buffer) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(io::Error::other("not UTF-8")),
        }
    }

    fn fill(&self, name: &str, buffer: &mut Vec<u8>) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = fs::openat(&self.fd, name, flags, Mode::empty())?;
        buffer.clear();
        buffer.reserve(4096);
        loop {
            match rustix::io::read(&file, rustix::buffer::spare_capacity(buffer)) {
                Ok(0) => return Ok(()),
                // The kernel makes such a file whole at the first read; what fits has no more to come.
                Ok(_) if buffer.len() < buffer.capacity() => return Ok(()),
                Ok(_) if buffer.len() > MOST => return Err(io::Error::other("larger than 1 MiB")),
                Ok(_) => buffer.reserve(4096),
                Err(Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// The invocation that systemd noted on the cgroup, as text.
    #[must_use]
    pub fn invocation(&self) -> Option<String> {
        let mut buffer = [0_u8; 64];
        let length = fs::fgetxattr(&self.fd, INVOCATION, &mut buffer[..]).ok()?;
        let text = std::str::from_utf8(buffer.get(..length)?).ok()?;
        Some(text.to_owned())
    }

    /// Whether the cgroup is there still: one that is gone has no files.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let flags = fs::Access::EXISTS;
        fs::accessat(&self.fd, "cgroup.controllers", flags, fs::AtFlags::empty()).is_ok()
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::OPNOTSUPP.raw_os_error())
}
