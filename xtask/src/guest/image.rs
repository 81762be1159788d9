//! Images of guests: built once, kept outside the repository, never written to.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::Suite;
use crate::{host, tell};

const AGENT: &str = include_str!("../../guest/agent.py");
const AGENT_UNIT: &str = include_str!("../../guest/agent.service");
const SETUP: &str = include_str!("../../guest/setup.sh");
const INITRD: &str = include_str!("../../guest/initrd.sh");

/// What is installed beyond Debian's essential packages.
const PACKAGES: &[&str] = &[
    "systemd",
    "systemd-sysv",
    "dbus",
    "dbus-user-session",
    "libpam-systemd",
    "udev",
    "linux-image-cloud-amd64",
    "init-system-helpers",
    "iproute2",
    "procps",
    "python3",
    // For the initrd.
    "busybox-static",
    // The demonstration's services.
    "celery",
    "gunicorn",
    "python3-celery",
    "python3-redis",
    "redis-server",
];

/// Large enough for what scenarios write; a sparse file, so it costs nothing.
const DISK: &str = "4G";

/// An image on the host's disk.
#[derive(Clone, Debug)]
pub struct Image {
    suite: Suite,
    folder: PathBuf,
}

impl Image {
    /// Which system it holds.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The root file system: ext4, without partitions.
    pub fn disk(&self) -> PathBuf {
        self.folder.join("disk.raw")
    }

    /// The suite's kernel.
    pub fn kernel(&self) -> PathBuf {
        self.folder.join("vmlinuz")
    }

    /// A small initrd of our own: booting with Debian's takes twice as long.
    pub fn initrd(&self) -> PathBuf {
        self.folder.join("initrd")
    }

    /// Where states of booted machines are kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Finds the suite's image, or builds it, which takes a minute. Only one
    /// process builds; others wait for it.
    pub fn get(suite: Suite) -> Result<Image> {
        let cache = cache()?;
        let image = Image {
            suite,
            folder: cache.join(format!("{suite}-{}", fingerprint(suite))),
        };
        if image.folder.exists() {
            return Ok(image);
        }
        let lock = File::create(cache.join(format!("{suite}.lock")))?;
        lock.lock()
            .with_context(|| format!("cannot lock the {suite} image"))?;
        if !image.folder.exists() {
            build(suite, &cache, &image.folder)
                .with_context(|| format!("cannot build the {suite} guest image"))?;
        }
        Ok(image)
    }
}

/// Where images and running guests are kept, `~/.cache/memctl/guests`.
pub fn cache() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(base) => PathBuf::from(base),
        None => std::env::home_dir()
            .context("no home directory to keep guest images in: set XDG_CACHE_HOME")?
            .join(".cache"),
    };
    let folder = base.join("memctl/guests");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Changes with everything that goes into an image (but not with the versions
/// in Debian's archive: remove the cache for newer ones).
fn fingerprint(suite: Suite) -> String {
    let mut hash = Sha256::new();
    for part in [suite.name(), AGENT, AGENT_UNIT, SETUP, INITRD, DISK]
        .iter()
        .chain(PACKAGES)
    {
        hash.update(part);
        hash.update([0]);
    }
    hash.finalize()[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn build(suite: Suite, cache: &Path, target: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!(
            "making a root file system needs root: run `cargo xtask guest build {suite}` as root"
        );
    }
    host::install_missing(host::GUEST_TOOLS)?;
    tell::step(format_args!("{suite}: building the guest image"));
    let work = tempfile::Builder::new()
        .prefix(&format!("{suite}-building-"))
        .tempdir_in(cache)?;
    let root = work.path().join("root");
    let assets = work.path().join("assets");
    let image = work.path().join("image");
    fs::create_dir(&assets)?;
    fs::create_dir(&image)?;
    fs::write(assets.join("agent.py"), AGENT)?;
    fs::write(assets.join("agent.service"), AGENT_UNIT)?;
    fs::write(assets.join("setup.sh"), SETUP)?;
    fs::write(assets.join("initrd.sh"), INITRD)?;

    host::run(debootstrap(suite, work.path(), &root)?)?;
    tell::step(format_args!("{suite}: making a guest of it"));
    let mut setup = Command::new("sh");
    setup
        .arg(assets.join("setup.sh"))
        .args([&root, &assets])
        .arg(suite.name());
    host::run(setup)?;
    let mut initrd = Command::new("sh");
    initrd
        .arg(assets.join("initrd.sh"))
        .args([&root, &image.join("initrd")]);
    host::run(initrd)?;
    fs::copy(kernel_in(&root)?, image.join("vmlinuz"))?;
    let mut mke2fs = Command::new("mke2fs");
    mke2fs
        .args(["-q", "-t", "ext4", "-L", "root", "-d"])
        .args([&root, &image.join("disk.raw")])
        .arg(DISK);
    host::run(mke2fs)?;

    fs::rename(&image, target)?;
    tell::step(format_args!("{suite}: image ready in {}", target.display()));
    Ok(())
}

fn debootstrap(suite: Suite, work: &Path, root: &Path) -> Result<Command> {
    let mirror = mirror();
    let mut command = Command::new("mmdebstrap");
    command
        // Debian's initrd is not used, so it need not be made.
        .env("INITRD", "No")
        .args(["--mode=root", "--format=directory", "--variant=minbase"])
        .arg(format!("--include={}", PACKAGES.join(",")))
        .arg(r#"--aptopt=APT::Install-Recommends "false""#);
    if suite == Suite::Forky {
        // Signed by keys that an older host does not have; and a suite in the
        // making is often mirrored a little late.
        let keyring = newer_keyring(work, mirror.as_deref())?;
        command
            .arg(format!("--keyring={}", keyring.display()))
            .arg(r#"--aptopt=Acquire::Check-Valid-Until "false""#);
    }
    command.arg(suite.name()).arg(root);
    if let Some(mirror) = mirror {
        command.arg(mirror);
    }
    Ok(command)
}

/// The mirror that this machine's apt uses for Debian itself, if it does.
/// Without one mmdebstrap has its default.
fn mirror() -> Option<String> {
    let mut apt = Command::new("apt-get");
    apt.args(["indextargets", "--format", "$(REPO_URI)"]).args([
        "Created-By: Packages",
        "Origin: Debian",
        "Label: Debian",
    ]);
    let answer = host::run(apt).ok()?;
    answer.lines().next().map(str::to_owned)
}

/// The key ring of Debian 13, whose own signatures Debian 12 can check.
fn newer_keyring(work: &Path, mirror: Option<&str>) -> Result<PathBuf> {
    let folder = work.join("keyring");
    extract(Suite::Trixie, &["debian-archive-keyring"], &folder, mirror)?;
    Ok(folder.join("usr/share/keyrings/debian-archive-keyring.gpg"))
}

/// Unpacks packages of a suite that this machine can check the signature of,
/// and what they depend on, into a folder, without installing them.
pub fn unpack(suite: Suite, packages: &[&str], folder: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("unpacking packages of {suite} needs root");
    }
    host::install_missing(host::GUEST_TOOLS)?;
    extract(suite, packages, folder, mirror().as_deref())
}

fn extract(suite: Suite, packages: &[&str], folder: &Path, mirror: Option<&str>) -> Result<()> {
    let mut extract = Command::new("mmdebstrap");
    extract
        .args(["--mode=root", "--format=directory", "--variant=extract"])
        .arg(format!("--include={}", packages.join(",")))
        .arg(r#"--aptopt=APT::Install-Recommends "false""#)
        .arg(suite.name())
        .arg(folder)
        .args(mirror);
    host::run(extract)?;
    Ok(())
}

fn kernel_in(root: &Path) -> Result<PathBuf> {
    let boot = root.join("boot");
    for entry in fs::read_dir(&boot)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("vmlinuz-") {
            return Ok(entry.path());
        }
    }
    bail!("no kernel in {}", boot.display());
}
