//! PID 1 as the tests have it: its units, and what it answers.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use crate::error::Error;
use crate::restart::{Dependent, Look};
use crate::systemd::manager::{Job, JobEnd};
use crate::systemd::names::UnitName;
use crate::watch::hands::{Ask, Hands, Reply};

pub const M: u64 = 1 << 20;

pub fn unit(text: &str) -> UnitName {
    UnitName::parse(text).expect(text)
}

/// A unit as PID 1 and the kernel have it.
#[derive(Debug, Clone)]
pub struct Model {
    pub active: &'static str,
    pub need: u64,
    /// What it needs after a start.
    pub fresh: u64,
    pub cache: u64,
    pub high_events: u64,
    pub kills: u64,
    pub start: u64,
    pub entered: u64,
    pub exited: u64,
    pub job: Option<&'static str>,
    pub kind: &'static str,
    pub dependents: Vec<&'static str>,
    /// How the next job ends, without having done anything.
    pub end: Option<JobEnd>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            active: "active",
            need: 100 * M,
            fresh: 50 * M,
            cache: 0,
            high_events: 0,
            kills: 0,
            start: 1,
            entered: 1_000_000,
            exited: 0,
            job: None,
            kind: "simple",
            dependents: Vec::new(),
            end: None,
        }
    }
}

/// PID 1: its units, what it was asked, and what waits for an answer.
#[derive(Debug, Default)]
pub struct Pid1 {
    pub units: BTreeMap<String, Model>,
    pub asked: Vec<String>,
    pub queue: VecDeque<(UnitName, Ask)>,
    /// It answers nothing.
    pub is_deaf: bool,
    pub is_stopping: bool,
    /// OOM kills that the slice has counted.
    pub kills: u64,
}

impl Pid1 {
    pub fn unit(&mut self, name: &str) -> &mut Model {
        self.units.get_mut(name).expect(name)
    }

    fn look(&self, name: &str) -> Result<Box<Look>, Error> {
        let model = self.units.get(name);
        let model = model.ok_or_else(|| Error::failed(format!("{name} is not loaded")))?;
        let dependents = model.dependents.iter().filter_map(|name| {
            let other = self.units.get(*name)?;
            (other.active == "active").then(|| Dependent {
                unit: (*name).to_owned(),
                by: "PartOf".to_owned(),
                invocation: format!("{:032x}", other.start),
            })
        });
        Ok(Box::new(Look {
            active: model.active.to_owned(),
            sub: "running".to_owned(),
            invocation: format!("{:032x}", model.start),
            result: "success".to_owned(),
            job: model.job.is_some(),
            kind: model.kind.to_owned(),
            can_reload: true,
            active_exit_usec: model.exited,
            active_enter_usec: model.entered,
            system: if self.is_stopping {
                "stopping"
            } else {
                "running"
            }
            .to_owned(),
            dependents: dependents.collect(),
            ..Look::default()
        }))
    }

    fn job(&mut self, job: Job, name: &str) -> JobEnd {
        let Some(model) = self.units.get_mut(name) else {
            return JobEnd::Done;
        };
        if let Some(end) = model.end.take() {
            return end;
        }
        match (job, model.active) {
            (Job::Restart, "active") => {
                model.exited = model.entered + 5_000_000;
                model.begin(model.exited + 250_000);
            }
            (Job::Start, "inactive") => model.begin(model.entered + 9_000_000),
            _ => {}
        }
        JobEnd::Done
    }

    pub fn jobs(&self) -> Vec<&str> {
        let jobs = self.asked.iter().filter(|ask| !ask.starts_with("look "));
        jobs.map(String::as_str).collect()
    }
}

impl Model {
    pub fn begin(&mut self, at: u64) {
        self.start += 1;
        self.kills = 0;
        self.entered = at;
        self.active = "active";
        self.need = self.fresh;
    }
}

/// Hands that PID 1 moves.
pub struct Script(pub Rc<RefCell<Pid1>>);

impl Hands for Script {
    fn ask(&mut self, unit: &UnitName, ask: Ask) {
        let mut pid1 = self.0.borrow_mut();
        pid1.asked.push(match &ask {
            Ask::Look(unit) => format!("look {unit}"),
            Ask::Job(job, unit) => format!("{} {unit}", job.doing()),
            Ask::Reclaim { cgroup, bytes, .. } => {
                format!("reclaim {} {}M", cgroup.display(), bytes / M)
            }
        });
        pid1.queue.push_back((unit.clone(), ask));
    }

    fn answer(&mut self, _: Duration) -> Option<(UnitName, Ask, Reply)> {
        let mut pid1 = self.0.borrow_mut();
        if pid1.is_deaf {
            return None;
        }
        let (unit, ask) = pid1.queue.pop_front()?;
        let reply = match &ask {
            Ask::Look(unit) => Reply::Look(pid1.look(unit)),
            Ask::Job(job, unit) => Reply::Job(pid1.job(*job, unit)),
            Ask::Reclaim { bytes, .. } => Reply::Reclaim(Ok(*bytes)),
        };
        Some((unit, ask, reply))
    }
}
