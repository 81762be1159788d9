//! The services are what their families say.

use crate::families::{self, Label};
use crate::load::DAY;
use crate::service::Sample;
use crate::trace::Trace;
use crate::write;

fn trace(family: &str, seed: u64) -> Trace {
    Trace::new(write::family(family).expect(family), seed)
}

fn samples(trace: &Trace) -> Vec<Sample> {
    let mut service = trace.service();
    std::iter::from_fn(|| service.next()).collect()
}

#[test]
fn names_are_unique() {
    let mut names: Vec<&str> = families::all().map(|f| f.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(write::family("no such thing").is_err());
    let found = write::family("leak-that-begins-at-60-of-the-limit").expect("a family");
    assert_eq!(found.name, "leak that begins at 60 % of the limit");
}

#[test]
fn a_seed_is_a_trace() {
    let points = |seed| -> Vec<_> {
        let samples = samples(&trace("several at once", seed));
        samples.iter().map(|s| s.point).collect()
    };
    assert_eq!(points(2), points(2));
    assert_ne!(points(2), points(3));
}

#[test]
fn leaks_hit_their_limit_and_others_never_do() {
    for family in families::all() {
        let trace = Trace::new(family, 5);
        let name = family.name;
        if family.label == Label::Leak {
            let hit = trace.hit.unwrap_or_else(|| panic!("{name}: never hit"));
            assert!(
                hit > trace.onset && hit <= trace.spec.days * DAY,
                "{name}: {hit}"
            );
            continue;
        }
        assert_eq!(trace.hit, None, "{name}");
        let most = samples(&trace).iter().map(|s| s.need).max().expect(name);
        assert!(most < trace.limit, "{name}: {most} {}", trace.limit);
    }
}

#[test]
fn a_leak_takes_about_as_long_as_it_should() {
    for (name, least, most) in [
        ("slow leak, 8 days and more", 6.5, 14.0),
        ("fast leak, 20 minutes to 6 hours", 0.01, 0.35),
        ("leak per request", 0.3, 14.0),
    ] {
        for seed in [1, 2, 3] {
            let whole = trace(name, seed).time_to_limit().expect(name) / DAY;
            assert!((least..most).contains(&whole), "{name} {seed}: {whole}");
        }
    }
}

#[test]
fn a_leak_changes_nothing_but_what_is_lost() {
    let leaking = trace("leak that begins late", 4);
    let mut sound = leaking.clone();
    sound.spec.leaks.clear();
    let (with, without) = (samples(&leaking), samples(&sound));
    let mut lost = 0;
    for (with, without) in with.iter().zip(&without) {
        if with.need >= leaking.limit {
            break;
        }
        let quantum = leaking.spec.quantum as u64;
        let apart = with.need.abs_diff(without.need + with.lost);
        assert!(apart <= quantum, "{with:?} {without:?}");
        assert!(with.is_leaking || with.need == without.need, "{with:?}");
        lost = with.lost;
    }
    let free = leaking.limit / 20;
    assert!(lost > free, "{lost} of {free}");
}

#[test]
fn a_start_gives_back_what_was_lost_and_counts_anew() {
    let trace = trace("leak anew with each start", 3);
    let hit = trace.hit.expect("a hit");
    let mut samples = samples(&trace);
    samples.retain(|sample| sample.since < hit);
    let starts: Vec<&[Sample]> = samples.windows(2).collect();
    let starts: Vec<_> = starts
        .iter()
        .filter(|pair| pair[0].point.start != pair[1].point.start)
        .collect();
    assert!(!starts.is_empty());
    for pair in starts {
        assert!(pair[1].lost < pair[0].lost / 2, "{pair:?}");
        assert!(pair[1].point.cpu_usec < pair[0].point.cpu_usec, "{pair:?}");
    }
}

#[test]
fn a_restart_from_outside_is_one() {
    let trace = trace("steady", 2);
    let mut service = trace.service();
    let before = service.next().expect("a sample");
    service.restart();
    let after = service.next().expect("a sample");
    assert_eq!(after.point.start, before.point.start.map(|start| start + 1));
}

#[test]
fn records_have_gaps_and_clocks_that_were_set() {
    let trace = trace("gaps and a clock that is set", 1);
    let samples = samples(&trace);
    let tick = trace.spec.tick;
    let steps = samples.windows(2);
    let gaps = steps.filter(|pair| pair[1].since - pair[0].since > 2.0 * tick);
    assert!(gaps.count() > 2);
    let clock = |s: &Sample| s.point.time - s.since as i64;
    let set = samples.windows(2);
    let set = set.filter(|pair| clock(&pair[0]).abs_diff(clock(&pair[1])) > 10);
    assert!(set.count() > 0);
}

#[test]
fn a_leak_per_request_stands_while_nobody_asks() {
    let mut trace = trace("leak per request", 3);
    trace.spec.load.daily = 0.95;
    trace.spec.load.noise = 0.0;
    let peak = trace.spec.load.peak;
    let began = trace.spec.began;
    let (mut busy, mut quiet) = (0, 0);
    for pair in samples(&trace).windows(2) {
        let lost = pair[1].lost.saturating_sub(pair[0].lost);
        let time = began + pair[1].since;
        if ((time - peak) / DAY * std::f64::consts::TAU).cos() > 0.0 {
            busy += lost;
        } else {
            quiet += lost;
        }
    }
    assert!(busy > 3 * quiet, "{busy} {quiet}");
}

#[test]
fn page_cache_is_beside_need_or_in_it() {
    let beside = trace("page cache and slab move", 2);
    for sample in samples(&beside) {
        assert_eq!(sample.point.need, sample.need);
    }
    let within = trace("memory.current alone", 2);
    let samples = samples(&within);
    assert!(samples.iter().all(|s| !s.point.is_need));
    assert!(samples.iter().all(|s| s.point.need == s.need + s.cache));
    assert!(samples.iter().any(|s| s.cache > s.need));
    assert!(samples.iter().all(|s| s.point.need <= within.limit));
}

/// Reads a trace as it is written.
fn csv(trace: &Trace) -> (Vec<String>, Vec<Vec<String>>) {
    let mut text = String::new();
    let put = |line: &str| -> Result<(), std::fmt::Error> {
        text.push_str(line);
        text.push('\n');
        Ok(())
    };
    write::lines(trace, put).expect("lines");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let words = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let heads = words(reader.headers().expect("headers"));
    let records = reader
        .records()
        .map(|record| words(&record.expect("a record")));
    (heads, records.collect())
}

#[test]
fn the_csv_has_the_same_need_and_ends_at_the_limit() {
    let trace = trace("fast leak, 20 minutes to 6 hours", 2);
    let (heads, lines) = csv(&trace);
    let samples = samples(&trace);
    let column = |name: &str| heads.iter().position(|h| h == name).expect(name);
    let number = |line: &[String], name: &str| line[column(name)].parse::<u64>().expect(name);
    for (line, sample) in lines.iter().zip(&samples) {
        let need: u64 = [
            "anon",
            "shmem",
            "slab_unreclaimable",
            "kernel_stack",
            "pagetables",
            "sock",
        ]
        .iter()
        .map(|name| number(line, name))
        .sum();
        assert_eq!(need, sample.need);
        assert_eq!(number(line, "current"), sample.need + sample.cache);
        assert_eq!(number(line, "max"), trace.limit);
        assert_eq!(number(line, "time") as i64, sample.point.time);
    }
    assert!(samples[lines.len() - 1].need >= trace.limit);
    assert!(samples[lines.len() - 2].need < trace.limit);
}

#[test]
fn without_the_kernels_statistics_the_csv_has_current_alone() {
    let (heads, lines) = csv(&trace("memory.current alone", 1));
    assert_eq!(heads, ["time", "current", "cpu_usec", "max", "invocation"]);
    assert!(lines.len() > 1000);
}
