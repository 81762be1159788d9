//! The manager through `systemctl`: for the time when D-Bus is down and PID 1 is not.

use std::collections::HashMap;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Kind, Result};
use crate::restart::Look;
use crate::sample::Invocation;
use crate::scope::Scope;
use crate::systemd::figures::Properties;
use crate::systemd::lasting::ended;
use crate::systemd::look;
use crate::systemd::manager::{Figures, Job, JobEnd, Manager, UnitInfo, UnitState};
use crate::systemd::names::{UnitName, UnitType};
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

    /// Has systemctl make a job, and waits for its end; an interrupt ends the wait alone.
    fn make_job(&self, job: Job, unit: &str) -> Result<JobEnd> {
        let limits = "--property=TimeoutStopUSec,TimeoutStartUSec";
        let all = shown(&self.run(&["show", limits, unit])?);
        let span = |name: &str| Span::parse(all.get(name)?).ok();
        let limit = wait::limit(span("TimeoutStopUSec"), span("TimeoutStartUSec"));
        let verb = match job {
            Job::Start => "start",
            Job::Restart => "try-restart",
            Job::Reload => "reload",
        };
        let arguments = [verb, "--job-mode=fail", unit];
        let mut command = self.command(&arguments);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(cannot_run)?;
        let wait = Wait::begin(&self.interrupted, limit);
        while child.try_wait().map_err(cannot_run)?.is_none() {
            if let Err(over) = wait.check(job.doing(), unit) {
                // It only waits; the job is systemd's. That it has ended meanwhile is no error.
                let _ = child.kill();
                let _ = child.wait();
                return Ok(JobEnd::Unknown(over));
            }
            std::thread::sleep(wait::LOOK);
        }
        let output = child.wait_with_output().map_err(cannot_run)?;
        // Ctrl-C on a terminal reaches systemctl, too, and it says nothing then.
        if !output.status.success()
            && self.interrupted.load(Ordering::Relaxed)
            && let Err(over) = wait.check(job.doing(), unit)
        {
            return Ok(JobEnd::Unknown(over));
        }
        let told = match answer(&arguments, &output) {
            Ok(_) => return Ok(JobEnd::Done),
            Err(told) => told,
        };
        let text = String::from_utf8_lossy(&output.stderr);
        // A job that was made and has failed is told so; a refused call is not.
        let was_made = text
            .lines()
            .any(|line| line.starts_with("Job for ") || line.contains("job for "));
        Ok(match was_made {
            true if text.contains("canceled") => JobEnd::Ended("canceled".to_owned()),
            true => JobEnd::Ended("failed".to_owned()),
            false => JobEnd::Refused(told),
        })
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
        let unit = unit.as_str();
        match self.job(Job::Restart, unit) {
            JobEnd::Done => Ok(()),
            JobEnd::Ended(result) => ended(Job::Restart, unit, &result),
            JobEnd::Refused(e) | JobEnd::Unknown(e) => Err(e),
        }
    }

    fn job(&mut self, job: Job, unit: &str) -> JobEnd {
        self.make_job(job, unit).unwrap_or_else(JobEnd::Refused)
    }

    fn look(&mut self, unit: &str) -> Result<Look> {
        let system = self.show(None, "SystemState")?.remove("SystemState");
        let wanted = format!("--property={}", look::NAMES.join(","));
        look::look(unit, system.unwrap_or_default(), &mut |name| {
            let text = self.run(&["show", "--timestamp=unix", &wanted, name])?;
            Ok::<_, Error>(Some(Box::new(Shown(shown(&text)))))
        })
    }

    fn units(&mut self, types: &[UnitType]) -> Result<Vec<UnitInfo>> {
        let types: Vec<&str> = types.iter().map(|t| t.suffix()).collect();
        let wanted = format!("--type={}", types.join(","));
        let all = ["--all", "--full", "--plain", "--no-legend", "--no-pager"];
        let text = self.run(&[&["list-units", &wanted][..], &all].concat())?;
        Ok(text.lines().filter_map(listed).collect())
    }

    fn figures(&mut self, unit: &UnitName) -> Result<Option<Figures>> {
        let wanted = format!("--property={}", Figures::NAMES.join(","));
        let text = self.run(&["show", "--timestamp=unix", &wanted, unit.as_str()])?;
        Ok(Figures::of(&mut Shown(shown(&text))))
    }
}

/// A line of `systemctl list-units`: name, load, active and sub state, description.
fn listed(line: &str) -> Option<UnitInfo> {
    let mut rest = line.trim_start();
    let mut word = || {
        let (word, after) = rest.split_once(' ')?;
        rest = after.trim_start();
        Some(word.to_owned())
    };
    let name = UnitName::parse(&word()?).ok()?;
    let (load, active, sub) = (word()?, word()?, word()?);
    Some(UnitInfo {
        name,
        load,
        active,
        sub,
        description: rest.trim_end().to_owned(),
    })
}

/// What `systemctl show` prints.
struct Shown(HashMap<String, String>);

impl Properties for Shown {
    fn number(&mut self, name: &str) -> Option<u64> {
        let text = self.0.remove(name)?;
        match text.as_str() {
            "infinity" | "[not set]" | "[no data]" => Some(u64::MAX),
            // With --timestamp=unix, in seconds.
            text if text.starts_with('@') => {
                let seconds: u64 = text[1..].parse().ok()?;
                seconds.checked_mul(1_000_000)
            }
            // Times are told in words: `10s`.
            text => text
                .parse()
                .ok()
                .or_else(|| Some(Span::parse(text).ok()?.0)),
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn list(&mut self, name: &str) -> Vec<String> {
        let text = self.0.remove(name).unwrap_or_default();
        text.split_ascii_whitespace().map(str::to_owned).collect()
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        Some(self.0.remove(name)? == "yes")
    }

    fn has_job(&mut self) -> bool {
        let job = self.0.remove("Job").unwrap_or_default();
        !matches!(job.as_str(), "" | "0")
    }

    fn invocation(&mut self) -> Option<Invocation> {
        Invocation::parse(&self.0.remove("InvocationID")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Limit;

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

    #[test]
    fn units_are_listed_one_a_line() {
        let text = "-.slice               loaded    active   active    Root Slice\n\
                    web.service           loaded    failed   failed    The web  server\n\
                    gone.service          not-found inactive dead      gone.service\n\
                    dev-sda.device        loaded    active   plugged   Disk\n\
                    bare.service          loaded    active   running   \n";
        let units: Vec<UnitInfo> = text.lines().filter_map(listed).collect();
        let told: Vec<String> = units
            .iter()
            .map(|u| format!("{} {} {} {}", u.name, u.active, u.sub, u.exists()))
            .collect();
        assert_eq!(
            told,
            [
                "-.slice active active true",
                "web.service failed failed true",
                "gone.service inactive dead false",
                "bare.service active running true",
            ]
        );
        assert_eq!(units[1].description, "The web  server");
        assert_eq!(units[3].description, "");
    }

    #[test]
    fn absent_and_unset_figures_are_unknown_and_infinity_is_a_limit() {
        let text = "LoadState=loaded\nActiveState=active\nSubState=running\nSlice=system.slice\n\
                    ActiveEnterTimestamp=@1790000000\nControlGroup=/system.slice/web.service\n\
                    InvocationID=00ff10000000000000000000000000a1\nMemoryCurrent=4096\n\
                    MemoryAvailable=infinity\nMemoryHigh=8192\nMemoryMax=infinity\n\
                    CPUUsageNSec=[not set]\nTasksCurrent=3\nNRestarts=2\n";
        let figures = Figures::of(&mut Shown(shown(text))).expect("loaded");
        assert_eq!(figures.current, Some(4096));
        assert_eq!(figures.available, None);
        assert_eq!(figures.peak, None);
        assert_eq!(figures.cpu_usec, None);
        assert_eq!(figures.high, Some(Limit::Bytes(8192)));
        assert_eq!(figures.max, Some(Limit::Infinity));
        assert_eq!(figures.effective_max, None);
        assert_eq!(figures.restarts, Some(2));
        assert_eq!(figures.since.map(|t| t.as_second()), Some(1_790_000_000));
        let gone = "LoadState=not-found\nActiveState=inactive\nControlGroup=\n";
        assert_eq!(Figures::of(&mut Shown(shown(gone))), None);
    }
}
