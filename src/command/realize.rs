//! `memctl realize`: brings the kernel to where the unit files are, after somebody else's reload and after the start
//! of a unit from which limits were withheld. Called by the units `memctl-realize@` and `memctl-withheld@`.

use std::time::Duration;

use crate::apply::lock::Lock;
use crate::apply::{Engine, PATIENCE, Request, Tight};
use crate::command::{Context, apply, change, enact};
use crate::error::{Error, Result};
use crate::journal::changes::changes;
use crate::limits::plan::{Row, Shown, When};
use crate::profiles::lenient;
use crate::systemd::manager::connect;
use crate::view::out::print;

/// How long another memctl may be at work: many units may start at once, and each has its turn.
const QUEUE: Duration = Duration::from_secs(600);

pub(super) fn run(context: &Context) -> Result<u8> {
    if !context.root.is_host() {
        return Err(Error::usage("realize is for the running system alone"));
    }
    apply::permitted(context)?;
    let _lock = Lock::take(&context.root, &context.scope, QUEUE)?;
    let interrupted = crate::signals::catch()?;
    let mut manager = connect(&context.scope, &interrupted)?;
    let mut engine = Engine {
        root: &context.root,
        scope: &context.scope,
        manager: manager.as_mut(),
        progress: &|_| {},
        patience: PATIENCE,
        interrupted,
    };
    let recovered = engine.recover()?;
    // As the generator reads them: a fault in one profile is no reason to let another one's limits wait, and
    // no budget is either.
    let (mut profiles, _) = lenient(&context.root, &context.scope);
    for installed in &mut profiles {
        installed.profile.budget = None;
    }
    let outcome = engine.run(Request {
        profiles: &profiles,
        edits: &[],
        named: Some(&[]),
        tight: Tight {
            restart: false,
            next_start: true,
        },
        recovered,
    })?;
    enact::write(context, &changes(&outcome, &profiles, &[]));
    change::warn(&outcome.warnings);
    for row in outcome.plan.rows.iter().filter(|r| r.ours) {
        if let Some(line) = line(row) {
            print(&line)?;
        }
    }
    for pending in engine.catch_up()? {
        let unit = &pending.cgroup.unit;
        print(&format!("{unit}: {}={}", pending.key, pending.level))?;
    }
    Ok(0)
}

/// One line for the journal for what has changed, or has to wait.
fn line(row: &Row) -> Option<String> {
    let text = |shown: &Option<Shown>| shown.as_ref().map_or("–".to_owned(), |s| s.text.clone());
    let (before, after) = (text(&row.before), text(&row.after));
    match row.when {
        When::Now => Some(format!("{}: {} {before} → {after}", row.unit, row.key)),
        When::NextStart if row.withheld.is_some() => Some(format!(
            "{}: {}={after} still waits, the unit holds too much for it",
            row.unit, row.key
        )),
        _ => None,
    }
}
