//! The JSON forms, `"v": 1`: bytes as integers, no limit `null`, unknown absent.

use serde_json::{Map, Value, json};

use crate::apply::Outcome;
use crate::limits::level::Level;
use crate::limits::plan::{Plan, Row, Shown, When};
use crate::limits::totals::{Budget, Totals};

/// `plan --json`, and of `apply` and `remove` what `--dry-run --json` prints.
#[must_use]
pub fn plan(plan: &Plan, totals: &Totals, changed: bool, warnings: &[String]) -> Value {
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
        "refused": misfits(plan).chain(totals.over().map(budget)).collect::<Vec<_>>(),
        "totals": {
            "memory_max": totals.committed,
            "budgets": totals.budgets.iter().map(budget).collect::<Vec<_>>(),
        },
        "warnings": warnings,
    });
    if totals.ram > 0 {
        document["totals"]["ram"] = json!(totals.ram);
    }
    document
}

/// `apply --json` and `remove --json`: the same, and what was done on the way.
#[must_use]
pub fn applied(outcome: &Outcome, totals: &Totals, warnings: &[String]) -> Value {
    let mut document = plan(&outcome.plan, totals, outcome.changed, warnings);
    let restarted: Vec<&str> = outcome.restarted.iter().map(|u| u.as_str()).collect();
    document["restarted"] = json!(restarted);
    // A budget that did not hold, and was no reason not to do it, is among the warnings.
    document["refused"] = misfits(&outcome.plan).collect();
    document
}

/// The units that hold too much for their new limits.
fn misfits(plan: &Plan) -> impl Iterator<Item = Value> {
    plan.lowerings.iter().filter_map(|l| {
        let misfit = l.misfit?;
        Some(json!({
            "unit": l.cgroup.unit.as_str(),
            "need": misfit.demand,
            "high": limit(l.after.high),
            "max": limit(l.after.max),
        }))
    })
}

fn budget(budget: &Budget) -> Value {
    json!({
        "profile": budget.profile,
        "memory_max": budget.committed,
        "budget": budget.budget,
    })
}

/// A unit's directive in a plan.
pub(super) fn row(row: &Row) -> Value {
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
