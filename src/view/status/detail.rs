//! One unit alone: every figure with where it stands, what limits it, and its processes.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::kernel::process::Process;
use crate::kernel::psi::Pressure;
use crate::limits::plan;
use crate::policy::say;
use crate::sample::{Limit, Sample, Source};
use crate::status::{Row, Status};
use crate::systemd::manager::Figures;
use crate::units::visible;
use crate::view::grid::{Cell, Column, Give, Style, lines, without_end};
use crate::view::spark::spark;
use crate::view::status::words::{bytes, limit, ratio, span, unknown};
use crate::view::status::{Look, json, style, top, words, wrapped};

/// What is known of one unit beside its row.
#[derive(Debug, Clone, Default)]
pub struct Detail {
    /// What the manager says.
    pub figures: Option<Figures>,
    /// Its cgroup's folder.
    pub cgroup: Option<PathBuf>,
    /// Its processes, biggest first.
    pub processes: Vec<Process>,
}

impl Detail {
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.figures.as_ref()?.since
    }

    pub(super) fn restarts(&self) -> Option<u64> {
        self.figures.as_ref()?.restarts
    }
}

/// The view.
#[must_use]
pub fn detail(status: &Status, row: &Row, detail: &Detail, look: Look) -> Vec<String> {
    let mut page = Page {
        source: status.source,
        lines: top(status, look),
        look,
    };
    page.lines.push(String::new());
    page.head(status, row, detail);
    if let Some(sample) = &row.sample {
        page.ceiling(row, sample);
        page.memory(sample);
        page.limits(sample);
        page.events(sample);
        if let Some(pressure) = &sample.pressure {
            page.pressure(pressure);
        }
        page.rest(sample);
    }
    if !row.history.is_empty() {
        page.put("Last hour", &spark(&row.history), Style::Plain, "");
    }
    if let Some(found) = &row.trend {
        page.put("Trend", &say(found, status.time), Style::Plain, "");
    }
    page.waiting(&row.waiting);
    page.processes(&detail.processes);
    page.lines.extend(wrapped(&status.notes, look));
    page.lines
}

/// The lines so far.
struct Page {
    source: Source,
    lines: Vec<String>,
    look: Look,
}

/// The width of the words before the colon, and of the figures where their file follows.
const WORDS: usize = 13;
const FIGURES: usize = 26;

impl Page {
    /// `     Current: 395M (63M can be dropped)    memory.current`.
    fn put(&mut self, word: &str, figure: &str, style: Style, file: &str) {
        let width = self.look.width.unwrap_or(usize::MAX);
        let room = width.saturating_sub(WORDS + 2);
        let pad = FIGURES.saturating_sub(figure.chars().count());
        let colon = if word.is_empty() { ' ' } else { ':' };
        let file = match file {
            // Where it came from is the first thing to give way.
            file if figure.chars().count().max(FIGURES) + 2 + file.len() > room => "",
            file => file,
        };
        if !file.is_empty() {
            let figure = style.paint(figure, self.look.colour);
            let file = Style::Faint.paint(file, self.look.colour);
            let line = format!("{word:>WORDS$}{colon} {figure}{:pad$}  {file}", "");
            self.lines.push(line);
            return;
        }
        for (at, line) in words::wrap(figure, room).iter().enumerate() {
            let (word, colon) = if at == 0 { (word, colon) } else { ("", ' ') };
            let line = style.paint(&without_end(line, room), self.look.colour);
            self.lines.push(format!("{word:>WORDS$}{colon} {line}"));
        }
    }

    /// The same for a figure that the kernel has in a file, and the manager as a property.
    fn figure(&mut self, word: &str, figure: Option<String>, file: &str, property: &str) {
        let from = match self.source {
            Source::Cgroup => file,
            Source::Bus => property,
        };
        match figure {
            Some(figure) => self.put(word, &figure, Style::Plain, from),
            None => self.put(word, &unknown(), Style::Plain, ""),
        }
    }

    fn head(&mut self, status: &Status, row: &Row, detail: &Detail) {
        let mark = if row.is_near() { "! " } else { "" };
        let mut title = style(row).paint(&format!("{mark}{}", row.unit), self.look.colour);
        if let Some(description) = row
            .description
            .as_deref()
            .filter(|d| *d != row.unit.as_str())
        {
            title += " – ";
            title.extend(description.chars().flat_map(visible));
        }
        self.lines.push(title);
        let mut state = row
            .state
            .as_ref()
            .map_or_else(unknown, |s| s.active.clone());
        if let Some(sub) = row.state.as_ref().and_then(|s| s.sub.as_ref()) {
            state += &format!(" ({sub})");
        }
        let runs = row.sample.is_some();
        if let Some(since) = detail.since().filter(|_| runs) {
            let local = since.to_zoned_datetime(TimeZone::system());
            let ago = status.time.duration_since(since).as_micros().max(0);
            let ago = u64::try_from(ago).unwrap_or(0) / 1_000_000 * 1_000_000;
            state += &format!(
                " since {}, {}",
                local.strftime("%Y-%m-%d %H:%M:%S"),
                span(ago)
            );
        }
        match detail.restarts() {
            Some(1) => state += "; restarted once by systemd",
            Some(n) if n > 1 => state += &format!("; restarted {n} times by systemd"),
            _ => {}
        }
        let failed = row.state.as_ref().is_some_and(|s| s.active == "failed");
        let style = if failed { Style::Alarm } else { Style::Plain };
        self.put("State", &state, style, "");
        if let Some(path) = &detail.cgroup {
            self.put("Cgroup", &path.display().to_string(), Style::Plain, "");
        }
        if let Some(sample) = &row.sample {
            let start = &sample.start;
            let invocation = start.invocation.map(|id| format!("invocation {id}"));
            let inode = start.inode.map(|inode| format!("cgroup inode {inode}"));
            let start: Vec<String> = invocation.into_iter().chain(inode).collect();
            if !start.is_empty() {
                self.put("Start", &start.join(", "), Style::Plain, "");
            }
        }
    }

    fn ceiling(&mut self, row: &Row, sample: &Sample) {
        let Some(ceiling) = &row.ceiling else {
            let told = if row.is_free() {
                "none: nothing limits it"
            } else {
                "–"
            };
            self.put("Ceiling", told, Style::Plain, "");
            return;
        };
        let owner = if ceiling.unit == row.unit {
            "its own"
        } else {
            ceiling.unit.as_str()
        };
        let mut told = format!(
            "{}, {owner} {}",
            bytes(ceiling.bytes),
            ceiling.bound.directive()
        );
        if let (Some(share), Some(resident)) = (row.share(), sample.memory.resident()) {
            let resident = bytes(resident);
            told += &format!("; {} of it needed in RAM ({resident})", ratio(share));
        }
        self.put("Ceiling", &told, style(row), "");
    }

    fn memory(&mut self, sample: &Sample) {
        let memory = &sample.memory;
        let need = memory.need().map(|need| match memory.swap {
            Some(swap) if swap > 0 => format!("{} ({} of it in swap)", bytes(need), bytes(swap)),
            _ => bytes(need),
        });
        self.figure("Need", need, "memory.stat, memory.swap.current", "");
        let current = memory.current.map(|current| match memory.reclaimable() {
            Some(rest) => format!("{} ({} reclaimable)", bytes(current), bytes(rest)),
            None => bytes(current),
        });
        self.figure("Current", current, "memory.current", "MemoryCurrent");
        self.figure("Peak", memory.peak.map(bytes), "memory.peak", "MemoryPeak");
        self.figure(
            "Swap",
            memory.swap.map(bytes),
            "memory.swap.current",
            "MemorySwapCurrent",
        );
        let kinds = json::stat(&memory.stat).into_iter();
        let kinds = kinds.filter_map(|(name, n)| Some((name, n.filter(|n| *n > 0)?)));
        let kinds = kinds.map(|(name, n)| format!("{name} {}", bytes(n)));
        self.list("By kind", kinds.collect(), "memory.stat");
    }

    /// Several figures of one file, on as many lines as they need.
    fn list(&mut self, word: &str, figures: Vec<String>, file: &str) {
        if figures.is_empty() {
            return;
        }
        let room = self
            .look
            .width
            .unwrap_or(100)
            .min(100)
            .saturating_sub(WORDS + 2);
        // A figure and its name stay together.
        let line = figures
            .join(", ")
            .replace(' ', "\u{a0}")
            .replace(",\u{a0}", ", ");
        let broken = words::wrap(&line, room.saturating_sub(file.len() + 3));
        for (at, line) in broken.into_iter().enumerate() {
            let (word, file) = if at == 0 { (word, file) } else { ("", "") };
            self.put(word, &line.replace('\u{a0}', " "), Style::Plain, file);
        }
    }

    fn limits(&mut self, sample: &Sample) {
        let limits = &sample.limits;
        let all = [
            ("MemoryHigh", limits.high, "memory.high"),
            ("MemoryMax", limits.max, "memory.max"),
            ("MemorySwapMax", limits.swap_max, "memory.swap.max"),
        ];
        for (word, found, file) in all {
            self.figure(word, found.map(limit), file, word);
        }
        if let Some(Limit::Bytes(effective)) = limits.effective {
            self.put(
                "Effective",
                &bytes(effective),
                Style::Plain,
                "EffectiveMemoryMax, EffectiveMemoryHigh",
            );
        }
    }

    fn events(&mut self, sample: &Sample) {
        let told = |all: &[(&str, Option<u64>)]| {
            let all = all
                .iter()
                .filter_map(|(name, n)| Some(format!("{name} {}", (*n)?)));
            all.collect::<Vec<_>>()
        };
        let (all, own) = (
            told(&json::events(&sample.events)),
            told(&json::events(&sample.events_local)),
        );
        let file = match self.source {
            Source::Cgroup => "memory.events",
            Source::Bus => "OOMKills",
        };
        let same = all == own;
        self.list("Events", all, file);
        if !same {
            self.list("its own", own, "memory.events.local");
        }
    }

    fn pressure(&mut self, pressure: &Pressure) {
        let mut word = "Pressure";
        for line in words::pressure(pressure) {
            self.put(
                word,
                &line,
                Style::Plain,
                if word.is_empty() {
                    ""
                } else {
                    "memory.pressure"
                },
            );
            word = "";
        }
    }

    fn rest(&mut self, sample: &Sample) {
        let cpu = sample
            .cpu
            .usage_usec
            .map(|usec| match sample.cpu.nr_throttled {
                Some(n) if n > 0 => {
                    let waited = span(sample.cpu.throttled_usec.unwrap_or(0));
                    format!("{}, throttled {n} times for {waited}", span(usec))
                }
                _ => span(usec),
            });
        self.figure("CPU", cpu, "cpu.stat", "CPUUsageNSec");
        let tasks = sample.tasks.map(|n| n.to_string());
        self.figure("Tasks", tasks, "pids.current", "TasksCurrent");
    }

    fn waiting(&mut self, rows: &[plan::Row]) {
        let mut word = "Waiting";
        for row in rows {
            let line = words::waiting(row);
            self.put(word, &line, Style::Caution, "");
            word = "";
        }
    }

    fn processes(&mut self, all: &[Process]) {
        if all.is_empty() {
            return;
        }
        let column = |head, right, give, cell: &dyn Fn(&Process) -> String| Column {
            head,
            right,
            give,
            cells: all.iter().map(|p| Cell::from(cell(p))).collect(),
        };
        let size = |n: Option<u64>| n.map_or_else(unknown, bytes);
        let number = |n: Option<u64>| n.map_or_else(unknown, |n| n.to_string());
        let columns = vec![
            column("PID", true, Give::Never, &|p| p.pid.to_string()),
            column("PSS", true, Give::Never, &|p| size(p.pss)),
            column("PRIVATE", true, Give::Way(3), &|p| size(p.private)),
            column("RSS", true, Give::Never, &|p| size(p.rss)),
            column("SWAP", true, Give::Way(4), &|p| size(p.swap)),
            column("FDS", true, Give::Way(1), &|p| number(p.fds)),
            column("THREADS", true, Give::Way(2), &|p| number(p.threads)),
            column("COMMAND", false, Give::End, &|p| p.command.clone()),
        ];
        self.lines.push(String::new());
        self.lines
            .extend(lines(columns, self.look.width, self.look.colour));
        if all.iter().all(|p| p.pss.is_none()) {
            let told = "PSS and private memory of others' processes: as root.".to_owned();
            self.lines.extend(wrapped(&[told], self.look));
        }
    }
}
