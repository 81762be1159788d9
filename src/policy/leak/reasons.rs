//! The gates in words, for who asks why.

use super::Reason;
use super::judge::{self, Doubt, Judged};
use super::take::{Detector, PAGE, SCALES};
use crate::units::{Span, show_bytes};

pub(super) fn reasons(detector: &Detector) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some((scale, judged)) = chosen(detector) {
        of_scale(&mut reasons, detector, scale, &judged);
    } else {
        reasons.push(Reason {
            name: "watched",
            figure: format!("{} of this start", span(detector.age as f32)),
            threshold: "at least 12min".to_owned(),
            holds: None,
        });
    }
    if let Some(found) = detector.found {
        reasons.push(Reason {
            name: "found",
            figure: match detector.age.saturating_sub(found.age) {
                0..60 => format!("a leak just now, at {}", bytes(found.to)),
                ago => format!("a leak {} ago, at {}", span(ago as f32), bytes(found.to)),
            },
            threshold: format!(
                "until {:.0} % of the rise are given back, it has stopped, or the limit is raised by a quarter",
                super::take::GIVEN * 100.0
            ),
            holds: Some(true),
        });
    }
    if let Some(limit) = detector.limit
        && detector.is_need
    {
        let low = detector.near_low();
        reasons.push(Reason {
            name: "near the limit",
            figure: match low {
                Some(low) => format!(
                    "never under {} of {} for 12min",
                    bytes(low as f32),
                    bytes(limit as f32)
                ),
                None => "not watched for 12min".to_owned(),
            },
            threshold: format!("at least {:.0} %, twice", super::take::NEAR * 100.0),
            holds: low.map(|_| detector.is_near()),
        });
        if detector.is_soon() {
            reasons.push(Reason {
                name: "soon",
                figure: "it grows, and reaches the limit within minutes".to_owned(),
                threshold: format!("at {:.0} % of it or more", super::take::SOON * 100.0),
                holds: Some(true),
            });
        }
    }
    reasons
}

/// The scale that the verdict stands on; where none grows, the one that comes nearest.
fn chosen(detector: &Detector) -> Option<(usize, Judged)> {
    if let Some(scale) = detector.scale()
        && let Some(judged) = detector.judged(scale)
    {
        return Some((scale, judged));
    }
    (0..SCALES)
        .filter_map(|scale| Some((scale, detector.judged(scale)?)))
        .max_by(|(_, a), (_, b)| a.trend.rise().total_cmp(&b.trend.rise()))
}

fn of_scale(reasons: &mut Vec<Reason>, detector: &Detector, scale: usize, judged: &Judged) {
    let bucket = detector.bucket(scale) as f32;
    let trend = judged.trend;
    let rise = trend.rise();
    let mut push = |name, figure: String, threshold: String, holds| {
        reasons.push(Reason {
            name,
            figure,
            threshold,
            holds,
        });
    };
    let left = judged.room.map_or(0.0, |room| judge::LEFT * room);
    let least = judge::RISE.max(judge::SHARE * trend.to).max(left);
    let of = if least == judge::RISE {
        String::new()
    } else if least > left {
        format!(", {:.0} % of {}", judge::SHARE * 100.0, bytes(trend.to))
    } else {
        let room = bytes(judged.room.unwrap_or(0.0));
        format!(
            ", {:.0} % of the {room} below the limit",
            judge::LEFT * 100.0
        )
    };
    push(
        "rise",
        format!("{} in {}", signed(rise), span(trend.span * bucket)),
        format!("at least {}{of}", bytes(least)),
        Some(rise >= least),
    );
    if !judged.is_weighed {
        return;
    }
    push(
        "direction",
        format!(
            "{:.0} % of the pairs rise, less those that fall",
            judged.tau * 100.0
        ),
        format!("at least {:.0} %", judged.least_tau() * 100.0),
        Some(judged.tau >= judged.least_tau()),
    );
    push(
        "steps",
        format!("as even as {:.1} steps", judged.steps),
        format!("at least {:.1}", judged.least_steps),
        Some(judged.steps >= judged.least_steps),
    );
    push(
        "still rising",
        format!(
            "the last quarter at {:.0} % of the pace",
            judged.recent * 100.0
        ),
        format!("at least {:.0} %", judge::RECENT * 100.0),
        Some(judged.recent >= judge::RECENT),
    );
    push(
        "new ground",
        if judged.before > trend.from {
            format!(
                "{} over the {} that were given back before",
                bytes(judged.fresh),
                bytes(judged.before)
            )
        } else {
            format!("{}, nothing was given back", bytes(judged.fresh))
        },
        format!("at least {:.0} % of the rise", judge::FRESH * 100.0),
        Some(judged.fresh >= judge::FRESH * rise),
    );
    if !judged.kept {
        push(
            "kept",
            "part of the rise was given back just now".to_owned(),
            "nothing of that".to_owned(),
            Some(false),
        );
    }
    let Some(room) = judged.room else {
        push(
            "limit",
            "not known".to_owned(),
            "a limit to be reached".to_owned(),
            None,
        );
        return;
    };
    // What was not asked any more is no reason.
    if !judged.is_doubted {
        return;
    }
    if let Some(beside) = judged.beside {
        push(
            "beside load",
            format!(
                "{:.0} % of the rise are not explained by CPU time",
                beside * 100.0
            ),
            format!(
                "at least {:.0} %, or {:.0} % where load rose",
                judge::BESIDE * 100.0,
                judge::BESIDE * judge::LOADED * 100.0
            ),
            Some(!judged.has(Doubt::Load)),
        );
    }
    let slow = trend.left();
    push(
        "slowing down",
        if slow.is_finite() {
            format!(
                "the second half rose {:.0} % of the first; {} are still to come",
                trend.ratio() * 100.0,
                bytes(slow.min(1e12))
            )
        } else {
            "not at all".to_owned()
        },
        format!("to come: at least the {} below the limit", bytes(room)),
        Some(slow >= room),
    );
    let doubts: Vec<&str> = Doubt::ALL
        .iter()
        .filter(|&&doubt| judged.has(doubt))
        .map(|doubt| doubt.words())
        .collect();
    push(
        "risen of what is left",
        format!(
            "{:.0} %: {} of {}",
            judged.fresh / room.max(1.0) * 100.0,
            bytes(judged.fresh),
            bytes(room)
        ),
        format!(
            "at least {:.0} %{}{}",
            judged.demand * 100.0,
            if doubts.is_empty() { "" } else { ": " },
            doubts.join(", ")
        ),
        Some(judged.fresh >= judged.demand * room),
    );
}

impl Doubt {
    /// What is doubted, in words.
    fn words(self) -> &'static str {
        match self {
            Self::First => "it never stood still for long",
            Self::Cycle => "less than one or two days were watched",
            Self::Load => "most of it goes with load",
            Self::Cache => "page cache may be in it",
            Self::Within => "it grows for less than 12h",
            Self::Still => "it stands still just now",
            Self::Tried => "it was taken for a leak before",
            Self::Short => "it grows for less than 3h",
            Self::Shorter => "it grows for less than 1h",
            Self::Worked => "an earlier start stopped here",
            Self::Slower => "it slows down",
            Self::Uneven => "it rises by few steps",
            Self::Gave => "as much was given back before",
        }
    }
}

fn bytes(pages: f32) -> String {
    show_bytes((f64::from(pages.max(0.0)) * PAGE as f64) as u64)
}

fn signed(pages: f32) -> String {
    let sign = if pages < 0.0 { "-" } else { "" };
    format!("{sign}{}", bytes(pages.abs()))
}

/// Seconds in their two largest units or so.
fn span(seconds: f32) -> String {
    let unit = match seconds {
        s if s < 2.0 * 3600.0 => 60,
        s if s < 2.0 * 86_400.0 => 600,
        _ => 3600,
    };
    let seconds = seconds.max(0.0) as u64;
    Span::seconds(seconds.saturating_add(unit / 2) / unit * unit).to_string()
}
