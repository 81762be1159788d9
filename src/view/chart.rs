//! A unit's history as a chart in characters: need as an area, `memory.current` as dots above it, limits as lines,
//! restarts and OOM kills on the time axis.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::history::{Point, Spread};
use crate::units::show_bytes;
use crate::view::course::{Course, Stretch};

/// How large the chart is, and how it may look.
#[derive(Debug, Clone, Copy)]
pub struct Canvas {
    /// Characters in a line, the scale at the left included.
    pub width: usize,
    /// Lines, the time axis and its labels included.
    pub height: usize,
    /// Whether to colour.
    pub colour: bool,
}

/// Room for the scale: `high 350M `.
const GUTTER: usize = 11;

/// Eighths of a cell, from the bottom.
const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A limit further above everything that was held than this would press the rest to the bottom: it is left out.
const FAR: u64 = 3;

/// What a character is part of; each has its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    Plain,
    Need,
    Current,
    High,
    Max,
    Restart,
    Kill,
}

impl Ink {
    /// The parameters of the terminal's colour sequence.
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Need => "36",
            Self::Current => "2",
            Self::High => "33",
            Self::Max => "31",
            Self::Restart => "35",
            Self::Kill => "1;31",
        }
    }
}

/// A character and what it is part of.
type Cell = (char, Ink);

/// What is drawn in one column.
#[derive(Debug, Clone, Copy, Default)]
struct Slice {
    need: Option<Spread>,
    current: Option<u64>,
    high: Option<u64>,
    max: Option<u64>,
    restarted: bool,
    killed: bool,
}

/// Draws a course of points.
#[must_use]
pub fn draw(course: &Course<'_>, zone: &TimeZone, canvas: Canvas) -> String {
    let width = canvas.width.saturating_sub(GUTTER + 1).max(10);
    let rows = canvas.height.saturating_sub(2).max(4);
    let slices = slices(course, width);
    let top = top(&slices);
    let mut grid = vec![vec![(' ', Ink::Plain); width]; rows];
    for (column, slice) in slices.iter().enumerate() {
        for (row, line) in grid.iter_mut().enumerate() {
            line[column] = cell(slice, top, rows, row);
        }
    }
    let scale = scale(&slices, top, rows);
    let ticks = ticks(course, zone, width);
    let mut axis = vec![('─', Ink::Plain); width];
    for (column, _) in &ticks {
        axis[*column] = ('┴', Ink::Plain);
    }
    for (column, slice) in slices.iter().enumerate() {
        if slice.killed {
            axis[column] = ('K', Ink::Kill);
        } else if slice.restarted {
            axis[column] = ('R', Ink::Restart);
        }
    }
    let mut text = String::new();
    for (line, (label, ink)) in grid.iter().zip(&scale) {
        let label: Vec<Cell> = format!("{label:>GUTTER$}")
            .chars()
            .map(|c| (c, *ink))
            .collect();
        let mark = if label.iter().all(|(c, _)| *c == ' ') {
            '│'
        } else {
            '┤'
        };
        let mark = (mark, Ink::Plain);
        let cells = label.iter().chain([&mark]).chain(line);
        paint(cells, canvas.colour, &mut text);
    }
    let corner: Vec<Cell> = format!("{:>GUTTER$}└", "0")
        .chars()
        .map(|c| (c, Ink::Plain))
        .collect();
    paint(corner.iter().chain(&axis), canvas.colour, &mut text);
    text + &labels(&ticks, width)
}

/// What belongs in each column. A minute or an hour that several columns show is the same in all of them; what only
/// happened once is marked once.
fn slices(course: &Course<'_>, width: usize) -> Vec<Slice> {
    let mut slices = vec![Slice::default(); width];
    let column = |time: Timestamp| {
        let passed = time.duration_since(course.from).as_millis().max(0);
        let length = course.until.duration_since(course.from).as_millis().max(1);
        let at = passed * width as i128 / length;
        usize::try_from(at).unwrap_or(0)
    };
    for stretch in &course.stretches {
        for Stretch { point, end } in stretch {
            let first = column(point.time).min(width - 1);
            // The column in which it ends belongs to what follows, unless it began there.
            let last = column(*end).min(width).max(first + 1);
            for slice in &mut slices[first..last] {
                slice.see(point);
            }
            slices[first].restarted |= point.restarts > 0;
            slices[first].killed |= point.oom_kills > 0;
        }
    }
    slices
}

impl Slice {
    fn see(&mut self, point: &Point) {
        // Where need is not known, what is held is all there is to show.
        if let Some(need) = point.need {
            self.need = Some(self.need.map_or(need, |before| before.then(need)));
        }
        self.current = self.current.max(point.current.map(|s| s.max));
        self.high = point.last.high.and_then(|l| l.bytes());
        self.max = point.last.max.and_then(|l| l.bytes());
    }

    fn held(&self) -> u64 {
        self.need
            .map_or(0, |s| s.max)
            .max(self.current.unwrap_or(0))
    }
}

/// What the top of the chart stands for.
fn top(slices: &[Slice]) -> u64 {
    let held = slices.iter().map(Slice::held).max().unwrap_or(0).max(1);
    let limits = slices.iter().flat_map(|s| [s.high, s.max]).flatten();
    let near = limits.filter(|limit| *limit / FAR <= held);
    let most = near.fold(held, u64::max);
    // A little air, so that a line at the top is a line.
    most.saturating_add(most / 20).max(1)
}

/// The character in a column and row; rows count from the top.
fn cell(slice: &Slice, top: u64, rows: usize, row: usize) -> Cell {
    // In eighths of a row above the bottom.
    let eighths = |value: u64| {
        let all = u128::from(value) * 8 * rows as u128 / u128::from(top);
        usize::try_from(all).unwrap_or(usize::MAX)
    };
    let bottom = (rows - 1 - row) * 8;
    let within = |value: Option<u64>| {
        value.is_some_and(|value| (bottom..bottom + 8).contains(&eighths(value)))
    };
    if let Some(need) = slice.need {
        // What is held at all is seen.
        let least = eighths(need.min).max(usize::from(need.min > 0));
        let most = eighths(need.max).max(usize::from(need.max > 0));
        if least >= bottom + 8 {
            return ('█', Ink::Need);
        }
        if most > bottom {
            // The least and the greatest end in one cell, or this is where it went to and fro.
            return if least > bottom || most - least < 4 {
                (
                    EIGHTHS[(most.min(bottom + 8) - bottom - 1).min(7)],
                    Ink::Need,
                )
            } else {
                ('▒', Ink::Need)
            };
        }
    }
    if within(slice.max) {
        return ('━', Ink::Max);
    }
    if within(slice.high) {
        return ('╌', Ink::High);
    }
    if within(slice.current) {
        return ('•', Ink::Current);
    }
    (' ', Ink::Plain)
}

/// What stands at the left of each row: limits, and some round values between them.
fn scale(slices: &[Slice], top: u64, rows: usize) -> Vec<(String, Ink)> {
    let mut scale = vec![(String::new(), Ink::Plain); rows];
    let row = |value: u64| {
        let up = u128::from(value) * rows as u128 / u128::from(top);
        let up = usize::try_from(up).unwrap_or(usize::MAX);
        rows.checked_sub(1)?.checked_sub(up)
    };
    let last = |limit: fn(&Slice) -> Option<u64>| slices.iter().rev().find_map(limit);
    for (word, limit, ink) in [
        ("max", last(|s| s.max), Ink::Max),
        ("high", last(|s| s.high), Ink::High),
    ] {
        if let Some(limit) = limit
            && let Some(row) = row(limit)
            && scale[row].0.is_empty()
        {
            scale[row] = (format!("{word} {}", show_bytes(limit)), ink);
        }
    }
    let step = round_step(top / (rows as u64 / 4).max(1));
    let mut value = step;
    while let Some(row) = row(value) {
        let free = |at: Option<usize>| {
            at.and_then(|at| scale.get(at))
                .is_none_or(|(l, _)| l.is_empty())
        };
        if free(Some(row)) && free(row.checked_sub(1)) && free(Some(row + 1)) {
            scale[row].0 = show_bytes(value);
        }
        value = value.saturating_add(step);
    }
    scale
}

/// A step that reads well: 1, 2 or 5 times a power of ten of the suffix below, as `show_bytes` has them.
fn round_step(least: u64) -> u64 {
    let mut unit: u64 = 1;
    while least / 1024 >= unit && unit < 1 << 60 {
        unit *= 1024;
    }
    [1, 2, 5, 10, 20, 50, 100, 200, 500]
        .into_iter()
        .map(|n: u64| n.saturating_mul(unit))
        .find(|step| *step >= least)
        .unwrap_or(unit.saturating_mul(1024))
        .max(1)
}

/// The steps of the time axis, in seconds.
const STEPS: [i64; 17] = [
    60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    1_209_600, 2_592_000, 7_776_000,
];

/// Where the axis is labelled, and how.
fn ticks(course: &Course<'_>, zone: &TimeZone, width: usize) -> Vec<(usize, String)> {
    let length = course.until.duration_since(course.from).as_secs().max(1);
    let wide = |step: &&i64| **step * width as i64 / length >= 12;
    let step = *STEPS.iter().find(wide).unwrap_or(&31_536_000);
    // Round by the clock on the wall, which begins its days at midnight.
    let begin = zone.to_datetime(course.from).date().at(0, 0, 0, 0);
    let mut ticks = Vec::new();
    for n in 0..10_000 {
        let Some((time, civil)) = wall(begin, step, n, zone) else {
            break;
        };
        if time > course.until {
            break;
        }
        let passed = time.duration_since(course.from).as_secs();
        if passed < 0 {
            continue;
        }
        let column = (passed * width as i64 / length) as usize;
        let midnight = civil.hour() == 0 && civil.minute() == 0;
        let label = if step >= 86_400 || midnight {
            civil.strftime("%m-%d")
        } else {
            civil.strftime("%H:%M")
        };
        if column < width {
            ticks.push((column, label.to_string()));
        }
    }
    ticks
}

/// So many steps after a beginning, by the clock on the wall.
fn wall(begin: DateTime, step: i64, n: i64, zone: &TimeZone) -> Option<(Timestamp, DateTime)> {
    let civil = begin
        .checked_add(SignedDuration::from_secs(step * n))
        .ok()?;
    Some((zone.to_timestamp(civil).ok()?, civil))
}

/// The line of labels, each in the middle under its mark, none over another.
fn labels(ticks: &[(usize, String)], width: usize) -> String {
    let mut line = String::new();
    for (column, label) in ticks {
        let begin = (GUTTER + 1 + column).saturating_sub(label.len() / 2);
        let used = line.chars().count();
        let fits = begin + label.len() <= GUTTER + 1 + width;
        if fits && (used == 0 || begin > used) {
            line += &" ".repeat(begin - used);
            line += label;
        }
    }
    line
}

/// Appends a line of cells, without the blanks at its end; one colour sequence a stretch.
fn paint<'c>(cells: impl Iterator<Item = &'c Cell>, colour: bool, text: &mut String) {
    let cells: Vec<&Cell> = cells.collect();
    let end = cells
        .iter()
        .rposition(|(c, _)| *c != ' ')
        .map_or(0, |at| at + 1);
    let mut ink = Ink::Plain;
    for (c, next) in &cells[..end] {
        if colour && *next != ink {
            if ink != Ink::Plain {
                text.push_str("\x1b[0m");
            }
            if *next != Ink::Plain {
                text.push_str(&format!("\x1b[{}m", next.code()));
            }
            ink = *next;
        }
        text.push(*c);
    }
    if ink != Ink::Plain {
        text.push_str("\x1b[0m");
    }
    text.push('\n');
}

#[cfg(test)]
mod tests;
