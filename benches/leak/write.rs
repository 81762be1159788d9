//! One trace as `memctl replay` reads it.

use std::fs::File;
use std::io::{BufWriter, Write as _};

use anyhow::{Context as _, Result, ensure};

use crate::families::{self, Family};
use crate::service::{Sample, Service};
use crate::trace::Trace;

/// The parts that what leaks may be in.
const PARTS: [&str; 5] = [
    "anon",
    "shmem",
    "slab_unreclaimable",
    "kernel_stack",
    "sock",
];

/// A family by its name as it stands in the tables, or with hyphens for all that is no letter or digit.
pub fn family(name: &str) -> Result<&'static Family> {
    let known = || families::all().map(|f| hyphens(f.name)).collect::<Vec<_>>();
    families::all()
        .find(|f| f.name == name || hyphens(f.name) == name)
        .with_context(|| format!("no family {name:?}; known: {}", known().join(", ")))
}

fn hyphens(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}

/// Writes a trace up to its limit, or its end.
pub fn write(family: &str, seed: &str, path: &str) -> Result<()> {
    let family = self::family(family)?;
    let seed = seed
        .parse()
        .with_context(|| format!("the seed is a number, not {seed:?}"))?;
    ensure!(!path.starts_with("--"), "the file comes after the seed");
    let trace = Trace::new(family, seed);
    let file = File::create(path).with_context(|| path.to_owned())?;
    let mut out = BufWriter::new(file);
    lines(&trace, |line| writeln!(out, "{line}")).with_context(|| path.to_owned())?;
    out.flush().with_context(|| path.to_owned())?;
    eprintln!("{}", trace.describe());
    Ok(())
}

/// The lines of the CSV.
pub fn lines<E>(trace: &Trace, mut put: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    let is_need = trace.spec.is_need;
    let parts = if is_need {
        ",anon,file,shmem,slab_unreclaimable,kernel_stack,pagetables,sock"
    } else {
        ""
    };
    put(&format!("time,current{parts},cpu_usec,max,invocation"))?;
    let mut service = trace.service();
    while let Some(sample) = service.next() {
        put(&line(trace, &service, &sample))?;
        if trace.is_hit(&sample) {
            break;
        }
    }
    Ok(())
}

fn line(trace: &Trace, service: &Service, sample: &Sample) -> String {
    let point = &sample.point;
    let mut line = format!("{},{}", point.time, sample.need + sample.cache);
    if trace.spec.is_need {
        let lost = sample.lost.min(sample.need);
        let healthy = sample.need - lost;
        // Small things in the proportions of an ordinary service; what adds up to need is exact.
        let mut parts = [
            0,
            healthy / 200,
            healthy / 50,
            healthy / 500,
            healthy / 1000,
        ];
        let pagetables = healthy / 500;
        parts[0] = healthy - parts.iter().sum::<u64>() - pagetables;
        parts[trace.spec.lost_in % PARTS.len()] += lost;
        let [anon, shmem, slab, stack, sock] = parts;
        line += &format!(
            ",{anon},{},{shmem},{slab},{stack},{pagetables},{sock}",
            sample.cache + shmem
        );
    }
    let known = |figure: Option<u64>, text: u64| figure.map(|_| text.to_string());
    let cpu = known(point.cpu_usec, service.cpu_usec()).unwrap_or_default();
    let start = point.start.map(|start| format!("{start:032x}"));
    line += &format!(",{cpu},{},{}", trace.limit, start.unwrap_or_default());
    line
}
