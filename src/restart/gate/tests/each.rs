//! Each gate, fired and withheld.

use super::*;

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
            "hold: it is held by anna until `memctl release web.service`",
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
            |c| c.look.job = true,
            TOO,
            "job-queued: systemd has a job for it already (`systemctl list-jobs`)",
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
            "dependent-held: queue.service would go down with it (PartOf=), and is held until `memctl release queue.service`",
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
