//! What doctor has to say: a line an area, the findings, a closing line.

use serde_json::{Map, Value, json};

use crate::doctor::{Area, Checked, Finding, Mend, Report, Severity};

/// How many findings of the same kind are shown; `--json` has them all.
const SAME_MOST: usize = 5;

/// For people.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for checked in &report.checked {
        text += &area(checked, report);
    }
    for group in groups(&report.findings) {
        text.push('\n');
        text += &told(group);
    }
    text.push('\n');
    text += &closing(report);
    text
}

/// "generator   ok     /usr/lib/…".
fn area(checked: &Checked, report: &Report) -> String {
    let worst = worst(checked.area, report);
    let state = match (&checked.saw, worst) {
        (_, Some(worst @ (Severity::Error | Severity::Warning))) => worst.name(),
        (None, _) if checked.unseen.is_empty() => "–",
        (None, _) => "unseen",
        (Some(_), _) => "ok",
    };
    let saw = match &checked.saw {
        Some(saw) => saw.as_str(),
        None if worst.is_some() => "",
        None if checked.unseen.is_empty() => "nothing to look at here",
        None => "could not be looked at",
    };
    let mut text = format!("{:<11} {state:<7} {saw}", checked.area.name());
    text.truncate(text.trim_end().len());
    text.push('\n');
    for why in &checked.unseen {
        text += &format!("{:19} not seen: {why}\n", "");
    }
    text
}

fn worst(area: Area, report: &Report) -> Option<Severity> {
    let findings = report.findings.iter().filter(|f| f.area == area);
    findings.map(|f| f.severity).min()
}

/// Findings that differ in their unit alone stand together.
fn groups(findings: &[Finding]) -> Vec<&[Finding]> {
    let same =
        |a: &Finding, b: &Finding| a.id == b.id && a.severity == b.severity && a.why == b.why;
    findings.chunk_by(same).collect()
}

fn told(group: &[Finding]) -> String {
    let mut text = String::new();
    let mut mends: Vec<&Mend> = Vec::new();
    for finding in group.iter().take(SAME_MOST) {
        text += &format!(
            "{}: {} [{}]\n",
            finding.severity.name(),
            finding.what,
            finding.id
        );
        mends.extend(finding.mend.as_ref().filter(|mend| !mends.contains(mend)));
    }
    let rest = group.len().saturating_sub(SAME_MOST);
    if rest > 0 {
        text += &format!("  and {rest} more of this kind; --json has them all\n");
    }
    if let Some(first) = group.first() {
        text += &format!("  why: {}\n", first.why);
    }
    for mend in mends {
        text += &match mend {
            Mend::Run(command) => format!("  run: {command}\n"),
            Mend::Advice(advice) => format!("  do:  {advice}\n"),
        };
    }
    text
}

/// "Nothing is wrong." or what there is.
fn closing(report: &Report) -> String {
    let count = |severity: Severity| match report.count(severity) {
        0 => None,
        1 => Some(format!("1 {}", severity.name())),
        n => Some(format!("{n} {}s", severity.name())),
    };
    let all = [Severity::Error, Severity::Warning, Severity::Note];
    let counted: Vec<String> = all.into_iter().filter_map(count).collect();
    let counted = match counted.is_empty() {
        true => String::new(),
        false => format!(" ({})", counted.join(", ")),
    };
    let unseen = report.checked.iter().any(|c| !c.unseen.is_empty());
    let but = if unseen {
        " Not everything could be looked at."
    } else {
        ""
    };
    match report.is_wrong() {
        true => format!("Something is wrong{counted}.{but}"),
        false => format!("Nothing is wrong{counted}.{but}"),
    }
}

/// `doctor --json`.
#[must_use]
pub fn json(report: &Report) -> Value {
    let checked = report.checked.iter().map(|checked| {
        let mut entry = Map::new();
        entry.insert("area".into(), json!(checked.area.name()));
        if let Some(saw) = &checked.saw {
            entry.insert("saw".into(), json!(saw));
        }
        entry.insert("unseen".into(), json!(checked.unseen));
        Value::Object(entry)
    });
    json!({
        "v": 1,
        "wrong": report.is_wrong(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "checked": checked.collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding) -> Value {
    let mut entry = Map::new();
    entry.insert("id".into(), json!(finding.id));
    entry.insert("severity".into(), json!(finding.severity.name()));
    entry.insert("area".into(), json!(finding.area.name()));
    if let Some(unit) = &finding.unit {
        entry.insert("unit".into(), json!(unit.as_str()));
    }
    if let Some(profile) = &finding.profile {
        entry.insert("profile".into(), json!(profile));
    }
    entry.insert("what".into(), json!(finding.what));
    entry.insert("why".into(), json!(finding.why));
    if let Some(mend) = &finding.mend {
        entry.insert("mend".into(), json!(mend.text()));
        entry.insert("command".into(), json!(matches!(mend, Mend::Run(_))));
    }
    Value::Object(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systemd::names::UnitName;

    fn finding(severity: Severity, unit: &str) -> Finding {
        Finding::new(
            severity,
            Area::Limits,
            "pending",
            format!("{unit}: pending"),
            "it may come at any time",
        )
        .unit(&UnitName::parse(unit).expect(unit))
        .run("systemctl daemon-reload")
    }

    fn report(findings: Vec<Finding>) -> Report {
        let checked = Area::ALL.map(|area| Checked {
            area,
            saw: (area != Area::Memory).then(|| "seen".to_owned()),
            unseen: match area {
                Area::Memory => vec!["no permission".to_owned()],
                _ => Vec::new(),
            },
        });
        Report {
            checked: checked.to_vec(),
            findings,
        }
    }

    #[test]
    fn the_same_for_several_units_is_told_once() {
        let units = ["a", "b", "c", "d", "e", "f", "g"].map(|n| format!("{n}.service"));
        let findings = units.iter().map(|u| finding(Severity::Error, u)).collect();
        let text = text(&report(findings));
        assert_eq!(text.matches("why:").count(), 1, "{text}");
        assert_eq!(text.matches("run:").count(), 1, "{text}");
        assert!(
            text.contains("e.service: pending [pending]\n  and 2 more of this kind"),
            "{text}"
        );
        assert!(text.contains("limits      error   seen\n"), "{text}");
        assert!(
            text.ends_with("Something is wrong (7 errors). Not everything could be looked at."),
            "{text}"
        );
    }

    #[test]
    fn what_could_not_be_seen_is_said() {
        let text = text(&report(Vec::new()));
        assert!(
            text.contains("memory      unseen  could not be looked at\n"),
            "{text}"
        );
        assert!(text.contains("not seen: no permission\n"), "{text}");
        assert!(
            text.ends_with("Nothing is wrong. Not everything could be looked at."),
            "{text}"
        );
    }
}
