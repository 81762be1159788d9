//! What is told of a restart or reload: one line each, readable at three in the morning.

use super::gate::Withheld;
use super::{Deed, Wish};
use crate::journal::{Event, Kind};
use crate::systemd::names::UnitName;

/// It is wanted, and withheld.
#[must_use]
pub fn withheld(wish: &Wish, unit: &UnitName, by: &Withheld) -> Event {
    let deed = match wish.deed {
        Deed::Restart => "restarted",
        Deed::Reload => "reloaded",
    };
    let mut event = event(
        Kind::Withheld,
        wish,
        unit,
        format!("{unit} is not {deed}: {}", by.why),
    );
    event.why = Some(by.gate.name().to_owned());
    event.until = by.until;
    event
}

/// An event of a wish.
pub(super) fn event(kind: Kind, wish: &Wish, unit: &UnitName, message: String) -> Event {
    let mut event = Event::new(kind, Some(unit), message);
    event.rule = wish.rules.first().cloned();
    event
}
