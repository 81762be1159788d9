//! `memctl metrics`: the last readings for Prometheus.

use std::sync::Arc;

use jiff::Timestamp;

use crate::cli;
use crate::command::Context;
use crate::error::{Error, Result};
use crate::exporter;
use crate::history::History;
use crate::profiles::Set;
use crate::readings::open;
use crate::systemd::manager::connect;
use crate::view::metrics::metrics;
use crate::view::out::{print, tell};
use crate::watched::Watched;

pub(super) fn run(context: &Context, options: &cli::Metrics) -> Result<u8> {
    if context.json {
        return Err(
            Error::usage("metrics prints Prometheus' text format; it has no JSON")
                .remedy("`memctl status --json` has the same figures"),
        );
    }
    let (root, scope) = (&context.root, &context.scope);
    if !root.is_host() {
        return Err(Error::usage(
            "metrics reads running units; an image has none",
        ));
    }
    let set = Set::read(root, scope, &[])?;
    let watched = Watched::of(&set.installed());
    let mut source = open(root, scope, || connect(scope, &Arc::default()), None)?;
    let reading = source.readings.read(Timestamp::now(), &*watched.test())?;
    let (mut facts, mut told) = exporter::facts(root, scope, &set, &reading, context.systemd());
    match last_tick(context) {
        Ok(tick) => facts.last_tick = tick,
        Err(error) => {
            told.push(error.message().to_owned());
            facts.faults += 1;
        }
    }
    for fault in reading.faults.iter().chain(&told) {
        tell(&format!("warning: {fault}"));
    }
    let text = metrics(&reading, &facts);
    match &options.output {
        Some(file) => exporter::publish(file, &text)?,
        None => print(&text)?,
    }
    Ok(0)
}

fn last_tick(context: &Context) -> Result<Option<Timestamp>> {
    match History::open(&context.root, &context.scope)? {
        Some(history) => history.last_tick(),
        None => Ok(None),
    }
}
