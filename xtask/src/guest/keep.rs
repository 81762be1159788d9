//! A child process that cannot outlive us.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process that is killed when this is dropped, and by the kernel when we
/// are killed ourselves.
#[derive(Debug)]
pub struct Kept {
    pidfd: OwnedFd,
    keeper: Option<JoinHandle<()>>,
}

impl Kept {
    /// Starts `command` with its output going to `log`.
    pub fn spawn(command: &Command, log: &File) -> Result<Kept> {
        // The death signal comes when the *thread* that started the child
        // ends, so a thread of its own starts it, and stays.
        let mut child = Command::new("setpriv");
        child
            .args(["--pdeathsig", "KILL", "--"])
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?);
        let (sender, started) = mpsc::channel();
        let keeper = thread::spawn(move || match child.spawn() {
            Ok(mut child) => {
                // The child has not been waited for, so its id is its own.
                let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty());
                let _ = sender.send(pidfd.map_err(Into::into));
                let _ = child.wait();
            }
            Err(error) => {
                let _ = sender.send(Err(error));
            }
        });
        let pidfd = started
            .recv()
            .context("the thread that starts a guest ended")?
            .context("cannot start setpriv")?;
        Ok(Kept {
            pidfd,
            keeper: Some(keeper),
        })
    }

    /// Whether the process is still there.
    pub fn is_alive(&self) -> bool {
        self.keeper
            .as_ref()
            .is_some_and(|keeper| !keeper.is_finished())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}
