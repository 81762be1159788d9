//! `memctl plan [PROFILE…]`: what apply would change.

use crate::apply::Edit;
use crate::apply::refusal::refusal;
use crate::apply::survey::Survey;
use crate::cli::{self, Profiles};
use crate::command::{Context, change, sources};
use crate::error::{EXIT_CHANGES, Result};
use crate::limits::dropin::Installed;
use crate::limits::keep::Keep;
use crate::limits::slices::slices;
use crate::limits::totals::totals;
use crate::profile::Source;
use crate::profiles::Set;
use crate::view::out::{print, tell};

pub(super) fn run(context: &Context, options: &cli::Plan) -> Result<u8> {
    let given = sources::read(&options.profiles.files, options.profiles.name.as_deref())?;
    let wish = wish(context, &given, &options.profiles)?;
    let changes = show_wish(context, &wish, &given)?;
    Ok(if options.check && changes {
        EXIT_CHANGES
    } else {
        0
    })
}

/// `apply --dry-run`: the same table.
pub(super) fn preview(context: &Context, given: &[Source], options: &Profiles) -> Result<u8> {
    let wish = wish(context, given, options)?;
    show_wish(context, &wish, given)?;
    if !context.json {
        tell("Dry run: nothing was changed.");
    }
    Ok(0)
}

/// Prints what a wish would change; answers whether anything would.
pub(super) fn show_wish(context: &Context, wish: &Wish, given: &[Source]) -> Result<bool> {
    let (root, scope) = (&context.root, &context.scope);
    let survey = Survey::take(root, scope)?;
    let keep = Keep::read(root, scope, &survey.tree, &survey.cgroups);
    let installed = wish.set.installed();
    let prepared = survey.prepare(scope, &installed, &keep)?;
    let shown = profiles_of(&installed, given);
    let mut plan = change::of_interest(&prepared.plan, &shown, !given.is_empty());
    plan.lowerings = prepared.refused();
    let totals = totals(
        &plan,
        &shown,
        &slices(&plan, &survey.cgroups, &survey.files, &context.scope)?,
        survey.host.ram,
    );
    let changes = !wish.edits.is_empty() || survey.differs(&prepared);
    change::show(context, &plan, &totals, changes, None)?;
    if context.json {
        return Ok(changes);
    }
    change::warn(&change::warnings(context, &shown, &survey.files)?);
    if !plan.lowerings.is_empty() {
        let refusal = refusal(&survey.tree, &survey.cgroups, &plan.lowerings)?;
        tell(&format!("This would be {refusal}"));
    } else if let Err(over) = totals.check_budgets() {
        tell(&format!("This would be refused: {over}"));
    }
    if !changes {
        print("Nothing would change.")?;
    } else if !plan.changes() {
        print("The limits in force stay as they are; only files would change.")?;
    }
    Ok(changes)
}

/// What the administrator wants: files to change, and the profiles that count then.
#[derive(Debug)]
pub(super) struct Wish {
    pub edits: Vec<Edit>,
    pub set: Set,
}

/// Reads and checks everything that would count; tells every fault at once.
pub(super) fn wish(context: &Context, given: &[Source], options: &Profiles) -> Result<Wish> {
    let present = Set::read(&context.root, &context.scope, &[])?;
    let mut edits = change::installs(context, given, options.runtime, &present)?;
    if options.prune {
        edits.extend(change::prunes(context, given, &present));
    }
    let set = Set::read(&context.root, &context.scope, &edits)?;
    set.refuse_faults(given, "nothing was changed")?;
    Ok(Wish { edits, set })
}

/// The installed profiles that were named; all of them where none was.
pub(super) fn profiles_of(installed: &[Installed], given: &[Source]) -> Vec<Installed> {
    let named = |i: &&Installed| given.is_empty() || given.iter().any(|g| g.name == i.profile.name);
    installed.iter().filter(named).cloned().collect()
}
