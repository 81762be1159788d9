//! `memctl status` for people: a line for the machine, a table of units; one unit alone in detail.

mod detail;
mod json;
mod words;

pub use detail::{Detail, detail};
pub use json::json;

use jiff::tz::TimeZone;

use crate::sample::{Limit, Source};
use crate::state::acts::Acts;
use crate::status::{HIGH, Row, Status};
use crate::view::grid::{Cell, Column, Give, Style, lines};
use crate::view::spark::spark;
use crate::view::trend;

use words::{bytes, events, limit, percent, ratio, unknown};

/// So many directives that wait are told under a table.
const WAITING_MOST: usize = 6;

/// How it is to look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// The terminal's columns; `None`: no limit.
    pub width: Option<usize>,
    /// With colour.
    pub colour: bool,
    /// With the time on top: it is drawn again and again.
    pub clock: bool,
}

/// The machine, the table, and what is to be said of them.
#[must_use]
pub fn table(status: &Status, look: Look) -> Vec<String> {
    let mut text = top(status, look);
    if !status.rows.is_empty() {
        text.push(String::new());
        text.extend(lines(columns(status), look.width, look.colour));
    }
    text.extend(wrapped(&bottom(status), look));
    text
}

/// The lines over a table.
fn top(status: &Status, look: Look) -> Vec<String> {
    let mut text = Vec::new();
    let host = host(status);
    if look.clock {
        let time = status.time.to_zoned_datetime(TimeZone::system());
        text.push(time.strftime("%a %Y-%m-%d %H:%M:%S %Z").to_string());
    }
    if !host.is_empty() {
        text.push(host);
    }
    if status.source == Source::Bus {
        text.push(
            "Source: systemd over D-Bus. Need and pressure are unknown; limits are those that systemd was told."
                .to_owned(),
        );
        if let Some(why) = &status.why {
            text.push(format!("cgroupfs cannot be read: {why}"));
        }
    }
    wrapped(&text, look)
}

fn wrapped(text: &[String], look: Look) -> Vec<String> {
    let width = look.width.unwrap_or(usize::MAX);
    text.iter()
        .flat_map(|line: &String| words::wrap(line, width))
        .collect()
}

/// `RAM 512M of 1.9G used (26 %); swap 0 of 1G; pressure: some 0 %, full 0 % of the last 10 s`.
fn host(status: &Status) -> String {
    let Some(host) = &status.host else {
        return String::new();
    };
    let total = bytes(host.total);
    let mut parts = vec![match host.available {
        Some(available) => {
            let used = host.total.saturating_sub(available);
            let share = used as f64 / host.total.max(1) as f64;
            format!("RAM {} of {total} used ({})", bytes(used), ratio(share))
        }
        None => format!("RAM {total}"),
    }];
    parts.push(match (host.swap_used(), host.swap_total) {
        (_, Some(0)) => "no swap".to_owned(),
        (Some(used), Some(total)) => format!("swap {} of {}", bytes(used), bytes(total)),
        _ => "swap unknown".to_owned(),
    });
    if let Some(pressure) = &status.pressure {
        let full = pressure.full.map_or(0, |full| full.avg10);
        let some = percent(pressure.some.avg10);
        parts.push(format!(
            "pressure some {some}, full {} (10 s)",
            percent(full)
        ));
    }
    parts.join("; ")
}

/// The lines under a table.
fn bottom(status: &Status) -> Vec<String> {
    let mut text = Vec::new();
    if status.rows.iter().any(Row::is_near) {
        text.push("! = needs nine tenths of its ceiling or more".to_owned());
    }
    let waiting = status.rows.iter().flat_map(|row| &row.waiting);
    let waiting: Vec<String> = waiting
        .map(|row| format!("{}: {}", row.unit, words::waiting(row)))
        .collect();
    let more = waiting.len().saturating_sub(WAITING_MOST);
    text.extend(waiting.into_iter().take(WAITING_MOST));
    if more > 0 {
        text.push(format!("and {more} more; `memctl plan` shows them all"));
    }
    text.extend(status.notes.iter().cloned());
    if !text.is_empty() && !status.rows.is_empty() {
        text.insert(0, String::new());
    }
    text
}

fn columns(status: &Status) -> Vec<Column> {
    let column = |head, right, give, cell: &dyn Fn(&Row) -> Cell| Column {
        head,
        right,
        give,
        cells: status.rows.iter().map(cell).collect(),
    };
    let memory = |row: &Row, pick: fn(&crate::sample::Memory) -> Option<u64>| {
        let figure = row.sample.as_ref().and_then(|s| pick(&s.memory));
        Cell::from(figure.map_or_else(unknown, bytes))
    };
    let limits = |row: &Row, pick: fn(&crate::sample::Limits) -> Option<Limit>| {
        let found = row.sample.as_ref().and_then(|s| pick(&s.limits));
        Cell::from(found.map_or_else(unknown, limit))
    };
    let swaps = status
        .rows
        .iter()
        .filter_map(|r| r.sample.as_ref()?.memory.swap);
    let no_swap = swaps.sum::<u64>() == 0 && status.host.is_some_and(|h| h.swap_total == Some(0));
    vec![
        column("", false, Give::Never, &|row| {
            let mark = if row.is_near() { "!" } else { "" };
            Cell::new(mark, Style::Alarm)
        }),
        column("UNIT", false, Give::Middle, &|row| {
            Cell::new(row.unit.as_str(), style(row))
        }),
        column("STATE", false, Give::Way(9), &|row| {
            let state = row.state.as_ref().map_or("–", |s| &*s.active);
            let style = match state {
                "failed" => Style::Alarm,
                "inactive" => Style::Faint,
                _ => Style::Plain,
            };
            Cell::new(state, style)
        }),
        column("SUB", false, Give::Way(1), &|row| {
            let sub = row.state.as_ref().and_then(|s| s.sub.clone());
            Cell::from(sub.unwrap_or_default())
        }),
        column("%CEIL", true, Give::Never, &|row| {
            Cell::new(share(row), style(row))
        }),
        column("WHOSE", false, Give::Way(2), &|row| {
            let other = row.ceiling.as_ref().filter(|c| c.unit != row.unit);
            Cell::from(other.map(|c| c.unit.to_string()).unwrap_or_default())
        }),
        column("NEED", true, Give::Never, &|row| memory(row, |m| m.need())),
        column("CURRENT", true, Give::Way(6), &|row| {
            memory(row, |m| m.current)
        }),
        column("HIGH", true, Give::Way(8), &|row| limits(row, |l| l.high)),
        column("MAX", true, Give::Never, &|row| limits(row, |l| l.max)),
        column("SWAP", true, Give::Way(5), &|row| match no_swap {
            true => Cell::default(),
            false => memory(row, |m| m.swap),
        }),
        column("EVENTS", false, Give::Way(7), &|row| {
            let told = row.sample.as_ref().map(|s| events(&s.events));
            let style = if row.kills() > 0 {
                Style::Alarm
            } else {
                Style::Plain
            };
            Cell::new(told.unwrap_or_else(unknown), style)
        }),
        column("PRESSURE", true, Give::Way(4), &|row| {
            let pressure = row.sample.as_ref().and_then(|s| s.pressure);
            Cell::from(pressure.map_or_else(unknown, |p| percent(p.some.avg10)))
        }),
        column("SLOPE", true, Give::Way(2), &|row| {
            trend::slope(row.trend.as_ref())
        }),
        column("FORECAST", false, Give::Way(8), &|row| {
            trend::forecast(row.trend.as_ref(), status.time)
        }),
        column("MEMCTL", false, Give::Way(9), &|row| acts(&row.acts)),
        column("LAST HOUR", false, Give::Way(3), &|row| {
            Cell::from(spark(&row.history))
        }),
    ]
}

/// What memctl did to a unit or is about to do, the most urgent of it.
fn acts(acts: &Acts) -> Cell {
    let (text, style) = if acts.restarting {
        ("restarting".to_owned(), Style::Caution)
    } else if acts.ineffective {
        ("given up".to_owned(), Style::Alarm)
    } else if acts.held.is_some() {
        ("held".to_owned(), Style::Caution)
    } else if let Some(rule) = acts.holding.first() {
        let more = match acts.holding.len() {
            0 | 1 => String::new(),
            n => format!(" +{}", n - 1),
        };
        (format!("{rule}{more}"), Style::Alarm)
    } else {
        let text = match acts.done {
            0 => String::new(),
            1 => "1 restart".to_owned(),
            n => format!("{n} restarts"),
        };
        (text, Style::Faint)
    };
    Cell::new(text, style)
}

/// A unit's resident need as a share of its ceiling.
fn share(row: &Row) -> String {
    match row.share() {
        Some(share) => ratio(share),
        None if row.is_free() => "none".to_owned(),
        None => unknown(),
    }
}

fn style(row: &Row) -> Style {
    match row.share() {
        _ if row.is_near() => Style::Alarm,
        Some(share) if share >= HIGH => Style::Caution,
        _ => Style::Plain,
    }
}

#[cfg(test)]
mod tests;
