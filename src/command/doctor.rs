//! `memctl doctor`: what is wrong on this host.

use std::sync::Arc;

use jiff::Timestamp;

use crate::command::Context;
use crate::doctor::examine;
use crate::doctor::gather::{Look, gather};
use crate::error::{Kind, Result};
use crate::systemd::manager::connect;
use crate::view;
use crate::view::out::print;
use crate::view::progress::Progress;

pub(super) fn run(context: &Context) -> Result<u8> {
    let look = Look {
        root: &context.root,
        scope: &context.scope,
        now: Timestamp::now(),
    };
    let progress = Progress::new();
    progress.step("looking");
    let facts = gather(look, || connect(&context.scope, &Arc::default()));
    progress.done();
    let report = examine(&facts);
    if context.json {
        print(&view::doctor::json(&report).to_string())?;
    } else {
        print(&view::doctor::text(&report))?;
    }
    Ok(if report.is_wrong() {
        Kind::Failed.exit_code()
    } else {
        0
    })
}
