//! `memctl remove NAME…`.

use crate::apply::lock::{self, Lock};
use crate::apply::{Engine, PATIENCE, Tight};
use crate::cli::Remove;
use crate::command::plan::Wish;
use crate::command::{Context, apply, change, plan};
use crate::error::{Error, Result};
use crate::limits::totals::Totals;
use crate::profiles::Set;
use crate::systemd::manager::connect;
use crate::units::quote;
use crate::view::out::{print, tell};
use crate::view::progress::Progress;

pub(super) fn run(context: &Context, options: &Remove) -> Result<u8> {
    if options.dry_run {
        let wish = wish(context, &options.names)?;
        plan::show_wish(context, &wish, &[])?;
        if !context.json {
            tell("Dry run: nothing was changed.");
        }
        return Ok(0);
    }
    if !context.root.is_host() {
        let wish = wish(context, &options.names)?;
        let json = apply::in_image(context, &wish, &[])?;
        apply::write_edits(context, &wish.edits)?;
        print(
            json.as_deref()
                .unwrap_or("Removed from the image; its limits are gone at its next boot."),
        )?;
        return Ok(0);
    }
    apply::permitted(context)?;
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
    let wish = wish(context, &options.names)?;
    let tight = Tight {
        restart: options.tight.restart,
        next_start: options.tight.next_start,
    };
    let outcome = engine.run(&wish.set.installed(), &wish.edits, tight, recovered);
    progress.done();
    let mut outcome = outcome?;
    outcome.plan = change::of_interest(&outcome.plan, &[], true);
    apply::report(context, &outcome, &Totals::default(), recovered)?;
    Ok(0)
}

/// The removal of all names, or every name that is none at once.
fn wish(context: &Context, names: &[String]) -> Result<Wish> {
    let present = Set::read(&context.root, &context.scope, &[])?;
    let used = |name: &str| present.found.iter().any(|f| f.name == name && !f.masked);
    let unknown: Vec<String> = names
        .iter()
        .filter(|name| !used(name))
        .map(|name| format!("no profile is called {}", quote(name)))
        .collect();
    if !unknown.is_empty() {
        let installed: Vec<&str> = present.sources.iter().map(|s| s.name.as_str()).collect();
        return Err(
            Error::usage(unknown.join("\n")).remedy(match installed.as_slice() {
                [] => "no profile is installed".to_owned(),
                some => format!("installed: {}", some.join(", ")),
            }),
        );
    }
    let edits: Vec<_> = names
        .iter()
        .flat_map(|name| change::removals(context, name, &present))
        .collect();
    let set = Set::read(&context.root, &context.scope, &edits)?;
    Ok(Wish { edits, set })
}
