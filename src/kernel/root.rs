//! An open root directory: everything memctl reads and writes is reached through one.
//!
//! `/` for the running system, `--root DIR` for an image, a temporary directory in a test. Under any other
//! root than `/`, absolute symbolic links stay inside of it, as with chroot (`RESOLVE_IN_ROOT`).

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{self, Mode, OFlags, ResolveFlags};

use crate::error::{Error, Result};
use crate::kernel::folder::Folder;

/// The most that is read of any file that memctl did not write: kernel files and unit files are far smaller.
const READ_LIMIT: u64 = 8 << 20;

/// Room for the larger files of a cgroup and for most unit files.
const FIRST_READ: u64 = 4 << 10;

/// An open root directory.
#[derive(Debug)]
pub struct Root {
    dir: OwnedFd,
    path: PathBuf,
    resolve: ResolveFlags,
    running: bool,
}

impl Root {
    /// Opens `path` as the root of everything.
    ///
    /// # Errors
    /// The directory cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        let dir = fs::open(path, flags, Mode::empty())
            .map_err(|e| Error::io("open the root directory", path, &e.into()))?;
        // Nothing to confine under "/", and openat2 is refused in some sandboxes.
        let resolve = if path == Path::new("/") {
            ResolveFlags::empty()
        } else {
            ResolveFlags::IN_ROOT
        };
        Ok(Self {
            dir,
            path: path.to_owned(),
            resolve,
            running: path == Path::new("/"),
        })
    }

    /// Opens `path` as the root of a running system: its `/proc` and `/sys` are as true as those of `/`, and
    /// its units run. So the whole way of a change can be tested on a directory, with a manager of the test's own.
    ///
    /// # Errors
    /// The directory cannot be opened.
    pub fn open_running(path: &Path) -> Result<Self> {
        Ok(Self {
            running: true,
            ..Self::open(path)?
        })
    }

    /// The same root, opened a second time: for another thread.
    ///
    /// # Errors
    /// The directory cannot be opened (any more).
    pub fn again(&self) -> Result<Self> {
        Ok(Self {
            running: self.running,
            ..Self::open(&self.path)?
        })
    }

    /// Whether this is the root that the calling program itself runs in, with a manager that can be asked.
    #[must_use]
    pub fn is_running_system(&self) -> bool {
        self.running && self.path == Path::new("/")
    }

    /// Whether this is the running system's root, not an image's.
    #[must_use]
    pub fn is_host(&self) -> bool {
        self.running
    }

    /// The directory, as it was typed.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path as the administrator would type it, root included.
    #[must_use]
    pub fn shown(&self, path: &Path) -> PathBuf {
        self.path.join(relative(path))
    }

    /// Opens a file or directory below the root.
    ///
    /// # Errors
    /// The system call's.
    pub fn open_at(&self, path: &Path, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let path = relative(path);
        let flags = flags | OFlags::CLOEXEC;
        if self.resolve.is_empty() {
            Ok(fs::openat(&self.dir, path, flags, mode)?)
        } else {
            Ok(fs::openat2(&self.dir, path, flags, mode, self.resolve)?)
        }
    }

    /// Reads a whole file, which must not be larger than 8 MiB.
    ///
    /// # Errors
    /// The system call's; too large; no UTF-8.
    pub fn read(&self, path: &Path) -> io::Result<String> {
        let bytes = self.read_bytes(path, READ_LIMIT)?;
        if bytes.len() as u64 > READ_LIMIT {
            return Err(io::Error::other("larger than 8 MiB"));
        }
        String::from_utf8(bytes).map_err(|_| io::Error::other("not UTF-8"))
    }

    /// Reads a file up to one byte over `limit`, so that the caller sees that there was more.
    ///
    /// # Errors
    /// The system call's; not a regular file (a FIFO in a profile folder must not block anybody).
    pub fn read_bytes(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = File::from(self.open_at(path, flags, Mode::empty())?);
        let kind = file.metadata()?.file_type();
        if kind.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !kind.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        // A kernel file says that it is empty. Room for a whole one saves reading it by ever larger pieces.
        let mut bytes = Vec::with_capacity(FIRST_READ.min(limit + 1) as usize);
        file.take(limit + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads a file that may be absent.
    ///
    /// # Errors
    /// As [`Root::read`], with the path; absence is none.
    pub fn read_if_any(&self, path: &Path) -> Result<Option<String>> {
        match self.read(path) {
            Ok(text) => Ok(Some(text)),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(Error::io("read", &self.shown(path), &e)),
        }
    }

    /// The names in a directory, unsorted, without `.` and `..`; an absent directory is empty.
    ///
    /// # Errors
    /// The system call's, with the path.
    pub fn list(&self, path: &Path) -> Result<Vec<String>> {
        self.entries(path, |_| true)
    }

    /// The names of the symbolic links in a directory; an absent directory has none.
    ///
    /// # Errors
    /// The system call's, with the path.
    pub fn links(&self, path: &Path) -> Result<Vec<String>> {
        // A file system that does not tell says Unknown; read_link then says what it is.
        self.entries(path, |kind| {
            matches!(kind, fs::FileType::Symlink | fs::FileType::Unknown)
        })
    }

    /// The names of the folders in a directory; an absent directory has none.
    ///
    /// # Errors
    /// The system call's, with the path.
    pub fn folders(&self, path: &Path) -> Result<Vec<String>> {
        self.entries(path, |kind| kind == fs::FileType::Directory)
    }

    fn entries(&self, path: &Path, wanted: fn(fs::FileType) -> bool) -> Result<Vec<String>> {
        let names = || -> io::Result<Vec<String>> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let dir = fs::Dir::new(self.open_at(path, flags, Mode::empty())?)?;
            let mut names = Vec::new();
            for entry in dir {
                let entry = entry?;
                // A name that is no UTF-8 cannot be a unit's or a profile's.
                if let Ok(name) = entry.file_name().to_str()
                    && name != "."
                    && name != ".."
                    && wanted(entry.file_type())
                {
                    names.push(name.to_owned());
                }
            }
            Ok(names)
        };
        match names() {
            Err(e) if is_absent(&e) => Ok(Vec::new()),
            other => other.map_err(|e| Error::io("list", &self.shown(path), &e)),
        }
    }

    /// Where a symbolic link points; `None` where there is no link.
    ///
    /// # Errors
    /// The system call's, with the path.
    pub fn read_link(&self, path: &Path) -> Result<Option<PathBuf>> {
        let link = || -> io::Result<PathBuf> {
            let fd = self.open_at(path, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty())?;
            let target = fs::readlinkat(&fd, "", Vec::new())?;
            Ok(PathBuf::from(target.to_string_lossy().into_owned()))
        };
        match link() {
            Ok(target) => Ok(Some(target)),
            // readlinkat on what is no link: ENOENT with an empty path, EINVAL otherwise.
            Err(e) if is_absent(&e) || e.kind() == io::ErrorKind::InvalidInput => Ok(None),
            Err(e) => Err(Error::io("read the link", &self.shown(path), &e)),
        }
    }

    /// The inode number of a file or directory; `None` where there is none.
    #[must_use]
    pub fn inode(&self, path: &Path) -> Option<u64> {
        let fd = self.open_at(path, OFlags::PATH, Mode::empty()).ok()?;
        Some(fs::fstat(&fd).ok()?.st_ino)
    }

    /// What tells one version of a file from another: inode, size, time of the last change in nanoseconds. `None`
    /// where there is none.
    #[must_use]
    pub fn stamp(&self, path: &Path) -> Option<(u64, i64, i128)> {
        let fd = self.open_at(path, OFlags::PATH, Mode::empty()).ok()?;
        let stat = fs::fstat(&fd).ok()?;
        let changed = i128::from(stat.st_ctime) * 1_000_000_000 + i128::from(stat.st_ctime_nsec);
        Some((stat.st_ino, stat.st_size, changed))
    }

    /// When a file, directory or link was last changed itself; `None` where there is none.
    #[must_use]
    pub fn modified(&self, path: &Path) -> Option<Timestamp> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        let fd = self.open_at(path, flags, Mode::empty()).ok()?;
        let stat = fs::fstat(&fd).ok()?;
        Timestamp::new(stat.st_mtime, i32::try_from(stat.st_mtime_nsec).ok()?).ok()
    }

    /// Writes to a kernel file that exists, in one `write`, with a newline at its end (FACTS 23), and truncating,
    /// as a shell's `>` does, so that in a plain file nothing of a longer value stays behind.
    ///
    /// # Errors
    /// The system call's.
    pub fn write_kernel(&self, path: &Path, value: &str) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::TRUNC | OFlags::NOCTTY;
        let mut file = File::from(self.open_at(path, flags, Mode::empty())?);
        file.write_all(format!("{value}\n").as_bytes())
    }

    /// Opens a directory for work inside of it, making what is missing of it (mode 0755).
    ///
    /// # Errors
    /// The system call's, with the path.
    pub fn make_dir(&self, path: &Path) -> Result<Folder> {
        let mut sofar = PathBuf::new();
        for part in relative(path).components() {
            let parent = self
                .open_dir(&sofar)
                .map_err(|e| Error::io("open", &self.shown(&sofar), &e))?;
            sofar.push(part);
            match fs::mkdirat(&parent, part.as_os_str(), Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(e) => return Err(Error::io("make", &self.shown(&sofar), &e.into())),
            }
        }
        let fd = self
            .open_dir(path)
            .map_err(|e| Error::io("open", &self.shown(path), &e))?;
        Ok(Folder {
            fd,
            shown: self.shown(path),
        })
    }

    /// Opens a directory for reading.
    fn open_dir(&self, path: &Path) -> io::Result<OwnedFd> {
        self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
    }
}

/// The path below the root: without its leading slash, `.` for the root itself.
fn relative(path: &Path) -> &Path {
    let path = path.strip_prefix("/").unwrap_or(path);
    if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    }
}

/// Whether an error says that there is no such file.
#[must_use]
pub fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
