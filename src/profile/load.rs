//! Profiles on the search path: which files count, and what is in them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::source::{MAX_BYTES, Source, is_name};
use crate::error::describe_io;
use crate::kernel::root::Root;
use crate::units::quote;

/// What is read of a file system; a test, an open root directory or the real one.
pub trait ReadTree {
    /// The names in a directory, in any order.
    ///
    /// # Errors
    /// What the file system says; `NotFound` where there is no such directory.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// At most `limit` bytes of a regular file. It must not wait: a FIFO is an error.
    ///
    /// # Errors
    /// What the file system says.
    fn read(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>>;

    /// Where a link points.
    ///
    /// # Errors
    /// What the file system says; any error stands for "no link".
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;
}

impl ReadTree for Root {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        Self::list(self, dir).map_err(|e| io::Error::other(e.message().to_owned()))
    }

    fn read(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
        self.read_bytes(path, limit as u64)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        match Self::read_link(self, path) {
            Ok(target) => target.ok_or_else(|| io::ErrorKind::InvalidInput.into()),
            Err(e) => Err(io::Error::other(e.message().to_owned())),
        }
    }
}

/// A profile on the search path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The file's stem.
    pub name: String,
    /// The file that counts.
    pub path: PathBuf,
    /// It is a link to `/dev/null`: the profile is switched off.
    pub masked: bool,
    /// Files of the same name in later directories, which do not count.
    pub shadows: Vec<PathBuf>,
}

/// A file or directory that could not be used. It stops no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which.
    pub path: PathBuf,
    /// Why, as half a sentence.
    pub message: String,
}

/// What the search path holds.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The profiles that are not masked, by file name.
    pub sources: Vec<Source>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Finds the profiles in directories, the first of which counts most (`/etc` before `/run` before
/// `/usr/lib`), sorted by file name.
#[must_use]
pub fn find(tree: &dyn ReadTree, dirs: &[&Path]) -> (Vec<Located>, Vec<Problem>) {
    let mut found: BTreeMap<String, Located> = BTreeMap::new();
    let mut problems = Vec::new();
    for dir in dirs {
        let names = match tree.list(dir) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                problems.push(problem(dir, &error));
                continue;
            }
        };
        for file in names {
            // Editors and package managers leave hidden files and other endings behind.
            let Some(name) = file
                .strip_suffix(".toml")
                .filter(|_| !file.starts_with('.'))
            else {
                continue;
            };
            let path = dir.join(&file);
            if !is_name(name) {
                let message = format!(
                    "{} is no name for a profile (letters, digits and -_.@+:)",
                    quote(name)
                );
                problems.push(Problem { path, message });
                continue;
            }
            match found.get_mut(&file) {
                Some(located) => located.shadows.push(path),
                None => {
                    let masked = tree
                        .read_link(&path)
                        .is_ok_and(|to| to == Path::new("/dev/null"));
                    let name = name.to_owned();
                    found.insert(
                        file,
                        Located {
                            name,
                            path,
                            masked,
                            shadows: Vec::new(),
                        },
                    );
                }
            }
        }
    }
    (found.into_values().collect(), problems)
}

/// Finds and reads the profiles. A file that cannot be read does not bring back the one it shadows.
#[must_use]
pub fn load(tree: &dyn ReadTree, dirs: &[&Path]) -> Loaded {
    let (found, problems) = find(tree, dirs);
    let mut loaded = Loaded {
        sources: Vec::new(),
        problems,
    };
    for located in found.into_iter().filter(|located| !located.masked) {
        // One byte more tells a file that is too large from one that just fits.
        match tree.read(&located.path, MAX_BYTES + 1) {
            Ok(bytes) => loaded
                .sources
                .push(Source::new(located.name, located.path, bytes)),
            Err(error) => loaded.problems.push(problem(&located.path, &error)),
        }
    }
    loaded
}

fn problem(path: &Path, error: &io::Error) -> Problem {
    Problem {
        path: path.to_owned(),
        message: format!("cannot be read: {}", describe_io(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paths to contents; a content that begins with `->` is a link.
    struct Tree(BTreeMap<&'static str, &'static str>);

    impl ReadTree for Tree {
        fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
            if dir == Path::new("/secret") {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            let names: Vec<String> = self
                .0
                .keys()
                .filter_map(|path| Path::new(path).strip_prefix(dir).ok())
                .map(|name| name.to_string_lossy().into_owned())
                .collect();
            if names.is_empty() {
                Err(io::ErrorKind::NotFound.into())
            } else {
                Ok(names)
            }
        }

        fn read(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
            match self.0.get(path.to_str().unwrap_or_default()) {
                Some(&"!") => Err(io::ErrorKind::PermissionDenied.into()),
                Some(text) => Ok(text.bytes().take(limit).collect()),
                None => Err(io::ErrorKind::NotFound.into()),
            }
        }

        fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
            let text = self.0.get(path.to_str().unwrap_or_default());
            match text.and_then(|text| text.strip_prefix("->")) {
                Some(to) => Ok(to.into()),
                None => Err(io::ErrorKind::InvalidInput.into()),
            }
        }
    }

    #[test]
    fn the_first_directory_counts() {
        let tree = Tree(BTreeMap::from([
            ("/etc/b.toml", "etc"),
            ("/etc/off.toml", "->/dev/null"),
            ("/etc/bad.toml", "!"),
            ("/etc/.hidden.toml", "x"),
            ("/etc/b.toml~", "x"),
            ("/etc/a b.toml", "x"),
            ("/etc/link.toml", "->/srv/link.toml"),
            ("/usr/b.toml", "usr"),
            ("/usr/b-c.toml", "usr"),
            ("/usr/off.toml", "usr"),
            ("/usr/bad.toml", "usr"),
        ]));
        let dirs = ["/etc", "/run", "/secret", "/usr"].map(Path::new);
        let (found, _) = find(&tree, &dirs);
        let shown: Vec<_> = found
            .iter()
            .map(|l| (l.path.to_str(), l.masked, l.shadows.len()))
            .collect();
        assert_eq!(
            shown,
            [
                (Some("/usr/b-c.toml"), false, 0),
                (Some("/etc/b.toml"), false, 1),
                (Some("/etc/bad.toml"), false, 1),
                (Some("/etc/link.toml"), false, 0),
                (Some("/etc/off.toml"), true, 1),
            ]
        );
        let loaded = load(&tree, &dirs);
        let names: Vec<_> = loaded
            .sources
            .iter()
            .map(|s| (s.name.as_str(), s.text()))
            .collect();
        assert_eq!(
            names,
            [("b-c", "usr"), ("b", "etc"), ("link", "->/srv/link.toml")]
        );
        let problems: Vec<_> = loaded.problems.iter().map(|p| p.path.to_str()).collect();
        assert_eq!(
            problems,
            [
                Some("/etc/a b.toml"),
                Some("/secret"),
                Some("/etc/bad.toml")
            ]
        );
    }
}
