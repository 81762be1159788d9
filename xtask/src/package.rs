//! The Debian package, built from a copy of the tree.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{host, tell};

/// Names the package that scenarios install.
pub const DEB: &str = "MEMCTL_DEB";

/// Names the memctl that can be killed at each step of a change.
pub const STOPPABLE: &str = "MEMCTL_STOPPABLE";

/// The package that scenarios install: `cargo xtask test` builds it and says
/// where by the environment variable [`DEB`].
pub fn deb() -> Result<PathBuf> {
    named_by(DEB)
}

/// The memctl built with the feature `stop-points`, which no package contains;
/// from `cargo xtask test` too, by [`STOPPABLE`].
pub fn stoppable() -> Result<PathBuf> {
    named_by(STOPPABLE)
}

/// The package that is named by [`DEB`], or else one built now.
pub fn built() -> Result<PathBuf> {
    match std::env::var_os(DEB) {
        Some(_) => deb(),
        None => build(),
    }
}

fn named_by(variable: &str) -> Result<PathBuf> {
    let Some(path) = std::env::var_os(variable).map(PathBuf::from) else {
        bail!("{variable} is not set: run the scenarios by `cargo xtask test`");
    };
    if !path.is_file() {
        bail!("there is no {} ({variable})", path.display());
    }
    Ok(path)
}

/// Builds the memctl that can be stopped, beside the package and from the same
/// dependencies.
pub fn build_stoppable() -> Result<PathBuf> {
    let work = host::repository().join("target/package");
    let built = work.join("cargo");
    tell::step("building the memctl that can be killed at each step");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(host::repository())
        .args(["build", "--release", "--locked", "--bin", "memctl"])
        .args(["--features", "stop-points", "--target-dir"])
        .arg(&built);
    host::run(cargo)?;
    let path = work.join("memctl-stoppable");
    fs::copy(built.join("release/memctl"), &path)?;
    Ok(path)
}

/// Builds the package below `target/package`; gives the .deb.
///
/// Building where we are would leave its traces between the sources.
pub fn build() -> Result<PathBuf> {
    host::install_missing(host::PACKAGE_TOOLS)?;
    let repository = host::repository();
    if !repository.join("debian/control").exists() {
        bail!("there is no debian/control to build a package by");
    }
    let work = repository.join("target/package");
    let tree = work.join("memctl");
    tell::step(format_args!("building the package in {}", tree.display()));
    copy_sources(repository, &tree)?;
    for old in debs(&work)? {
        fs::remove_file(old)?;
    }

    let log = work.join("build.log");
    let output = File::create(&log)?;
    let status = Command::new("dpkg-buildpackage")
        .args(["-us", "-uc", "-b", "-d"])
        .current_dir(&tree)
        // A folder that the package's own cleaning leaves alone: what cargo
        // built last time serves again.
        .env("CARGO_TARGET_DIR", work.join("cargo"))
        .stdout(output.try_clone()?)
        .stderr(output)
        .status()
        .context("cannot start dpkg-buildpackage")?;
    if !status.success() {
        let text = fs::read(&log)?;
        bail!(
            "dpkg-buildpackage failed ({status}), see {}:\n{}",
            log.display(),
            host::tail(&String::from_utf8_lossy(&text), 40)
        );
    }
    match debs(&work)?.as_slice() {
        [deb] => Ok(deb.clone()),
        found => bail!("one package was to be built, not {found:?}"),
    }
}

/// The command that checks a package: nothing may be worth a warning.
pub fn lintian(deb: &Path) -> Command {
    let mut lintian = Command::new("lintian");
    lintian
        .args(["--allow-root", "--fail-on", "error,warning"])
        .arg(deb);
    lintian
}

/// Copies what git knows or would take up. Times of change go along, or cargo
/// would build everything again.
fn copy_sources(repository: &Path, tree: &Path) -> Result<()> {
    if tree.exists() {
        fs::remove_dir_all(tree)?;
    }
    let mut list = Command::new("git");
    list.arg("-C").arg(repository).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    for name in host::run(list)?.split_terminator('\0') {
        let source = repository.join(name);
        // Deleted, but git has not been told.
        let Ok(metadata) = fs::symlink_metadata(&source) else {
            continue;
        };
        let target = tree.join(name);
        let context = || format!("cannot copy {}", source.display());
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).with_context(context)?;
        }
        if metadata.is_symlink() {
            let to = fs::read_link(&source)?;
            std::os::unix::fs::symlink(to, &target).with_context(context)?;
        } else {
            fs::copy(&source, &target).with_context(context)?;
            File::options()
                .write(true)
                .open(&target)
                .and_then(|copy| copy.set_modified(metadata.modified()?))
                .with_context(context)?;
        }
    }
    Ok(())
}

/// The packages in a folder. Symbols for debugging are not what is asked for.
fn debs(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.to_string_lossy();
        if name.ends_with(".deb") && !name.contains("-dbgsym_") {
            found.push(path);
        }
    }
    Ok(found)
}
