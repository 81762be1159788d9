//! A guest as scenarios see it.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::Suite;
use super::agent::Running;
use super::config::GuestConfig;
use super::keep::Kept;
use super::launch::Launch;
use super::link::Link;
use super::qemu::Folder;
use super::script::{Output, Script};

/// A running guest. It ends when this is dropped, or with our process.
///
/// Its methods panic when the guest is dead or does not do what it must, with
/// all that helps to see why: they are made for tests.
#[derive(Debug)]
pub struct Guest {
    suite: Suite,
    link: Link,
    // Dropped before the folder, whose files it has open.
    _machine: Kept,
    folder: RunFolder,
}

impl Guest {
    /// Boots a guest and waits until systemd has started everything.
    pub fn boot(config: GuestConfig) -> Result<Guest> {
        let launch = Launch::new(&config)?;
        let run = RunFolder::new(config.suite)?;
        let folder = run.folder();
        let log = File::create(folder.log())?;
        let machine = Kept::spawn(&launch.command(&config, &folder)?, &log)?;
        let link = Link::connect(folder, 0, &mut || machine.is_alive())?;
        let guest = Guest {
            suite: config.suite,
            link,
            _machine: machine,
            folder: run,
        };
        launch.settle(&guest.link).with_context(|| {
            guest.folder.keep();
            format!("cannot boot {}\n{}", guest.suite, guest.link.evidence())
        })?;
        Ok(guest)
    }

    /// Which system it runs.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Runs a script to its end, whatever that is.
    pub fn sh(&self, script: impl Into<Script>) -> Output {
        let result = self.link.run(&script.into());
        self.must(result)
    }

    /// Runs a script that must succeed; gives its standard output.
    pub fn ok(&self, script: impl Into<Script>) -> String {
        let result = self.link.succeed(&script.into());
        self.must(result)
    }

    /// Starts a script and does not wait for it: others can be run meanwhile.
    pub fn spawn(&self, script: impl Into<Script>) -> Running {
        let result = self.link.agent.start(&script.into());
        self.must(result)
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> Vec<u8> {
        let result = self.link.read(path);
        self.must(result)
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let result = self.link.write(path, content.as_ref(), 0o644);
        self.must(result);
    }

    /// Reboots it in good order, and waits until it is up again; gives the
    /// state that systemd reached (`running`, `degraded`).
    pub fn reboot(&self) -> String {
        self.must(self.link.reboot())
    }

    /// Resets it as by a power failure, and waits until it is up again. What
    /// was not synced to its disk is lost.
    pub fn crash(&self) -> String {
        self.must(self.link.crash())
    }

    /// The major version of its systemd, as systemd itself says.
    pub fn systemd_version(&self) -> u32 {
        let line = self.ok("systemctl --version | head -n 1");
        let version = line.split_whitespace().nth(1);
        let digits = version.map(|text| text.split(|c: char| !c.is_ascii_digit()).next());
        match digits.flatten().map(str::parse) {
            Some(Ok(version)) => version,
            _ => self.fail(&format!("no version in {line:?}")),
        }
    }

    /// Ends the test, telling why and what the guest's console says.
    pub fn fail(&self, reason: &str) -> ! {
        panic!("{}: {reason}\n{}", self.suite, self.link.evidence());
    }

    fn must<T>(&self, result: Result<T>) -> T {
        result.unwrap_or_else(|error| self.fail(&format!("{error:#}")))
    }
}

/// The folder of one run: deleted with it, but kept after a failure.
#[derive(Debug)]
struct RunFolder {
    folder: Option<TempDir>,
    keep: AtomicBool,
}

impl RunFolder {
    fn new(suite: Suite) -> Result<RunFolder> {
        // In the system's temporary folder and not in the cache: names of
        // sockets must be short.
        let folder = tempfile::Builder::new()
            .prefix(&format!("memctl-{suite}-"))
            .tempdir()
            .context("cannot make a folder for the guest")?;
        Ok(RunFolder {
            folder: Some(folder),
            keep: AtomicBool::new(false),
        })
    }

    fn folder(&self) -> Folder {
        let path = self.folder.as_ref().map(|folder| folder.path().to_owned());
        Folder(path.expect("taken only when dropped"))
    }

    fn keep(&self) {
        self.keep.store(true, Ordering::Relaxed);
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.keep.load(Ordering::Relaxed) || thread::panicking() {
            self.folder().shrink();
            self.folder.take().map(TempDir::keep);
        }
    }
}
