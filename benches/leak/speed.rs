//! How fast the detector is, beside a plain pass over the same samples, and how much it remembers.

use std::hint::black_box;
use std::time::Instant;

use memctl::policy::leak::{Detector, Point};

use crate::families;
use crate::trace::Trace;

/// Of each family so many samples, so that what is measured stays near the processor.
const SAMPLES: usize = 5000;
const ROUNDS: usize = 20;

pub fn print() {
    let traces: Vec<Vec<Point>> = families::all()
        .map(|family| {
            let mut service = Trace::new(family, 1).service();
            std::iter::from_fn(|| service.next())
                .map(|sample| sample.point)
                .take(SAMPLES)
                .collect()
        })
        .collect();
    let count: usize = traces.iter().map(Vec::len).sum();
    let plain = fastest(count, || {
        let mut sum = 0;
        for point in traces.iter().flatten() {
            sum += black_box(point).need;
        }
        black_box(sum);
    });
    let take = fastest(count, || {
        for trace in &traces {
            let mut detector = Detector::default();
            for point in trace {
                detector.take(black_box(point));
            }
            black_box(&detector);
        }
    });
    let both = fastest(count, || {
        for trace in &traces {
            let mut detector = Detector::default();
            for point in trace {
                detector.take(black_box(point));
                black_box(detector.verdict());
            }
        }
    });
    println!(
        "| one core, fastest of {ROUNDS} rounds over {count} samples | million samples a second | times a plain pass |"
    );
    println!("|---|--:|--:|");
    for (name, speed) in [
        ("a plain pass over the samples", plain),
        ("the detector", take),
        ("the detector, asked for its verdict each time", both),
    ] {
        println!("| {name} | {:.1} | {:.1} |", speed / 1e6, plain / speed);
    }
    let mut detector = Detector::default();
    let longest = traces.iter().max_by_key(|trace| trace.len());
    for point in longest.into_iter().flatten() {
        detector.take(point);
    }
    let stored = serde_json::to_string(&detector).map_or(0, |text| text.len());
    println!(
        "\nState: {} bytes in memory (what it allocates not counted), {stored} bytes as JSON after {} samples.",
        size_of::<Detector>(),
        longest.map_or(0, Vec::len),
    );
}

/// Samples a second in the fastest round: the others were disturbed.
fn fastest(count: usize, mut round: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        round();
        best = best.min(began.elapsed().as_secs_f64());
    }
    count as f64 / best
}
