//! The gates.

mod each;

use proptest::prelude::*;

use super::*;
use crate::profile::Restart;
use crate::profile::restart::{Idle, Limit, Window};
use crate::restart::machine::{Run, Step};
use crate::restart::tidy::tidy;
use crate::restart::{Dependent, Done};
use crate::state::Ineffective;
use crate::units::Span;

fn time(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn unit(name: &str) -> UnitName {
    UnitName::parse(name).expect(name)
}

fn by_rule(deed: Deed) -> Wish {
    Wish {
        deed,
        rules: vec!["grown".to_owned()],
        why: "need 412M".to_owned(),
        ignores_window: false,
        ignores_idle: false,
    }
}

fn by_hand(deed: Deed) -> Wish {
    Wish {
        rules: Vec::new(),
        ..by_rule(deed)
    }
}

fn done(time_of: &str, deed: Deed) -> Done {
    Done {
        time: time(time_of),
        deed,
    }
}

/// Everything around a unit that nothing forbids to be restarted, on Tuesday, 2026-11-24, 10:00 UTC.
struct Case {
    unit: UnitName,
    settings: Restart,
    state: UnitState,
    host_hold: Option<Hold>,
    holds: BTreeMap<String, Hold>,
    protect: Vec<UnitName>,
    busy: Option<&'static str>,
    writable: bool,
    zone: Option<TimeZone>,
    wished: Option<Timestamp>,
    now: Timestamp,
    look: Look,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            unit: unit("web.service"),
            settings: Restart::default(),
            state: UnitState::default(),
            host_hold: None,
            holds: BTreeMap::new(),
            protect: Vec::new(),
            busy: None,
            writable: true,
            zone: Some(TimeZone::UTC),
            wished: None,
            now: time("2026-11-24T10:00:00Z"),
            look: Look {
                active: "active".to_owned(),
                sub: "running".to_owned(),
                invocation: "1".repeat(32),
                result: "success".to_owned(),
                kind: "notify".to_owned(),
                can_reload: true,
                start_limit_burst: 5,
                start_limit_usec: 10_000_000,
                started: Some(time("2026-11-24T09:00:00Z")),
                system: "running".to_owned(),
                ..Look::default()
            },
        }
    }
}

impl Case {
    fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut case = Self::default();
        change(&mut case);
        case
    }

    fn found(&self, wish: &Wish) -> Vec<Withheld> {
        let c = Circumstances {
            settings: &self.settings,
            state: &self.state,
            fingerprint: "a",
            host_hold: self.host_hold.as_ref(),
            holds: &self.holds,
            protect: &self.protect,
            busy: self.busy,
            machine: 4711,
            writable: self.writable,
            local: &TimeZone::UTC,
            zone: self.zone.as_ref(),
            wished: self.wished,
        };
        let mut found = gates(wish, &self.unit, &c, self.now);
        found.extend(gates_of_look(wish, &self.unit, &self.look, &c, self.now));
        found
    }

    /// `window until 2026-11-25T02:00:00Z: outside of…`, one line each.
    fn lines(&self, wish: &Wish) -> Vec<String> {
        let line = |by: Withheld| {
            let until = by.until.map(|until| format!(" until {until}"));
            format!(
                "{}{}: {}",
                by.gate.name(),
                until.unwrap_or_default(),
                by.why
            )
        };
        self.found(wish).into_iter().map(line).collect()
    }

    fn names(&self, wish: &Wish) -> Vec<&'static str> {
        self.found(wish).iter().map(|by| by.gate.name()).collect()
    }
}

fn hold(until: Option<&str>, by: Option<&str>) -> Hold {
    Hold {
        since: time("2026-11-24T08:00:00Z"),
        until: until.map(time),
        by: by.map(str::to_owned),
    }
}

fn dependent(unit: &str) -> Dependent {
    Dependent {
        unit: unit.to_owned(),
        by: "PartOf".to_owned(),
        invocation: "2".repeat(32),
    }
}

fn night() -> Option<Window> {
    Some(Window {
        days: Window::EVERY_DAY,
        from: 120,
        to: 300,
        zone: None,
    })
}

#[test]
fn all_are_listed_and_the_lasting_ones_first() {
    let case = Case::with(|c| {
        c.settings.window = night();
        c.state.hold = Some(hold(None, None));
        c.state.done = vec![done("2026-11-24T09:59:00Z", Deed::Restart); 3];
        c.busy = Some("db.service");
        c.look.job = true;
    });
    let all = ["hold", "limit", "cooldown", "window", "busy", "job-queued"];
    assert_eq!(case.names(&by_rule(Deed::Restart)), all);
    assert_eq!(
        case.names(&by_hand(Deed::Restart)),
        ["hold", "busy", "job-queued"]
    );
    // What a rule may ignore is the window, with its jitter, and nothing else.
    let mut wish = by_rule(Deed::Restart);
    wish.ignores_window = true;
    assert_eq!(
        case.names(&wish),
        ["hold", "limit", "cooldown", "busy", "job-queued"]
    );
    let case = Case::with(|c| {
        c.settings.window = night();
        c.now = time("2026-11-24T02:00:00Z");
    });
    assert_eq!(case.names(&wish), [""; 0]);
}

#[test]
fn a_reload() {
    let none = Case::with(|c| c.look.can_reload = false);
    assert_eq!(
        none.lines(&by_rule(Deed::Reload)),
        ["no-reload: it has no ExecReload="]
    );
    assert_eq!(none.names(&by_rule(Deed::Restart)), [""; 0]);
    // It stops and starts nothing.
    let case = Case::with(|c| {
        c.look.refuses = true;
        c.look.dependents = vec![dependent("dbus.service")];
        c.look.start_limit_burst = 1;
        c.look.started = Some(c.now);
    });
    assert_eq!(case.names(&by_rule(Deed::Reload)), [""; 0]);
    // A restart is more than a reload, and counts for it.
    let case = Case::with(|c| c.state.done = vec![done("2026-11-24T09:59:59Z", Deed::Restart)]);
    assert_eq!(case.names(&by_rule(Deed::Reload)), ["cooldown"]);
}

#[test]
fn its_own_run_is_in_the_way() {
    let under_way = |step: Step| {
        Case::with(|c| {
            let mut run = Run::new(
                by_rule(Deed::Restart),
                &c.settings,
                c.look.clone(),
                None,
                c.now,
            );
            run.step = step;
            c.state.run = Some(run);
        })
    };
    let asked = under_way(Step::Asked);
    assert_eq!(
        asked.lines(&by_rule(Deed::Restart)),
        ["busy: that is under way already"]
    );
    assert_eq!(asked.names(&by_hand(Deed::Restart)), ["busy"]);
    let judging = under_way(Step::Judging { seen: 1 });
    assert_eq!(
        judging.lines(&by_rule(Deed::Restart)),
        ["busy: whether the last time helped is being judged"]
    );
    assert_eq!(judging.names(&by_hand(Deed::Restart)), [""; 0]);
}

#[test]
fn restarts_by_memctl_count_towards_the_start_limit() {
    let case = |times: &[&str], burst| {
        Case::with(|c| {
            c.settings.cooldown = Some(Span(0));
            c.settings.limit = Some(Limit {
                count: 99,
                within: Span::seconds(86400),
            });
            c.look.start_limit_usec = 3_600_000_000;
            c.look.start_limit_burst = burst;
            c.look.started = Some(time("2026-11-24T09:55:00Z"));
            c.state.done = times.iter().map(|t| done(t, Deed::Restart)).collect();
        })
    };
    let three = [
        "2026-11-24T09:10:00Z",
        "2026-11-24T09:30:00Z",
        "2026-11-24T09:55:00Z",
    ];
    let wish = by_rule(Deed::Restart);
    assert_eq!(case(&three, 3).names(&wish), ["start-limit"]);
    assert_eq!(case(&three, 4).names(&wish), [""; 0]);
    assert_eq!(
        case(&["2026-11-24T08:10:00Z"], 2).names(&wish),
        [""; 0],
        "before the interval"
    );
}

#[test]
fn a_clock_stepped_back_blocks_for_as_long_as_it_should() {
    let mut case = Case::with(|c| {
        c.state.done = vec![done("2030-01-01T00:00:00Z", Deed::Restart)];
    });
    let wish = by_rule(Deed::Restart);
    let counted_as_now = [
        "cooldown until 2026-11-24T10:30:00Z: the last time was 10:00:00; cooldown = 30min ends 10:30:00",
    ];
    assert_eq!(case.lines(&wish), counted_as_now);
    assert!(tidy(&mut case.state, "a", case.now));
    case.now = time("2026-11-24T10:30:00Z");
    assert_eq!(case.lines(&wish), [""; 0], "once tidied, it ends");
    // PID 1's own times are as they are: beyond the interval they tell nothing.
    let started = |at: &str| {
        Case::with(|c| {
            c.look.start_limit_burst = 1;
            c.look.started = Some(time(at));
        })
    };
    assert_eq!(
        started("2026-11-24T10:00:05Z").names(&wish),
        ["start-limit"]
    );
    assert_eq!(started("2026-11-24T10:00:11Z").names(&wish), [""; 0]);
}

#[test]
fn the_names_are_as_they_are_written() {
    let gates = [
        Gate::HostHold,
        Gate::StartLimit,
        Gate::NotService,
        Gate::Jitter,
        Gate::Overtaken,
    ];
    for gate in gates {
        let json = serde_json::to_string(&gate).expect("JSON");
        assert_eq!(json, format!("\"{}\"", gate.name()));
    }
}

proptest! {
    /// Whatever was done, a restart goes ahead at the moment that the gates name, and not a moment before.
    #[test]
    fn until_is_when_it_opens(
        ago in prop::collection::vec(-3600i64..200_000, 0..8),
        count in 1u32..4,
        within in 60u64..100_000,
        cooldown in 0u64..10_000,
    ) {
        let mut case = Case::default();
        case.settings.limit = Some(Limit { count, within: Span::seconds(within) });
        case.settings.cooldown = Some(Span::seconds(cooldown));
        case.state.done = ago
            .iter()
            .map(|ago| Done {
                time: case.now - jiff::SignedDuration::from_secs(*ago),
                deed: Deed::Restart,
            })
            .collect();
        tidy(&mut case.state, "a", case.now);
        let wish = by_rule(Deed::Restart);
        let untils: Vec<Timestamp> = case.found(&wish).iter().filter_map(|by| by.until).collect();
        if let Some(last) = untils.iter().max() {
            prop_assert!(case.now < *last);
            case.now = *last - jiff::SignedDuration::from_micros(1);
            prop_assert!(!case.found(&wish).is_empty());
            case.now = *last;
            prop_assert!(case.found(&wish).is_empty());
        }
    }
}

#[test]
fn what_is_to_be_idle_first_is_not_restarted_in_the_middle_of_a_task() {
    let case = Case::with(|case| {
        case.settings.idle = Some(Idle::Cpu {
            below: 500,
            lasts: Span::seconds(30),
        });
    });
    let gates = |wish: &Wish| -> Vec<Gate> { case.found(wish).iter().map(|w| w.gate).collect() };
    assert_eq!(gates(&by_rule(Deed::Restart)), [Gate::Idle]);
    assert_eq!(gates(&by_hand(Deed::Restart)), []);
    let urgent = Wish {
        ignores_idle: true,
        ..by_rule(Deed::Restart)
    };
    assert_eq!(gates(&urgent), []);
}
