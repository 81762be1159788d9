//! From a configuration to a machine that is up.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::accel::{self, Accel};
use super::config::GuestConfig;
use super::image::Image;
use super::link::Link;
use super::qemu::{self, Folder, Root};
use super::saved::Saved;
use crate::host;

/// How long a machine started from a saved state may take to answer.
const ANSWER: Duration = Duration::from_secs(60);

/// What a machine is started from.
#[derive(Debug)]
pub struct Launch {
    image: Image,
    accel: Accel,
    root: Root,
}

impl Launch {
    /// Makes sure that all is there, which may take minutes the first time.
    pub fn new(config: &GuestConfig) -> Result<Launch> {
        host::install_missing(host::GUEST_TOOLS)?;
        let image = Image::get(config.suite)?;
        let accel = accel::choose(&image)?;
        // A real boot takes no longer under KVM.
        let root = if config.cold || accel == Accel::Kvm {
            Root::Image
        } else {
            Root::Saved(Saved::get(config, &image, accel)?)
        };
        Ok(Launch { image, accel, root })
    }

    /// The command that runs the machine in `folder`.
    pub fn command(&self, config: &GuestConfig, folder: &Folder) -> Result<Command> {
        qemu::make_disks(config, folder)?;
        let Launch { image, accel, root } = self;
        Ok(qemu::command(config, image, folder, *accel, root))
    }

    /// Waits until the machine is up, with all that was put into it.
    pub fn settle(&self, link: &Link) -> Result<()> {
        match self.root {
            Root::Saved(_) => link.greet(ANSWER)?,
            _ => link.wait_clean_boot()?,
        }
        link.prepare(true)
    }
}
