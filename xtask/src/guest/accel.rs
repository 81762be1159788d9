//! How the guest's processors are run.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::config::GuestConfig;
use super::image::{self, Image};
use super::keep::Kept;
use super::link::Link;
use super::qemu::{self, Folder, Root};
use crate::tell;

/// How long a guest may take under KVM, where it takes a few seconds.
const PROBE: Duration = Duration::from_secs(40);

/// What runs the guest's processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accel {
    /// The host's own processors.
    Kvm,
    /// QEMU's emulation, everywhere and some ten times slower.
    Tcg,
}

impl Accel {
    /// What QEMU is told.
    pub fn arguments(self) -> [&'static str; 4] {
        match self {
            Accel::Kvm => ["-accel", "kvm", "-cpu", "host"],
            // Without cx16: QEMU 7.2's emulation of cmpxchg16b with more than
            // one processor makes the kernel die of double faults.
            Accel::Tcg => ["-accel", "tcg,thread=multi", "-cpu", "Haswell,-cx16"],
        }
    }
}

/// What works here. `MEMCTL_GUEST_ACCEL=kvm` or `tcg` spares finding out.
pub fn choose(image: &Image) -> Result<Accel> {
    match std::env::var("MEMCTL_GUEST_ACCEL").as_deref() {
        Ok("kvm") => return Ok(Accel::Kvm),
        Ok("tcg") => return Ok(Accel::Tcg),
        Ok(other) => bail!("MEMCTL_GUEST_ACCEL is {other}; it may be kvm or tcg"),
        Err(_) => {}
    }
    let kvm = Path::new("/dev/kvm");
    if File::options().read(true).write(true).open(kvm).is_err() {
        return Ok(Accel::Tcg);
    }
    // That it opens does not mean that it runs a kernel, so one is booted to
    // see; once until the host boots again.
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let cache = image::cache()?;
    let verdict = cache.join("kvm-verdict");
    let lock = File::create(cache.join("kvm.lock"))?;
    lock.lock()?;
    let known = fs::read_to_string(&verdict).unwrap_or_default();
    if let Some(works) = known.strip_prefix(&boot) {
        return Ok(if works == "works" {
            Accel::Kvm
        } else {
            Accel::Tcg
        });
    }
    let accel = match probe(image) {
        Ok(()) => Accel::Kvm,
        Err(error) => {
            tell::step(format_args!("KVM does not work here, emulating: {error:#}"));
            Accel::Tcg
        }
    };
    let works = if accel == Accel::Kvm {
        "works"
    } else {
        "fails"
    };
    fs::write(&verdict, format!("{boot}{works}"))
        .with_context(|| format!("cannot write {}", verdict.display()))?;
    Ok(accel)
}

/// Boots a guest under KVM as far as its agent's hello.
fn probe(image: &Image) -> Result<()> {
    let run = tempfile::Builder::new().prefix("memctl-kvm-").tempdir()?;
    let folder = Folder(run.path().to_owned());
    let config = GuestConfig::new(image.suite());
    qemu::make_disks(&config, &folder)?;
    let command = qemu::command(&config, image, &folder, Accel::Kvm, &Root::Image);
    let machine = Kept::spawn(&command, &File::create(folder.log())?)?;
    let link = Link::connect(folder, 0, &mut || machine.is_alive())?;
    let deadline = Instant::now() + PROBE;
    while Instant::now() < deadline {
        if link
            .agent
            .wait_hello(None, Duration::from_millis(200))?
            .is_some()
        {
            return Ok(());
        }
        link.check_alive()?;
    }
    bail!("no guest came up within {} s", PROBE.as_secs());
}
