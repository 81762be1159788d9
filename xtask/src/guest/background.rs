//! Guests that keep running between commands, for work by hand: one per suite.

use std::fs::{self, File, TryLockError};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::config::GuestConfig;
use super::image;
use super::launch::Launch;
use super::link::Link;
use super::qemu::{AGENT_PORTS, Folder};
use super::{Suite, qmp};
use crate::tell;

/// How long a guest may take to answer; it may be rebooting.
const ANSWER: Duration = Duration::from_secs(90);

/// Starts a guest that stays until it is [stopped](stop); gives its folder.
pub fn start(config: &GuestConfig) -> Result<PathBuf> {
    let suite = config.suite;
    let folder = folder(suite)?;
    if is_running(&folder) {
        bail!("a {suite} guest is running already; `cargo xtask guest stop {suite}` ends it");
    }
    let launch = Launch::new(config)?;
    match fs::remove_dir_all(&folder.0) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot clear {}", folder.0.display()));
        }
        _ => fs::create_dir_all(&folder.0)?,
    }
    tell::step(format_args!("{suite}: starting"));
    let log = File::create(folder.log())?;
    let mut child = launch
        .command(config, &folder)?
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Its own group: Ctrl-C in the terminal is not meant for it.
        .process_group(0)
        .spawn()
        .context("cannot start qemu-system-x86_64")?;
    let link = Link::connect(folder.clone(), 0, &mut || {
        matches!(child.try_wait(), Ok(None))
    })?;
    if let Err(error) = launch.settle(&link) {
        let _ = child.kill();
        let _ = child.wait();
        return Err(error.context(link.evidence()));
    }
    tell::step(format_args!("{suite}: up"));
    Ok(folder.0)
}

/// A connection to the suite's running guest, and what keeps others from
/// taking the same port of its agent.
#[derive(Debug)]
pub struct Attached {
    /// The connection.
    pub link: Link,
    _port: File,
}

/// Connects to a running guest. As many processes can as it has ports.
pub fn attach(suite: Suite) -> Result<Attached> {
    let folder = folder(suite)?;
    if !is_running(&folder) {
        bail!("no {suite} guest is running; `cargo xtask guest start {suite}` boots one");
    }
    for port in 0..AGENT_PORTS {
        let lock = File::create(folder.0.join(format!("agent.{port}.lock")))?;
        match lock.try_lock() {
            Ok(()) => {
                let link = Link::connect(folder, port, &mut || true)?;
                link.greet(ANSWER)?;
                return Ok(Attached { link, _port: lock });
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    bail!("all {AGENT_PORTS} ports of the {suite} guest are in use");
}

/// Ends the suite's running guest at once; it is thrown away with all its state.
pub fn stop(suite: Suite) -> Result<()> {
    let folder = folder(suite)?;
    if !is_running(&folder) {
        tell::step(format_args!("{suite}: is not running"));
        return Ok(());
    }
    qmp::execute(&folder.qmp(), "quit", &json!({}))?;
    fs::remove_dir_all(&folder.0)?;
    Ok(())
}

/// Whether the suite's guest is running, and in which folder.
pub fn status(suite: Suite) -> Result<Option<PathBuf>> {
    let folder = folder(suite)?;
    Ok(is_running(&folder).then_some(folder.0))
}

fn folder(suite: Suite) -> Result<Folder> {
    Ok(Folder(image::cache()?.join("running").join(suite.name())))
}

/// QEMU answers on its socket, or there is none.
fn is_running(folder: &Folder) -> bool {
    qmp::execute(&folder.qmp(), "query-status", &json!({})).is_ok()
}
