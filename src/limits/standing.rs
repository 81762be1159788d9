//! How the limits on disk stand against those in force: pending, withheld, overridden.

use std::collections::BTreeSet;

use crate::limits::plan::{Plan, Row, When};
use crate::systemd::names::UnitName;

/// How they stand; nothing in it where everything on disk is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Units with a limit that is on disk and not in force: a reload, a nudge or a start brings it, whoever asks for
    /// that.
    pub pending: BTreeSet<UnitName>,
    /// How many limits wait for their unit's next start, because it holds too much for them.
    pub withheld: usize,
    /// How many limits of profiles another line overrides.
    pub overridden: usize,
}

impl Standing {
    /// By the plan of what is installed already.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let count = |is: fn(&Row) -> bool| plan.rows.iter().filter(|row| is(row)).count();
        let pending = plan.rows.iter().filter(|row| is_pending(row));
        Self {
            pending: pending.map(|row| row.unit.clone()).collect(),
            withheld: count(|row| row.withheld.is_some()),
            overridden: count(|row| row.overridden.is_some()),
        }
    }
}

/// A withheld limit is not in force either, but for a reason of its own.
fn is_pending(row: &Row) -> bool {
    row.when != When::Unchanged && row.withheld.is_none()
}
