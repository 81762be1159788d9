//! A trace: CSV with a header, one reading a line. Read one line at a time, whatever its length.

use std::io::{self, Read};

use csv::{ByteRecord, ErrorKind, ReaderBuilder};

use super::fault::{Fault, Faults};
use super::{Reading, cell};
use crate::sample::Invocation;

/// What a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Time,
    Count(Count),
    High,
    Max,
    Invocation,
    Unknown,
}

/// Whose number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    Current,
    Anon,
    File,
    Shmem,
    SlabUnreclaimable,
    KernelStack,
    Pagetables,
    Percpu,
    Sock,
    Swap,
    Cpu,
}

/// Every column that is known, in the order in which `memctl history --csv` writes them.
const KNOWN: [(&str, Column); 15] = [
    ("time", Column::Time),
    ("current", Column::Count(Count::Current)),
    ("anon", Column::Count(Count::Anon)),
    ("file", Column::Count(Count::File)),
    ("shmem", Column::Count(Count::Shmem)),
    (
        "slab_unreclaimable",
        Column::Count(Count::SlabUnreclaimable),
    ),
    ("kernel_stack", Column::Count(Count::KernelStack)),
    ("pagetables", Column::Count(Count::Pagetables)),
    ("percpu", Column::Count(Count::Percpu)),
    ("sock", Column::Count(Count::Sock)),
    ("swap", Column::Count(Count::Swap)),
    ("cpu_usec", Column::Count(Count::Cpu)),
    ("high", Column::High),
    ("max", Column::Max),
    ("invocation", Column::Invocation),
];

/// The columns of a trace.
#[must_use]
pub fn columns() -> [&'static str; 15] {
    KNOWN.map(|(name, _)| name)
}

impl Column {
    fn named(name: &str) -> Self {
        let known = KNOWN.iter().find(|(known, _)| *known == name);
        known.map_or(Self::Unknown, |(_, column)| *column)
    }
}

impl Count {
    fn put(self, value: Option<u64>, reading: &mut Reading) {
        let memory = &mut reading.memory;
        let place = match self {
            Self::Current => &mut memory.current,
            Self::Swap => &mut memory.swap,
            Self::Cpu => &mut reading.cpu_usec,
            Self::Anon => &mut memory.stat.anon,
            Self::File => &mut memory.stat.file,
            Self::Shmem => &mut memory.stat.shmem,
            Self::SlabUnreclaimable => &mut memory.stat.slab_unreclaimable,
            Self::KernelStack => &mut memory.stat.kernel_stack,
            Self::Pagetables => &mut memory.stat.pagetables,
            Self::Percpu => &mut memory.stat.percpu,
            Self::Sock => &mut memory.stat.sock,
        };
        *place = value;
    }
}

/// A file, and what of it tells where a line ends.
#[derive(Debug)]
struct Tail<R> {
    source: R,
    /// The bytes so far.
    bytes: u64,
    last: Option<u8>,
    /// Its lines end as Windows ends them.
    has_cr: bool,
}

impl<R> Tail<R> {
    fn new(source: R) -> Self {
        Self {
            source,
            bytes: 0,
            last: None,
            has_cr: false,
        }
    }
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        let read = buffer.get(..n).unwrap_or_default();
        if self.bytes == 0 {
            let end = read.iter().position(|byte| *byte == b'\n');
            let before = end.and_then(|end| end.checked_sub(1));
            self.has_cr = before.and_then(|at| read.get(at)) == Some(&b'\r');
        }
        self.bytes += n as u64;
        self.last = read.last().copied().or(self.last);
        Ok(n)
    }
}

/// A trace that is being read.
#[derive(Debug)]
pub struct Trace<R> {
    csv: csv::Reader<Tail<R>>,
    record: ByteRecord,
    columns: Vec<Column>,
    names: Vec<String>,
    time_at: usize,
    unknown: Vec<String>,
    /// The invocation that was read last, and what it was read from.
    invocation: (Vec<u8>, Option<Invocation>),
    reading: Reading,
    begun: bool,
    faults: Faults,
}

impl<R: Read> Trace<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// What is wrong with it: then no line of the file can be read.
    pub fn open(source: R) -> Result<Self, Faults> {
        let csv = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(128 << 10)
            .from_reader(Tail::new(source));
        let mut trace = Self {
            csv,
            record: ByteRecord::new(),
            columns: Vec::new(),
            names: Vec::new(),
            time_at: 0,
            unknown: Vec::new(),
            invocation: (Vec::new(), None),
            reading: Reading::blank(jiff::Timestamp::MIN),
            begun: false,
            faults: Faults::default(),
        };
        trace.header();
        match trace.faults.is_empty() {
            true => Ok(trace),
            false => Err(trace.faults),
        }
    }

    fn header(&mut self) {
        match self.csv.read_byte_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => {
                return self.fault(0, 0, "the file is empty; a header is expected".to_owned());
            }
            Err(e) => return self.unread(&e),
        }
        let mut column = 1;
        for (at, field) in self.record.clone().iter().enumerate() {
            let text = String::from_utf8_lossy(field);
            let name = text.trim_start_matches('\u{feff}').trim().to_owned();
            let found = Column::named(&name);
            // A comma at the end of each line makes a column without a name.
            if found == Column::Unknown {
                self.unknown
                    .extend(Some(name.clone()).filter(|name| !name.is_empty()));
            } else if self.columns.contains(&found) {
                self.fault(1, column, format!("column `{name}` is there twice"));
            }
            if found == Column::Time {
                self.time_at = at;
            }
            column += field.len() as u64 + 1;
            self.columns.push(found);
            self.names.push(name);
        }
        let has = |column| self.columns.contains(&column);
        let known = [Count::Current, Count::Anon].map(Column::Count);
        if !has(Column::Time) || !known.into_iter().any(has) {
            let names = self
                .names
                .iter()
                .take(8)
                .map(|name| crate::units::quote(name));
            let message = format!(
                "the header has {}: {}",
                match has(Column::Time) {
                    true => "neither `current` nor `anon`",
                    false => "no `time`",
                },
                names.collect::<Vec<_>>().join(", ")
            );
            self.fault(1, 0, message);
        }
    }

    /// The columns that are not known, and not read.
    #[must_use]
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// The next reading; a line that cannot be read is noted, and left out. `false` at the end.
    pub fn advance(&mut self) -> bool {
        loop {
            match self.csv.read_byte_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return false,
                Err(e) => {
                    self.unread(&e);
                    return false;
                }
            }
            if self.take() {
                return true;
            }
        }
    }

    /// The last reading.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The time of the last reading as it stands in the trace.
    #[must_use]
    pub fn time(&self) -> String {
        let cell = self.record.get(self.time_at).unwrap_or_default();
        String::from_utf8_lossy(cell).trim().to_owned()
    }

    /// What could not be read.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The record into the reading; whether it is one.
    fn take(&mut self) -> bool {
        if self.record.len() != self.columns.len() {
            let message = format!(
                "{} here, and {} in the header",
                cells(self.record.len()),
                cells(self.columns.len())
            );
            self.fault(self.line(), 0, message);
            return false;
        }
        let before = self.reading.time;
        let mut bad = None;
        for (at, (cell, column)) in self.record.iter().zip(&self.columns).enumerate() {
            let done = match column {
                Column::Time => cell::time(cell).map(|time| self.reading.time = time),
                Column::Count(count) => {
                    cell::count(cell).map(|value| count.put(value, &mut self.reading))
                }
                Column::High => cell::limit(cell).map(|limit| self.reading.high = limit),
                Column::Max => cell::limit(cell).map(|limit| self.reading.max = limit),
                Column::Invocation => {
                    if self.invocation.0 != cell {
                        self.invocation = (cell.to_vec(), cell::invocation(cell));
                    }
                    self.reading.start.invocation = self.invocation.1;
                    Ok(())
                }
                Column::Unknown => Ok(()),
            };
            if done.is_err() {
                bad = bad.or(Some(at));
            }
        }
        let goes_back = self.begun && self.reading.time < before;
        if let Some(bad) = bad {
            self.bad_cells(bad);
        }
        if goes_back {
            let time = self.time();
            // As the trace writes times.
            let before = match time.contains(':') {
                true => before.to_string(),
                false => before.as_duration().as_secs_f64().to_string(),
            };
            let message = format!("time goes back: {time} after {before}");
            self.fault(self.line(), self.column(self.time_at), message);
        }
        if bad.is_some() || goes_back {
            self.reading.time = before;
            return false;
        }
        self.begun = true;
        true
    }

    /// Tells every cell of a line that cannot be read, the first of which is known.
    fn bad_cells(&mut self, first: usize) {
        let line = self.line();
        for at in first..self.columns.len() {
            let cell = self.record.get(at).unwrap_or_default();
            let expected = match self.columns[at] {
                Column::Time if cell::time(cell).is_err() => {
                    "seconds since 1970 or a time as RFC 3339 has it"
                }
                Column::Count(Count::Cpu) if cell::count(cell).is_err() => {
                    "microseconds, or nothing if unknown"
                }
                Column::Count(_) if cell::count(cell).is_err() => {
                    "a number of bytes, or nothing if unknown"
                }
                Column::High | Column::Max if cell::limit(cell).is_err() => {
                    "a number of bytes, infinity, or nothing if unknown"
                }
                _ => continue,
            };
            let text = String::from_utf8_lossy(cell);
            let shown: String = text.chars().take(40).collect();
            let name = &self.names[at];
            let message = format!("{name}: {} is not {expected}", crate::units::quote(&shown));
            self.fault(line, self.column(at), message);
        }
    }

    /// The line of the record that was read last. csv knows where it began to look for it, which may be some empty
    /// lines before, and where it stopped: after the `\n`, or between it and the `\r`.
    fn line(&self) -> u64 {
        let (after, source) = (self.csv.position(), self.csv.get_ref());
        let is_cut = after.byte() == source.bytes && source.last != Some(b'\n');
        match is_cut || source.has_cr {
            true => after.line(),
            false => after.line().saturating_sub(1),
        }
    }

    /// Where a cell begins in its line; in one with quotes it is off by those.
    fn column(&self, at: usize) -> u64 {
        let begin = self.record.range(at).map_or(0, |range| range.start);
        (begin + at) as u64 + 1
    }

    fn fault(&mut self, line: u64, column: u64, message: String) {
        self.faults.push(Fault {
            line,
            column,
            message,
        });
    }

    /// The file cannot be read any further.
    fn unread(&mut self, error: &csv::Error) {
        let message = match error.kind() {
            ErrorKind::Io(e) => format!("cannot be read: {}", crate::error::describe_io(e)),
            _ => format!("cannot be read: {error}"),
        };
        let line = error.position().map_or(0, csv::Position::line);
        self.fault(line, 0, message);
    }
}

fn cells(n: usize) -> String {
    match n {
        1 => "1 cell".to_owned(),
        n => format!("{n} cells"),
    }
}
