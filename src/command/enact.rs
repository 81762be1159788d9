//! A wish comes true: on the running system through the engine, in an image by its files alone.

use std::cell::Cell;

use crate::apply::lock::{self, Lock};
use crate::apply::record::{present, put};
use crate::apply::survey::Survey;
use crate::apply::{Edit, Engine, Outcome, PATIENCE, ROLLING_BACK, Request, Tight};
use crate::cli;
use crate::command::wish::Wish;
use crate::command::{Context, apply, change, plan};
use crate::error::Result;
use crate::journal::changes::{changes, interrupted, rolled_back};
use crate::journal::{Event, Journal as _, SystemJournal};
use crate::limits::plan::{Row, Shown, When};
use crate::profiles::reinstate;
use crate::systemd::manager::{connect, major};
use crate::view;
use crate::view::out::{print, tell};
use crate::view::progress::Progress;

/// Under the lock: makes what is wished now come true, and tells it.
///
/// # Errors
/// Nothing was changed, or it was rolled back. Once it is done, nothing fails any more.
pub(super) fn on_host(
    context: &Context,
    tight: cli::Tight,
    wish: impl FnOnce() -> Result<Wish>,
) -> Result<u8> {
    apply::permitted(context)?;
    let _lock = Lock::take(&context.root, &context.scope, lock::PATIENCE)?;
    // A removal of the package that came to nothing.
    reinstate(&context.root, &context.scope)?;
    let signal = crate::signals::catch()?;
    let mut manager = connect(&context.scope, &signal)?;
    let progress = Progress::new();
    let taken_back = Cell::new(false);
    let step = |text: &str| {
        taken_back.set(taken_back.get() || text == ROLLING_BACK);
        progress.step(text);
    };
    let mut engine = Engine {
        root: &context.root,
        scope: &context.scope,
        manager: manager.as_mut(),
        progress: &step,
        patience: PATIENCE,
        interrupted: signal,
    };
    let recovered = engine.recover()?;
    if recovered {
        write(context, &[interrupted()]);
    }
    let mut wish = wish()?;
    let survey = Survey::take(&context.root, &context.scope)?;
    let survey = survey.under(major(&engine.manager.version()?));
    let shown = wish.shown();
    let mut warnings = change::warnings(context, &shown, &survey)?;
    if wish.lenient {
        let totals = plan::foresee(context, &wish)?.totals;
        wish.heed_budgets(&totals, &mut warnings)?;
    }
    // Before the deed: that is when they can be heeded.
    if !context.json {
        change::warn(&warnings);
    }
    let tight = Tight {
        restart: tight.restart,
        next_start: tight.next_start,
    };
    let profiles = wish.profiles();
    let outcome = engine.run(Request {
        profiles: &profiles,
        edits: &wish.edits,
        named: wish.named.as_deref(),
        tight,
        recovered,
    });
    progress.done();
    let outcome = outcome.inspect_err(|error| {
        if taken_back.get() {
            write(context, &rolled_back(error, &wish.edits));
        }
    })?;
    write(context, &changes(&outcome, &profiles, &wish.edits));
    if !context.json {
        change::warn(&outcome.warnings);
    }
    warnings.extend(outcome.warnings.iter().cloned());
    let told = report(context, &wish, &survey, outcome, recovered, &warnings);
    closing(told);
    Ok(wish.exit_code())
}

/// Writes events in the journal of the running system. One that is not there is no failure: the verb prints the same.
pub(super) fn write(context: &Context, events: &[Event]) {
    if !context.root.is_running_system() {
        return;
    }
    let mut journal = SystemJournal::new(&context.scope).silent();
    for event in events {
        let _ = journal.write(event);
    }
}

/// It is done: what goes wrong in telling it is a warning, no failure.
fn closing(told: Result<()>) {
    if let Err(error) = told {
        tell(&format!(
            "warning: the change is made; only the report of it failed: {error}"
        ));
    }
}

/// Prints the table and one line on what happened.
fn report(
    context: &Context,
    wish: &Wish,
    survey: &Survey<'_>,
    outcome: Outcome,
    recovered: bool,
    warnings: &[String],
) -> Result<()> {
    let shown = wish.shown();
    let plan = change::of_interest(&outcome.plan, &shown, wish.named.is_some());
    let totals = change::sum(context, &plan, &shown, survey)?;
    let outcome = Outcome { plan, ..outcome };
    if context.json {
        let document = view::json::applied(&outcome, &totals, warnings);
        return print(&document.to_string());
    }
    let text = view::plan::plan(&outcome.plan, &totals);
    if !text.is_empty() {
        print(&text)?;
    }
    if recovered {
        tell("An earlier memctl was interrupted; what it left half-done is in order again.");
    }
    for unit in &outcome.restarted {
        tell(&format!("Restarted {unit} to make room."));
    }
    if !outcome.changed && wish.is_of_nothing() {
        return print("No profile is installed: nothing to change.");
    }
    print(&summary(&outcome))
}

/// "Done: 3 units changed, confirmed in the kernel; 1 unit when started."
fn summary(outcome: &Outcome) -> String {
    let rows = || outcome.plan.rows.iter().filter(|row| row.ours);
    if !outcome.changed {
        return if rows().any(|row| row.when == When::NextStart) {
            "Nothing to change: what is not in force waits for its unit's next start.".to_owned()
        } else {
            "Nothing to change: everything is in force already.".to_owned()
        };
    }
    let units = |pick: &dyn Fn(&Row) -> bool| {
        let mut names: Vec<_> = rows().filter(|r| pick(r)).map(|r| &r.unit).collect();
        names.dedup();
        names
    };
    let confirmed = units(&|row| row.when == When::Now && is_in_kernel(row));
    let mut taken_over = units(&|row| row.when == When::Now);
    taken_over.retain(|unit| !confirmed.contains(unit));
    let parts: Vec<String> = [
        (confirmed, "changed, confirmed in the kernel"),
        (taken_over, "changed, taken over by systemd"),
        (
            units(&|row| row.when == When::NextStart),
            "at the next start",
        ),
        (units(&|row| row.when == When::NotRunning), "when started"),
    ]
    .into_iter()
    .filter(|(units, _)| !units.is_empty())
    .map(|(units, told)| {
        let noun = if units.len() == 1 { "unit" } else { "units" };
        format!("{} {noun} {told}", units.len())
    })
    .collect();
    if parts.is_empty() {
        return "Done: the limits in force are the same as before.".to_owned();
    }
    format!("Done: {}.", parts.join("; "))
}

/// Whether the change shows in a file of the kernel's; what systemd alone keeps (`TimeoutStopSec`, `continue`
/// instead of `stop`) nobody can look up there.
fn is_in_kernel(row: &Row) -> bool {
    let level = |shown: &Option<Shown>| shown.as_ref().and_then(|s| s.level);
    let same = match (level(&row.before), level(&row.after)) {
        (Some(before), Some(after)) => before.same(after),
        _ => false,
    };
    row.key.kernel_file().is_some() && !same
}

/// An image gets the files; its generator does the rest at its first boot. `done` says so for a number of files.
///
/// # Errors
/// Refused for a budget; a file that cannot be replaced.
pub(super) fn in_image(
    context: &Context,
    mut wish: Wish,
    done: impl FnOnce(usize) -> String,
) -> Result<u8> {
    let mut foreseen = plan::foresee(context, &wish)?;
    wish.heed_budgets(&foreseen.totals, &mut foreseen.warnings)?;
    if !context.json {
        change::warn(&foreseen.warnings);
    }
    write_edits(context, &wish.edits)?;
    let changed = wish.edits.len();
    let told = if context.json {
        let outcome = Outcome {
            plan: foreseen.plan,
            changed: changed > 0,
            ..Outcome::default()
        };
        let document = view::json::applied(&outcome, &foreseen.totals, &foreseen.warnings);
        print(&document.to_string())
    } else if changed == 0 && wish.is_of_nothing() {
        print("No profile is installed: nothing to change.")
    } else {
        print(&done(changed))
    };
    closing(told);
    Ok(wish.exit_code())
}

/// Puts files in an image; what cannot be replaced is found before anything is.
fn write_edits(context: &Context, edits: &[Edit]) -> Result<()> {
    for edit in edits {
        present(&context.root, &edit.path)?;
    }
    for edit in edits {
        put(&context.root, &edit.path, edit.new.as_ref())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::key::Key;
    use crate::limits::level::Level;
    use crate::limits::plan::Plan;
    use crate::systemd::names::UnitName;

    fn row(unit: &str, key: Key, when: When) -> Row {
        Row {
            unit: UnitName::parse(unit).expect(unit),
            key,
            before: None,
            after: None,
            when,
            overridden: None,
            withheld: None,
            ours: true,
        }
    }

    fn told(rows: Vec<Row>) -> String {
        summary(&Outcome {
            plan: Plan {
                rows,
                lowerings: Vec::new(),
            },
            changed: true,
            ..Outcome::default()
        })
    }

    #[test]
    fn only_what_the_kernel_holds_is_confirmed_in_it() {
        let now = When::Now;
        let rows = vec![
            row("a.service", Key::MemoryMax, now),
            row("a.service", Key::TimeoutStopSec, now),
            row("b.service", Key::ManagedOOMSwap, now),
            row("b.service", Key::TimeoutStopSec, now),
            row("c.service", Key::OOMScoreAdjust, When::NextStart),
            row("d.service", Key::MemoryMax, When::NotRunning),
        ];
        assert_eq!(
            told(rows),
            "Done: 1 unit changed, confirmed in the kernel; 1 unit changed, taken over by systemd; \
             1 unit at the next start; 1 unit when started."
        );
    }

    #[test]
    fn continue_instead_of_stop_is_systemd_s_alone() {
        let level = |kill| {
            Some(Shown {
                text: String::new(),
                level: Some(Level::Group(kill)),
            })
        };
        for (before, after, says) in [
            (false, false, "taken over by systemd"),
            (false, true, "confirmed in the kernel"),
        ] {
            let row = Row {
                before: level(before),
                after: level(after),
                ..row("a.service", Key::OOMPolicy, When::Now)
            };
            assert!(told(vec![row]).contains(says));
        }
    }
}
