//! What became of limits, in Markdown.

use memctl::recommend::{DAY, Margins, Observation, Seen, advise, daily_peaks};

use crate::families::{FAMILIES, SEEDS};
use crate::rules::RULES;
use crate::{LEARNED, split};

/// What became of one rule's limits.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    units: usize,
    hit: usize,
    hit_days: usize,
    days: f64,
    left_over: Vec<f64>,
}

impl Tally {
    /// Holds a limit against what came later.
    pub fn add(&mut self, limit: Option<u64>, rest: &[Observation]) {
        let days = rest.iter().map(|o| o.seconds).sum::<f64>() / DAY;
        let peaks: Vec<u64> = daily_peaks(rest).iter().map(|peak| peak.bytes).collect();
        self.add_peaks(limit, &peaks, days);
    }

    fn add_peaks(&mut self, limit: Option<u64>, peaks: &[u64], days: f64) {
        let Some(limit) = limit else { return };
        let Some(most) = peaks.iter().max() else {
            return;
        };
        let hits = peaks.iter().filter(|peak| **peak > limit).count();
        self.units += 1;
        self.hit += usize::from(hits > 0);
        self.hit_days += hits;
        self.days += days;
        self.left_over.push(limit as f64 / *most as f64 - 1.0);
    }

    fn share(&self) -> f64 {
        self.hit as f64 * 100.0 / self.units.max(1) as f64
    }

    fn per_year(&self) -> f64 {
        self.hit_days as f64 * 365.25 / self.days.max(f64::EPSILON)
    }

    fn left_over(&self, share: f64) -> f64 {
        let mut sorted = self.left_over.clone();
        sorted.sort_by(f64::total_cmp);
        let at = (share * sorted.len() as f64) as usize;
        sorted
            .get(at.min(sorted.len().saturating_sub(1)))
            .map_or(f64::NAN, |x| x * 100.0)
    }
}

/// A table: a line for each head and rule.
pub fn table(title: &str, heads: &[String], tallies: &[Vec<Tally>]) {
    println!("### {title}\n");
    println!(
        "| | rule | units hit | days with a hit per unit-year | left over, median | 90th percentile |"
    );
    println!("|---|---|--:|--:|--:|--:|");
    for (head, rules) in heads.iter().zip(tallies) {
        for (nth, ((name, _), tally)) in RULES.iter().zip(rules).enumerate() {
            let head = if nth == 0 { head } else { "" };
            if tally.units == 0 {
                println!("| {head} | {name} | – | – | – | – |");
                continue;
            }
            println!(
                "| {head} | {name} | {:.0} % | {:.1} | {:+.0} % | {:+.0} % |",
                tally.share(),
                tally.per_year(),
                tally.left_over(0.5),
                tally.left_over(0.9),
            );
        }
    }
    println!();
}

/// A table with a column for each rule: units hit, and the median of what is left over.
pub fn matrix(title: &str, heads: &[String], tallies: &[Vec<Tally>]) {
    println!("### {title}\n");
    let names: Vec<&str> = RULES.iter().map(|(name, _)| *name).collect();
    println!("| | {} |", names.join(" | "));
    println!("|---|{}", "--:|".repeat(names.len()));
    for (head, rules) in heads.iter().zip(tallies) {
        let cells: Vec<String> = rules
            .iter()
            .map(|tally| match tally.units {
                0 => "–".to_owned(),
                _ => format!("{:.0} %, {:+.0} %", tally.share(), tally.left_over(0.5)),
            })
            .collect();
        println!("| {head} | {} |", cells.join(" | "));
    }
    println!();
}

/// What was seen of a unit, and what came later: enough to try other margins.
struct Case {
    nth: usize,
    seen: Seen,
    peaks: Vec<u64>,
    days: f64,
}

/// Other margins, on the half of the seeds that is for that.
pub fn tune() {
    let mut cases = Vec::new();
    for family in FAMILIES.iter().filter(|family| !family.leaks) {
        for seed in (0..SEEDS).filter(|seed| seed % 2 == 0) {
            let unit = family.unit(seed);
            for (nth, days) in LEARNED.iter().enumerate() {
                let (learned, rest) = split(&unit, *days * 86400.0);
                let Ok(seen) = Seen::of(learned) else {
                    continue;
                };
                cases.push(Case {
                    nth,
                    seen,
                    peaks: daily_peaks(rest).iter().map(|peak| peak.bytes).collect(),
                    days: rest.iter().map(|o| o.seconds).sum::<f64>() / DAY,
                });
            }
        }
    }
    println!(
        "| rest | spread | days | exponent | unseen start | hit after 1, 3, 7, 14 d | left over, median | 90th percentile |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|");
    for rest in [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4] {
        for spread in [0.0, 0.5, 1.0, 2.0, 3.0] {
            for (days, exponent) in [
                (0.0, 1.0),
                (2.0, 0.25),
                (1.0, 0.25),
                (1.0, 0.5),
                (0.5, 0.5),
                (0.5, 1.0),
                (1.0, 1.0),
            ] {
                for unseen_start in [1.0, 1.1, 1.2] {
                    let margins = Margins {
                        rest,
                        spread,
                        days,
                        exponent,
                        unseen_start,
                    };
                    try_margins(&cases, &margins);
                }
            }
        }
    }
}

fn try_margins(cases: &[Case], margins: &Margins) {
    let mut tallies = vec![Tally::default(); LEARNED.len()];
    for case in cases {
        let max = advise(case.seen.clone(), margins).max;
        tallies[case.nth].add_peaks(Some(max), &case.peaks, case.days);
    }
    let join = |of: &dyn Fn(&Tally) -> f64| {
        let figures: Vec<String> = tallies.iter().map(|t| format!("{:.0}", of(t))).collect();
        figures.join(", ")
    };
    println!(
        "| {} | {} | {} | {} | {} | {} | {} | {} |",
        margins.rest,
        margins.spread,
        margins.days,
        margins.exponent,
        margins.unseen_start,
        join(&Tally::share),
        join(&|t| t.left_over(0.5)),
        join(&|t| t.left_over(0.9)),
    );
}
