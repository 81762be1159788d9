//! The manager through `systemctl`: for the time when D-Bus is down and PID 1 is not.

use std::process::Command;

use crate::error::{Error, Kind, Result};
use crate::scope::Scope;
use crate::systemd::manager::{Manager, UnitState};
use crate::systemd::names::UnitName;

/// A manager that is asked through `systemctl`.
#[derive(Debug)]
pub struct Systemctl {
    user: bool,
}

impl Systemctl {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(scope: &Scope) -> Self {
        Self {
            user: scope.is_user(),
        }
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("systemctl");
        command.env("LC_ALL", "C").env("SYSTEMD_PAGER", "");
        if self.user {
            command.arg("--user");
        }
        let output = command
            .args(arguments)
            .output()
            .map_err(|e| Error::failed(format!("cannot run systemctl: {e}")))?;
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

    fn show(&self, unit: Option<&UnitName>, property: &str) -> Result<String> {
        let property = format!("--property={property}");
        let mut arguments = vec!["show", "--value", &property];
        arguments.extend(unit.map(UnitName::as_str));
        Ok(self.run(&arguments)?.trim().to_owned())
    }
}

impl Manager for Systemctl {
    fn version(&mut self) -> Result<String> {
        self.show(None, "Version")
    }

    fn reload(&mut self) -> Result<()> {
        self.run(&["daemon-reload"]).map(|_| ())
    }

    fn nudge(&mut self, unit: &UnitName) -> Result<()> {
        self.run(&["set-property", "--runtime", unit.as_str(), "Markers="])
            .map(|_| ())
    }

    fn state(&mut self, unit: &UnitName) -> Result<UnitState> {
        Ok(UnitState {
            active: self.show(Some(unit), "ActiveState")?,
            invocation: self.show(Some(unit), "InvocationID")?.into_bytes(),
        })
    }

    fn try_restart(&mut self, unit: &UnitName) -> Result<()> {
        self.run(&["try-restart", "--job-mode=fail", unit.as_str()])
            .map(|_| ())
    }
}
