//! States of booted machines.
//!
//! An emulated boot takes half a minute, and every scenario begins with one.
//! So the first boot of a kind is saved, memory and disk, and guests start
//! from there in two seconds. Whatever changes QEMU's command line makes
//! another kind.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::accel::Accel;
use super::config::GuestConfig;
use super::image::Image;
use super::keep::Kept;
use super::link::Link;
use super::qemu::{self, Folder, Root};
use super::qmp;
use crate::{host, tell};

/// A booted machine to start from.
#[derive(Clone, Debug)]
pub struct Saved {
    folder: PathBuf,
}

impl Saved {
    /// What the boot changed on the image's disk.
    pub fn disk(&self) -> PathBuf {
        self.folder.join("disk.qcow2")
    }

    /// The machine's memory and devices.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Finds the state of such a machine, or boots one and saves it.
    pub fn get(config: &GuestConfig, image: &Image, accel: Accel) -> Result<Saved> {
        let name = format!(
            "booted-{}m-{}",
            config.memory_mib,
            kind(config, image, accel)?
        );
        let saved = Saved {
            folder: image.folder().join(&name),
        };
        if saved.folder.exists() {
            return Ok(saved);
        }
        let lock = File::create(image.folder().join(format!("{name}.lock")))?;
        lock.lock()?;
        if !saved.folder.exists() {
            let suite = config.suite;
            tell::step(format_args!(
                "{suite}: booting once, to start from there later"
            ));
            make(config, image, accel, &saved)
                .with_context(|| format!("cannot save a booted {suite} guest"))?;
            tell::step(format_args!("{suite}: saved in {}", saved.folder.display()));
        }
        Ok(saved)
    }
}

fn make(config: &GuestConfig, image: &Image, accel: Accel, target: &Saved) -> Result<()> {
    let work = tempfile::Builder::new()
        .prefix("booting-")
        .tempdir_in(image.folder())?;
    let saved = Saved {
        folder: work.path().join("saved"),
    };
    fs::create_dir(&saved.folder)?;
    let mut overlay = Command::new("qemu-img");
    overlay
        .args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"])
        .args([image.disk(), saved.disk()]);
    host::run(overlay)?;

    // A short name for the sockets.
    let run = tempfile::Builder::new().prefix("memctl-boot-").tempdir()?;
    let folder = Folder(run.path().to_owned());
    qemu::make_disks(config, &folder)?;
    let root = Root::Kept(saved.disk());
    let command = qemu::command(config, image, &folder, accel, &root);
    let machine = Kept::spawn(&command, &File::create(folder.log())?)?;
    let link = Link::connect(folder.clone(), 0, &mut || machine.is_alive())?;
    link.wait_clean_boot()
        .and_then(|()| save(&folder.qmp(), &saved.state()))
        .with_context(|| link.evidence())?;
    drop(link);
    drop(machine);
    fs::rename(&saved.folder, &target.folder)?;
    Ok(())
}

/// Has QEMU write the machine's state to a file, after which it stands still.
fn save(socket: &Path, file: &Path) -> Result<()> {
    let everything = json!({ "max-bandwidth": 1_u64 << 40 });
    qmp::execute(socket, "migrate-set-parameters", &everything)?;
    let uri = format!("exec:cat >'{}'", file.display());
    qmp::execute(socket, "migrate", &json!({ "uri": uri }))?;
    loop {
        thread::sleep(Duration::from_millis(100));
        let progress = qmp::execute(socket, "query-migrate", &json!({}))?;
        match progress["status"].as_str() {
            Some("completed") => break,
            Some("failed" | "cancelled") => bail!("QEMU did not save the machine: {progress}"),
            _ => {}
        }
    }
    // Also writes what it holds of the disk.
    qmp::execute(socket, "quit", &json!({}))?;
    Ok(())
}

/// A name for machines that can start from each other's state.
fn kind(config: &GuestConfig, image: &Image, accel: Accel) -> Result<String> {
    let mut version = Command::new("qemu-system-x86_64");
    version.arg("--version");
    let mut hash = Sha256::new();
    hash.update(host::run(version)?);
    let command = qemu::command(config, image, &Folder(PathBuf::new()), accel, &Root::Image);
    for argument in command.get_args() {
        hash.update(argument.as_encoded_bytes());
        hash.update([0]);
    }
    // The kernel keeps the sizes that its disks had when it booted.
    hash.update(config.swap_mib.unwrap_or(0).to_le_bytes());
    Ok(hash.finalize()[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
