//! What forbids a wish: the gates, and what they look at.

use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;

use crate::apply::lock::Lock;
use crate::error::Error;
use crate::restart::gate::{Circumstances, Withheld, gates, gates_of_look};
use crate::restart::machine::Run;
use crate::restart::{Look, Wish, tidy, window};
use crate::state::Hold;
use crate::systemd::names::UnitName;
use crate::watch::charge::{Charge, Charges};

use super::{Agent, Mode};

impl Agent<'_> {
    /// What forbids a wish: by what memctl knows, and by PID 1's answer, where there is one.
    pub fn forbids(
        &self,
        name: &UnitName,
        wish: &Wish,
        look: Option<&Look>,
        now: Timestamp,
    ) -> Result<Option<Withheld>, Error> {
        Ok(self
            .all_that_forbids(name, wish, look, now)?
            .into_iter()
            .next())
    }

    /// All of it, the one to be told first.
    ///
    /// # Errors
    /// What is remembered of the unit cannot be read.
    pub fn all_that_forbids(
        &self,
        name: &UnitName,
        wish: &Wish,
        look: Option<&Look>,
        now: Timestamp,
    ) -> Result<Vec<Withheld>, Error> {
        let fingerprint = self.fingerprint(name);
        let mut state = self.store.unit(name)?;
        tidy::tidy(&mut state, &fingerprint, now);
        let settings = self.charge(name).map(|charge| charge.restart.clone());
        let settings = settings.unwrap_or_default();
        let host_hold = self.host_hold(now)?;
        let holds = match look {
            Some(look) => self.holds(look, now)?,
            None => BTreeMap::new(),
        };
        let zone = window::zone(settings.window.as_ref(), &self.orders.local);
        let busy = self.busy(name);
        let unit = self.units.get(name);
        let wished = unit.and_then(|unit| unit.wished.as_ref());
        let is_owed = unit.is_some_and(|unit| unit.owed.is_some());
        let circumstances = Circumstances {
            settings: &settings,
            state: &state,
            fingerprint: &fingerprint,
            host_hold: host_hold.as_ref(),
            holds: &holds,
            protect: &self.orders.protect,
            busy: busy.as_deref(),
            machine: self.orders.machine,
            writable: !self.unwritable && !is_owed,
            local: &self.orders.local,
            zone: zone.as_ref(),
            wished: wished.map(|wished| wished.since),
        };
        Ok(match look {
            None => gates(wish, name, &circumstances, now),
            Some(look) => gates_of_look(wish, name, look, &circumstances, now),
        })
    }

    /// Saves what a clock that was stepped back has made of times of the future: now, and not anew at each look, which
    /// would forbid things until that future has come.
    pub(super) fn keep_tidy(&mut self, name: &UnitName, now: Timestamp) {
        if self.orders.mode == Mode::Dry {
            return;
        }
        let fingerprint = self.fingerprint(name);
        let mut state = self.store.unit(name).unwrap_or_default();
        if tidy::tidy(&mut state, &fingerprint, now)
            && let Err(e) = self.store.change(name, |state| {
                tidy::tidy(state, &fingerprint, now);
            })
        {
            self.fault(e.to_string(), now);
        }
    }

    /// What the profiles say of a unit.
    #[must_use]
    pub fn charge(&self, name: &UnitName) -> Option<Rc<Charge>> {
        match self.units.get(name).and_then(|unit| unit.charge.clone()) {
            Some(known) => known,
            None => Charges::new(&self.profiles).of(name).map(Into::into),
        }
    }

    /// The fingerprint of a unit's profile and files.
    pub(super) fn fingerprint(&self, name: &UnitName) -> String {
        self.charge(name)
            .map_or_else(String::new, |c| c.fingerprint(self.root, self.scope, name))
    }

    /// The hold of the whole host: by a verb, or by the fleet's switch.
    fn host_hold(&self, now: Timestamp) -> Result<Option<Hold>, Error> {
        if let Some(path) = self.store.switch() {
            return Ok(Some(Hold {
                since: now,
                until: None,
                by: Some(path.display().to_string()),
            }));
        }
        let hold = self.store.host()?.hold;
        Ok(hold.filter(|hold| hold.counts(now)))
    }

    /// The holds of the units that would go down along.
    fn holds(&self, look: &Look, now: Timestamp) -> Result<BTreeMap<String, Hold>, Error> {
        let mut holds = BTreeMap::new();
        for dependent in &look.dependents {
            let Ok(name) = UnitName::parse(&dependent.unit) else {
                continue;
            };
            if let Some(hold) = self.store.unit(&name)?.held(now) {
                holds.insert(dependent.unit.clone(), hold.clone());
            }
        }
        Ok(holds)
    }

    /// Whether a hold forbids to touch a unit; where nobody can tell, it does.
    pub(super) fn is_held(&self, name: &UnitName, now: Timestamp) -> bool {
        let own = self.store.unit(name).map(|state| state.held(now).is_some());
        let host = self.host_hold(now).map(|hold| hold.is_some());
        own.unwrap_or(true) || host.unwrap_or(true)
    }

    /// Who else is being restarted on this host.
    fn busy(&self, name: &UnitName) -> Option<String> {
        let mut others = self.units.iter().filter(|(other, _)| *other != name);
        let other = others.find(|(_, unit)| unit.run.as_ref().is_some_and(Run::is_busy));
        other.map(|(other, _)| other.to_string())
    }

    /// Takes the slot of whoever restarts a unit on this host; true if this process has it.
    pub(super) fn take_slot(&mut self, now: Timestamp) -> bool {
        if self.slot.is_none() && self.orders.mode == Mode::Act {
            let folder = self.scope.runtime_dir().join("restart");
            match Lock::of_folder(self.root, &folder, std::time::Duration::ZERO) {
                Ok(lock) => self.slot = lock,
                Err(e) => self.fault(e.to_string(), now),
            }
        }
        self.slot.is_some()
    }
}
