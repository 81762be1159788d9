//! One gate a function.

use jiff::Timestamp;

use super::{Circumstances, Gate, INEFFECTIVE, Withheld};
use crate::restart::machine::Step;
use crate::restart::window::{self, earlier, later};
use crate::restart::{Deed, Dependent, Done, Look, Wish, protect};
use crate::state::Hold;
use crate::systemd::names::{UnitName, UnitType};
use crate::units::Span;

/// A question to the gates.
pub(super) struct Asked<'a> {
    pub(super) wish: &'a Wish,
    pub(super) unit: &'a UnitName,
    pub(super) c: &'a Circumstances<'a>,
    pub(super) now: Timestamp,
}

impl Asked<'_> {
    pub(super) fn type_of(&self) -> Option<Withheld> {
        let unit_type = self.unit.unit_type();
        (unit_type != UnitType::Service).then(|| {
            let why = format!("it is a {}, and only services are", unit_type.suffix());
            until(Gate::NotService, why, None)
        })
    }

    pub(super) fn protected(&self) -> Option<Withheld> {
        let why = protect::why(self.unit.as_str(), self.c.protect)?;
        Some(until(
            Gate::Protected,
            format!("it is protected: {why}"),
            None,
        ))
    }

    /// `released`: what ends it, as `memctl release` names it.
    pub(super) fn held(
        &self,
        gate: Gate,
        hold: Option<&Hold>,
        what: &str,
        released: &str,
    ) -> Option<Withheld> {
        let hold = hold.filter(|hold| hold.until.is_none_or(|end| self.now < end))?;
        let end = match (hold.until, &hold.by) {
            (Some(end), _) => format!("until {}", self.show(end)),
            // The switch of a fleet: no verb ends that.
            (None, Some(by)) if by.starts_with('/') => "until that file is removed".to_owned(),
            (None, _) => format!("until `memctl release {released}`"),
        };
        let by = hold.by.as_ref().map(|by| format!(" by {by}"));
        let why = format!("{what} is held{} {end}", by.unwrap_or_default());
        Some(until(gate, why, hold.until))
    }

    pub(super) fn unwritable(&self) -> Option<Withheld> {
        let why =
            "what is done could not be remembered: memctl's state folder cannot be written to";
        (!self.c.writable).then(|| until(Gate::Unwritable, why.to_owned(), None))
    }

    pub(super) fn ineffective(&self) -> Option<Withheld> {
        let found = self.c.state.ineffective.as_ref()?;
        let end = later(found.since.min(self.now), INEFFECTIVE);
        let counts = found.of == self.c.fingerprint && self.now < end;
        counts.then(|| {
            let why = format!(
                "restarts do not help it; until {}, `memctl release {}`, or a change of its profile or unit",
                self.show(end),
                self.unit
            );
            until(Gate::Ineffective, why, Some(end))
        })
    }

    /// When such things were done before, the oldest first; a reload does not count against a restart. What a clock
    /// that was stepped back makes a thing of the future was done just now.
    fn done(&self) -> Vec<Timestamp> {
        let counts = |done: &&Done| self.wish.deed == Deed::Reload || done.deed == Deed::Restart;
        let done = self.c.state.done.iter().filter(counts);
        let mut times: Vec<Timestamp> = done.map(|done| done.time.min(self.now)).collect();
        times.sort_unstable();
        times
    }

    pub(super) fn limit(&self) -> Option<Withheld> {
        let limit = self.c.settings.limit();
        let count = usize::try_from(limit.count).unwrap_or(usize::MAX);
        let mut within = self.done();
        within.retain(|time| self.now < later(*time, limit.within));
        let first = within.len().checked_sub(count)?;
        let end = within.get(first).map(|time| later(*time, limit.within));
        let next = end.map(|end| format!("; again from {} on", self.show(end)));
        let why = format!(
            "limit = {}/{} is used up{}",
            limit.count,
            limit.within,
            next.unwrap_or_default()
        );
        Some(until(Gate::Limit, why, end))
    }

    pub(super) fn cooldown(&self) -> Option<Withheld> {
        let last = *self.done().last()?;
        let end = later(last, self.c.settings.cooldown());
        (self.now < end).then(|| {
            let why = format!(
                "the last time was {}; cooldown = {} ends {}",
                self.show(last),
                self.c.settings.cooldown(),
                self.show(end)
            );
            until(Gate::Cooldown, why, Some(end))
        })
    }

    /// The window, and this machine's turn within it.
    pub(super) fn window(&self) -> Option<Withheld> {
        if self.wish.ignores_window {
            return None;
        }
        let jitter = self.c.settings.jitter;
        let Some(window) = &self.c.settings.window else {
            let turn = window::delayed(
                self.c.wished?.min(self.now),
                jitter?,
                self.c.machine,
                self.unit,
            );
            return self.turn(turn);
        };
        let shown = window::show(window);
        let Some(zone) = self.c.zone else {
            let why = format!("window = {shown}: this machine does not know the time zone");
            return Some(until(Gate::Window, why, None));
        };
        let Some(opening) = window::opening(window, zone, self.now) else {
            return Some(until(
                Gate::Window,
                format!("window = {shown} never opens"),
                None,
            ));
        };
        let turn = window::turn(opening, jitter, self.c.machine, self.unit);
        if opening.contains(self.now) {
            return self.turn(turn);
        }
        let begin = self.show(opening.begin);
        let own = (turn != opening.begin).then(|| format!(", its turn comes {}", self.show(turn)));
        let why = format!(
            "outside of window = {shown}, which opens {begin}{}",
            own.unwrap_or_default()
        );
        // Nothing happens at the window's first moment, if this machine's turn comes later.
        Some(until(Gate::Window, why, Some(turn)))
    }

    fn turn(&self, turn: Timestamp) -> Option<Withheld> {
        (self.now < turn).then(|| {
            let why = format!(
                "restarts are spread over time, its turn comes {}",
                self.show(turn)
            );
            until(Gate::Jitter, why, Some(turn))
        })
    }

    /// A restart in the middle of a task is what `idle` is to prevent: what cannot be told forbids it.
    pub(super) fn idle(&self) -> Option<Withheld> {
        let wanted = self.c.settings.idle.is_some() && !self.wish.ignores_idle;
        let why = "it is to be idle first, and this version of memctl cannot tell whether it is";
        wanted.then(|| until(Gate::Idle, why.to_owned(), None))
    }

    pub(super) fn busy(&self) -> Option<Withheld> {
        let other = self.c.busy.filter(|other| *other != self.unit.as_str());
        let own = self.c.state.run.as_ref().and_then(|run| match run.step {
            // It is this very one that asks again.
            Step::Again | Step::Ended => None,
            Step::Judging { .. } => {
                let judged = "whether the last time helped is being judged";
                (!self.wish.is_by_hand()).then(|| judged.to_owned())
            }
            _ => Some("that is under way already".to_owned()),
        });
        let other = || {
            Some(format!(
                "{} is being restarted, and one unit at a time is",
                other?
            ))
        };
        Some(until(Gate::Busy, own.or_else(other)?, None))
    }

    pub(super) fn dependent(&self, dependent: &Dependent) -> Option<Withheld> {
        let Dependent { unit, by, .. } = dependent;
        let along = format!("{unit} would go down with it ({by}=), and");
        if let Some(why) = protect::why(unit, self.c.protect) {
            let why = format!("{along} is protected: {why}");
            return Some(until(Gate::DependentProtected, why, None));
        }
        let held = self.held(Gate::DependentHeld, self.c.holds.get(unit), "", unit)?;
        let why = format!("{along}{}", held.why);
        Some(Withheld { why, ..held })
    }

    /// No property shows PID 1's counter, and each restart counts (FACTS 18): it is reckoned from what is known, at
    /// worst too high.
    pub(super) fn start_limit(&self, look: &Look) -> Option<Withheld> {
        let interval = Span(look.start_limit_usec);
        let started = look.started?;
        let end = later(started, interval);
        // Started in the future: the clock was stepped back. By more than the interval, it tells nothing.
        let recent = self.now < end && started <= later(self.now, interval);
        if look.start_limit_burst == 0 || interval.0 == 0 || !recent {
            return None;
        }
        let since = earlier(self.now, interval);
        let own = self.c.state.done.iter();
        let own = own.filter(|done| done.deed == Deed::Restart && done.time > since);
        // The present start is among those that memctl made, if it made any.
        let own = u32::try_from(own.count()).unwrap_or(u32::MAX).max(1);
        let starts = look.restarts.saturating_add(own);
        (starts >= look.start_limit_burst).then(|| {
            let why = format!(
                "it started {} within {interval}, StartLimitBurst={} forbids one more before {}",
                if starts == 1 {
                    "once".to_owned()
                } else {
                    format!("{starts} times")
                },
                look.start_limit_burst,
                self.show(end)
            );
            until(Gate::StartLimit, why, Some(end))
        })
    }

    /// A moment in local time; without its date where it is today.
    fn show(&self, time: Timestamp) -> String {
        let zone = self.c.local;
        let (time, now) = (zone.to_datetime(time), zone.to_datetime(self.now));
        let form = if time.date() == now.date() {
            "%H:%M:%S"
        } else {
            "%F %T"
        };
        time.strftime(form).to_string()
    }
}

fn until(gate: Gate, why: String, until: Option<Timestamp>) -> Withheld {
    Withheld { gate, why, until }
}
