//! `memctl metrics`: the last readings for Prometheus.

use jiff::Timestamp;

use crate::cli;
use crate::command::Context;
use crate::error::{Error, Result};
use crate::exporter;
use crate::profiles::Set;
use crate::readings::Readings as _;
use crate::readings::cgroup::CgroupReadings;
use crate::systemd::names::{UnitName, UnitType};
use crate::systemd::reach::Reach;
use crate::view::metrics::metrics;
use crate::view::out::{print, tell};

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
    let installed = set.installed();
    let units = installed.iter().flat_map(|i| &i.profile.units);
    let names = Reach::new(units.map(|u| (&u.name, ())));
    let wanted = |unit: &UnitName| match installed.is_empty() {
        true => unit.unit_type() == UnitType::Service,
        false => names.covers(unit),
    };
    let reading = CgroupReadings::new(root, scope)?.read(Timestamp::now(), &wanted)?;
    let (facts, told) = exporter::facts(root, scope, &set, &reading, context.systemd());
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
