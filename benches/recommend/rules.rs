//! Rules that make a limit of what was seen.

use memctl::recommend::{DAY, Histogram, Margins, Observation, daily_peaks, recommend};

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Ours.
    Max,
    /// Ours, where throttling begins.
    High,
    /// VPA's recommendation: the 90th percentile and 15 %.
    Target,
    /// VPA's upper bound: the 95th percentile and 15 %, wider with little history.
    Upper,
    /// The greatest need and so many percent.
    Over(u32),
}

/// All of them, in the order of the tables.
pub const RULES: [(&str, Rule); 6] = [
    ("memctl MemoryMax", Rule::Max),
    ("memctl MemoryHigh", Rule::High),
    ("VPA target", Rule::Target),
    ("VPA upper bound", Rule::Upper),
    ("maximum × 1.2", Rule::Over(20)),
    ("maximum × 1.5", Rule::Over(50)),
];

/// The limit after a rule.
pub fn limit(rule: Rule, learned: &[Observation]) -> Option<u64> {
    match rule {
        Rule::Max => Some(recommend(learned, &Margins::default()).ok()?.max),
        Rule::High => recommend(learned, &Margins::default()).ok()?.high,
        Rule::Target => vpa(learned, 0.9, 0.0),
        Rule::Upper => vpa(learned, 0.95, 1.0),
        Rule::Over(percent) => {
            let peaks = daily_peaks(learned);
            let most = peaks.iter().map(|peak| peak.bytes).max()?;
            Some(most + most / 100 * u64::from(percent))
        }
    }
}

/// Whether steady growth is told.
pub fn grows(learned: &[Observation]) -> bool {
    recommend(learned, &Margins::default()).is_ok_and(|advice| advice.seen.growth.is_some())
}

/// VPA's rule without its least recommendation of 250 MiB, and fed with need instead of the working set.
fn vpa(learned: &[Observation], percentile: f64, confidence: f64) -> Option<u64> {
    let first = learned.first()?.time.as_second();
    let peaks = daily_peaks(learned);
    let days = learned.iter().map(|o| o.seconds).sum::<f64>() / DAY;
    let mut histogram = Histogram::new(DAY);
    for peak in &peaks {
        // A peak is weighed by the end of its interval.
        let interval = (peak.time.as_second() - first) / 86400;
        histogram.add(peak.bytes, -(interval as f64) * DAY);
    }
    let bytes = histogram.percentile(percentile) as f64 * 1.15;
    Some((bytes * (1.0 + confidence / days)) as u64)
}
