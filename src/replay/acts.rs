//! What rules want to be done on a recording, and whether it would have been: the gates that know of nothing but time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Given;
use super::player::{Host, Told, What};
use crate::policy::Want;
use crate::profile::rule::{Action, Rule};
use crate::restart::gate::{Circumstances, Gate, Withheld, gates};
use crate::restart::tidy::tidy;
use crate::restart::{Deed, Done, Wish, window};
use crate::state::UnitState;

/// What is wanted, and what came of it so far.
#[derive(Debug)]
struct Wished {
    deed: Deed,
    since: Timestamp,
    told: BTreeSet<Gate>,
    /// The rule that asks.
    asks: String,
    /// The gates are asked again from here on.
    next: Timestamp,
}

/// What was done, and what is wanted.
#[derive(Debug)]
pub(super) struct Acts<'a> {
    given: &'a Given,
    host: &'a Host,
    zone: Option<TimeZone>,
    state: UnitState,
    wished: Option<Wished>,
}

impl<'a> Acts<'a> {
    pub fn new(given: &'a Given, host: &'a Host) -> Self {
        Self {
            zone: window::zone(given.restart.window.as_ref(), &host.local),
            state: UnitState::default(),
            wished: None,
            given,
            host,
        }
    }

    /// Whether a rule still waits for what forbids its wish to be over.
    pub fn waits(&self, asks: &Rule, now: Timestamp) -> bool {
        let wished = self.wished.as_ref();
        wished.is_some_and(|wished| {
            now < wished.next && wished.asks == asks.name && deed(asks.action) == Some(wished.deed)
        })
    }

    /// Nothing is wanted any more.
    pub fn nothing(&mut self) {
        self.wished = None;
    }

    /// What would withhold a restart that a rule wants.
    pub fn withheld(&self, now: Timestamp) -> Vec<Withheld> {
        let wish = Wish {
            deed: Deed::Restart,
            rules: vec!["explain".to_owned()],
            why: String::new(),
            ignores_window: false,
            ignores_idle: false,
        };
        let since = self.wished.as_ref().map(|wished| wished.since);
        // What is done at this reading was not there when the gates were asked.
        let mut state = self.state.clone();
        state.done.retain(|done| done.time < now);
        self.gates(&wish, &state, since, now)
    }

    /// Asks the gates whether what a rule wants may go ahead: for a new wish, and when what forbade it is over. What
    /// comes of it stands with what was told of the rule at this reading, or by itself; `blank` has its figures.
    pub fn consider(
        &mut self,
        asks: &Rule,
        want: impl FnOnce() -> Option<Want>,
        told: &mut Vec<Told>,
        blank: Told,
    ) {
        let now = blank.time;
        let Some(deed) = deed(asks.action) else {
            return self.nothing();
        };
        self.wished.take_if(|wished| wished.deed != deed);
        let wished = self.wished.get_or_insert_with(|| Wished {
            deed,
            since: now,
            told: BTreeSet::new(),
            asks: asks.name.clone(),
            next: now,
        });
        wished.asks.clone_from(&asks.name);
        let since = wished.since;
        let Some(want) = want() else {
            return;
        };
        let wish = Wish {
            deed,
            rules: want.rules,
            why: want.why,
            ignores_window: want.ignores_window,
            ignores_idle: want.ignores_idle,
        };
        let withheld = self
            .gates(&wish, &self.state, Some(since), now)
            .into_iter()
            .next();
        if !self.note(deed, withheld.as_ref(), now) {
            return;
        }
        let is_done = withheld.is_none();
        let is_its = |told: &&mut Told| told.rule == asks.name && told.what != What::Cleared;
        match told.iter_mut().find(is_its) {
            Some(told) => (told.is_done, told.withheld) = (is_done, withheld),
            None => told.push(Told {
                rule: asks.name.clone(),
                action: asks.action,
                what: if is_done { What::Done } else { What::Withheld },
                why: wish.why,
                is_done,
                withheld,
                ..blank
            }),
        }
    }

    /// Remembers what came of a wish; whether that is to be told.
    fn note(&mut self, deed: Deed, withheld: Option<&Withheld>, now: Timestamp) -> bool {
        let Some(wished) = &mut self.wished else {
            return false;
        };
        if let Some(withheld) = withheld {
            wished.next = withheld.until.unwrap_or(Timestamp::MAX);
            return wished.told.insert(withheld.gate);
        }
        // What was done is the reason for these, and they are no news.
        wished.told.extend([Gate::Cooldown, Gate::Limit]);
        wished.next = now;
        self.state.done.push(Done { time: now, deed });
        tidy(&mut self.state, "", now);
        true
    }

    fn gates(
        &self,
        wish: &Wish,
        state: &UnitState,
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Vec<Withheld> {
        let holds = BTreeMap::new();
        let circumstances = Circumstances {
            settings: &self.given.restart,
            state,
            fingerprint: "",
            host_hold: None,
            holds: &holds,
            protect: &self.host.protect,
            busy: None,
            machine: self.host.machine,
            writable: true,
            local: &self.host.local,
            zone: self.zone.as_ref(),
            wished: since,
        };
        gates(wish, &self.given.unit, &circumstances, now)
    }
}

/// What is done to the unit as a whole.
fn deed(action: Action) -> Option<Deed> {
    match action {
        Action::Restart => Some(Deed::Restart),
        Action::Reload => Some(Deed::Reload),
        Action::Alert | Action::Reclaim | Action::Signal { .. } => None,
    }
}
