//! The virtual machine: its folder and its command line.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::accel::Accel;
use super::config::GuestConfig;
use super::image::Image;
use super::saved::Saved;
use crate::host;

/// How many serial ports lead to the agent: one process can talk on each.
pub const AGENT_PORTS: usize = 4;

/// The folder of a running machine, with its sockets, logs and disks.
#[derive(Clone, Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    /// All that the guest says on its console.
    pub fn console(&self) -> PathBuf {
        self.0.join("console.log")
    }

    /// The console itself.
    pub fn console_socket(&self) -> PathBuf {
        self.0.join("console.sock")
    }

    /// What QEMU itself says.
    pub fn log(&self) -> PathBuf {
        self.0.join("qemu.log")
    }

    /// A port of the agent.
    pub fn agent(&self, port: usize) -> PathBuf {
        self.0.join(format!("agent.{port}.sock"))
    }

    /// QEMU's machine protocol.
    pub fn qmp(&self) -> PathBuf {
        self.0.join("qmp.sock")
    }

    fn payload(&self) -> PathBuf {
        self.0.join("payload.tar")
    }

    fn swap(&self) -> PathBuf {
        self.0.join("swap.raw")
    }

    /// Removes what is large, for a folder that is kept to be looked at.
    pub fn shrink(&self) {
        for file in [self.payload(), self.swap()] {
            let _ = fs::remove_file(file);
        }
    }

    /// The last lines of the console.
    pub fn console_tail(&self, lines: usize) -> String {
        let text = fs::read(self.console()).unwrap_or_default();
        host::tail(&String::from_utf8_lossy(&text), lines)
    }
}

/// What the machine starts from.
#[derive(Clone, Debug)]
pub enum Root {
    /// The image, with what is written thrown away.
    Image,
    /// The image, with what is written kept in this file.
    Kept(PathBuf),
    /// A machine that has booted, with what is written thrown away.
    Saved(Saved),
}

/// Makes the disks of a machine beside its image's.
pub fn make_disks(config: &GuestConfig, folder: &Folder) -> Result<()> {
    pack(&config.payload, &folder.payload())?;
    if let Some(mib) = config.swap_mib {
        make_swap(&folder.swap(), mib)?;
    }
    Ok(())
}

/// The command that runs the machine.
pub fn command(
    config: &GuestConfig,
    image: &Image,
    folder: &Folder,
    accel: Accel,
    root: &Root,
) -> Command {
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-machine", "q35,sata=off", "-nodefaults", "-no-user-config"])
        .args(["-display", "none", "-nic", "none"])
        .args(accel.arguments())
        .args(["-m", &config.memory_mib.to_string()])
        .args(["-smp", &config.cpus.to_string()])
        .args(["-device", "virtio-rng-pci"])
        .arg("-kernel")
        .arg(image.kernel())
        .arg("-initrd")
        .arg(image.initrd())
        .args(["-append", &kernel_arguments()]);

    // The image is shared by all guests: what they write goes to a file that
    // QEMU deletes. It need not survive the host, so nothing is flushed to it.
    const THROWN_AWAY: &str = "snapshot=on,cache=unsafe";
    match root {
        Root::Image => disk(&mut qemu, "root", &image.disk(), "raw", THROWN_AWAY),
        Root::Kept(file) => disk(&mut qemu, "root", file, "qcow2", "cache=unsafe"),
        Root::Saved(saved) => {
            disk(&mut qemu, "root", &saved.disk(), "qcow2", THROWN_AWAY);
            qemu.arg("-incoming")
                .arg(format!("exec:cat '{}'", saved.state().display()));
        }
    }
    // There even when it is empty, so that all machines are of one kind.
    disk(
        &mut qemu,
        "payload",
        &folder.payload(),
        "raw",
        "readonly=on",
    );
    if config.swap_mib.is_some() {
        disk(&mut qemu, "swap", &folder.swap(), "raw", "cache=unsafe");
    }

    let socket = |id: &str, path: &Path| {
        format!("socket,id={id},server=on,wait=off,path={}", path.display())
    };
    qemu.arg("-chardev")
        .arg(format!(
            "{},logfile={}",
            socket("console", &folder.console_socket()),
            folder.console().display()
        ))
        .args(["-serial", "chardev:console"])
        .args(["-chardev", &socket("qmp", &folder.qmp())])
        .args(["-mon", "chardev=qmp,mode=control"])
        .args(["-device", "virtio-serial-pci"]);
    for port in 0..AGENT_PORTS {
        let id = format!("agent{port}");
        qemu.args(["-chardev", &socket(&id, &folder.agent(port))])
            .arg("-device")
            .arg(format!(
                "virtserialport,chardev={id},name=memctl.agent.{port}"
            ));
    }
    qemu
}

/// Adds a disk. The guest finds it by its serial number.
fn disk(qemu: &mut Command, name: &str, file: &Path, format: &str, options: &str) {
    qemu.arg("-drive")
        .arg(format!(
            "if=none,id={name},format={format},{options},file={}",
            file.display()
        ))
        .arg("-device")
        .arg(format!("virtio-blk-pci,drive={name},serial={name}"));
}

fn kernel_arguments() -> String {
    [
        "root=/dev/vda rootfstype=ext4 rw",
        "console=ttyS0 TERM=dumb systemd.show_status=1",
        // Nobody attacks a guest, and emulating the defence is slow.
        "mitigations=off",
        "random.trust_cpu=on 8250.nr_uarts=1",
        // On a busy host the emulated timer seems broken to the kernel.
        "no_timer_check",
    ]
    .join(" ")
}

/// The size of the payload's disk, always the same: a saved machine knows it.
const PAYLOAD: u64 = 1 << 30;

/// Packs files for the guest into an archive that it unpacks at `/`.
fn pack(payload: &[(PathBuf, PathBuf)], archive: &Path) -> Result<()> {
    let mut tar = tar::Builder::new(File::create(archive)?);
    // Owned by root, whoever packs.
    tar.mode(tar::HeaderMode::Deterministic);
    for (host, guest) in payload {
        let name = guest.strip_prefix("/").unwrap_or(guest);
        let context = || format!("cannot pack {} for the guest", host.display());
        let metadata = fs::metadata(host).with_context(context)?;
        if metadata.is_dir() {
            tar.append_dir_all(name, host).with_context(context)?;
        } else {
            let mut header = tar::Header::new_gnu();
            header.set_metadata_in_mode(&metadata, tar::HeaderMode::Deterministic);
            tar.append_data(&mut header, name, File::open(host).with_context(context)?)
                .with_context(context)?;
        }
    }
    let file = tar.into_inner()?;
    if file.metadata()?.len() > PAYLOAD {
        bail!("the files for the guest are larger than {PAYLOAD} bytes");
    }
    file.set_len(PAYLOAD)?;
    Ok(())
}

fn make_swap(file: &Path, mib: u32) -> Result<()> {
    File::create(file)?.set_len(u64::from(mib) << 20)?;
    let mut mkswap = Command::new("mkswap");
    mkswap.arg("--quiet").arg(file);
    host::run(mkswap)?;
    Ok(())
}
