//! `memctl started UNIT`: what `memctl-withheld@.service` calls when a unit whose limits were withheld has started
//! anew: by now they fit.

use std::time::Duration;

use crate::apply::lock::Lock;
use crate::apply::{Engine, PATIENCE, Request, Tight};
use crate::command::{Context, apply, change};
use crate::error::{Error, Result};
use crate::limits::plan::When;
use crate::profiles::lenient;
use crate::systemd::manager::connect;
use crate::view::out::print;

/// How long another memctl may be at work: many units may start at once, and each has its turn.
const QUEUE: Duration = Duration::from_secs(600);

pub(super) fn run(context: &Context, unit: &str) -> Result<u8> {
    if !context.root.is_host() {
        return Err(Error::usage("started is for the running system alone"));
    }
    apply::permitted(context)?;
    let _lock = Lock::take(&context.root, &context.scope, QUEUE)?;
    let mut manager = connect(&context.scope)?;
    let mut engine = Engine {
        root: &context.root,
        scope: &context.scope,
        manager: manager.as_mut(),
        progress: &|_| {},
        patience: PATIENCE,
        interrupted: crate::signals::catch()?,
    };
    let recovered = engine.recover()?;
    // As the generator reads them: a fault in one profile is no reason to let another one's limits wait.
    let (profiles, _) = lenient(&context.root, &context.scope);
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
    change::warn(&outcome.warnings);
    let rows = outcome.plan.rows.iter();
    let mine: Vec<_> = rows.filter(|r| r.unit.as_str() == unit).collect();
    for row in &mine {
        let after = row.after.as_ref().map_or("–", |after| &after.text);
        match row.when {
            When::Now => print(&format!("{unit}: {}={after} is in force now", row.key))?,
            When::NextStart => print(&format!("{unit}: {}={after} has to wait still", row.key))?,
            When::Unchanged | When::NotRunning => {}
        }
    }
    Ok(0)
}
