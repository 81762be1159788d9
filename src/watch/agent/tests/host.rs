//! The host: `line.pass(20)` lets twenty seconds pass as the daemon does, `line.told()` is what the journal has since.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use crate::journal::{Event, Journal, Kind};
use crate::kernel::root::Root;
use crate::limits::dropin::Installed;
use crate::profile::{Options, Source, check};
use crate::sample::{Invocation, Limit, Reading, Sample, Source as Told, Start};
use crate::scope::Scope;
use crate::state::{Store, UnitState};
use crate::systemd::manager::Job;
use crate::systemd::names::UnitName;
use crate::watch::agent::{Agent, Mode, Orders, Tools};
use crate::watch::hands::{Ask, Hands, Reply};

use super::pid1::{M, Model, Pid1, Script, unit};

/// Starts the units of alerts.
struct Messenger(Rc<RefCell<Vec<String>>>);

impl Hands for Messenger {
    fn ask(&mut self, _: &UnitName, ask: Ask) {
        self.0.borrow_mut().push(match ask {
            Ask::Job(Job::Start, unit) => unit,
            other => panic!("an alert is started, and no more: {other:?}"),
        });
    }

    fn answer(&mut self, _: Duration) -> Option<(UnitName, Ask, Reply)> {
        None
    }
}

struct Shared {
    events: Rc<RefCell<Vec<Event>>>,
    dies_at: Option<Kind>,
}

impl Journal for Shared {
    fn write(&mut self, event: &Event) -> Option<String> {
        assert_ne!(self.dies_at, Some(event.kind), "killed");
        self.events.borrow_mut().write(event)
    }
}

/// What outlives an agent.
pub struct Host {
    pub dir: TempDir,
    root: Root,
    scope: Scope,
    pub pid1: Rc<RefCell<Pid1>>,
    pub journal: Rc<RefCell<Vec<Event>>>,
    pub alerts: Rc<RefCell<Vec<String>>>,
    pub orders: Orders,
    pub profiles: Vec<Installed>,
    /// A memctl is killed when it is about to tell of this.
    pub dies_at: Option<Kind>,
}

/// A profile as it is installed; `rules` and `restart` of the unit as they stand in the file.
pub fn installed(name: &str, text: &str) -> Installed {
    let checked = check(
        &Source::new(name, format!("{name}.toml"), text.into()),
        &Options::default(),
    );
    assert!(!checked.failed(), "{:?}", checked.faults);
    Installed {
        profile: checked.profile,
        path: PathBuf::from(format!("/etc/memctl/profiles.d/{name}.toml")),
        hash: crate::limits::dropin::fingerprint(text.as_bytes()),
    }
}

/// A rule that restarts, told at once.
pub const ABOVE: &str = r#"{ name = "big", above = "300M", action = "restart" }"#;

pub fn profile(unit: &str, rules: &str, more: &str) -> String {
    format!("[unit.\"{unit}\"]\nrules = [{rules}]\n{more}\n")
}

impl Host {
    /// A host with one running unit, `web.service`, whose profile has these rules.
    pub fn new(rules: &str, more: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = Root::open_running(dir.path()).expect("open");
        let pid1 = Pid1 {
            units: BTreeMap::from([("web.service".to_owned(), Model::default())]),
            ..Pid1::default()
        };
        let orders = Orders {
            mode: Mode::Act,
            protect: Vec::new(),
            alert_unit: None,
            machine: 7,
            boot: "a boot".to_owned(),
            local: TimeZone::UTC,
        };
        Self {
            dir,
            root,
            scope: Scope::System,
            pid1: Rc::new(RefCell::new(pid1)),
            journal: Rc::default(),
            alerts: Rc::default(),
            orders,
            profiles: vec![installed("web", &profile("web.service", rules, more))],
            dies_at: None,
        }
    }

    /// A memctl that has just begun.
    pub fn start(&self, now: Timestamp) -> Line<'_> {
        let tools = Tools {
            journal: Box::new(Shared {
                events: Rc::clone(&self.journal),
                dies_at: self.dies_at,
            }),
            hands: Box::new(Script(Rc::clone(&self.pid1))),
            messenger: Box::new(Messenger(Rc::clone(&self.alerts))),
        };
        // What nobody waits for any more is not answered.
        self.pid1.borrow_mut().queue.clear();
        let mut agent = Agent::new(&self.root, &self.scope, self.orders.clone(), tools, None);
        agent.take_up(now);
        agent.follow(self.profiles.clone());
        Line {
            host: self,
            agent,
            now,
        }
    }

    pub fn at(time: &str) -> Timestamp {
        format!("2026-11-24T{time}Z").parse().expect(time)
    }

    pub fn store(&self) -> Store<'_> {
        Store::new(&self.root, &self.scope)
    }

    pub fn state(&self) -> UnitState {
        self.store().unit(&unit("web.service")).expect("a state")
    }

    pub fn file(&self) -> PathBuf {
        self.dir
            .path()
            .join("var/lib/memctl/state/web.service.json")
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        std::fs::write(path, text).expect("write");
    }

    /// What was told since it was asked last: `restart-withheld web.service hold`.
    pub fn told(&self) -> Vec<String> {
        let events = self.journal.take();
        let words = events.iter().map(|event| {
            let unit = event.unit.as_ref().map(|unit| format!(" {unit}"));
            let why = event.why.as_ref().map(|why| format!(" {why}"));
            let dry = if event.dry_run { " (dry)" } else { "" };
            let (unit, why) = (unit.unwrap_or_default(), why.unwrap_or_default());
            format!("{}{unit}{why}{dry}", event.kind.name())
        });
        words.collect()
    }

    pub fn last(&self) -> Event {
        self.journal.borrow().last().expect("an event").clone()
    }

    pub fn reading(&self, now: Timestamp, wanted: impl Fn(&UnitName) -> bool) -> Reading {
        let pid1 = self.pid1.borrow();
        let running = pid1
            .units
            .iter()
            .filter(|(_, unit)| unit.active == "active");
        let samples = running.map(|(name, model)| {
            let mut sample = Sample::blank(unit(name), now, Told::Cgroup);
            sample.cgroup = Some(PathBuf::from(format!("/sys/fs/cgroup/system.slice/{name}")));
            sample.start = Start {
                invocation: Some(Invocation(u128::from(model.start))),
                inode: Some(model.start),
            };
            sample.memory.current = Some(model.need + model.cache);
            sample.memory.stat.anon = Some(model.need);
            sample.memory.stat.file = Some(model.cache);
            sample.limits.high = Some(Limit::Bytes(500 * M));
            sample.limits.max = Some(Limit::Infinity);
            sample.events.high = Some(model.high_events);
            sample.slice = Some(unit("system.slice"));
            sample.events.oom_kill = Some(model.kills);
            sample
        });
        let mut slice = Sample::blank(unit("system.slice"), now, Told::Cgroup);
        slice.events.oom_kill = Some(pid1.kills);
        let mut samples: Vec<Sample> = samples.filter(|sample| wanted(&sample.unit)).collect();
        // It is read with any unit that lies in it.
        samples.push(slice);
        samples.sort_by(|a, b| a.unit.cmp(&b.unit));
        Reading {
            time: now,
            host: None,
            samples,
            faults: Vec::new(),
        }
    }
}

/// A memctl that runs.
pub struct Line<'h> {
    pub host: &'h Host,
    pub agent: Agent<'h>,
    pub now: Timestamp,
}

impl Line<'_> {
    /// One second as the daemon spends it: a tick at every tenth, what PID 1 has answered, a clock.
    fn second(&mut self) {
        let now = self.now;
        if now.as_second() % 10 == 0 {
            self.tick();
        }
        self.agent.hear(Duration::ZERO, || now);
        let wanted: BTreeSet<UnitName> = self.agent.wants_reading().clone();
        if !wanted.is_empty() {
            let reading = self.host.reading(now, |unit| wanted.contains(unit));
            self.agent.judge(&reading, &[], now);
            self.agent.hear(Duration::ZERO, || now);
        }
        self.agent.pass_time(now);
        self.agent.hear(Duration::ZERO, || now);
    }

    /// One reading of everything that runs.
    pub fn tick(&mut self) {
        let reading = self.host.reading(self.now, |_| true);
        self.agent.judge_all(&reading, &[], self.now);
    }

    pub fn pass(&mut self, seconds: i64) -> &mut Self {
        for _ in 0..seconds {
            self.second();
            self.now += SignedDuration::from_secs(1);
        }
        self
    }

    pub fn need(&mut self, name: &str, mib: u64) -> &mut Self {
        self.host.pid1.borrow_mut().unit(name).need = mib * M;
        self
    }

    pub fn told(&self) -> Vec<String> {
        self.host.told()
    }

    /// What PID 1 was asked beside how units are, since it was asked last.
    pub fn jobs(&self) -> Vec<String> {
        let jobs = self
            .host
            .pid1
            .borrow()
            .jobs()
            .iter()
            .map(|j| (*j).to_owned())
            .collect();
        self.host.pid1.borrow_mut().asked.clear();
        jobs
    }
}
