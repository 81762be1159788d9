//! What a restart or reload was worth.

use super::Look;

/// What was freed; nothing if it grew.
#[must_use]
pub fn freed(before: Option<u64>, after: Option<u64>) -> Option<u64> {
    Some(before?.saturating_sub(after?))
}

/// Whether the need is back: at nine tenths of what it was, or more.
#[must_use]
pub fn is_back(before: u64, need: u64) -> bool {
    u128::from(need) * 10 >= u128::from(before) * 9
}

/// For how long a unit was not active, in microseconds: from the end of the start that was looked at before to the
/// beginning of the one that was looked at after. `None` where the two do not tell that.
#[must_use]
pub fn downtime(before: &Look, after: &Look) -> Option<u64> {
    let left = after.active_exit_usec > 0 && after.active_exit_usec >= before.active_enter_usec;
    (left && before.invocation != after.invocation)
        .then(|| after.active_enter_usec.checked_sub(after.active_exit_usec))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(freed(Some(412), Some(181)), Some(231));
        assert_eq!(freed(Some(181), Some(412)), Some(0), "it grew");
        assert_eq!(freed(Some(412), None), None);
        assert_eq!(freed(None, Some(181)), None);
        assert!(!is_back(1000, 899));
        assert!(is_back(1000, 900));
        assert!(is_back(u64::MAX, u64::MAX));
    }

    #[test]
    fn downtimes() {
        let look = |invocation: &str, enter, exit| Look {
            invocation: invocation.to_owned(),
            active_enter_usec: enter,
            active_exit_usec: exit,
            ..Look::default()
        };
        let before = look("a", 1_000, 0);
        assert_eq!(downtime(&before, &look("b", 9_000, 6_900)), Some(2_100));
        assert_eq!(downtime(&before, &look("b", 9_000, 9_000)), Some(0));
        assert_eq!(downtime(&before, &look("a", 1_000, 0)), None, "never left");
        assert_eq!(
            downtime(&before, &look("b", 1_000, 6_900)),
            None,
            "not back yet"
        );
        assert_eq!(
            downtime(&before, &look("b", 9_000, 900)),
            None,
            "left before it was looked at"
        );
    }
}
