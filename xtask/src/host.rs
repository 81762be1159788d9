//! The machine we run on: its programs and packages.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::tell;

/// A program and the Debian package that brings it.
pub type Tool = (&'static str, &'static str);

/// What building and booting a guest takes.
pub const GUEST_TOOLS: &[Tool] = &[
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("mmdebstrap", "mmdebstrap"),
    ("mke2fs", "e2fsprogs"),
    ("qemu-img", "qemu-utils"),
    ("cpio", "cpio"),
    ("xz", "xz-utils"),
    ("setpriv", "util-linux"),
    ("dpkg-deb", "dpkg"),
];

/// What building and checking the Debian package takes.
pub const PACKAGE_TOOLS: &[Tool] = &[
    ("dpkg-buildpackage", "dpkg-dev"),
    ("dh", "debhelper"),
    ("fakeroot", "fakeroot"),
    ("lintian", "lintian"),
];

/// Installs by apt-get the packages of those `tools` that are not there.
pub fn install_missing(tools: &[Tool]) -> Result<()> {
    let packages: Vec<&str> = tools
        .iter()
        .filter(|(program, _)| !has(program))
        .map(|(_, package)| *package)
        .collect();
    if packages.is_empty() {
        return Ok(());
    }
    tell::step(format_args!(
        "installing {} by apt-get",
        packages.join(", ")
    ));
    if !rustix::process::geteuid().is_root() {
        bail!(
            "not root: please run `apt-get install {}`",
            packages.join(" ")
        );
    }
    let install = || {
        let mut apt = Command::new("apt-get");
        apt.args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(&packages)
            .env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    // The lists may be missing or old: only then is an update worth its time.
    if run(install()).is_err() {
        let mut update = Command::new("apt-get");
        update.args(["update", "--quiet"]);
        run(update)?;
        run(install())?;
    }
    Ok(())
}

/// Whether a program is on the path (or in the administrator's directories,
/// which a plain user's path leaves out).
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|folder| folder.join(program).is_file())
}

/// Runs a command to its end; says on failure what it was and what it said.
/// Its output is not shown otherwise.
pub fn run(mut command: Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    bail!(
        "{program} failed ({}): {command:?}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a folder of the repository")
}
