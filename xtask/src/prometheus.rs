//! Debian's Prometheus, for the guests that have to do with it: too large to be in every image.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::guest::image;
use crate::guest::{GuestConfig, Suite};
use crate::tell;

/// The suite whose Prometheus it is: the one guest that has to run it.
pub const SUITE: Suite = Suite::Trixie;

/// Where the programs are in a guest.
pub const FOLDER: &str = "/opt/prometheus";

/// The packages, and their programs.
const PACKAGES: &[&str] = &["prometheus", "prometheus-node-exporter"];
const PROGRAMS: &[&str] = &["prometheus", "promtool", "prometheus-node-exporter"];

/// Fetches the programs once, unpacked and not installed; gives the folder they are in, which stays in the cache.
pub fn fetch() -> Result<PathBuf> {
    let cache = image::cache()?;
    let folder = cache.join(format!("prometheus-{SUITE}"));
    let lock = File::create(cache.join("prometheus.lock"))?;
    lock.lock().context("cannot lock the cache")?;
    if folder.exists() {
        return Ok(folder);
    }
    tell::step(format_args!("fetching Prometheus of {SUITE}"));
    let work = tempfile::Builder::new()
        .prefix("prometheus-fetching-")
        .tempdir_in(&cache)?;
    let root = work.path().join("root");
    image::unpack(SUITE, PACKAGES, &root).context("cannot fetch Prometheus")?;
    let programs = work.path().join("programs");
    fs::create_dir(&programs)?;
    for program in PROGRAMS {
        fs::rename(root.join("usr/bin").join(program), programs.join(program))
            .with_context(|| format!("{PACKAGES:?} bring no {program}"))?;
    }
    fs::rename(programs, &folder)?;
    Ok(folder)
}

/// A guest that has the programs, in [`FOLDER`].
pub fn bring(config: GuestConfig) -> Result<GuestConfig> {
    Ok(config.file(fetch()?, Path::new(FOLDER)))
}
