//! `memctl hold` and `memctl release`: memctl leaves units alone, or no more.

use jiff::{SignedDuration, Timestamp};

use crate::apply::lock::is_held_in;
use crate::cli;
use crate::command::Context;
use crate::command::names::Names;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::journal::{Event, Journal as _, Kind, SystemJournal};
use crate::readings;
use crate::state::{Hold, Store, UnitState};
use crate::status::typed::is_unit;
use crate::systemd::manager::connect;
use crate::systemd::names::UnitName;
use crate::units::Span;
use crate::view::out::{print, tell};

pub(super) fn hold(context: &Context, options: &cli::Hold) -> Result<u8> {
    let now = Timestamp::now();
    let until = options
        .span
        .as_deref()
        .map(|text| until(text, now))
        .transpose()?;
    let units = targets(context, &options.units)?;
    permitted(context)?;
    let hold = Hold {
        since: now,
        until,
        by: who(),
    };
    let for_how_long = match until {
        Some(until) => format!("until {}", local(until)),
        None => "until `memctl release`".to_owned(),
    };
    let store = Store::new(&context.root, &context.scope);
    let mut journal = Told::new(context);
    if options.all {
        store.change_host(|host| host.hold = Some(hold.clone()))?;
        let mut event = Event::new(
            Kind::Hold,
            None,
            format!("memctl leaves every unit alone, {for_how_long}"),
        );
        event.until = until;
        journal.tell(&event)?;
    }
    for unit in &units {
        store.change(unit, |state| state.hold = Some(hold.clone()))?;
        let message = format!("memctl leaves {unit} alone, {for_how_long}");
        let mut event = Event::new(Kind::Hold, Some(unit), message);
        event.until = until;
        journal.tell(&event)?;
    }
    unwatched(context);
    Ok(0)
}

pub(super) fn release(context: &Context, options: &cli::Release) -> Result<u8> {
    let units = targets(context, &options.units)?;
    permitted(context)?;
    let store = Store::new(&context.root, &context.scope);
    let mut journal = Told::new(context);
    if options.all {
        let was = store.change_host(|host| host.hold.take().is_some())?;
        match was {
            true => journal.tell(&Event::new(
                Kind::Release,
                None,
                "memctl acts on units again",
            ))?,
            false => print("The host is not held.")?,
        }
        if let Some(switch) = store.switch() {
            still_held(&switch);
        }
        let held = held(&store)?;
        if !held.is_empty() {
            let names: Vec<&str> = held.iter().map(UnitName::as_str).collect();
            print(&format!("Held one by one, and still: {}", names.join(", ")))?;
        }
    }
    for unit in &units {
        match store.change(unit, free)? {
            true => journal.tell(&Event::new(
                Kind::Release,
                Some(unit),
                format!("memctl acts on {unit} again"),
            ))?,
            false => print(&format!("{unit} is not held."))?,
        }
    }
    if !units.is_empty() {
        if store.host()?.hold.is_some() {
            tell("warning: the whole host is held; `memctl release --all` ends that");
        }
        if let Some(switch) = store.switch() {
            still_held(&switch);
        }
    }
    Ok(0)
}

/// Ends what keeps memctl from a unit; whether there was anything.
fn free(state: &mut UnitState) -> bool {
    let was = state.hold.is_some() || state.ineffective.is_some() || state.useless > 0;
    state.hold = None;
    state.ineffective = None;
    state.useless = 0;
    was
}

fn still_held(switch: &std::path::Path) {
    tell(&format!(
        "warning: {} is there, and holds the whole host until it is removed",
        switch.display()
    ));
}

fn held(store: &Store<'_>) -> Result<Vec<UnitName>> {
    let mut held = Vec::new();
    for unit in store.units()? {
        if store.unit(&unit)?.held(Timestamp::now()).is_some() {
            held.push(unit);
        }
    }
    Ok(held)
}

/// The units that were typed: there must be such.
fn targets(context: &Context, texts: &[String]) -> Result<Vec<UnitName>> {
    let names = Names::read(context, texts)?;
    let units = names.names.clone();
    if let Some(several) = units.iter().find(|unit| !is_unit(unit)) {
        return Err(Error::usage(format!("{several} is not one unit"))
            .remedy("name the units one by one; --all is the whole host"));
    }
    if units.is_empty() {
        return Ok(units);
    }
    let never = std::sync::Arc::default();
    let scope = &context.scope;
    let opened = readings::open(&context.root, scope, || connect(scope, &never), None);
    // Without a reading what is on disk counts alone.
    let reading = opened.and_then(|mut o| o.readings.read(Timestamp::now(), &|_| true));
    let reading = reading.unwrap_or_else(|_| crate::sample::Reading {
        time: Timestamp::now(),
        host: None,
        samples: Vec::new(),
        faults: Vec::new(),
    });
    names.check(&reading, None)?;
    Ok(units)
}

fn until(text: &str, now: Timestamp) -> Result<Timestamp> {
    let wrong = |why: String| Error::usage(format!("--for {text}: {why}"));
    let span = Span::parse(text).map_err(|e| wrong(e.to_string()))?;
    if span == Span::INFINITY || span.0 == 0 {
        return Err(wrong("a time with an end, above 0".to_owned())
            .remedy("without --for it lasts until it is released"));
    }
    let micros = i64::try_from(span.0).map_err(|_| wrong("too long".to_owned()))?;
    let until = now.checked_add(SignedDuration::from_micros(micros));
    until.map_err(|_| wrong("too long".to_owned()))
}

/// Who is at the keyboard, as far as sudo or the system say.
fn who() -> Option<String> {
    let names = ["SUDO_USER", "LOGNAME", "USER"];
    let mut names = names.iter().filter_map(|name| std::env::var(name).ok());
    names.find(|name| !name.is_empty())
}

fn local(time: Timestamp) -> String {
    let zone = jiff::tz::TimeZone::system();
    zone.to_datetime(time).strftime("%F %T").to_string()
}

/// Only root may.
pub(super) fn permitted(context: &Context) -> Result<()> {
    if context.scope.is_user() || rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let message = "what memctl does to system services is root's to say";
    Err(Error::new(ErrorKind::NotPermitted, message)
        .remedy("run it as root (sudo memctl …), or with --user for your own services"))
}

/// Says that nobody acts anyway, where that is so.
fn unwatched(context: &Context) {
    if !context.root.is_host() {
        return;
    }
    // Only looked at: whoever takes it, be it for a moment, keeps a daemon from beginning.
    let folder = context.scope.state_dir();
    if is_held_in(&context.root, &folder) == Some(false) {
        tell("note: memctl watches nothing just now; the hold counts as soon as it does");
    }
}

/// What a verb has done, in the journal and on standard output.
struct Told {
    journal: Option<SystemJournal>,
}

impl Told {
    fn new(context: &Context) -> Self {
        let journal = context
            .root
            .is_host()
            .then(|| SystemJournal::new(&context.scope).silent());
        Self { journal }
    }

    fn tell(&mut self, event: &Event) -> Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.write(event);
        }
        print(&format!("{}.", event.message))
    }
}
