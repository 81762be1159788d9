//! The profiles that count: the search path, as it is or as it would be after a change.

mod report;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::apply::Edit;
use crate::apply::record::{self, Contents};
use crate::error::{Error, Result};
use crate::kernel::root::Root;
use crate::limits::dropin::{Installed, fingerprint};
use crate::profile::load::{Located, Problem, ReadTree, find, load};
use crate::profile::{Checked, Options, Severity, Source, check_named, known};
use crate::scope::Scope;
use crate::systemd::files::UnitFiles;

pub use report::Report;

/// The folders of profiles, with files in place of what is on disk: those of an unfinished transaction, or of
/// one that is only planned.
struct Tree<'a> {
    root: &'a Root,
    instead: BTreeMap<PathBuf, Option<Contents>>,
}

impl ReadTree for Tree<'_> {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = ReadTree::list(self.root, dir)?;
        for (path, contents) in &self.instead {
            if path.parent() != Some(dir) {
                continue;
            }
            let Some(name) = path.file_name().and_then(|n| n.to_str()) else {
                continue;
            };
            names.retain(|n| n != name);
            if contents.is_some() {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    fn read(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
        match self.instead.get(path) {
            Some(Some(Contents::Text(text))) => Ok(text.clone().into_bytes()),
            Some(Some(Contents::Bytes(bytes))) => Ok(bytes.clone()),
            Some(Some(Contents::Link(target))) => {
                let target = path.parent().unwrap_or(path).join(target);
                self.root.read_bytes(&target, limit as u64)
            }
            Some(None) => Err(io::ErrorKind::NotFound.into()),
            None => ReadTree::read(self.root, path, limit),
        }
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        match self.instead.get(path) {
            Some(Some(Contents::Link(target))) => Ok(target.clone()),
            Some(_) => Err(io::ErrorKind::InvalidInput.into()),
            None => ReadTree::read_link(self.root, path),
        }
    }
}

/// The profiles on the search path.
#[derive(Debug)]
pub struct Set {
    /// Every profile found, masked ones included.
    pub found: Vec<Located>,
    /// What counts and could be read, by file name.
    pub sources: Vec<Source>,
    /// The check of each source.
    pub checked: Vec<Checked>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Set {
    /// Reads and checks what counts, or would count after `edits`.
    ///
    /// # Errors
    /// The unit files cannot be read, by which names are checked.
    pub fn read(root: &Root, scope: &Scope, edits: &[Edit]) -> Result<Self> {
        Self::read_with(root, scope, edits, &[])
    }

    /// The same for edits that install `given`, or leave them where they are: those are checked as they were given,
    /// and what is wrong between one of them and another profile is a fault of theirs.
    ///
    /// # Errors
    /// As [`Set::read`].
    pub fn read_with(root: &Root, scope: &Scope, edits: &[Edit], given: &[Source]) -> Result<Self> {
        let mut instead = record::standing(root, scope);
        instead.extend(edits.iter().map(|e| (e.path.clone(), e.new.clone())));
        let tree = Tree { root, instead };
        let dirs = scope.profile_dirs();
        let dirs: Vec<&Path> = dirs.iter().map(PathBuf::as_path).collect();
        let (found, _) = find(&tree, &dirs);
        let loaded = load(&tree, &dirs);
        let sources = loaded.sources.iter();
        let sources: Vec<&Source> = sources.map(|s| as_given(s, given)).collect();
        let is_named = |source: &Source| is_named(source, given);
        let checked = check_against(root, scope, &sources, &Options::default(), &is_named)?;
        Ok(Self {
            found,
            sources: loaded.sources,
            checked,
            problems: loaded.problems,
        })
    }

    /// The profiles as far as they are usable, by file name.
    #[must_use]
    pub fn installed(&self) -> Vec<Installed> {
        installed(&self.sources, &self.checked)
    }

    /// Every fault, beside `errors`: those of the profiles called as one of `given` (all, if that is empty) forbid to
    /// go on, others are warnings. Places are shown in the given files, not where those would be installed.
    #[must_use]
    pub fn report<'a>(&'a self, given: &'a [Source], errors: Vec<Error>) -> Report<'a> {
        let mut report = Report::of(errors);
        for (source, checked) in self.sources.iter().zip(&self.checked) {
            let mut faults = checked.faults.clone();
            if !is_named(source, given) {
                for fault in &mut faults {
                    fault.severity = Severity::Warning;
                }
            }
            report.add(as_given(source, given), faults);
        }
        for problem in &self.problems {
            let line = format!("{}: {}", problem.path.display(), problem.message);
            if given.is_empty() {
                report.errors.push(Error::usage(line));
            } else {
                report.warnings.push(line);
            }
        }
        report
    }
}

/// Whether a profile is meant: it is called as one of those that were given, or none was.
fn is_named(source: &Source, given: &[Source]) -> bool {
    given.is_empty() || given.iter().any(|g| g.name == source.name)
}

/// A profile's text as it was given, if it was.
fn as_given<'a>(source: &'a Source, given: &'a [Source]) -> &'a Source {
    let same = given.iter().find(|g| g.name == source.name);
    same.unwrap_or(source)
}

/// Checks profiles, against each other and against the unit files on disk.
///
/// # Errors
/// A folder of unit files that is there and cannot be read.
pub fn check(
    root: &Root,
    scope: &Scope,
    sources: &[Source],
    options: &Options,
) -> Result<Vec<Checked>> {
    let sources: Vec<&Source> = sources.iter().collect();
    check_against(root, scope, &sources, options, &|_| true)
}

fn check_against(
    root: &Root,
    scope: &Scope,
    sources: &[&Source],
    options: &Options,
    named: &dyn Fn(&Source) -> bool,
) -> Result<Vec<Checked>> {
    let mut checked = check_named(sources, options, named);
    let files = UnitFiles::scan(root, scope)?;
    for one in &mut checked {
        let found = known::against(&one.profile, &files)?;
        one.faults.extend(found);
        one.faults.sort_by_key(|fault| fault.at.start);
    }
    Ok(checked)
}

fn installed(sources: &[Source], checked: &[Checked]) -> Vec<Installed> {
    let both = sources.iter().zip(checked);
    both.map(|(source, checked)| Installed {
        profile: checked.profile.clone(),
        path: source.path.clone(),
        hash: fingerprint(source.text().as_bytes()),
    })
    .collect()
}

/// The mark that no profile counts, in the manager's folder below `/run`: memctl is about to be removed.
const WITHDRAWN: &str = "withdrawn";

fn are_withdrawn(root: &Root, scope: &Scope) -> bool {
    root.inode(&scope.runtime_dir().join(WITHDRAWN)).is_some()
}

/// From now on no profile counts to the generator, though all stay where they are: its own removal is no reason to
/// throw away what the administrator has written.
///
/// # Errors
/// The mark cannot be written.
pub fn withdraw(root: &Root, scope: &Scope) -> Result<()> {
    root.make_dir(&scope.runtime_dir())?.replace(WITHDRAWN, b"")
}

/// Profiles count again.
///
/// # Errors
/// The mark cannot be removed.
pub fn reinstate(root: &Root, scope: &Scope) -> Result<()> {
    if are_withdrawn(root, scope) {
        root.make_dir(&scope.runtime_dir())?.remove(WITHDRAWN)?;
    }
    Ok(())
}

/// A profile as far as it is usable, and what is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Usable {
    /// What it says, its faulty parts left out.
    pub installed: Installed,
    /// Its faults, each with its place: `/etc/memctl/profiles.d/web.toml:3: …`.
    pub faults: Vec<String>,
    /// Of those, the ones that may cost a limit.
    costly: Vec<String>,
}

/// Every profile that counts, as far as it is usable; and what could not be read at all. Never fails.
#[must_use]
pub fn usable(root: &Root, scope: &Scope) -> (Vec<Usable>, Vec<String>) {
    if are_withdrawn(root, scope) {
        return (Vec::new(), Vec::new());
    }
    let tree = Tree {
        root,
        instead: record::standing(root, scope),
    };
    let dirs = scope.profile_dirs();
    let dirs: Vec<&Path> = dirs.iter().map(PathBuf::as_path).collect();
    let loaded = load(&tree, &dirs);
    let problems = loaded.problems.iter();
    let problems = problems.map(|p| format!("{}: {}", p.path.display(), p.message));
    let all = loaded.sources.iter().map(|source| {
        let checked = crate::profile::check(source, &Options::default());
        let (mut faults, mut costly) = (Vec::new(), Vec::new());
        for fault in &checked.faults {
            if fault.severity != Severity::Error {
                continue;
            }
            let before = source.text().get(..fault.at.start).unwrap_or_default();
            let line = 1 + before.matches('\n').count();
            let path = source.path.display();
            let told = format!("{path}:{line}: {}", fault.message);
            if fault.concerns.limits() {
                costly.push(told.clone());
            }
            faults.push(told);
        }
        let installed = Installed {
            profile: checked.profile,
            path: source.path.clone(),
            hash: fingerprint(source.text().as_bytes()),
        };
        Usable {
            installed,
            faults,
            costly,
        }
    });
    (all.collect(), problems.collect())
}

/// What the generator works with: every profile as far as it is usable, and a log line for each fault that may
/// cost a limit. Never fails.
#[must_use]
pub fn lenient(root: &Root, scope: &Scope) -> (Vec<Installed>, Vec<String>) {
    let (all, problems) = usable(root, scope);
    let mut log: Vec<String> = Vec::new();
    if !are_withdrawn(root, scope)
        && let Err(damaged) = record::Record::left_behind(root, scope)
    {
        log.push(damaged.message().to_owned());
    }
    log.extend(problems);
    let mut installed = Vec::new();
    for one in all {
        log.extend(one.costly);
        installed.push(one.installed);
    }
    (installed, log)
}
