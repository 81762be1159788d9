//! How fast `memctl replay` is, beside a plain parse of the same files: csv's records, and a number of each cell.
//!
//! `cargo bench --bench replay`. One thread, by its processor time; traces of two weeks at one reading a minute, in memory: leaking and healthy
//! ones, with all columns of `memctl history --csv` and with those that a recording has at the least. The rules are
//! those of `examples/homework.toml`, one of each kind that needs only memory, and none but `leak`.

use std::fmt::Write as _;
use std::hint::black_box;

use csv::{ByteRecord, ReaderBuilder};
use jiff::tz::TimeZone;
use memctl::limits::dropin::Installed;
use memctl::profile::{Options, Source, check};
use memctl::replay::{Given, Host, play};
use memctl::systemd::names::UnitName;
use rustix::time::{ClockId, clock_gettime};

const ROWS: usize = 20_160;
const TRACES: u64 = 24;
/// Each is the best of so many.
const ROUNDS: usize = 5;
const M: u64 = 1 << 20;

/// A generator of numbers: splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// A trace; every third one leaks.
fn trace(seed: u64, is_full: bool) -> Vec<u8> {
    let mut random = Random(seed);
    let mut text = match is_full {
        true => "time,current,anon,file,shmem,slab_unreclaimable,kernel_stack,pagetables,percpu,sock,swap,cpu_usec,high,max,invocation\n",
        false => "time,current,anon\n",
    }
    .to_owned();
    for row in 0..ROWS as u64 {
        let time = 1_700_000_000 + row * 60;
        let leak = if seed.is_multiple_of(3) {
            row * 12_000
        } else {
            0
        };
        let anon = 120 * M + leak + random.below(8 * M);
        let file = random.below(90 * M);
        let current = anon + file;
        let line = match is_full {
            true => write!(
                text,
                "{time},{current},{anon},{file},0,{},65536,{},4096,0,0,{},314572800,419430400,000102030405060708090a0b0c0d0e0f",
                random.below(M),
                random.below(M),
                row * 900_000
            ),
            false => write!(text, "{time},{current},{anon}"),
        };
        line.expect("a String");
        text.push('\n');
    }
    text.into_bytes()
}

/// What every reader of such a file has to do.
fn plain(bytes: &[u8]) -> u64 {
    let mut csv = ReaderBuilder::new().from_reader(bytes);
    let mut record = ByteRecord::new();
    let mut sum = 0_u64;
    while csv.read_byte_record(&mut record).expect("a record") {
        for cell in &record {
            let text = std::str::from_utf8(cell).expect("UTF-8");
            sum = sum.wrapping_add(text.parse().unwrap_or(0));
        }
    }
    sum
}

fn given(rules: &str) -> Given {
    let text = format!(
        "[unit.\"a.service\"]\nMemoryHigh = \"300M\"\nMemoryMax = \"400M\"\nrules = [\n{rules}]\n"
    );
    let source = Source::new("a", "a.toml", text.into_bytes());
    let checked = check(&source, &Options::default());
    assert!(!checked.failed(), "{:?}", checked.faults);
    let installed = Installed {
        profile: checked.profile,
        path: "a.toml".into(),
        hash: String::new(),
    };
    let unit = UnitName::parse("a.service").expect("a name");
    Given::of(&[installed], &unit, None).expect("a unit")
}

/// The processor time of this thread, in seconds: others may keep the machine busy.
fn clock() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The time that some work takes over all traces.
fn time(traces: &[Vec<u8>], work: &mut dyn FnMut(&[u8]) -> u64) -> f64 {
    let begun = clock();
    traces.iter().for_each(|trace| {
        black_box(work(trace));
    });
    clock() - begun
}

fn main() {
    let host = Host {
        machine: 0,
        local: TimeZone::UTC,
        protect: Vec::new(),
    };
    let leak = "{ leak = true, action = \"restart\" },\n";
    let four = "{ above = \"95%\", for = \"5min\", action = \"alert\" },\n{ grown = \"+80%\", action = \"restart\" },\n\
                { leak = true, action = \"restart\" },\n{ exhausts_in = \"2h\", action = \"alert\" },\n";
    println!("columns  rules        plain rows/s  replay rows/s  ratio  MB/s  verdicts");
    for (columns, is_full) in [(15, true), (3, false)] {
        let traces: Vec<Vec<u8>> = (0..TRACES).map(|seed| trace(seed, is_full)).collect();
        let rows = (ROWS * traces.len()) as f64;
        let bytes: usize = traces.iter().map(Vec::len).sum();
        for (name, sides) in [
            ("none: read", Vec::new()),
            ("leak", vec![given(leak)]),
            ("all four", vec![given(four)]),
        ] {
            let mut told = 0;
            let mut played = |bytes: &[u8]| {
                let played = play(bytes, &sides, &host);
                assert!(played.faults.is_empty());
                told += played.lines.len();
                played.readings
            };
            let (mut plain, mut replay) = (f64::MAX, f64::MAX);
            for _ in 0..ROUNDS {
                plain = plain.min(time(&traces, &mut self::plain));
                replay = replay.min(time(&traces, &mut played));
            }
            println!(
                "{columns:<8} {name:<12} {:>12.0}  {:>13.0}  {:>5.2}  {:>4.0}  {:>8}",
                rows / plain,
                rows / replay,
                plain / replay,
                bytes as f64 / replay / 1e6,
                told / ROUNDS,
            );
        }
    }
}
