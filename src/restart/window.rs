//! Restart windows in their time zone, and this machine's turn within them.

use jiff::tz::TimeZone;

use crate::profile::restart::Window;

/// The time zone that a window is told in: the one it names, else the local one. `None`: this machine does not know it.
#[must_use]
pub fn zone(window: Option<&Window>, local: &TimeZone) -> Option<TimeZone> {
    match window.and_then(|window| window.zone.as_deref()) {
        Some(name) => TimeZone::get(name).ok(),
        None => Some(local.clone()),
    }
}
