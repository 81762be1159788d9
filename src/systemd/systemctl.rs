//! The manager through `systemctl`: for the time when D-Bus is down and PID 1 is not.

use std::collections::HashMap;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Kind, Result};
use crate::scope::Scope;
use crate::systemd::manager::{Manager, UnitState};
use crate::systemd::names::UnitName;
use crate::systemd::wait::{self, Wait};
use crate::units::Span;

/// A manager that is asked through `systemctl`.
#[derive(Debug)]
pub(super) struct Systemctl {
    user: bool,
    interrupted: Arc<AtomicBool>,
}

impl Systemctl {
    /// Nothing is asked yet.
    pub(super) fn new(scope: &Scope, interrupted: &Arc<AtomicBool>) -> Self {
        Self {
            user: scope.is_user(),
            interrupted: Arc::clone(interrupted),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("systemctl");
        command.env("LC_ALL", "C").env("SYSTEMD_PAGER", "");
        if self.user {
            command.arg("--user");
        }
        command.args(arguments).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments).output().map_err(cannot_run)?;
        answer(arguments, &output)
    }

    fn show(&self, unit: Option<&UnitName>, properties: &str) -> Result<HashMap<String, String>> {
        let wanted = format!("--property={properties}");
        let mut arguments = vec!["show", &wanted];
        arguments.extend(unit.map(UnitName::as_str));
        Ok(shown(&self.run(&arguments)?))
    }
}

fn cannot_run(error: std::io::Error) -> Error {
    Error::failed(format!("cannot run systemctl: {error}"))
}

/// What it printed, if it succeeded.
fn answer(arguments: &[&str], output: &Output) -> Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let told = told.trim();
    let denied = told.contains("Access denied") || told.contains("authentication required");
    Err(Error::new(
        if denied {
            Kind::NotPermitted
        } else {
            Kind::Failed
        },
        format!("systemctl {}: {told}", arguments.join(" ")),
    ))
}

/// `systemctl show`: one `Name=value` a line; what has no value may be absent.
fn shown(text: &str) -> HashMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The bytes that the bus gives for 32 hexadecimal digits, so that both ways can be compared; none for zeros only.
fn invocation(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks_exact(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Vec<u8> = pairs.filter_map(byte).collect();
    if bytes.iter().all(|byte| *byte == 0) {
        return Vec::new();
    }
    bytes
}

impl Manager for Systemctl {
    fn version(&mut self) -> Result<String> {
        let version = self.show(None, "Version")?.remove("Version");
        version.ok_or_else(|| Error::failed("systemctl tells no version of systemd"))
    }

    fn reload(&mut self) -> Result<()> {
        self.run(&["daemon-reload"]).map(|_| ())
    }

    fn nudge(&mut self, unit: &UnitName) -> Result<()> {
        self.run(&["set-property", "--runtime", unit.as_str(), "Markers="])
            .map(|_| ())
    }

    fn state(&mut self, unit: &UnitName) -> Result<UnitState> {
        let mut all = self.show(Some(unit), "ActiveState,InvocationID,Job")?;
        let mut take = |name: &str| all.remove(name).unwrap_or_default();
        Ok(UnitState {
            active: take("ActiveState"),
            invocation: invocation(&take("InvocationID")),
            job: !matches!(take("Job").as_str(), "" | "0"),
        })
    }

    fn try_restart(&mut self, unit: &UnitName) -> Result<()> {
        let all = self.show(Some(unit), "TimeoutStopUSec,TimeoutStartUSec")?;
        let span = |name: &str| Span::parse(all.get(name)?).ok();
        let limit = wait::limit(span("TimeoutStopUSec"), span("TimeoutStartUSec"));
        let arguments = ["try-restart", "--job-mode=fail", unit.as_str()];
        let mut command = self.command(&arguments);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(cannot_run)?;
        let wait = Wait::begin(&self.interrupted, limit);
        while child.try_wait().map_err(cannot_run)?.is_none() {
            if let Err(over) = wait.check(unit) {
                // It only waits; the job is systemd's. That it has ended meanwhile is no error.
                let _ = child.kill();
                let _ = child.wait();
                return Err(over);
            }
            std::thread::sleep(wait::LOOK);
        }
        let output = child.wait_with_output().map_err(cannot_run)?;
        // Ctrl-C on a terminal reaches systemctl, too, and it says nothing then.
        if !output.status.success() && self.interrupted.load(Ordering::Relaxed) {
            wait.check(unit)?;
        }
        answer(&arguments, &output).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemctl_shows_is_what_the_bus_says() {
        let text =
            "ActiveState=active\nInvocationID=00ff10000000000000000000000000a1\nDescription=a=b\n";
        let all = shown(text);
        assert_eq!(all["Description"], "a=b");
        assert_eq!(all.get("Job"), None);
        let bytes = invocation(&all["InvocationID"]);
        assert_eq!((bytes.len(), bytes[1], bytes[15]), (16, 0xff, 0xa1));
        assert_eq!(invocation(""), [0; 0]);
        assert_eq!(invocation("00000000000000000000000000000000"), [0; 0]);
    }
}
