//! One recording from its beginning to its end.

use std::collections::BTreeSet;
use std::io::Read;

use jiff::Timestamp;

use super::player::Host;
use super::{Faults, Given, Player, Reading, Told, Trace};

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

    /// A reading for all of them; whether anything was told. `time` is how it stands in the recording.
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
                });
            }
        }
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
    if !trace.faults().is_empty() {
        all.played.lines.clear();
        all.played.faults = trace.faults().clone();
    }
    all.played
}

/// Plays readings that are there already.
#[must_use]
pub fn play_readings(readings: &[Reading], sides: &[Given], host: &Host) -> Played {
    let mut all = Sides::new(sides, host);
    for reading in readings {
        all.take(reading, || reading.time.to_string());
    }
    all.played
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
    while trace.advance() {
        if trace.reading().time > until {
            break;
        }
        player.take(trace.reading());
        last = Some(trace.time());
    }
    match trace.faults().is_empty() {
        true => Ok(last.map(|last| (player, last))),
        false => Err(trace.faults().clone()),
    }
}
