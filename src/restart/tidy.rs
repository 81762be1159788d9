//! What is remembered, put in order before it is looked at.

use jiff::Timestamp;

use super::gate::INEFFECTIVE;
use super::window::earlier;
use crate::state::UnitState;
use crate::units::Span;

/// How long it is remembered what was done to a unit.
const REMEMBERED: Span = Span::seconds(31 * 24 * 60 * 60);

/// Times of a future that a clock stepped back has made are now, so that they forbid something for as long as they
/// should, and not until that future; what is over (what was done, and holds that ended, 31 days ago; `ineffective`
/// after a day or with another fingerprint) is dropped. Call it when a state is loaded and before each
/// [`gates`](super::gate::gates); true if anything changed.
pub fn tidy(state: &mut UnitState, fingerprint: &str, now: Timestamp) -> bool {
    let before = (
        state.hold.clone(),
        state.done.clone(),
        state.useless,
        state.ineffective.clone(),
    );
    for done in &mut state.done {
        done.time = done.time.min(now);
    }
    let oldest = earlier(now, REMEMBERED);
    state.done.retain(|done| done.time > oldest);
    if let Some(hold) = &mut state.hold {
        hold.since = hold.since.min(now);
    }
    // Not at its end: a clock that is a day ahead for a minute must not lose it.
    state
        .hold
        .take_if(|hold| hold.until.is_some_and(|end| end <= oldest));
    if let Some(found) = &mut state.ineffective {
        found.since = found.since.min(now);
    }
    let yesterday = earlier(now, INEFFECTIVE);
    let over = state
        .ineffective
        .take_if(|found| found.since <= yesterday || found.of != fingerprint);
    if over.is_some() {
        // A new chance is two restarts again.
        state.useless = 0;
    }
    let after = (
        state.hold.clone(),
        state.done.clone(),
        state.useless,
        state.ineffective.clone(),
    );
    before != after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restart::{Deed, Done};
    use crate::state::{Hold, Ineffective};

    fn time(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    fn state() -> UnitState {
        UnitState {
            hold: Some(Hold {
                since: time("2026-11-24T08:00:00Z"),
                until: Some(time("2026-11-24T12:00:00Z")),
                by: None,
            }),
            done: vec![Done {
                time: time("2026-11-24T09:00:00Z"),
                deed: Deed::Restart,
            }],
            useless: 2,
            ineffective: Some(Ineffective {
                since: time("2026-11-24T09:05:00Z"),
                of: "a".to_owned(),
            }),
            ..UnitState::default()
        }
    }

    #[test]
    fn what_counts_stays() {
        let mut tidied = state();
        assert!(!tidy(&mut tidied, "a", time("2026-11-24T10:00:00Z")));
        assert_eq!(tidied, state());
    }

    #[test]
    fn what_is_over_goes() {
        let mut tidied = state();
        assert!(tidy(&mut tidied, "b", time("2026-11-24T10:00:00Z")));
        assert_eq!(
            (tidied.ineffective, tidied.useless),
            (None, 0),
            "another profile"
        );

        let mut tidied = state();
        assert!(!tidy(&mut tidied, "a", time("2026-11-24T13:00:00Z")));
        assert!(
            tidied.hold.is_some(),
            "a clock that goes ahead for a while does not lose it"
        );
        assert!(tidy(&mut tidied, "a", time("2026-11-25T09:05:00Z")));
        assert_eq!(
            (tidied.ineffective.as_ref(), tidied.useless),
            (None, 0),
            "a day later"
        );

        assert!(!tidy(&mut tidied, "a", time("2026-12-25T08:59:59Z")));
        assert_eq!(tidied.done.len(), 1);
        assert!(tidy(&mut tidied, "a", time("2026-12-25T12:00:00Z")));
        assert_eq!((tidied.done.len(), tidied.hold), (0, None));
    }

    #[test]
    fn a_clock_stepped_back() {
        let mut tidied = state();
        let now = time("2026-11-23T10:00:00Z");
        assert!(tidy(&mut tidied, "a", now));
        assert_eq!(
            tidied.done.first().map(|done| done.time),
            Some(now),
            "counted as now"
        );
        assert_eq!(tidied.ineffective.as_ref().map(|i| i.since), Some(now));
        assert!(
            !tidy(&mut tidied, "a", time("2026-11-23T10:00:10Z")),
            "once, not ever again"
        );
    }
}
