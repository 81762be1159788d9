//! The table of a plan: unit, limit, before → after, change, and what it comes to.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::limits::level::Level;
use crate::limits::plan::{Plan, Row, Shown, When};
use crate::limits::totals::Totals;
use crate::units::show_bytes;

/// The whole view: table, notes, totals.
#[must_use]
pub fn plan(plan: &Plan, totals: &Totals) -> String {
    let mut text = String::new();
    if !plan.rows.is_empty() {
        text += &table(plan);
        text.push('\n');
    }
    for note in notes(plan) {
        text += &note;
        text.push('\n');
    }
    let line = sum(totals);
    if !line.is_empty() {
        text += &line;
        text.push('\n');
    }
    text
}

fn table(plan: &Plan) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(["UNIT", "LIMIT", "BEFORE", "", "AFTER", "CHANGE", "WHEN"]);
    let mut last = None;
    for row in &plan.rows {
        let unit = if last == Some(&row.unit) {
            ""
        } else {
            row.unit.as_str()
        };
        last = Some(&row.unit);
        table.add_row([
            Cell::new(unit),
            Cell::new(row.key.name()),
            right(text(row.before.as_ref())),
            Cell::new("→"),
            right(text(row.after.as_ref())),
            right(&change(row)),
            Cell::new(when(row)),
        ]);
    }
    trimmed(&table)
}

/// A table's text without the blanks at its edges.
#[must_use]
pub fn trimmed(table: &Table) -> String {
    let lines = table.lines().map(|line| {
        let line = line.trim_end();
        line.strip_prefix(' ').unwrap_or(line).to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn right(text: &str) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// A value, `–` where there is none.
#[must_use]
pub fn text(shown: Option<&Shown>) -> &str {
    shown.map_or("–", |s| s.text.as_str())
}

/// The change in percent where both ends are figures.
#[must_use]
pub fn change(row: &Row) -> String {
    let figure = |s: &Option<Shown>| s.as_ref().and_then(|s| s.level).and_then(Level::figure);
    if row.when == When::Unchanged {
        return "same".to_owned();
    }
    let limited = |s: &Option<Shown>| {
        s.as_ref()
            .is_some_and(|s| s.level != Some(Level::Unlimited))
    };
    match (figure(&row.before), figure(&row.after)) {
        (Some(before), Some(after)) if before > 0 => {
            let percent = (after as f64 - before as f64) / before as f64 * 100.0;
            match percent {
                p if p.abs() >= 1000.0 => format!("×{:.0}", after as f64 / before as f64),
                p if p.round() == 0.0 => format!("{p:+.1} %"),
                p => format!("{p:+.0} %"),
            }
        }
        _ => match (limited(&row.before), limited(&row.after)) {
            (false, true) => "new".to_owned(),
            (true, false) => "gone".to_owned(),
            _ => "changed".to_owned(),
        },
    }
}

/// When a change comes.
#[must_use]
pub fn when(row: &Row) -> &'static str {
    match (row.when, row.withheld.is_some(), row.overridden.is_some()) {
        (_, _, true) => "overridden, see below",
        (_, true, _) => "withheld until the next start",
        (When::Unchanged, ..) => "",
        (When::Now, ..) if !row.ours => "pending, comes with any reload",
        (When::Now, ..) => "now",
        (When::NextStart, ..) => "at the next start",
        (When::NotRunning, ..) => "when it starts",
    }
}

fn notes(plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    for row in &plan.rows {
        if let Some(by) = &row.overridden {
            // In the table's words: a file that systemd wrote has bytes.
            let after = row.after.as_ref().filter(|_| row.withheld.is_none());
            let value = after.map_or(by.value.as_str(), |after| &after.text);
            notes.push(format!(
                "{} {}: {value}, not the profile's {}, because of\n  {}:{}\n  \
                 (`override = true` in the profile would turn that round)",
                row.unit,
                row.key.name(),
                by.wanted,
                by.by.path.display(),
                by.by.line,
            ));
        } else if let Some(wanted) = &row.withheld {
            notes.push(format!(
                "{} {}: {wanted} waits until the unit starts anew; it holds too much for it now",
                row.unit,
                row.key.name(),
            ));
        }
    }
    notes
}

/// "Together: MemoryMax 800M of 906M RAM (88 %); budget of homework: 800M of 850M".
fn sum(totals: &Totals) -> String {
    let share = |part: u64, whole: u64| part as f64 / whole as f64 * 100.0;
    let mut parts = Vec::new();
    if totals.committed > 0 {
        let committed = show_bytes(totals.committed);
        parts.push(match totals.ram {
            0 => format!("MemoryMax {committed}"),
            ram => format!(
                "MemoryMax {committed} of {} RAM ({:.0} %)",
                show_bytes(ram),
                share(totals.committed, ram)
            ),
        });
    }
    for budget in &totals.budgets {
        parts.push(format!(
            "budget of {}: {} of {}",
            budget.profile,
            show_bytes(budget.committed),
            show_bytes(budget.budget)
        ));
    }
    if parts.is_empty() {
        return String::new();
    }
    format!("Together: {}", parts.join("; "))
}
