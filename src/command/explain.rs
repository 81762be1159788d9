//! `memctl explain UNIT`: its rules with their figures, and what would withhold a restart.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli;
use crate::command::names::Names;
use crate::command::{Context, watch};
use crate::config;
use crate::error::{Error, Result};
use crate::history::History;
use crate::journal::{Event, Journal};
use crate::readings;
use crate::restart::tidy::tidy;
use crate::restart::{Deed, Wish};
use crate::state::Store;
use crate::status::typed::is_unit;
use crate::systemd::manager::connect;
use crate::systemd::names::UnitType;
use crate::view::explain::{Explained, json, lines};
use crate::view::out::{colour_on_stdout, print, tell};
use crate::watch::Watch;
use crate::watch::agent::{Agent, Tools};
use crate::watch::hands::Direct;

pub(super) fn run(context: &Context, options: &cli::Explain) -> Result<u8> {
    let (root, scope) = (&context.root, &context.scope);
    if !root.is_host() {
        return Err(Error::usage("explain is for the running system alone"));
    }
    let names = Names::read(context, std::slice::from_ref(&options.unit))?;
    let Some(unit) = names.names.first().cloned().filter(is_unit) else {
        let message = format!("{} is not one unit", options.unit);
        return Err(Error::usage(message).remedy("name one unit; `memctl status` shows several"));
    };
    // A fault in the settings is told by those who act on them.
    let settings = config::read(root, scope).config;
    let opened = readings::open(root, scope, || connect(scope, &Arc::default()), None)?;
    let mut watch = Watch::new(root, scope, opened.readings, true);
    let now = Timestamp::now();
    let reading = watch.look_at(now, &|_| true)?;
    names.check(&reading, None)?;
    let never = Arc::default();
    let direct = || Direct::new(root, scope, &never);
    let tools = Tools {
        journal: Box::new(Silent),
        hands: Box::new(direct()?),
        messenger: Box::new(direct()?),
    };
    let last = History::open(root, scope).ok().flatten();
    let last = last.and_then(|history| history.last_tick().ok().flatten());
    let orders = watch::orders(context, &settings, true);
    let mut agent = Agent::new(root, scope, orders, tools, last);
    agent.take_up(now);
    let (profiles, faulty) = watch.profiles_now();
    for (path, _) in &faulty {
        tell(&format!(
            "warning: {} is faulty, and shown as far as it can be read; a memctl that watches goes on with what it \
             said before. `memctl verify` shows the faults",
            path.display()
        ));
    }
    agent.follow(profiles);
    agent.know(&reading);
    let mut state = Store::new(root, scope).unit(&unit)?;
    // Only what was done is shown of it.
    tidy(&mut state, "", now);
    let sample = reading.get(&unit);
    let standing = sample.and_then(|sample| agent.standing(&reading, sample, now));
    let (rules, detected) = standing.unzip();
    let rules = rules.unwrap_or_default();
    let charge = agent.charge(&unit);
    let wish = Wish {
        deed: Deed::Restart,
        rules: vec!["explain".to_owned()],
        why: String::new(),
        ignores_window: false,
        ignores_idle: false,
    };
    let is_service = unit.unit_type() == UnitType::Service;
    let look = match connect(scope, &Arc::default()) {
        Ok(mut manager) if is_service => manager.look(unit.as_str()).ok(),
        _ => None,
    };
    let mut withheld = Vec::new();
    if is_service {
        withheld = agent.all_that_forbids(&unit, &wish, None, now)?;
        if let Some(look) = &look {
            withheld.extend(agent.all_that_forbids(&unit, &wish, Some(look), now)?);
        }
    }
    let explained = Explained {
        unit: &unit,
        sample,
        ceiling: sample.and_then(|sample| reading.ceiling(sample)),
        profile: charge.as_ref().map(|charge| charge.profile.as_path()),
        rules: &rules,
        detected: detected.as_ref(),
        now,
        withheld: is_service.then_some(&withheld),
        look: look.as_ref(),
        run: state.run.as_ref(),
        state: &state,
        act: settings.act,
    };
    if context.json {
        print(&json(&explained).to_string())?;
    } else {
        print(&lines(&explained, &TimeZone::system(), colour_on_stdout()).join("\n"))?;
    }
    Ok(0)
}

/// Nothing happens here that a journal is for.
struct Silent;

impl Journal for Silent {
    fn write(&mut self, _: &Event) -> Option<String> {
        None
    }
}
