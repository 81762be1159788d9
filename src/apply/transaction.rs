//! One change of limits, from the record to the confirmation, or back.

use std::path::Path;

use crate::apply::realize::{Miss, Target, failure, is_kernel_too_old, realize, targets};
use crate::apply::record::{Contents, OldFile, Record, present, put};
use crate::apply::stop::{Step, reached, refuse};
use crate::apply::survey::{Prepared, Survey};
use crate::apply::throttle::{intended, throttle};
use crate::apply::{Edit, Engine, ROLLING_BACK};
use crate::error::{Error, Kind, Result};
use crate::kernel::cgroup::Cgroup;
use crate::kernel::root::Root;
use crate::limits::dropin::{Rank, file_name};
use crate::limits::key::Key;
use crate::limits::level::Level;
use crate::limits::lowering::Lowering;

/// A change that is ready to be made.
pub(super) struct Transaction<'t> {
    pub survey: &'t Survey<'t>,
    pub prepared: &'t Prepared,
    pub edits: &'t [Edit],
}

impl Engine<'_> {
    /// Makes the change; answers the warnings.
    pub(super) fn carry_out(&mut self, change: Transaction<'_>) -> Result<Vec<String>> {
        let (root, survey) = (self.root, change.survey);
        let lowerings = &change.prepared.plan.lowerings;
        let page = survey.host.page;
        let targets = targets(&change.prepared.plan, &survey.cgroups, &survey.tree);
        let throttled = intended(&survey.tree, lowerings, page);
        let mut record = Record::new(self.scope, self.old_files(change.edits)?, throttled);
        record.write(root)?;
        reached(Step::Recorded);
        if !record.kernel.is_empty() {
            (self.progress)("making room");
        }
        let roomy = throttle(&survey.tree, lowerings, &record.kernel, page);
        reached(Step::Throttled);
        let installed = roomy
            .and_then(|()| self.check_interrupted())
            .and_then(|()| self.install(change.edits))
            .and_then(|()| {
                record.undo = false;
                record.write(root)
            });
        if let Err(error) = installed {
            record.undo = true;
            record.restore_kernel(root);
            record.restore_files(root)?;
            record.finish(root)?;
            return Err(error);
        }
        reached(Step::Committed);
        match self.bring_about(&change, &targets) {
            Ok(warnings) => {
                reached(Step::Realized);
                settle_high(survey, lowerings, &record);
                record.finish(root)?;
                Ok(warnings)
            }
            Err(error) => Err(self.roll_back(&change, &targets, record, error)),
        }
    }

    fn old_files(&self, edits: &[Edit]) -> Result<Vec<OldFile>> {
        edits
            .iter()
            .map(|edit| {
                Ok(OldFile {
                    path: edit.path.clone(),
                    old: present(self.root, &edit.path)?,
                    new: edit.new.clone(),
                })
            })
            .collect()
    }

    /// Writes all new files beside the old ones first: what can fail for want of room fails here.
    fn install(&self, edits: &[Edit]) -> Result<()> {
        let mut staged: Vec<Staged<'_>> = Vec::new();
        let discard = |staged: &[Staged<'_>]| staged.iter().for_each(|s| s.discard(self.root));
        for edit in edits {
            let Some((folder, name)) = place(&edit.path) else {
                continue;
            };
            let text: &[u8] = match &edit.new {
                Some(Contents::Text(text)) => text.as_bytes(),
                Some(Contents::Bytes(bytes)) => bytes,
                Some(Contents::Link(_)) | None => continue,
            };
            let made = self.root.make_dir(folder).and_then(|f| f.stage(name, text));
            match made {
                Ok(temporary) => staged.push(Staged {
                    folder,
                    name,
                    temporary,
                }),
                Err(error) => {
                    discard(&staged);
                    return Err(error);
                }
            }
        }
        reached(Step::Staged);
        for (at, edit) in edits.iter().enumerate() {
            let put = match staged
                .iter()
                .find(|s| Some(s.for_file()) == place(&edit.path))
            {
                Some(staged) => staged.commit(self.root),
                None => put(self.root, &edit.path, edit.new.as_ref()),
            };
            put.inspect_err(|_| discard(&staged))?;
            if at == 0 {
                reached(Step::FirstInstalled);
            }
        }
        reached(Step::Installed);
        Ok(())
    }

    /// Reloads, realizes, confirms; answers warnings.
    fn bring_about(&mut self, change: &Transaction<'_>, targets: &[Target]) -> Result<Vec<String>> {
        (self.progress)("reloading systemd");
        self.manager.reload()?;
        reached(Step::Reloaded);
        let mut misses = self.confirm(change.survey, targets)?;
        misses.extend(self.newcomers(change)?);
        let tree = &change.survey.tree;
        let (old_kernel, missed): (Vec<Miss>, Vec<Miss>) = misses
            .into_iter()
            .partition(|miss| is_kernel_too_old(tree, miss));
        if refuse() {
            return Err(Error::failed("refused for a test"));
        }
        if !missed.is_empty() {
            return Err(self.why(change, &missed));
        }
        Ok(old_kernel
            .iter()
            .map(|miss| {
                format!(
                    "{}: this kernel has no {}; the limit is recorded and without effect",
                    miss.target.cgroup.unit,
                    miss.target.key.kernel_file().unwrap_or_default()
                )
            })
            .collect())
    }

    fn confirm(&mut self, survey: &Survey<'_>, targets: &[Target]) -> Result<Vec<Miss>> {
        let progress = self.progress;
        realize(self.manager, &survey.tree, targets, |unit| {
            progress(&format!("realizing {unit} and its slice"));
        })
    }

    /// Units that began while all this was going on: they may have started under the old limits.
    fn newcomers(&mut self, change: &Transaction<'_>) -> Result<Vec<Miss>> {
        let known = |cgroup: &Cgroup| {
            let mut all = change.survey.cgroups.iter();
            all.any(|c| c.path == cgroup.path)
        };
        if change.survey.tree.walk()?.iter().all(known) {
            return Ok(Vec::new());
        }
        let mut survey = self.survey()?;
        survey.cgroups.retain(|cgroup| !known(cgroup));
        let profiles = crate::profiles::lenient(self.root, self.scope).0;
        let new = survey.prepare(&profiles)?;
        let targets = targets(&new.plan, &survey.cgroups, &survey.tree);
        self.confirm(&survey, &targets)
    }

    /// A miss may be the generator's doing: a unit that grew under our hands is protected, and told.
    fn why(&self, change: &Transaction<'_>, missed: &[Miss]) -> Error {
        let after = Survey::take(self.root, self.scope).map(|s| s.generated);
        let grown = missed.iter().find(|miss| {
            let unit = &miss.target.cgroup.unit;
            let holds = Path::new(&format!("{unit}.d")).join(file_name(unit, Rank::Holds));
            let planned = change.prepared.dropins.iter().any(|d| d.path() == holds);
            !planned && after.as_ref().is_ok_and(|all| all.contains_key(&holds))
        });
        match grown {
            Some(miss) => Error::failed(format!(
                "{} grew while the limits were being applied and would have been killed",
                miss.target.cgroup.unit
            ))
            .remedy("--restart restarts it gracefully first; --next-start lets it wait"),
            None => failure(missed),
        }
    }

    /// Back to how it was; the answer is the error to tell, with how far the way back went.
    fn roll_back(
        &mut self,
        change: &Transaction<'_>,
        targets: &[Target],
        mut record: Record,
        error: Error,
    ) -> Error {
        (self.progress)(ROLLING_BACK);
        match self.undo(change, targets, &mut record) {
            Ok(kept) if kept.is_empty() => {
                let kind = error.kind();
                let told = error.context("rolled back");
                if kind == Kind::NotPermitted { told } else { told.with_kind(Kind::Failed) }
            }
            // No file was to change: what could not follow is withheld, and that is all there is to it.
            Ok(kept) if change.edits.is_empty() => Error::failed(format!(
                "{}\nwhat the installed profiles say waits for the next start of {}",
                error.message(),
                kept.join(", ")
            )),
            Ok(kept) => Error::new(
                Kind::Partial,
                format!(
                    "{}\nrolled back, but for {}: grown beyond the old limit, each keeps the new one until its next start",
                    error.message(),
                    kept.join(", ")
                ),
            ),
            Err(again) => Error::new(
                Kind::Partial,
                format!(
                    "{}\nrolling back failed too: {}",
                    error.message(),
                    again.message()
                ),
            )
            .remedy("the old profiles count from now on; `memctl apply` brings the rest into line once the cause is gone"),
        }
    }

    fn undo(
        &mut self,
        change: &Transaction<'_>,
        targets: &[Target],
        record: &mut Record,
    ) -> Result<Vec<String>> {
        let root = self.root;
        record.undo = true;
        // With a full disk the record may not be written: the files are put back all the same.
        let noted = record.write(root);
        reached(Step::Undoing);
        loosen(change.survey, targets);
        record.restore_kernel(root);
        record.restore_files(root)?;
        noted?;
        reached(Step::Restored);
        // What has outgrown its old limit does not meet it again: the generator withholds it.
        let survey = self.survey()?;
        let profiles = crate::profiles::lenient(root, self.scope).0;
        let back = survey.prepare(&profiles)?;
        let waited = |l: &&Lowering| change.prepared.waiting.contains(&l.cgroup.unit);
        let grown = back.misfits().filter(|l| !waited(l));
        let kept = grown.map(|l| l.cgroup.unit.to_string()).collect();
        if survey.differs(&back) {
            self.manager.reload()?;
            let aims = crate::apply::realize::targets(&back.plan, &survey.cgroups, &survey.tree);
            let misses = self.confirm(&survey, &aims)?;
            let missed = |miss: &&Miss| !is_kernel_too_old(&survey.tree, miss);
            if let Some(miss) = misses.iter().find(missed) {
                return Err(failure(std::slice::from_ref(miss)));
            }
        }
        record.finish(root)?;
        Ok(kept)
    }
}

/// Writes the old, looser memory and task limits into the kernel by hand, before the slow part of the way back.
fn loosen(survey: &Survey<'_>, targets: &[Target]) {
    for target in targets {
        let by_hand = matches!(
            target.key,
            Key::MemoryHigh | Key::MemoryMax | Key::MemorySwapMax | Key::TasksMax
        );
        let (Some(before), Some(file)) = (target.before, target.key.kernel_file()) else {
            continue;
        };
        let after = target.level.and_then(Level::figure).unwrap_or(u64::MAX);
        let looser = before.figure().unwrap_or(u64::MAX) > after;
        if by_hand && looser {
            let text = match before {
                Level::Bytes(n) | Level::Count(n) => n.to_string(),
                _ => "max".to_owned(),
            };
            // The reload writes it anew; this only makes it sooner.
            let _ = survey.tree.write(&target.cgroup, file, &text);
        }
    }
}

/// A hand-written `memory.high` that no reload has replaced is replaced here.
fn settle_high(survey: &Survey<'_>, lowerings: &[Lowering], record: &Record) {
    for value in &record.kernel {
        let Some(lowering) = lowerings.iter().find(|l| l.cgroup.path == value.cgroup) else {
            continue;
        };
        let now = survey.tree.file(&lowering.cgroup, &value.file);
        let ours = now.is_ok_and(|text| text.is_some_and(|t| t.trim() == value.new));
        let same_start = survey.tree.inode(&value.cgroup) == Some(value.inode);
        if ours && same_start && lowering.after.high.to_string() != value.new {
            let high = match lowering.after.high {
                u64::MAX => "max".to_owned(),
                bytes => bytes.to_string(),
            };
            let _ = survey.tree.write(&lowering.cgroup, &value.file, &high);
        }
    }
}

/// A file that is written beside the one it is for.
struct Staged<'e> {
    folder: &'e Path,
    name: &'e str,
    temporary: String,
}

impl Staged<'_> {
    fn for_file(&self) -> (&Path, &str) {
        (self.folder, self.name)
    }

    fn commit(&self, root: &Root) -> Result<()> {
        root.make_dir(self.folder)?
            .commit(&self.temporary, self.name)
    }

    fn discard(&self, root: &Root) {
        if let Ok(folder) = root.make_dir(self.folder) {
            folder.discard(&self.temporary);
        }
    }
}

fn place(path: &Path) -> Option<(&Path, &str)> {
    Some((path.parent()?, path.file_name()?.to_str()?))
}
