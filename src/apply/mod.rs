//! The only writer of limits: preflight → install → reload → realize → confirm → roll back.

pub mod lock;
pub mod realize;
pub mod record;
pub mod refusal;
pub mod stop;
pub mod survey;
pub mod throttle;
mod transaction;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::apply::realize::Target;
use crate::apply::record::{Contents, Record};
use crate::apply::survey::Survey;
use crate::apply::transaction::Transaction;
use crate::error::{Error, Result};
use crate::kernel::root::Root;
use crate::limits::dropin::Installed;
use crate::limits::lowering::Lowering;
use crate::limits::pending::Pending;
use crate::limits::plan::Plan;
use crate::limits::slices::slices;
use crate::limits::totals::totals;
use crate::scope::Scope;
use crate::systemd::manager::{Manager, major};
use crate::systemd::names::{UnitName, UnitType};

/// A change to one profile's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file, in one of the folders of profiles.
    pub path: PathBuf,
    /// What is to be there; `None`: nothing.
    pub new: Option<Contents>,
}

/// What is to be brought about.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// The profiles that are to count.
    pub profiles: &'r [Installed],
    /// What that changes in their files.
    pub edits: &'r [Edit],
    /// Those of the profiles that were asked for by name; `None`: all.
    pub named: Option<&'r [String]>,
    /// What to do about running units that hold too much.
    pub tight: Tight,
    /// An earlier change was found unfinished.
    pub recovered: bool,
}

impl Request<'_> {
    /// Whether a profile is meant.
    fn is_named(&self, installed: &Installed) -> bool {
        let name = &installed.profile.name;
        self.named.is_none_or(|named| named.contains(name))
    }

    /// Whether one of the meant profiles reaches a unit.
    fn reaches(&self, unit: &UnitName) -> bool {
        let meant = self.profiles.iter().filter(|p| self.is_named(p));
        meant
            .flat_map(|p| &p.profile.units)
            .any(|u| u.name.covers(unit))
    }
}

/// What to do about running units that hold too much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tight {
    /// Restart them, gracefully, first.
    pub restart: bool,
    /// Let their limits wait for their next start.
    pub next_start: bool,
}

/// What was done.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The plan as it was carried out.
    pub plan: Plan,
    /// Anything changed, on disk or in the kernel.
    pub changed: bool,
    /// What the administrator should know.
    pub warnings: Vec<String>,
    /// The units that were restarted to make room.
    pub restarted: Vec<UnitName>,
}

/// How long a restarted unit is watched before it counts as back, in the verbs.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// The step that [`Engine::progress`] is told of when a change failed and is taken back.
pub const ROLLING_BACK: &str = "rolling back";

/// What a change needs to be made.
pub struct Engine<'a> {
    /// The system's root.
    pub root: &'a Root,
    /// Which manager.
    pub scope: &'a Scope,
    /// The manager itself.
    pub manager: &'a mut dyn Manager,
    /// Told what is going on; shown on a terminal.
    pub progress: &'a dyn Fn(&str),
    /// How long a restarted unit must stay up to count as back.
    pub patience: Duration,
    /// Set when the administrator pressed Ctrl-C: heeded until the new profiles count.
    pub interrupted: Arc<AtomicBool>,
}

impl<'a> Engine<'a> {
    /// Ends what an earlier memctl, killed half-way, left behind. Call it under the lock, before profiles are read.
    ///
    /// Answers whether there was anything: then the kernel may be behind the files, and the next plan shows it.
    ///
    /// # Errors
    /// The record or a file cannot be written.
    pub fn recover(&self) -> Result<bool> {
        let records = Record::left_behind(self.root, self.scope)?;
        for record in &records {
            record.restore_kernel(self.root);
            if record.undo {
                record.restore_files(self.root)?;
            }
            record.finish(self.root)?;
        }
        Ok(!records.is_empty())
    }

    /// Brings about what is requested.
    ///
    /// # Errors
    /// Refused, with nothing changed; or failed and rolled back; or rolled back in part: the kind tells.
    pub fn run(&mut self, request: Request<'_>) -> Result<Outcome> {
        stop::reached(stop::Step::Locked);
        let mut survey = self.survey()?;
        let mut prepared = survey.prepare(request.profiles)?;
        let slices = slices(&prepared.plan, &survey.cgroups, &survey.files, self.scope)?;
        let totals = totals(&prepared.plan, request.profiles, &slices, survey.host.ram);
        totals.check_budgets()?;
        let mut restarted = Vec::new();
        if request.tight.restart {
            // What waits already for another profile's sake is left in peace.
            let new = prepared.refused();
            let meant = |l: &&Lowering| new.contains(*l) || request.reaches(&l.cgroup.unit);
            let full: Vec<Lowering> = prepared.misfits().filter(meant).cloned().collect();
            if !full.is_empty() {
                restarted = self.restart(&survey, &full)?;
                survey = self.survey()?;
                prepared = survey.prepare(request.profiles)?;
            }
        }
        let refused = prepared.refused();
        if !refused.is_empty() && !request.tight.next_start {
            return Err(refusal::refusal(&survey.tree, &survey.cgroups, &refused)?);
        }
        if request.edits.is_empty() && !request.recovered && !survey.differs(&prepared) {
            return Ok(Outcome {
                plan: prepared.plan,
                changed: !restarted.is_empty(),
                warnings: Vec::new(),
                restarted,
            });
        }
        let warnings = self.carry_out(Transaction {
            survey: &survey,
            prepared: &prepared,
            edits: request.edits,
        })?;
        Ok(Outcome {
            plan: prepared.plan,
            changed: true,
            warnings,
            restarted,
        })
    }

    /// Nudges what a reload has left behind beside the profiles' own: where a profile was deleted by hand nobody asks
    /// for its limits any more, and they are in force still.
    ///
    /// Answers what came into force. What would not is left: it is systemd's, and nobody asked for it here.
    ///
    /// # Errors
    /// A cgroup's file that says something strange.
    pub fn catch_up(&mut self) -> Result<Vec<Pending>> {
        let survey = self.survey()?;
        let pending = survey.pending()?;
        let targets: Vec<Target> = pending
            .iter()
            .map(|p| Target {
                cgroup: p.cgroup.clone(),
                inode: survey.tree.inode(&p.cgroup.path),
                key: p.key,
                before: p.before,
                level: Some(p.level),
            })
            .collect();
        let missed = realize::realize(self.manager, &survey.tree, &targets, |_| {})?;
        let came = |p: &Pending| {
            !missed
                .iter()
                .any(|m| m.target.cgroup == p.cgroup && m.target.key == p.key)
        };
        Ok(pending.into_iter().filter(came).collect())
    }

    /// One look at everything, with systemd's version.
    fn survey(&mut self) -> Result<Survey<'a>> {
        let version = self.manager.version()?;
        Ok(Survey::take(self.root, self.scope)?.under(major(&version)))
    }

    /// Restarts running services that hold too much, one after the other, and makes sure that each came back.
    fn restart(&mut self, survey: &Survey<'_>, misfits: &[Lowering]) -> Result<Vec<UnitName>> {
        let units: Vec<&UnitName> = misfits.iter().map(|l| &l.cgroup.unit).collect();
        for lowering in misfits {
            let unit = &lowering.cgroup.unit;
            let service = unit.unit_type() == UnitType::Service;
            // Nobody asked for a stranger's restart.
            if !service || !lowering.ours || is_oneshot(survey, unit)? {
                return Err(Error::failed(format!(
                    "{unit} is not a service of these profiles that could be restarted to make room; nothing was changed"
                ))
                .remedy("restart what holds the memory yourself, or use --next-start"));
            }
        }
        let mut done = Vec::new();
        for unit in units {
            (self.progress)(&format!("restarting {unit}"));
            let before = self.manager.state(unit)?;
            if before.active != "active" {
                return Err(Error::failed(format!(
                    "{unit} is {}, not active: not restarted",
                    before.active
                ))
                .remedy("try again once it is up"));
            }
            self.manager.try_restart(unit)?;
            // `done` says that it was forked, no more (FACTS 19).
            std::thread::sleep(self.patience);
            let after = self.manager.state(unit)?;
            if after.active != "active" || after.invocation == before.invocation {
                return Err(Error::failed(format!(
                    "{unit} was restarted and is {} now; no limit was changed",
                    after.active
                ))
                .remedy(format!("`systemctl status {unit}` says why")));
            }
            done.push(unit.clone());
        }
        Ok(done)
    }

    fn check_interrupted(&self) -> Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Error::failed("interrupted; nothing was changed"));
        }
        Ok(())
    }
}

fn is_oneshot(survey: &Survey<'_>, unit: &UnitName) -> Result<bool> {
    let all = survey.files.assignments(unit, &survey.generated)?;
    let kind = all
        .iter()
        .rfind(|(a, _)| a.section == "Service" && a.key == "Type");
    Ok(kind.is_some_and(|(a, _)| a.value == "oneshot"))
}
