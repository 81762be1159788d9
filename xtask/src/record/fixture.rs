//! From what `memctl history --csv` tells to a trace for `memctl replay`, its time stretched.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;

/// Midnight of 5 January 2026, a Monday, in UTC: when every fixture begins.
const BEGIN: i64 = 1_767_571_200;

/// What is kept, in memctl's order, after the time.
const KEPT: [&str; 14] = [
    "current",
    "anon",
    "file",
    "shmem",
    "slab_unreclaimable",
    "kernel_stack",
    "pagetables",
    "percpu",
    "sock",
    "swap",
    "cpu_usec",
    "high",
    "max",
    "invocation",
];

/// What need is made of, swap included.
const NEED: [&str; 8] = [
    "anon",
    "shmem",
    "slab_unreclaimable",
    "kernel_stack",
    "pagetables",
    "percpu",
    "sock",
    "swap",
];

/// A recording whose second stands for longer.
#[derive(Debug)]
pub struct Fixture {
    columns: Vec<&'static str>,
    /// Which reading since the first it is, and its cells.
    rows: Vec<(i64, Vec<String>)>,
    factor: u32,
}

impl Fixture {
    /// Of an export of readings a second apart. They are put on a grid of seconds; where there was none, none is made
    /// up, and of two in one second the first counts. Processor time is stretched as time is: what share of a
    /// processor was used stays.
    pub fn of(text: &str, factor: u32) -> Result<Self> {
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().context("it is empty")?.split(',').collect();
        let place = |name: &str| header.iter().position(|column| *column == name);
        let time = place("time").context("it has no column `time`")?;
        let known: Vec<(usize, &str)> = KEPT
            .into_iter()
            .filter_map(|name| Some((place(name)?, name)))
            .collect();
        let mut rows: Vec<(i64, Vec<String>)> = Vec::new();
        let mut first = None;
        let mut starts: Vec<String> = Vec::new();
        for (number, line) in lines.enumerate() {
            let cells: Vec<&str> = line.split(',').collect();
            let line = number + 2;
            ensure!(
                cells.len() == header.len(),
                "line {line}: not as many cells as columns"
            );
            let now: Timestamp = cells[time]
                .parse()
                .with_context(|| format!("line {line}"))?;
            let now = now.as_millisecond();
            // The middle of the grid's cells is where the first reading was.
            let at = (now - *first.get_or_insert(now) + 500).div_euclid(1000);
            if rows.last().is_some_and(|(last, _)| *last >= at) {
                continue;
            }
            let cell = |&(place, name): &(usize, &str)| -> Result<String> {
                let cell = cells[place];
                Ok(match name {
                    "invocation" if !cell.is_empty() => {
                        let known = starts.iter().position(|start| start == cell);
                        let start = known.unwrap_or(starts.len());
                        if known.is_none() {
                            starts.push(cell.to_owned());
                        }
                        (start + 1).to_string()
                    }
                    "cpu_usec" if !cell.is_empty() => {
                        let used: u64 = cell.parse().with_context(|| format!("line {line}"))?;
                        (used * u64::from(factor)).to_string()
                    }
                    _ => cell.to_owned(),
                })
            };
            rows.push((at, known.iter().map(cell).collect::<Result<_>>()?));
        }
        if rows.is_empty() {
            bail!("it has no reading");
        }
        let mut columns: Vec<&str> = known.iter().map(|(_, name)| *name).collect();
        // A column that says nothing: never known, or no limit.
        for at in (0..columns.len()).rev() {
            let says = |cell: &String| !cell.is_empty() && cell != "infinity";
            if !rows.iter().any(|(_, cells)| says(&cells[at])) {
                columns.remove(at);
                for (_, cells) in &mut rows {
                    cells.remove(at);
                }
            }
        }
        Ok(Self {
            columns,
            rows,
            factor,
        })
    }

    /// As `memctl replay` reads it.
    pub fn csv(&self) -> String {
        let mut text = format!("time,{}\n", self.columns.join(","));
        for (at, cells) in &self.rows {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{},{}",
                BEGIN + at * i64::from(self.factor),
                cells.join(",")
            );
        }
        text
    }

    /// What is in it, as cells of a table: readings; seconds without one, and the steps between two; current, need.
    pub fn summary(&self) -> String {
        let steps = self.rows.windows(2).map(|pair| pair[1].0 - pair[0].0);
        let (mut longest, mut over) = (0, 0);
        for step in steps {
            longest = longest.max(step);
            over += usize::from(step > 3);
        }
        let missing = self.rows.last().map_or(0, |(at, _)| at + 1) - self.rows.len() as i64;
        let limit = self.series(&["high"]).or_else(|| self.series(&["max"]));
        let limit = limit.and_then(|series| series.last().copied());
        format!(
            "{} | {missing}, {over} over 3 s, longest {longest} s | {} | {} | {}",
            self.rows.len(),
            spread(self.series(&["current"])),
            spread(self.series(&NEED)),
            limit.map_or("-".to_owned(), mib)
        )
    }

    /// The sum of columns in each reading; `None` if none of them is there.
    fn series(&self, names: &[&str]) -> Option<Vec<u64>> {
        let places: Vec<usize> = (0..self.columns.len())
            .filter(|at| names.contains(&self.columns[*at]))
            .collect();
        let sum = |cells: &Vec<String>| {
            places
                .iter()
                .filter_map(|at| cells[*at].parse::<u64>().ok())
                .sum()
        };
        (!places.is_empty()).then(|| self.rows.iter().map(|(_, cells)| sum(cells)).collect())
    }
}

fn spread(series: Option<Vec<u64>>) -> String {
    let Some((series, most)) = series.and_then(|s| s.iter().max().copied().map(|most| (s, most)))
    else {
        return "-".to_owned();
    };
    let end = |value: Option<&u64>| value.copied().map_or("-".to_owned(), mib);
    format!(
        "{}, {}, {}",
        end(series.first()),
        end(series.last()),
        mib(most)
    )
}

fn mib(bytes: u64) -> String {
    format!("{:.1}M", bytes as f64 / 1_048_576.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "\
time,current,anon,swap,cpu_usec,high,max,invocation
2026-11-24T10:00:00.4Z,20971520,10485760,,100,infinity,104857600,5d6f00000000000000000000000000aa
2026-11-24T10:00:01.5Z,20971520,11534336,,200,infinity,104857600,5d6f00000000000000000000000000aa
2026-11-24T10:00:01.8Z,20971520,11534336,,250,infinity,104857600,5d6f00000000000000000000000000aa
2026-11-24T10:00:05.3Z,20971520,10485760,,300,infinity,104857600,5d6f00000000000000000000000000bb
";

    #[test]
    fn a_second_becomes_a_minute_and_what_is_missing_stays_missing() {
        let fixture = Fixture::of(TOLD, 60).expect("readable");
        assert_eq!(
            fixture.csv(),
            "time,current,anon,cpu_usec,max,invocation\n\
             1767571200,20971520,10485760,6000,104857600,1\n\
             1767571260,20971520,11534336,12000,104857600,1\n\
             1767571500,20971520,10485760,18000,104857600,2\n"
        );
        assert_eq!(
            fixture.summary(),
            "3 | 3, 1 over 3 s, longest 4 s | 20.0M, 20.0M, 20.0M | 10.0M, 10.0M, 11.0M | 100.0M"
        );
    }

    #[test]
    fn what_is_no_export_is_told() {
        let error = |text| format!("{:#}", Fixture::of(text, 60).expect_err("no export"));
        assert!(error("").contains("empty"));
        assert!(error("when,current\n").contains("`time`"));
        assert!(error("time,current\n").contains("no reading"));
        assert!(error("time,current\n2026-11-24T10:00:00Z\n").contains("line 2"));
    }
}
