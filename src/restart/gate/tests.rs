//! Each gate, fired and withheld.

use proptest::prelude::*;

use super::*;
use crate::profile::Restart;
use crate::profile::restart::{Limit, Window};
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

/// What forbids a restart that a rule asks for, and what is told; and whether it forbids one by hand, too.
#[test]
fn each_gate_withholds() {
    const NO: bool = false;
    const TOO: bool = true;
    type Change = fn(&mut Case);
    let rows: [(Change, bool, &str); 24] = [
        (
            |c| c.unit = unit("web.slice"),
            TOO,
            "not-service: it is a slice, and only services are",
        ),
        (
            |c| c.unit = unit("systemd-logind.service"),
            TOO,
            "protected: it is protected: everybody's sessions",
        ),
        (
            |c| c.protect = vec![unit("web.service")],
            TOO,
            "protected: it is protected: protect names web.service",
        ),
        (
            |c| c.state.hold = Some(hold(None, Some("anna"))),
            TOO,
            "hold: it is held by anna until it is released",
        ),
        (
            |c| c.state.hold = Some(hold(Some("2026-11-24T10:00:01Z"), None)),
            TOO,
            "hold until 2026-11-24T10:00:01Z: it is held until 10:00:01",
        ),
        (
            |c| c.host_hold = Some(hold(Some("2026-11-25T08:00:00Z"), None)),
            TOO,
            "host-hold until 2026-11-25T08:00:00Z: this host is held until 2026-11-25 08:00:00",
        ),
        (
            |c| c.writable = false,
            TOO,
            "unwritable: what is done could not be remembered: memctl's state folder cannot be written to",
        ),
        (
            |c| {
                c.state.ineffective = Some(Ineffective {
                    since: time("2026-11-23T10:00:01Z"),
                    of: "a".to_owned(),
                });
            },
            NO,
            "ineffective until 2026-11-24T10:00:01Z: restarts do not help it; until 10:00:01, \
             `memctl release web.service`, or a change of its profile or unit",
        ),
        (
            |c| {
                let times = [
                    "2026-11-23T10:00:01Z",
                    "2026-11-23T18:00:00Z",
                    "2026-11-24T02:00:00Z",
                ];
                c.state.done = times.map(|t| done(t, Deed::Restart)).to_vec();
            },
            NO,
            "limit until 2026-11-24T10:00:01Z: limit = 3/1d is used up; again from 10:00:01 on",
        ),
        (
            |c| c.state.done = vec![done("2026-11-24T09:30:01Z", Deed::Restart)],
            NO,
            "cooldown until 2026-11-24T10:00:01Z: the last time was 09:30:01; cooldown = 30min ends 10:00:01",
        ),
        (
            |c| {
                c.settings.window = night();
                c.settings.jitter = Some(Span(0));
            },
            NO,
            "window until 2026-11-25T02:00:00Z: outside of window = 02:00-05:00, which opens 2026-11-25 02:00:00",
        ),
        (
            |c| {
                c.settings.window = night();
                c.zone = None;
            },
            NO,
            "window: window = 02:00-05:00: this machine does not know the time zone",
        ),
        (
            |c| {
                c.settings.window = night();
                c.now = time("2026-11-24T02:00:00Z");
            },
            NO,
            "jitter until 2026-11-24T03:50:05Z: restarts are spread over time, its turn comes 03:50:05",
        ),
        (
            |c| {
                c.settings.jitter = Some(Span::seconds(600));
                c.wished = Some(c.now);
            },
            NO,
            "jitter until 2026-11-24T10:06:47Z: restarts are spread over time, its turn comes 10:06:47",
        ),
        (
            |c| c.busy = Some("db.service"),
            TOO,
            "busy: db.service is being restarted, and one unit at a time is",
        ),
        (
            |c| c.look.system = "stopping".to_owned(),
            TOO,
            "shutdown: the system is being shut down",
        ),
        (
            |c| c.look.job = Some("stop".to_owned()),
            TOO,
            "job-queued: a stop job of somebody else is queued for it",
        ),
        (
            |c| {
                c.look.active = "activating".to_owned();
                c.look.sub = "auto-restart".to_owned();
            },
            TOO,
            "not-active: it is activating (auto-restart)",
        ),
        (
            |c| c.look.kind = "oneshot".to_owned(),
            TOO,
            "oneshot: it is a oneshot, and its work would be done again",
        ),
        (
            |c| c.look.refuses = true,
            TOO,
            "refuses: its unit file refuses it (RefuseManualStop= or RefuseManualStart=)",
        ),
        (
            |c| c.look.dependents = vec![dependent("queue.service"), dependent("dbus.socket")],
            TOO,
            "dependent-protected: dbus.socket would go down with it (PartOf=), and is protected: the system's bus",
        ),
        (
            |c| {
                c.look.dependents = vec![dependent("queue.service")];
                c.holds.insert("queue.service".to_owned(), hold(None, None));
                c.holds.insert("other.service".to_owned(), hold(None, None));
            },
            TOO,
            "dependent-held: queue.service would go down with it (PartOf=), and is held until it is released",
        ),
        (
            |c| {
                c.look.start_limit_burst = 1;
                c.look.started = Some(time("2026-11-24T09:59:51Z"));
            },
            TOO,
            "start-limit until 2026-11-24T10:00:01Z: it started once within 10s, StartLimitBurst=1 forbids one more \
             before 10:00:01",
        ),
        (
            |c| {
                c.look.start_limit_usec = 3_600_000_000;
                c.look.restarts = 4;
                c.look.started = Some(time("2026-11-24T09:50:00Z"));
            },
            TOO,
            "start-limit until 2026-11-24T10:50:00Z: it started 5 times within 1h, StartLimitBurst=5 forbids one more \
             before 10:50:00",
        ),
    ];
    for (change, too, told) in rows {
        let case = Case::with(change);
        assert_eq!(case.lines(&by_rule(Deed::Restart)), [told]);
        let by_hand = case.names(&by_hand(Deed::Restart));
        assert_eq!(!by_hand.is_empty(), too, "by hand: {told}");
    }
}

/// The same a moment later, or with a small difference: nothing forbids it.
#[test]
fn and_lets_through() {
    type Change = fn(&mut Case);
    let rows: [(&str, Change); 22] = [
        ("nothing", |_| {}),
        ("a hold that is over", |c| {
            c.state.hold = Some(hold(Some("2026-11-24T10:00:00Z"), None));
            c.host_hold = c.state.hold.clone();
        }),
        ("another unit is protected and held", |c| {
            c.protect = vec![unit("web@.service"), unit("web-.service")];
            c.holds.insert("other.service".to_owned(), hold(None, None));
        }),
        ("ineffective, a day later", |c| {
            c.state.ineffective = Some(Ineffective {
                since: time("2026-11-23T10:00:00Z"),
                of: "a".to_owned(),
            });
        }),
        ("ineffective, with another profile", |c| {
            c.state.ineffective = Some(Ineffective {
                since: time("2026-11-24T09:00:00Z"),
                of: "b".to_owned(),
            });
        }),
        ("the limit, one fallen out of it", |c| {
            let times = [
                "2026-11-23T10:00:00Z",
                "2026-11-23T18:00:00Z",
                "2026-11-24T02:00:00Z",
            ];
            c.state.done = times.map(|t| done(t, Deed::Restart)).to_vec();
        }),
        ("the limit, one of them a reload", |c| {
            let times = [
                "2026-11-23T12:00:00Z",
                "2026-11-23T18:00:00Z",
                "2026-11-24T02:00:00Z",
            ];
            c.state.done = times.map(|t| done(t, Deed::Restart)).to_vec();
            c.state.done[1].deed = Deed::Reload;
        }),
        ("the cooldown's end", |c| {
            c.state.done = vec![done("2026-11-24T09:30:00Z", Deed::Restart)];
        }),
        ("no cooldown", |c| {
            c.settings.cooldown = Some(Span(0));
            c.state.done = vec![done("2026-11-24T10:00:00Z", Deed::Restart)];
        }),
        ("a reload just now", |c| {
            c.state.done = vec![done("2026-11-24T09:59:59Z", Deed::Reload)];
        }),
        ("the window's first moment, without jitter", |c| {
            c.settings.window = night();
            c.settings.jitter = Some(Span(0));
            c.now = time("2026-11-25T02:00:00Z");
            c.look.started = Some(time("2026-11-24T09:00:00Z"));
        }),
        ("its turn", |c| {
            c.settings.window = night();
            c.now = time("2026-11-24T03:50:05Z");
        }),
        ("its turn is over, the window is not", |c| {
            c.settings.window = night();
            c.now = time("2026-11-24T04:59:59Z");
        }),
        ("its turn, without a window", |c| {
            c.settings.jitter = Some(Span::seconds(600));
            c.wished = Some(time("2026-11-24T09:50:00Z"));
        }),
        ("a jitter of which nobody says since when", |c| {
            c.settings.jitter = Some(Span::seconds(600));
        }),
        ("it is itself that is busy, and asks again", |c| {
            c.busy = Some("web.service");
            let mut run = Run::new(
                by_rule(Deed::Restart),
                &c.settings,
                c.look.clone(),
                None,
                c.now,
            );
            run.step = Step::Again;
            c.state.run = Some(run);
        }),
        ("a dependent like any other", |c| {
            c.look.dependents = vec![dependent("queue.service"), dependent("web.target")];
        }),
        ("the start limit's interval is over", |c| {
            c.look.start_limit_burst = 1;
            c.look.started = Some(time("2026-11-24T09:59:50Z"));
        }),
        ("one start is left", |c| {
            c.look.restarts = 3;
            c.look.started = Some(time("2026-11-24T09:59:55Z"));
        }),
        ("no start limit", |c| {
            c.look.start_limit_burst = 0;
            c.look.restarts = 1000;
            c.look.started = Some(c.now);
        }),
        ("no start limit, either", |c| {
            c.look.start_limit_usec = 0;
            c.look.restarts = 1000;
            c.look.started = Some(c.now);
        }),
        ("a system that is degraded", |c| {
            c.look.system = "degraded".to_owned()
        }),
    ];
    for (what, change) in rows {
        let case = Case::with(change);
        assert_eq!(case.lines(&by_rule(Deed::Restart)), [""; 0], "{what}");
        assert_eq!(
            case.lines(&by_hand(Deed::Restart)),
            [""; 0],
            "{what}, by hand"
        );
    }
}

#[test]
fn all_are_listed_and_the_lasting_ones_first() {
    let case = Case::with(|c| {
        c.settings.window = night();
        c.state.hold = Some(hold(None, None));
        c.state.done = vec![done("2026-11-24T09:59:00Z", Deed::Restart); 3];
        c.busy = Some("db.service");
        c.look.job = Some("stop".to_owned());
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
