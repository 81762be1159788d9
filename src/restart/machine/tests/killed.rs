//! memctl is killed (-9) at every moment of a restart that has everything: before each effect, after each, and
//! between the decision and its saving.

use std::collections::VecDeque;

use super::*;

/// PID 1, the unit, what hangs on it, and memctl, which can be killed.
struct World {
    /// What is on disk.
    disk: String,
    /// What memctl has in mind; lost when it is killed.
    inbox: VecDeque<Input>,
    now: Timestamp,
    restarts: usize,
    /// `before` and `after` services that were run.
    ran: Vec<String>,
    dependent_is_up: bool,
    told: Vec<String>,
    /// Moments until memctl is killed.
    left: Option<usize>,
    moments: usize,
}

/// memctl is dead.
struct Killed;

impl World {
    fn look(&self) -> Look {
        let look = if self.restarts == 0 {
            running()
        } else {
            restarted()
        };
        if self.dependent_is_up {
            with_dependent(look)
        } else {
            look
        }
    }

    /// A moment at which memctl may be killed.
    fn moment(&mut self) -> Result<(), Killed> {
        self.moments += 1;
        match self.left.as_mut() {
            Some(0) => {
                self.left = None;
                self.inbox.clear();
                Err(Killed)
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn carry_out(&mut self, effect: &Effect) {
        let answer = match effect {
            Effect::Look => Input::Looked(Box::new(self.look())),
            Effect::Glance(unit) => Input::Glanced {
                unit: unit.clone(),
                glance: Glance {
                    active: if self.dependent_is_up {
                        "active"
                    } else {
                        "inactive"
                    }
                    .to_owned(),
                    result: "success".to_owned(),
                    job: false,
                },
            },
            Effect::Read => Input::Reading {
                need: Some(if self.restarts == 0 { 412 } else { 181 } * MIB),
                start: start(&self.look().invocation),
            },
            Effect::Again => Input::Gated(Ok(Box::new(self.look()))),
            Effect::Start(unit) => {
                if unit == "queue.service" {
                    self.dependent_is_up = true;
                } else {
                    self.ran.push(unit.clone());
                }
                Input::Started {
                    unit: unit.clone(),
                    result: Ok(()),
                }
            }
            Effect::Restart => {
                self.restarts += 1;
                self.dependent_is_up = false;
                Input::Answer(Answer::Done)
            }
            Effect::Tell(_) => return self.told.push(line(effect)),
            other => unreachable!("{other:?}"),
        };
        self.inbox.push_back(answer);
    }

    fn live(&mut self, first: Input) -> Result<(), Killed> {
        let unit = UnitName::parse("web.service").expect("a name");
        self.inbox.push_back(first);
        loop {
            let mut state: UnitState = serde_json::from_str(&self.disk).expect("a state");
            let Some(run) = state.run.take() else {
                return Ok(());
            };
            let Some(input) = self.inbox.pop_front() else {
                self.now += SignedDuration::from_secs(10);
                self.carry_out(&Effect::Read);
                self.inbox.push_back(Input::Tick);
                continue;
            };
            let (run, effects) = step(run, input, &unit, self.now);
            self.moment()?;
            let left = absorb(&mut state, run, effects, "a", self.now);
            self.disk = serde_json::to_string(&state).expect("JSON");
            self.moment()?;
            for effect in left {
                self.carry_out(&effect);
                self.moment()?;
            }
        }
    }

    /// The whole story, killed after so many moments.
    fn tell(left: Option<usize>) -> Self {
        let name = |name: &str| Some(vec![UnitName::parse(name).expect("a name")]);
        let settings = profile::Restart {
            before: name("drain.service"),
            after: name("undrain.service"),
            ..profile::Restart::default()
        };
        let walk = Walk::new(Deed::Restart, &settings, with_dependent(running()));
        let state = UnitState {
            run: Some(walk.run),
            ..UnitState::default()
        };
        let mut world = Self {
            disk: serde_json::to_string(&state).expect("JSON"),
            inbox: VecDeque::new(),
            now: walk.now,
            restarts: 0,
            ran: Vec::new(),
            dependent_is_up: true,
            told: Vec::new(),
            left,
            moments: 0,
        };
        if world.live(Input::Begin).is_err() {
            // It is started anew a little later; once killed is enough.
            world.now += SignedDuration::from_secs(20);
            let again = world.live(Input::Resumed);
            assert!(again.is_ok());
        }
        world
    }
}

#[test]
fn whenever_it_is_killed_the_story_ends_well() {
    let whole = World::tell(None);
    let done = format!(
        "Done: restarted web.service in 2.1 s: freed 231M (need 412M → 181M); {WHY}; started again: queue.service"
    );
    assert_eq!(
        whole.told,
        [
            format!("Begun: restarting web.service: {WHY}; with it queue.service"),
            done
        ]
    );
    assert_eq!(whole.ran, ["drain.service", "undrain.service"]);
    let mut outcomes: Vec<(usize, usize, String)> = Vec::new();
    for left in 0..whole.moments {
        let world = World::tell(Some(left));
        assert_eq!(world.left, None, "killed at {left}");
        let state: UnitState = serde_json::from_str(&world.disk).expect("a state");
        assert_eq!(state.run, None, "killed at {left}: it ends");
        assert!(world.restarts <= 1, "killed at {left}: never twice");
        assert_eq!(
            state.done.len(),
            world.restarts,
            "killed at {left}: what was done counts, once"
        );
        assert!(
            world.dependent_is_up,
            "killed at {left}: nothing stays dead"
        );
        let undrained = world.ran.iter().any(|unit| unit == "undrain.service");
        assert_eq!(
            undrained,
            world.restarts == 1,
            "killed at {left}: what is to run after has run"
        );
        if world.restarts == 0 {
            let why = world
                .told
                .iter()
                .filter(|line| line.starts_with("Withheld [interrupted]"));
            assert_eq!(
                why.count(),
                1,
                "killed at {left}: it is told: {:?}",
                world.told
            );
        }
        let told: Vec<&str> = world
            .told
            .iter()
            .map(|l| l.split([':', ' ']).next().unwrap_or_default())
            .collect();
        let told = told.join(" ");
        match outcomes.last_mut() {
            Some((_, last, same)) if *same == told => *last = left,
            _ => outcomes.push((left, left, told)),
        }
    }
    let shown: Vec<String> = outcomes
        .iter()
        .map(|(a, b, told)| format!("{a}-{b} {told}"))
        .collect();
    assert_eq!(
        shown,
        [
            // Until PID 1 is asked.
            "0-7 Withheld",
            "8-8 Begun Withheld",
            "9-29 Begun Done",
            // Between the saving and the telling; the restart is counted, the journal has its beginning.
            "30-30 Begun",
            "31-148 Begun Done",
        ]
    );
}
