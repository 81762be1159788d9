//! One recording from its beginning to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use jiff::Timestamp;

use super::player::Host;
use super::{Fault, Faults, Given, Player, Reading, Told, Trace, What};

/// What a recording came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Played {
    /// How many readings it has.
    pub readings: u64,
    /// The first.
    pub from: Option<Timestamp>,
    /// The last.
    pub until: Option<Timestamp>,
    /// What would have been told and done, in the order of time; nothing of a recording with faults.
    pub lines: Vec<Line>,
    /// Rules that could not be judged at the last reading, and have told nothing: what was missing.
    pub blind: BTreeMap<String, String>,
    /// Columns that are not known, and were not read.
    pub unknown: BTreeSet<String>,
    /// What could not be read.
    pub faults: Faults,
}

/// What would have been told or done.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// By which of the profiles that are compared.
    pub side: usize,
    /// The time as it stands in the recording.
    pub time: String,
    /// What.
    pub told: Told,
    /// It stands for so many that were done: one, until it is summed up.
    pub times: usize,
}

impl Played {
    /// Keeps what a table shows: of each rule the first time that it fired, and the first that something was done with
    /// how often that was. Thousands of recordings are kept until the last is played.
    #[must_use]
    pub fn summed_up(mut self) -> Self {
        let mut kept: Vec<Line> = Vec::new();
        for line in std::mem::take(&mut self.lines) {
            let mut same = kept
                .iter_mut()
                .filter(|k| k.side == line.side && k.told.rule == line.told.rule);
            if line.told.is_done {
                match same.find(|kept| kept.told.is_done) {
                    Some(first) => first.times += line.times,
                    None => kept.push(line),
                }
            } else if line.told.what == What::Fired && same.next().is_none() {
                kept.push(line);
            }
        }
        self.lines = kept;
        self
    }
}

/// The players of the profiles that are compared; one, where none is.
struct Sides<'a> {
    players: Vec<Player<'a>>,
    played: Played,
}

impl<'a> Sides<'a> {
    fn new(sides: &'a [Given], host: &'a Host) -> Self {
        Self {
            players: sides.iter().map(|side| Player::new(side, host)).collect(),
            played: Played::default(),
        }
    }

    /// A reading for all of them. `time` is how it stands in the recording.
    fn take(&mut self, reading: &Reading, time: impl Fn() -> String) {
        let played = &mut self.played;
        played.readings += 1;
        played.from.get_or_insert(reading.time);
        played.until = Some(reading.time);
        for (side, player) in self.players.iter_mut().enumerate() {
            for told in player.take(reading) {
                played.lines.push(Line {
                    side,
                    time: time(),
                    told: told.clone(),
                    times: 1,
                });
            }
        }
    }

    fn end(mut self) -> Played {
        let played = &mut self.played;
        for (side, player) in self.players.iter().enumerate() {
            let standing = player.standing().map(|(rules, ..)| rules);
            for rule in standing.into_iter().flatten() {
                let told = |line: &Line| line.side == side && line.told.rule == rule.rule;
                if played.lines.iter().any(told) {
                    continue;
                }
                let unknown = rule.terms.into_iter().find(|term| term.holds.is_none());
                if let Some(missing) = unknown.and_then(|term| term.missing) {
                    played.blind.insert(rule.rule, missing);
                }
            }
        }
        self.played
    }
}

/// Plays a trace.
pub fn play<R: Read>(source: R, sides: &[Given], host: &Host) -> Played {
    let mut all = Sides::new(sides, host);
    let mut trace = match Trace::open(source) {
        Ok(trace) => trace,
        Err(faults) => {
            all.played.faults = faults;
            return all.played;
        }
    };
    all.played.unknown.extend(trace.unknown().iter().cloned());
    while trace.advance() {
        all.take(trace.reading(), || trace.time());
    }
    let faults = faults(&trace, all.played.readings);
    if !faults.is_empty() {
        all.played.lines.clear();
        all.played.faults = faults;
        return all.played;
    }
    all.end()
}

/// What is wrong with a trace that was read to its end.
fn faults<R: Read>(trace: &Trace<R>, readings: u64) -> Faults {
    let mut faults = trace.faults().clone();
    if faults.is_empty() && readings == 0 {
        faults.push(Fault {
            line: 0,
            column: 0,
            message: "there is no reading under the header".to_owned(),
        });
    }
    faults
}

/// Plays readings that are there already.
#[must_use]
pub fn play_readings(readings: &[Reading], sides: &[Given], host: &Host) -> Played {
    let mut all = Sides::new(sides, host);
    for reading in readings {
        all.take(reading, || reading.time.to_string());
    }
    all.end()
}

/// Plays a trace until a time, that included; the player as it is then, and the time of its last reading as it stands
/// there. `None`: it begins later.
///
/// # Errors
/// What of the trace cannot be read.
pub fn play_until<'a, R: Read>(
    source: R,
    given: &'a Given,
    host: &'a Host,
    until: Timestamp,
) -> Result<Option<(Player<'a>, String)>, Faults> {
    let mut trace = Trace::open(source)?;
    let mut player = Player::new(given, host);
    let mut last = None;
    let mut readings = 0;
    while trace.advance() {
        readings += 1;
        if trace.reading().time > until {
            break;
        }
        player.take(trace.reading());
        last = Some(trace.time());
    }
    let faults = faults(&trace, readings);
    match faults.is_empty() {
        true => Ok(last.map(|last| (player, last))),
        false => Err(faults),
    }
}
