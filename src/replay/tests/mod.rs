//! Recordings as text, what is read of them, and what rules would have done.

mod cells;
mod faults;
mod plays;
mod properties;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::limits::dropin::Installed;
use crate::profile::{Options, Source, check};
use crate::systemd::names::UnitName;

const M: u64 = 1 << 20;

fn host() -> Host {
    Host {
        machine: 0,
        local: TimeZone::UTC,
        protect: Vec::new(),
    }
}

/// What a profile with these lines under its unit gives it.
fn given(lines: &str) -> Given {
    let text = format!("[unit.\"a.service\"]\n{lines}\n");
    let checked = check(
        &Source::new("a", "a.toml", text.into()),
        &Options::default(),
    );
    assert!(!checked.failed(), "{:?}", checked.faults);
    let installed = Installed {
        profile: checked.profile,
        path: "a.toml".into(),
        hash: String::new(),
    };
    let unit = UnitName::parse("a.service").expect("a name");
    Given::of(&[installed], &unit, None).expect("it is named")
}

/// The readings of a trace, and its faults as they are told.
fn read(text: &str) -> (Vec<Reading>, Vec<String>) {
    let told = |faults: &Faults| faults.told.iter().map(ToString::to_string).collect();
    let mut trace = match Trace::open(text.as_bytes()) {
        Ok(trace) => trace,
        Err(faults) => return (Vec::new(), told(&faults)),
    };
    let mut readings = Vec::new();
    while trace.advance() {
        readings.push(*trace.reading());
    }
    (readings, told(trace.faults()))
}

/// A trace of need in MiB, one reading a minute from a full minute on.
fn minutes(needs: impl IntoIterator<Item = u64>) -> String {
    let rows = needs
        .into_iter()
        .zip(0_u64..)
        .map(|(need, row)| format!("{},{},{}\n", 1_700_000_040 + row * 60, need * M, need * M));
    format!("time,current,anon\n{}", rows.collect::<String>())
}

/// What is told on a trace: `5 +above restart`, the minute, the change, and what is done or forbids it.
fn told(text: &str, given: &Given) -> Vec<String> {
    let played = play(text.as_bytes(), std::slice::from_ref(given), &host());
    assert!(played.faults.is_empty(), "{:?}", played.faults);
    let word = |line: &Line| {
        let told = &line.told;
        let minute = (told.time.as_second() - 1_700_000_040) / 60;
        let mut words = format!("{minute} {} {}", told.what.name(), told.rule);
        if told.is_done {
            words += &format!(" {}", told.action.name());
        }
        if let Some(withheld) = &told.withheld {
            words += &format!(" not: {}", withheld.gate.name());
        }
        words
    };
    played.lines.iter().map(word).collect()
}
