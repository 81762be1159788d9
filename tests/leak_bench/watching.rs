//! What is counted of a judge: what is right, what is wrong, how late.

use memctl::policy::leak::Point;

use crate::families::Label;
use crate::judges::{Alarm, Judge};
use crate::load::{DAY, HOUR};
use crate::measure::{Caught, Outcome, Tally, watch};
use crate::trace::Trace;
use crate::write;

/// Says so from a sample's number on, or at all samples between two times.
struct Says {
    from: i64,
    to: i64,
    restarts: usize,
}

impl Says {
    fn between(trace: &Trace, from: f64, to: f64) -> Self {
        let began = trace.service().next().expect("a sample");
        let zero = began.point.time - began.since as i64;
        Self {
            from: zero + from as i64,
            to: zero + to as i64,
            restarts: 0,
        }
    }
}

impl Judge for Says {
    fn take(&mut self, point: &Point) -> Option<Alarm> {
        (self.from..self.to)
            .contains(&point.time)
            .then_some(Alarm::Leak)
    }

    fn restarted(&mut self) {
        self.restarts += 1;
    }
}

fn trace(family: &str, seed: u64) -> Trace {
    Trace::new(write::family(family).expect(family), seed)
}

/// A leak that lasts for days, from days after the watch begins.
fn late() -> Trace {
    (0..50)
        .map(|seed| trace("leak that begins late", seed))
        .find(|trace| {
            trace.spec.gaps.0 == 0.0
                && trace.spec.restarts.is_empty()
                && trace.time_to_limit().is_some_and(|whole| whole > 2.0 * DAY)
        })
        .expect("one of fifty")
}

#[test]
fn nobody_says_anything() {
    let trace = late();
    let outcome = watch(&trace, &mut Says::between(&trace, 0.0, 0.0));
    assert!(outcome.hit);
    assert_eq!(outcome.caught, None);
    assert!((outcome.healthy - trace.onset).abs() <= trace.spec.tick);
}

#[test]
fn half_of_the_way() {
    let trace = late();
    let half = trace.onset + trace.time_to_limit().expect("a hit") / 2.0;
    let outcome = watch(&trace, &mut Says::between(&trace, half, 1e9));
    let caught = outcome.caught.expect("caught");
    assert!((caught.delay - 0.5).abs() < 0.01, "{caught:?}");
    assert!(caught.room > 0.0 && caught.room < 1.0, "{caught:?}");
    assert!(!outcome.hit && outcome.mistakes.is_empty());
}

#[test]
fn too_late_to_stop_it() {
    let trace = late();
    let hit = trace.hit.expect("a hit");
    let tick = trace.spec.tick;
    let outcome = watch(&trace, &mut Says::between(&trace, hit - tick, 1e9));
    assert!(outcome.hit);
    assert_eq!(outcome.caught, None);
    let before = hit - 90.0 - 2.0 * tick;
    let outcome = watch(&trace, &mut Says::between(&trace, before, 1e9));
    assert!(!outcome.hit);
    assert!(outcome.caught.is_some());
}

#[test]
fn before_the_onset_it_is_a_mistake_and_goes_on() {
    let trace = late();
    let early = trace.onset / 2.0;
    let mut judge = Says::between(&trace, early, early + 10.0 * trace.spec.tick);
    let outcome = watch(&trace, &mut judge);
    assert_eq!(outcome.mistakes.len(), 1);
    assert_eq!(judge.restarts, 1);
    assert!((outcome.mistakes[0].0 - early).abs() <= trace.spec.tick);
    assert!(outcome.hit);
}

#[test]
fn a_healthy_one_is_restarted_once_an_hour_at_most() {
    let trace = trace("page cache and slab move", 2);
    let mut judge = Says::between(&trace, DAY, DAY + 3.0 * HOUR - 1.0);
    let outcome = watch(&trace, &mut judge);
    assert_eq!(outcome.mistakes.len(), 3);
    assert_eq!(judge.restarts, 3);
    assert!((outcome.healthy - trace.spec.days * DAY).abs() <= trace.spec.tick);
    assert!(!outcome.hit && outcome.caught.is_none());
}

#[test]
fn what_adds_up() {
    let caught = |delay, room, alarm| Outcome {
        caught: Some(Caught { alarm, delay, room }),
        ..Outcome::default()
    };
    let wrong = |count: usize| Outcome {
        mistakes: vec![(0.0, Alarm::NearLimit); count],
        healthy: 365.25 * DAY,
        ..Outcome::default()
    };
    let hit = Outcome {
        hit: true,
        ..Outcome::default()
    };
    let mut tally = Tally::default();
    tally.add(Label::Leak, &caught(0.2, 0.4, Alarm::Leak));
    tally.add(Label::Leak, &caught(0.4, 0.2, Alarm::Leak));
    tally.add(Label::Leak, &caught(0.9, 0.05, Alarm::NearLimit));
    tally.add(Label::Leak, &hit);
    tally.add(Label::Healthy, &wrong(3));
    tally.add(Label::Healthy, &wrong(0));
    tally.add(Label::Undecidable, &wrong(2));
    tally.add(Label::Healthy, &wrong(0));
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
    near(tally.precision(), 3.0 / 5.0);
    near(tally.recall(), 3.0 / 4.0);
    near(tally.f1(), 2.0 * 0.6 * 0.75 / 1.35);
    near(tally.in_time(), 2.0 / 4.0);
    near(tally.years(), 4.0);
    near(tally.delay(0.5), 0.4);
    // Five restarts and one limit hit, of eight services.
    near(tally.cost(10.0), 15.0 * 100.0 / 8.0);
    assert_eq!((tally.mistakes, tally.mistaken), (5, 2));
    assert_eq!((tally.caught, tally.by_net, tally.hits), (3, 1, 1));
}
