//! The JSON forms, `"v": 1`: bytes as integers, no limit `null`, unknown absent.

use serde_json::{Map, Value, json};

use crate::apply::Outcome;
use crate::limits::level::Level;
use crate::limits::plan::{Plan, Row, Shown, When};
use crate::limits::totals::Totals;

/// `plan --json` and `apply --json`.
#[must_use]
pub fn plan(plan: &Plan, totals: &Totals, changed: bool, outcome: Option<&Outcome>) -> Value {
    let units = |pick: fn(&Row) -> bool| -> Vec<Value> {
        let rows = plan.rows.iter().filter(|r| r.ours && pick(r));
        rows.map(row).collect()
    };
    let mut document = json!({
        "v": 1,
        "changed": changed,
        "limits": plan.rows.iter().map(row).collect::<Vec<_>>(),
        "pending": units(|r| matches!(r.when, When::NextStart | When::NotRunning)),
        "overridden": units(|r| r.overridden.is_some()),
        "refused": plan.lowerings.iter().filter_map(|l| {
            let misfit = l.misfit?;
            Some(json!({
                "unit": l.cgroup.unit.as_str(),
                "need": misfit.demand,
                "high": limit(l.after.high),
                "max": limit(l.after.max),
            }))
        }).collect::<Vec<_>>(),
        "totals": {
            "memory_max": totals.committed,
            "budgets": totals.budgets.iter().map(|b| json!({
                "profile": b.profile,
                "memory_max": b.committed,
                "budget": b.budget,
            })).collect::<Vec<_>>(),
        },
    });
    if let Some(outcome) = outcome {
        let restarted: Vec<&str> = outcome.restarted.iter().map(|u| u.as_str()).collect();
        document["restarted"] = json!(restarted);
        document["warnings"] = json!(outcome.warnings);
    }
    if totals.ram > 0 {
        document["totals"]["ram"] = json!(totals.ram);
    }
    document
}

fn row(row: &Row) -> Value {
    let mut map = Map::new();
    map.insert("unit".into(), json!(row.unit.as_str()));
    map.insert("limit".into(), json!(row.key.name()));
    for (name, shown) in [("before", &row.before), ("after", &row.after)] {
        if let Some(shown) = shown {
            map.insert(name.into(), value(shown));
        }
    }
    map.insert("when".into(), json!(when(row.when)));
    map.insert("profile".into(), json!(row.ours));
    if let Some(by) = &row.overridden {
        map.insert(
            "overridden".into(),
            json!({
                "file": by.by.path,
                "line": by.by.line,
                "value": by.value,
                "wanted": by.wanted,
            }),
        );
    }
    if let Some(wanted) = &row.withheld {
        map.insert("withheld".into(), json!(wanted));
    }
    Value::Object(map)
}

fn when(when: When) -> &'static str {
    match when {
        When::Unchanged => "unchanged",
        When::Now => "now",
        When::NextStart => "next-start",
        When::NotRunning => "not-running",
    }
}

/// Bytes and counts as integers, quotas as a ratio of one CPU, no limit as `null`, the rest as text.
fn value(shown: &Shown) -> Value {
    match shown.level {
        Some(Level::Bytes(n) | Level::Count(n) | Level::Weight(n)) => json!(n),
        Some(Level::Unlimited) => Value::Null,
        Some(Level::Quota { quota, period }) => json!(quota as f64 / period as f64),
        Some(Level::Idle) => json!("idle"),
        Some(Level::Group(_)) | None => json!(shown.text),
    }
}

fn limit(bytes: u64) -> Value {
    match bytes {
        u64::MAX => Value::Null,
        bytes => json!(bytes),
    }
}
