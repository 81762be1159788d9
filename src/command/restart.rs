//! `memctl restart UNIT`: a restart by hand, the way rules go.

use std::sync::Arc;

use jiff::Timestamp;

use crate::cli;
use crate::command::names::Names;
use crate::command::{Context, hold, watch};
use crate::config;
use crate::error::{Error, Result};
use crate::journal::read::Entry;
use crate::journal::{Event, Journal, Kind, SystemJournal};
use crate::readings;
use crate::status::typed::is_unit;
use crate::systemd::manager::connect;
use crate::systemd::names::{UnitName, UnitType};
use crate::view::out::{print, tell};
use crate::watch::Watch;
use crate::watch::agent::{Agent, Mode, Tools};
use crate::watch::hands::Direct;

pub(super) fn run(context: &Context, options: &cli::Restart) -> Result<u8> {
    let (root, scope) = (&context.root, &context.scope);
    if !root.is_host() {
        return Err(Error::usage("restart is for the running system alone"));
    }
    let names = Names::read(context, std::slice::from_ref(&options.unit))?;
    let Some(unit) = names.names.first().cloned() else {
        return Err(Error::usage("which unit?"));
    };
    if !is_unit(&unit) || unit.unit_type() != UnitType::Service {
        let message = format!("{unit} is not one service");
        return Err(Error::usage(message).remedy("services alone are restarted (memctl(1))"));
    }
    let settings = config::read(root, scope).checked()?;
    let interrupted = crate::signals::catch()?;
    let opened = readings::open(root, scope, || connect(scope, &Arc::default()), None)?;
    let mut watch = Watch::new(root, scope, opened.readings, true);
    let reading = watch.look_at(Timestamp::now(), &|_| true)?;
    names.check(&reading, None)?;
    hold::permitted(context)?;
    if reading.get(&unit).is_none() && !is_up(context, &unit) {
        let message = format!("{unit} is not restarted: it does not run");
        return Err(Error::failed(message).remedy(format!("`systemctl start {unit}` starts it")));
    }
    let told = std::rc::Rc::default();
    let direct = || Direct::new(root, scope, &interrupted);
    let tools = Tools {
        journal: Box::new(Both {
            journal: SystemJournal::new(scope).silent(),
            told: std::rc::Rc::clone(&told),
            json: context.json,
        }),
        hands: Box::new(direct()?),
        messenger: Box::new(direct()?),
    };
    let mut orders = watch::orders(context, &settings, false);
    // Who types it means it, whatever rules may do.
    orders.mode = Mode::Act;
    let mut agent = Agent::new(root, scope, orders, tools, None);
    agent.follow(watch.profiles_now().0);
    let now = Timestamp::now();
    agent.know(&reading);
    agent.by_hand(&unit, now);
    watch::finish(&mut watch, &mut agent, &interrupted);
    drop(agent);
    let told: Vec<Kind> = told.take();
    let was_done = told.contains(&Kind::Done);
    if told.is_empty() {
        return Err(Error::failed(format!("{unit} was not restarted")));
    }
    Ok(if was_done { 0 } else { 1 })
}

/// Whether a unit without a cgroup runs all the same, or has failed. Where PID 1 cannot be asked, that is told when it is.
fn is_up(context: &Context, unit: &UnitName) -> bool {
    let manager = connect(&context.scope, &Arc::default());
    let look = manager.and_then(|mut manager| manager.look(unit.as_str()));
    look.map_or(true, |look| look.active != "inactive")
}

/// Into the journal and onto the terminal, as it happens.
struct Both {
    journal: SystemJournal,
    told: std::rc::Rc<std::cell::RefCell<Vec<Kind>>>,
    json: bool,
}

impl Journal for Both {
    fn write(&mut self, event: &Event) -> Option<String> {
        self.told.borrow_mut().push(event.kind);
        let id = self.journal.write(event);
        let is_bad = matches!(event.kind, Kind::Withheld | Kind::Failed);
        // A closed pipe ends no restart that is under way.
        let _ = match (self.json, is_bad) {
            (true, _) => {
                let mut entry = Entry::of(event, Timestamp::now());
                entry.alert_id.clone_from(&id);
                print(&crate::view::log::json(&entry).to_string())
            }
            (false, true) => {
                tell(&format!("memctl: {}", event.message));
                Ok(())
            }
            (false, false) => print(&event.message),
        };
        id
    }
}
