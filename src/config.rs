//! `memctl.toml`: how the watch reads and what it keeps. Everything is optional.

pub mod settings;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::kernel::root::Root;
use crate::profile::check::settings::settings as check;
use crate::profile::load::{Problem, load};
use crate::profile::{Fault, Severity, Source};
use crate::profiles::Report;
use crate::scope::Scope;

pub use settings::{Config, Interval};

/// The settings with the files that they come from.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What they add up to; what is faulty leaves the setting before it.
    pub config: Config,
    sources: Vec<(Source, Vec<Fault>)>,
    problems: Vec<Problem>,
}

impl Loaded {
    /// Whether a setting could not be read.
    #[must_use]
    pub fn failed(&self) -> bool {
        let mut faults = self.sources.iter().flat_map(|(_, faults)| faults);
        !self.problems.is_empty() || faults.any(|f| f.severity == Severity::Error)
    }

    /// The files, each with its faults.
    #[must_use]
    pub fn files(&self) -> &[(Source, Vec<Fault>)] {
        &self.sources
    }

    /// The files that could not be read at all.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Everything that is wrong with the files.
    #[must_use]
    pub fn report(&self) -> Report<'_> {
        let problems = self.problems.iter();
        let line = |p: &Problem| Error::usage(format!("{}: {}", p.path.display(), p.message));
        let mut report = Report::of(problems.map(line).collect());
        for (source, faults) in &self.sources {
            report.add(source, faults.clone());
        }
        report
    }

    /// The settings, if every file is good.
    ///
    /// # Errors
    /// All faults of all files.
    pub fn checked(self) -> Result<Config> {
        self.report().refuse("no setting was taken")?;
        Ok(self.config)
    }
}

/// Reads `memctl.toml` of the first folder that has one, then the drop-ins of all `memctl.toml.d`, by name; a
/// same-named one in an earlier folder masks the later, as with systemd's own settings. Later words win.
#[must_use]
pub fn read(root: &Root, scope: &Scope) -> Loaded {
    let mut loaded = Loaded::default();
    let folders = scope.settings_dirs();
    let main = folders.iter().map(|folder| folder.join("memctl.toml"));
    let mut sources = Vec::new();
    for path in main {
        match root.read_bytes(&path, crate::profile::source::MAX_BYTES as u64) {
            Ok(bytes) => {
                sources.push(Source::new("memctl", path, bytes));
                break;
            }
            Err(e) if crate::kernel::root::is_absent(&e) => {}
            Err(e) => {
                let message = crate::error::describe_io(&e);
                loaded.problems.push(Problem { path, message });
                break;
            }
        }
    }
    let dropins: Vec<PathBuf> = folders.iter().map(|f| f.join("memctl.toml.d")).collect();
    let dropins: Vec<&Path> = dropins.iter().map(PathBuf::as_path).collect();
    let found = load(root, &dropins);
    sources.extend(found.sources);
    loaded.problems.extend(found.problems);
    for source in sources {
        let faults = check(&source, &mut loaded.config);
        loaded.sources.push((source, faults));
    }
    loaded
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::units::Span;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn drop_ins_have_the_last_word_and_mask_each_other() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        for (path, text) in [
            (
                "etc/memctl/memctl.toml",
                "interval = \"20s\"\nact = false\n",
            ),
            ("usr/lib/memctl/memctl.toml", "interval = \"30s\"\n"),
            (
                "etc/memctl/memctl.toml.d/20-b.toml",
                "[history]\nraw = \"3d\"\n",
            ),
            ("usr/lib/memctl/memctl.toml.d/20-b.toml", "x = 1\n"),
            ("run/memctl/memctl.toml.d/30-c.toml", "interval = \"15s\"\n"),
            ("run/memctl/memctl.toml.d/40-d.toml", "interval = \"1h\"\n"),
        ] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
            std::fs::write(path, text).expect("write");
        }
        let root = Root::open(dir.path()).expect("open");
        let loaded = read(&root, &Scope::System);
        assert!(loaded.failed(), "an hour is no interval");
        assert_eq!(loaded.config.interval.span(), Span(15 * SECOND));
        assert_eq!(loaded.config.history.raw, Span(3 * 86_400 * SECOND));
        assert!(!loaded.config.act);
        let told = loaded.checked().expect_err("a fault").to_string();
        assert!(told.contains("40-d.toml:1:13"), "{told}");
    }

    #[test]
    fn without_files_the_defaults_count() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = Root::open(dir.path()).expect("open");
        let config = read(&root, &Scope::System)
            .checked()
            .expect("nothing is wrong");
        assert_eq!(config, Config::default());
        assert_eq!(config.interval.duration(), Duration::from_secs(10));
    }
}
