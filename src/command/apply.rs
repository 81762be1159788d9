//! `memctl apply [PROFILE…]`.

use crate::apply::lock::{self, Lock};
use crate::apply::record::{present, put};
use crate::apply::survey::Survey;
use crate::apply::{Edit, Engine, Outcome, PATIENCE, Tight};
use crate::cli::Apply;
use crate::command::{Context, change, plan, sources};
use crate::error::{Error, Kind, Result};
use crate::limits::dropin::Installed;
use crate::limits::keep::Keep;
use crate::limits::plan::{Row, When};
use crate::limits::totals::{Totals, totals};
use crate::profile::Source;
use crate::profiles::{check, fault_report};
use crate::systemd::manager::connect;
use crate::view::json;
use crate::view::out::{print, tell};
use crate::view::progress::Progress;

pub(super) fn run(context: &Context, options: &Apply) -> Result<u8> {
    let given = sources::read(&options.profiles.files, options.profiles.name.as_deref())?;
    if options.dry_run {
        return plan::preview(context, &given, &options.profiles);
    }
    if !context.root.is_host() {
        return into_image(context, given, options);
    }
    permitted(context)?;
    let _lock = Lock::take(&context.root, &context.scope, lock::PATIENCE)?;
    let interrupted = crate::signals::catch()?;
    let mut manager = connect(&context.scope, &interrupted)?;
    let progress = Progress::new();
    let step = |text: &str| progress.step(text);
    let mut engine = Engine {
        root: &context.root,
        scope: &context.scope,
        manager: manager.as_mut(),
        progress: &step,
        patience: PATIENCE,
        interrupted,
    };
    let recovered = engine.recover()?;
    let (given, failed) = usable(context, given, options)?;
    let wish = plan::wish(context, &given, &options.profiles)?;
    let tight = Tight {
        restart: options.tight.restart,
        next_start: options.tight.next_start,
    };
    let installed = wish.set.installed();
    let outcome = engine.run(&installed, &wish.edits, tight, recovered);
    progress.done();
    let mut outcome = outcome?;
    let survey = Survey::take(&context.root, &context.scope)?;
    let shown = plan::profiles_of(&installed, &given);
    let cautions = change::warnings(context, &shown, &survey.files)?;
    outcome.warnings.extend(cautions);
    outcome
        .warnings
        .extend(too_old(&shown, &manager.version()?));
    outcome.plan = change::of_interest(&outcome.plan, &shown, !given.is_empty());
    let totals = totals(&outcome.plan, &shown, &survey.cgroups, survey.host.ram);
    report(context, &outcome, &totals, recovered)?;
    Ok(if failed { Kind::Usage.exit_code() } else { 0 })
}

/// Only root may; say so before anything else is tried.
pub(super) fn permitted(context: &Context) -> Result<()> {
    if context.scope.is_user() || rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(Error::new(
        Kind::NotPermitted,
        "limits of system services are root's to change",
    )
    .remedy("run it as root (sudo memctl …), or with --user for your own services; `memctl plan` needs no root"))
}

/// With `--keep-going` the faulty ones are told and left out.
fn usable(context: &Context, given: Vec<Source>, options: &Apply) -> Result<(Vec<Source>, bool)> {
    if !options.keep_going {
        return Ok((given, false));
    }
    let checked = check(&context.root, &context.scope, &given)?;
    let mut good = Vec::new();
    let mut failed = false;
    for (source, checked) in given.into_iter().zip(checked) {
        if checked.failed() {
            failed = true;
            if let Err(error) = fault_report(&[source], &[checked], "left out") {
                tell(error.message().trim_end());
            }
        } else {
            good.push(source);
        }
    }
    if good.is_empty() && failed {
        return Err(Error::usage("no profile is left to apply"));
    }
    Ok((good, failed))
}

/// Directives that the running systemd does not know yet.
fn too_old(profiles: &[Installed], version: &str) -> Vec<String> {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    let Ok(running) = digits.parse::<u32>() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for unit in profiles.iter().flat_map(|p| &p.profile.units) {
        for key in unit.limits.keys() {
            if let Some(since) = key.since_for(unit.name.unit_type())
                && running < since
            {
                found.push(format!(
                    "{}: {} came with systemd {since}, this is {running}: recorded, without effect",
                    unit.name,
                    key.name()
                ));
            }
        }
    }
    found
}

/// Prints the table and one line on what happened.
pub(super) fn report(
    context: &Context,
    outcome: &Outcome,
    totals: &Totals,
    recovered: bool,
) -> Result<()> {
    change::show(
        context,
        &outcome.plan,
        totals,
        outcome.changed,
        Some(outcome),
    )?;
    if context.json {
        return Ok(());
    }
    change::warn(&outcome.warnings);
    if recovered {
        tell("An earlier memctl was interrupted; what it left half-done is in order again.");
    }
    for unit in &outcome.restarted {
        tell(&format!("Restarted {unit} to make room."));
    }
    print(&summary(outcome))
}

/// "Done: 3 units changed, confirmed in the kernel; 1 unit when started."
fn summary(outcome: &Outcome) -> String {
    let waits = |row: &Row| row.ours && row.when == When::NextStart;
    if !outcome.changed {
        return if outcome.plan.rows.iter().any(waits) {
            "Nothing to change: what is not in force waits for its unit's next start.".to_owned()
        } else {
            "Nothing to change: everything is in force already.".to_owned()
        };
    }
    let count = |when: When, told: &str| {
        let rows = outcome.plan.rows.iter();
        let mut names: Vec<_> = rows
            .filter(|r| r.ours && r.when == when)
            .map(|r| &r.unit)
            .collect();
        names.dedup();
        let noun = if names.len() == 1 { "unit" } else { "units" };
        (!names.is_empty()).then(|| format!("{} {noun} {told}", names.len()))
    };
    let parts: Vec<String> = [
        count(When::Now, "changed, confirmed in the kernel"),
        count(When::NextStart, "at the next start"),
        count(When::NotRunning, "when started"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() {
        return "Done: the limits in force are the same as before.".to_owned();
    }
    format!("Done: {}.", parts.join("; "))
}

/// An image gets the files; its generator does the rest at its first boot.
fn into_image(context: &Context, given: Vec<Source>, options: &Apply) -> Result<u8> {
    let (given, failed) = usable(context, given, options)?;
    let wish = plan::wish(context, &given, &options.profiles)?;
    let json = in_image(context, &wish, &given)?;
    write_edits(context, &wish.edits)?;
    match json {
        Some(json) => print(&json),
        None => print(&match wish.edits.len() {
            0 => "Nothing to change in the image.".to_owned(),
            1 => "Installed in the image: 1 file changed; in force at its next boot.".to_owned(),
            n => format!("Installed in the image: {n} files changed; in force at its next boot."),
        }),
    }?;
    Ok(if failed { Kind::Usage.exit_code() } else { 0 })
}

/// What a wish changes in an image, if that is to be told as JSON.
pub(super) fn in_image(
    context: &Context,
    wish: &plan::Wish,
    given: &[Source],
) -> Result<Option<String>> {
    if !context.json {
        return Ok(None);
    }
    let survey = Survey::take(&context.root, &context.scope)?;
    let installed = wish.set.installed();
    let prepared = survey.prepare(&context.scope, &installed, &Keep::default())?;
    let shown = plan::profiles_of(&installed, given);
    let outcome = Outcome {
        plan: change::of_interest(&prepared.plan, &shown, true),
        changed: !wish.edits.is_empty(),
        warnings: change::warnings(context, &shown, &survey.files)?,
        restarted: Vec::new(),
    };
    let totals = totals(&outcome.plan, &shown, &survey.cgroups, survey.host.ram);
    Ok(Some(
        json::plan(&outcome.plan, &totals, outcome.changed, Some(&outcome)).to_string(),
    ))
}

/// Puts files in an image; what cannot be replaced is found before anything is.
pub(super) fn write_edits(context: &Context, edits: &[Edit]) -> Result<()> {
    for edit in edits {
        present(&context.root, &edit.path)?;
    }
    for edit in edits {
        put(&context.root, &edit.path, edit.new.as_ref())?;
    }
    Ok(())
}
