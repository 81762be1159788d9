//! Pressure stall information: `memory.pressure`, `cpu.pressure`, `/proc/pressure/*`.

use crate::kernel::text::{Malformed, Parsed};

/// One file of pressure:
///
/// ```text
/// some avg10=0.00 avg60=0.12 avg300=0.05 total=12345
/// full avg10=0.00 avg60=0.00 avg300=0.00 total=0
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pressure {
    /// At least one task waited.
    pub some: Stall,
    /// All tasks waited; older kernels have no such line for the CPU.
    pub full: Option<Stall>,
}

/// How much was waited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stall {
    /// Share of the last 10 seconds, in hundredths of a percent.
    pub avg10: u32,
    /// Of the last minute.
    pub avg60: u32,
    /// Of the last five minutes.
    pub avg300: u32,
    /// Microseconds in all.
    pub total: u64,
}

impl Pressure {
    /// Reads a file of pressure.
    ///
    /// # Errors
    /// A line of another form; no `some` line.
    pub fn parse(text: &str) -> Parsed<Self> {
        let (mut some, mut full) = (None, None);
        for (at, line) in text.lines().enumerate() {
            let (kind, figures) = line.split_once(' ').unwrap_or((line, ""));
            let slot = match kind {
                "some" => &mut some,
                "full" => &mut full,
                _ => continue,
            };
            *slot = Some(stall(figures).ok_or_else(|| Malformed::at(at + 1, line))?);
        }
        let some = some.ok_or_else(|| Malformed::nothing(text))?;
        Ok(Self { some, full })
    }
}

fn stall(figures: &str) -> Option<Stall> {
    let (mut avg10, mut avg60, mut avg300, mut total) = (None, None, None, None);
    for figure in figures.split_ascii_whitespace() {
        let (name, value) = figure.split_once('=')?;
        match name {
            "avg10" => avg10 = Some(hundredths(value)?),
            "avg60" => avg60 = Some(hundredths(value)?),
            "avg300" => avg300 = Some(hundredths(value)?),
            "total" => total = Some(value.parse().ok()?),
            _ => {}
        }
    }
    Some(Stall {
        avg10: avg10?,
        avg60: avg60?,
        avg300: avg300?,
        total: total?,
    })
}

/// `12.34` → 1234.
fn hundredths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.')?;
    let part: u32 = (part.len() == 2).then_some(part)?.parse().ok()?;
    whole
        .parse::<u32>()
        .ok()?
        .checked_mul(100)?
        .checked_add(part)
}
