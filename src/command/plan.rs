//! `memctl plan [PROFILE…]`: what apply would change.

use crate::apply::refusal::refusal;
use crate::apply::survey::Survey;
use crate::cli;
use crate::command::wish::{Wish, wish};
use crate::command::{Context, change, sources};
use crate::error::{EXIT_CHANGES, Result};
use crate::limits::plan::Plan;
use crate::limits::totals::Totals;
use crate::view;
use crate::view::out::{print, tell};

pub(super) fn run(context: &Context, options: &cli::Plan) -> Result<u8> {
    let given = sources::read(&options.profiles.files, options.profiles.name.as_deref());
    let mut wish = wish(context, given, &options.profiles, false)?;
    let changes = show(context, &mut wish)?;
    Ok(if options.check && changes {
        EXIT_CHANGES
    } else {
        0
    })
}

/// `apply --dry-run`, `remove --dry-run`: the same table.
pub(super) fn preview(context: &Context, mut wish: Wish) -> Result<u8> {
    show(context, &mut wish)?;
    if !context.json {
        tell("Dry run: nothing was changed.");
    }
    Ok(wish.exit_code())
}

/// What a wish would bring about.
pub(super) struct Foreseen<'a> {
    pub survey: Survey<'a>,
    pub plan: Plan,
    pub totals: Totals,
    pub warnings: Vec<String>,
    /// Anything would change, on disk or in the kernel.
    pub changes: bool,
}

/// Looks at the system, and at what a wish would make of it.
pub(super) fn foresee<'a>(context: &'a Context, wish: &Wish) -> Result<Foreseen<'a>> {
    let (root, scope) = (&context.root, &context.scope);
    let survey = Survey::take(root, scope)?.under(context.systemd());
    let installed = wish.set.installed();
    let prepared = survey.prepare(&installed)?;
    let shown = wish.shown();
    let mut plan = change::of_interest(&prepared.plan, &shown, wish.named.is_some());
    plan.lowerings = prepared.refused();
    Ok(Foreseen {
        totals: change::sum(context, &plan, &shown, &survey)?,
        warnings: change::warnings(context, &shown, &survey)?,
        changes: !wish.edits.is_empty() || survey.differs(&prepared),
        plan,
        survey,
    })
}

/// Prints what a wish would change; answers whether anything would.
fn show(context: &Context, wish: &mut Wish) -> Result<bool> {
    let mut foreseen = foresee(context, wish)?;
    let budgets = wish.heed_budgets(&foreseen.totals, &mut foreseen.warnings);
    let Foreseen { plan, totals, .. } = &foreseen;
    let (warnings, changes) = (&foreseen.warnings, foreseen.changes);
    if context.json {
        let document = view::json::plan(plan, totals, changes, warnings);
        print(&document.to_string())?;
        return Ok(changes);
    }
    let text = view::plan::plan(plan, totals);
    if !text.is_empty() {
        print(&text)?;
    }
    change::warn(warnings);
    let survey = &foreseen.survey;
    let mut refused = false;
    if !plan.lowerings.is_empty() {
        let refusal = refusal(&survey.tree, &survey.cgroups, &plan.lowerings)?;
        tell(&format!("This would be {refusal}"));
        refused = true;
    }
    if let Err(over) = budgets {
        tell(&format!("This would be refused: {over}"));
        refused = true;
    }
    if !changes && wish.is_of_nothing() {
        print("No profile is installed: nothing would change.")?;
    } else if !changes {
        print("Nothing would change.")?;
    } else if !plan.changes() && !refused {
        print("The limits in force stay as they are; only files would change.")?;
    }
    Ok(changes)
}
