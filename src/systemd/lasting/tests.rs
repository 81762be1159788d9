use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use super::*;

/// How the next call of each connection ends, and what was asked of whom.
#[derive(Default)]
struct Script {
    /// `ok`, `refused` or `lost`, one a call; then `ok`.
    calls: VecDeque<&'static str>,
    /// How the unit is, one a look; the last one stays.
    states: VecDeque<UnitState>,
    asked: Vec<String>,
    dials: u32,
}

type Shared = Rc<RefCell<Script>>;

struct Fake {
    script: Shared,
    name: &'static str,
}

impl Fake {
    fn note(&self, call: &str) {
        let asked = format!("{} {call}", self.name);
        self.script.borrow_mut().asked.push(asked);
    }

    fn call(&self, call: &str) -> Answer<()> {
        self.note(call);
        let next = self.script.borrow_mut().calls.pop_front();
        match next {
            Some("lost") => Err(Failure::Lost(Error::failed("connection lost"))),
            Some("refused") => Err(Failure::Refused(Error::failed("no"))),
            _ => Ok(()),
        }
    }

    fn next_state(&self) -> UnitState {
        let states = &mut self.script.borrow_mut().states;
        match states.len() {
            0 => state("active", 1, false),
            1 => states[0].clone(),
            _ => states.pop_front().expect("several"),
        }
    }
}

impl Bus for Fake {
    fn version(&mut self) -> Answer<String> {
        self.call("version").map(|()| "252".to_owned())
    }

    fn reload(&mut self) -> Answer<()> {
        self.call("reload")
    }

    fn nudge(&mut self, _: &UnitName) -> Answer<()> {
        self.call("nudge")
    }

    fn state(&mut self, _: &UnitName) -> Answer<UnitState> {
        self.call("state").map(|()| self.next_state())
    }

    fn look(&mut self, _: &str) -> Answer<Look> {
        self.call("look").map(|()| Look::default())
    }

    fn job(&mut self, job: Job, _: &str) -> Answer<String> {
        let call = match job {
            Job::Start => "start",
            Job::Restart => "restart",
            Job::Reload => "reload-unit",
        };
        self.call(call).map(|()| "done".to_owned())
    }

    fn units(&mut self, _: &[UnitType]) -> Answer<Vec<UnitInfo>> {
        self.call("units").map(|()| Vec::new())
    }

    fn figures(&mut self, _: &UnitName) -> Answer<Option<Figures>> {
        self.call("figures").map(|()| None)
    }
}

/// As `systemctl`: its calls never fail.
impl Manager for Fake {
    fn version(&mut self) -> Result<String> {
        self.note("version");
        Ok("252".to_owned())
    }

    fn reload(&mut self) -> Result<()> {
        self.note("reload");
        Ok(())
    }

    fn nudge(&mut self, _: &UnitName) -> Result<()> {
        self.note("nudge");
        Ok(())
    }

    fn state(&mut self, _: &UnitName) -> Result<UnitState> {
        self.note("state");
        Ok(self.next_state())
    }

    fn try_restart(&mut self, _: &UnitName) -> Result<()> {
        self.note("restart");
        Ok(())
    }

    fn look(&mut self, _: &str) -> Result<Look> {
        self.note("look");
        Ok(Look::default())
    }

    fn job(&mut self, job: Job, _: &str) -> JobEnd {
        self.note(job.doing());
        JobEnd::Done
    }

    fn units(&mut self, _: &[UnitType]) -> Result<Vec<UnitInfo>> {
        self.note("units");
        Ok(Vec::new())
    }

    fn figures(&mut self, _: &UnitName) -> Result<Option<Figures>> {
        self.note("figures");
        Ok(None)
    }
}

fn state(active: &str, invocation: u8, job: bool) -> UnitState {
    UnitState {
        active: active.to_owned(),
        invocation: vec![invocation],
        job,
    }
}

/// A manager whose calls over connections end so; `redials` connections can be made anew.
fn lasting(calls: &[&'static str], redials: u32) -> (Lasting, Shared) {
    let script: Shared = Rc::default();
    script.borrow_mut().calls = calls.iter().copied().collect();
    let fake = |name| Fake {
        script: Rc::clone(&script),
        name,
    };
    let again = Rc::clone(&script);
    let dial = move || -> Result<Box<dyn Bus>> {
        again.borrow_mut().dials += 1;
        if again.borrow().dials > redials {
            return Err(Error::failed("no bus"));
        }
        Ok(Box::new(Fake {
            script: Rc::clone(&again),
            name: "again",
        }))
    };
    let manager = Lasting {
        pause: Duration::ZERO,
        ..Lasting::new(
            Some(Box::new(fake("bus"))),
            Box::new(dial),
            Box::new(fake("systemctl")),
            Arc::default(),
        )
    };
    (manager, script)
}

fn asked(script: &Shared) -> Vec<String> {
    std::mem::take(&mut script.borrow_mut().asked)
}

fn unit() -> UnitName {
    UnitName::parse("web.service").expect("a name")
}

#[test]
fn a_lost_connection_is_made_anew_once_and_then_given_up() {
    for (calls, redials, expected) in [
        (&["ok"][..], 9, &["bus reload"][..]),
        (&["lost"], 9, &["bus reload", "again reload"]),
        (&["lost"], 0, &["bus reload", "systemctl reload"]),
        (
            &["lost", "lost"],
            9,
            &["bus reload", "again reload", "systemctl reload"],
        ),
    ] {
        let (mut manager, script) = lasting(calls, redials);
        manager.reload().expect("reloaded");
        assert_eq!(asked(&script), expected);
        // What has answered last is asked from now on.
        manager.nudge(&unit()).expect("nudged");
        let last = expected.last().expect("one").replace("reload", "nudge");
        assert_eq!(asked(&script), [last]);
    }
}

#[test]
fn an_answer_of_systemd_is_final() {
    for (calls, redials) in [(&["refused"][..], 9), (&["lost", "refused"], 9)] {
        let (mut manager, script) = lasting(calls, redials);
        let error = manager.reload().expect_err("refused");
        assert_eq!(error.message(), "no");
        assert_eq!(asked(&script).len(), calls.len());
    }
    let (mut manager, script) = lasting(&["ok", "refused"], 9);
    assert!(manager.try_restart(&unit()).is_err());
    assert_eq!(asked(&script), ["bus state", "bus restart"]);
}

#[test]
fn a_restart_is_asked_for_once_and_then_watched() {
    let before = state("active", 1, false);
    let cases = [
        (vec![state("active", 2, false)], Ok(())),
        (
            vec![
                state("active", 1, true),
                state("deactivating", 1, true),
                state("inactive", 1, true),
                state("activating", 2, true),
                state("active", 2, false),
            ],
            Ok(()),
        ),
        // PID 1 had not read the call yet.
        (
            vec![before.clone(), before.clone(), state("active", 2, false)],
            Ok(()),
        ),
        (vec![before.clone()], Err("was not restarted")),
        (vec![state("failed", 2, false)], Err("is failed now")),
        (vec![state("inactive", 1, false)], Err("is inactive now")),
    ];
    for redials in [0, 9] {
        for (states, expected) in &cases {
            let (mut manager, script) = lasting(&["ok", "lost"], redials);
            let all = [before.clone()].into_iter().chain(states.clone());
            script.borrow_mut().states = all.collect();
            let restarted = manager.try_restart(&unit());
            match expected {
                Ok(()) => assert_eq!(restarted, Ok(())),
                Err(part) => {
                    let error = restarted.expect_err(part);
                    assert!(error.message().contains(part), "{error}");
                    assert!(error.message().contains("connection lost"), "{error}");
                }
            }
            let restarts = asked(&script)
                .into_iter()
                .filter(|a| a.ends_with("restart"));
            assert_eq!(restarts.collect::<Vec<_>>(), ["bus restart"]);
        }
    }
}

#[test]
fn without_a_connection_systemctl_restarts() {
    // Found out before anything was asked for.
    let (mut manager, script) = lasting(&["lost"], 0);
    manager.try_restart(&unit()).expect("restarted");
    let expected = ["bus state", "systemctl state", "systemctl restart"];
    assert_eq!(asked(&script), expected);
}

#[test]
fn ctrl_c_ends_the_watch() {
    let (mut manager, script) = lasting(&["ok", "lost"], 9);
    script.borrow_mut().states = [state("active", 1, true)].into();
    manager.interrupted.store(true, Ordering::Relaxed);
    let error = manager.try_restart(&unit()).expect_err("interrupted");
    assert!(error.message().contains("systemd goes on"), "{error}");
}
