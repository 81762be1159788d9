//! `memctl verify [FILE…]`: only checks.

use crate::cli::Verify;
use crate::command::{Context, sources};
use crate::error::{Kind, Result};
use crate::profile::{Checked, Options, Severity, Source};
use crate::profiles::{Report, Set, check};
use crate::view::out::print;

pub(super) fn run(context: &Context, options: &Verify) -> Result<u8> {
    if options.files.is_empty() {
        let set = Set::read(&context.root, &context.scope, &[])?;
        let report = set.report(&[], Vec::new());
        return show(context, &set.sources, &set.checked, report);
    }
    let mut given = sources::read(&options.files, options.name.as_deref());
    let checked = check(
        &context.root,
        &context.scope,
        &given.sources,
        &Options {
            systemd: context.systemd(),
        },
    )?;
    let report = Report::of(given.errors()).with(&given.sources, &checked);
    show(context, &given.sources, &checked, report)
}

fn show(
    context: &Context,
    sources: &[Source],
    checked: &[Checked],
    report: Report<'_>,
) -> Result<u8> {
    if context.json {
        let kind = report.kind();
        // The faults are in the document; what could not be read is not.
        Report::of(report.errors).tell("");
        print(&json(sources, checked).to_string())?;
        return Ok(kind.map_or(0, Kind::exit_code));
    }
    report.refuse("checked only")?;
    for (source, checked) in sources.iter().zip(checked) {
        let units = &checked.profile.units;
        let limits: usize = units.iter().map(|u| u.limits.len()).sum();
        let rules: usize = units.iter().map(|u| u.rules.len()).sum();
        print(&format!(
            "{}: good ({}, {}, {})",
            source.path.display(),
            count(units.len(), "unit"),
            count(limits, "limit"),
            count(rules, "rule"),
        ))?;
    }
    if sources.is_empty() {
        print("No profile is installed.")?;
    }
    Ok(0)
}

/// "1 unit", "2 units".
fn count(n: usize, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{s}")
}

fn json(sources: &[Source], checked: &[Checked]) -> serde_json::Value {
    let files = sources.iter().zip(checked).map(|(source, checked)| {
        let faults = checked.faults.iter().map(|fault| {
            let before = source.text().get(..fault.at.start).unwrap_or_default();
            let column = before.rsplit('\n').next().unwrap_or_default();
            serde_json::json!({
                "severity": match fault.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                },
                "message": fault.message,
                "line": before.matches('\n').count() + 1,
                "column": column.chars().count() + 1,
            })
        });
        serde_json::json!({
            "file": source.path,
            "profile": source.name,
            "faults": faults.collect::<Vec<_>>(),
        })
    });
    serde_json::json!({ "v": 1, "files": files.collect::<Vec<_>>() })
}
