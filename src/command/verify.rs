//! `memctl verify [FILE…]`: only checks.

use crate::cli::Verify;
use crate::command::{Context, sources};
use crate::error::{Kind, Result};
use crate::profile::{Checked, Severity, Source};
use crate::profiles::{Set, check, fault_report};
use crate::view::out::print;

pub(super) fn run(context: &Context, options: &Verify) -> Result<u8> {
    let (sources, checked, whole) = if options.files.is_empty() {
        let set = Set::read(&context.root, &context.scope, &[])?;
        if !context.json {
            set.refuse_faults(&[], "checked only")?;
        }
        (set.sources, set.checked, set.problems.is_empty())
    } else {
        let sources = sources::read(&options.files, options.name.as_deref())?;
        let checked = check(&context.root, &context.scope, &sources)?;
        if !context.json {
            fault_report(&sources, &checked, "checked only")?;
        }
        (sources, checked, true)
    };
    if context.json {
        print(&json(&sources, &checked).to_string())?;
        let good = whole && checked.iter().all(|c| !c.failed());
        return Ok(if good { 0 } else { Kind::Usage.exit_code() });
    }
    for (source, checked) in sources.iter().zip(&checked) {
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
