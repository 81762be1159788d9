//! The tables of docs/detector.md.

use crate::families::{Family, Label};
use crate::judges::{Alarm, Kind, OWN};
use crate::load::DAY;
use crate::measure::{Record, Tally};
use crate::stats::{binomial, poisson};

/// All of them.
pub fn print(records: &[Record], families: &[&'static Family], kinds: &[Kind]) {
    let of = |labels: &[Label]| tallies(records, kinds.len(), |f| labels.contains(&f.label));
    totals(
        "All services, those that nobody can know included",
        kinds,
        &of(&[Label::Healthy, Label::Leak, Label::Undecidable]),
    );
    totals(
        "Without those that nobody can know",
        kinds,
        &of(&[Label::Healthy, Label::Leak]),
    );
    let each = |labels: &[Label]| -> Vec<(&'static str, Vec<Tally>)> {
        let chosen = families.iter().filter(|f| labels.contains(&f.label));
        chosen
            .map(|f| (f.name, tallies(records, kinds.len(), |g| g.name == f.name)))
            .collect()
    };
    healthy("Services that do not leak", kinds, &each(&[Label::Healthy]));
    healthy(
        "Nobody can know: it grows as a leak does, and then stops",
        kinds,
        &each(&[Label::Undecidable]),
    );
    healthy(
        "Apart, in no total: a restart helps little and harms little",
        kinds,
        &each(&[Label::Apart]),
    );
    leaking(kinds, &each(&[Label::Leak]));
}

fn tallies(records: &[Record], judges: usize, which: impl Fn(&Family) -> bool) -> Vec<Tally> {
    let mut tallies = vec![Tally::default(); judges];
    for record in records.iter().filter(|r| which(r.trace.family)) {
        for (tally, outcome) in tallies.iter_mut().zip(&record.outcomes) {
            tally.add(record.trace.family.label, outcome);
        }
    }
    tallies
}

fn totals(title: &str, kinds: &[Kind], tallies: &[Tally]) {
    println!("### {title}\n");
    if let Some(first) = tallies.first() {
        println!(
            "{} services, {} of them leak; {:.1} unit-years without a leak.\n",
            first.units,
            first.leaking,
            first.years()
        );
    }
    println!(
        "| detector | P | R | F1 | wrong on | false alarms per unit-year | delay, median (p90) | with 20 % left | caught by \
         the net | cost at 3 | 10 | 30 |"
    );
    println!("|---|{}", "--:|".repeat(11));
    for (kind, tally) in kinds.iter().zip(tallies) {
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.0} | {:.0} | {:.0} |",
            kind.name,
            share(tally.precision()),
            share(tally.recall()),
            share(tally.f1()),
            percent(tally.mistaken, tally.units),
            rate(tally),
            delay(tally),
            share(tally.in_time()),
            percent(tally.by_net, tally.caught),
            tally.cost(3.0),
            tally.cost(10.0),
            tally.cost(30.0),
        );
    }
    println!();
    for (kind, tally) in kinds.iter().zip(tallies).take(OWN) {
        let (p, r) = (
            binomial(tally.caught, tally.caught + tally.mistaken),
            binomial(tally.caught, tally.leaking),
        );
        println!(
            "95 % intervals of {}: P {}–{}, R {}–{}.",
            kind.name,
            share(p.0),
            share(p.1),
            share(r.0),
            share(r.1)
        );
    }
    println!();
}

/// A line a family: memctl at length, of the others how many services they restarted.
fn healthy(title: &str, kinds: &[Kind], families: &[(&str, Vec<Tally>)]) {
    if families.is_empty() {
        return;
    }
    println!("### {title}\n");
    println!("Services restarted; behind memctl's, restarts per unit-year and their interval.\n");
    by_family(kinds, families, |nth, tally| {
        let wrong = percent(tally.mistaken, tally.units);
        match nth {
            0 => format!("{wrong}, {}", rate(tally)),
            _ => wrong,
        }
    });
}

/// A line a family: memctl at length, of the others recall and the median delay.
fn leaking(kinds: &[Kind], families: &[(&str, Vec<Tally>)]) {
    if families.is_empty() {
        return;
    }
    println!("### Services that leak\n");
    println!(
        "Recall and median delay; of memctl's first line also the 90th percentile, recall with 20 % left, restarts before \
         the onset, and cost at 10.\n"
    );
    by_family(kinds, families, |nth, tally| match nth {
        0 => format!(
            "{}, {}, {}, {}, {:.0}",
            share(tally.recall()),
            delay(tally),
            share(tally.in_time()),
            tally.mistakes,
            tally.cost(10.0)
        ),
        _ => format!("{}, {}", share(tally.recall()), share(tally.delay(0.5))),
    });
}

/// The judges side by side, a line a family; `cell` is told which of them it is.
fn by_family(
    kinds: &[Kind],
    families: &[(&str, Vec<Tally>)],
    cell: impl Fn(usize, &Tally) -> String,
) {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    println!("| | {} |", names.join(" | "));
    println!("|---|{}", "--:|".repeat(names.len()));
    for (name, tallies) in families {
        let cells = tallies.iter().enumerate();
        let cells: Vec<String> = cells.map(|(nth, tally)| cell(nth, tally)).collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    println!();
}

/// Each trace that memctl was wrong on, with what it is.
pub fn failures(records: &[Record], kinds: &[Kind]) {
    for (nth, kind) in kinds.iter().enumerate().take(OWN) {
        for record in records
            .iter()
            .filter(|r| r.trace.family.label != Label::Apart)
        {
            let outcome = &record.outcomes[nth];
            let mut faults: Vec<String> = outcome
                .mistakes
                .iter()
                .take(3)
                .map(|(since, alarm)| format!("{} on day {:.3}", word(*alarm), since / DAY))
                .collect();
            if outcome.mistakes.len() > 3 {
                faults.push(format!("{} more", outcome.mistakes.len() - 3));
            }
            if outcome.hit {
                faults.push("limit hit".to_owned());
            }
            if !faults.is_empty() {
                println!(
                    "{}: {} {}: {}; {}",
                    kind.name,
                    record.trace.family.name,
                    record.trace.seed,
                    faults.join(", "),
                    record.trace.describe()
                );
            }
        }
    }
}

fn word(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::Leak => "leak",
        Alarm::NearLimit => "near-limit",
    }
}

/// `.987`; `–` where there is nothing to divide.
fn share(part: f64) -> String {
    if part.is_finite() {
        let text = format!("{part:.3}");
        text.strip_prefix('0').unwrap_or(&text).to_owned()
    } else {
        "–".to_owned()
    }
}

fn percent(part: usize, whole: usize) -> String {
    match whole {
        0 => "–".to_owned(),
        _ => format!("{:.1} %", part as f64 * 100.0 / whole as f64),
    }
}

/// `0.52 (0.21–1.07)`: events per unit-year and the exact interval of that.
fn rate(tally: &Tally) -> String {
    let years = tally.years();
    if years <= 0.0 {
        return "–".to_owned();
    }
    let (low, high) = poisson(tally.mistakes);
    let per_year = tally.mistakes as f64 / years;
    format!("{per_year:.2} ({:.2}–{:.2})", low / years, high / years)
}

fn delay(tally: &Tally) -> String {
    let (median, most) = (tally.delay(0.5), tally.delay(0.9));
    if median.is_nan() {
        return "–".to_owned();
    }
    format!("{median:.2} ({most:.2})")
}
