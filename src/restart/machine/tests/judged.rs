//! Whether it helped.

use super::*;

/// A run that is being judged, with this need at its end.
fn judging(need: u64) -> Walk {
    let mut walk = Walk::settling(Deed::Restart, restarted());
    walk.reading(need, NEW);
    walk.look(restarted());
    walk
}

#[test]
fn twice_in_a_row_it_does_not_help() {
    // Back at nine tenths (370.8M) after four minutes: once is told by nobody.
    let mut walk = judging(100);
    walk.later(240);
    assert_eq!(walk.reading(370, NEW), [""; 0]);
    assert_eq!(walk.reading(371, NEW), ["end"]);
    assert_eq!(
        (walk.state.useless, walk.state.ineffective.is_some()),
        (1, false)
    );
    // The second time, as soon as it is alive.
    let mut again = Walk::settling(Deed::Restart, restarted());
    again.state = walk.state;
    again.reading(405, NEW);
    let lines = again.look(restarted());
    assert_eq!(
        lines.get(1..),
        Some(
            &[
                format!(
                    "Ineffective: restarting web.service does not help: again its need was back within 5min \
                     (412M before, 405M now); it is not restarted any more for a day, until `memctl release web.service`, \
                     or until its profile or unit changes; {WHY}"
                ),
                "end".to_owned()
            ][..]
        ),
        "{lines:?}"
    );
    let ineffective = again.state.ineffective.as_ref();
    assert_eq!(ineffective.map(|i| i.of.as_str()), Some("a"));
}

#[test]
fn no_judgement_without_knowledge() {
    let unjudged = |walk: &mut Walk, input: Input| {
        walk.state.useless = 1;
        assert_eq!(walk.feed(input), ["end"]);
        assert_eq!(walk.state.useless, 1, "neither helped nor useless");
    };
    let reading = |need: Option<u64>, invocation| Input::Reading {
        need: need.map(|need| need * MIB),
        start: start(invocation),
    };
    // Another start in between.
    unjudged(&mut judging(100), reading(Some(400), NEWER));
    // Nobody looked for an hour.
    let mut walk = judging(100);
    walk.later(3600);
    unjudged(&mut walk, reading(Some(400), NEW));
    let mut walk = judging(100);
    walk.later(3600);
    unjudged(&mut walk, Input::Tick);
    // The need is not known.
    let mut walk = judging(100);
    assert_eq!(walk.feed(reading(None, NEW)), [""; 0]);
    // Down after more than the time is down.
    let mut walk = judging(100);
    walk.state.useless = 1;
    walk.later(310);
    assert_eq!(walk.reading(200, NEW), ["end"]);
    assert_eq!(walk.state.useless, 0);
    // Back, but later than that.
    let mut walk = judging(100);
    walk.state.useless = 1;
    for _ in 0..4 {
        walk.later(60);
        walk.reading(200, NEW);
    }
    walk.later(61);
    assert_eq!(walk.reading(400, NEW), ["end"]);
    assert_eq!(walk.state.useless, 0);
    // An administrator's is not judged.
    let mut walk = Walk::simple(Deed::Restart);
    walk.run.wish.rules.clear();
    walk.run.wish.why.clear();
    assert_eq!(
        walk.feed(Input::Begin).first().map(String::as_str),
        Some("Begun: restarting web.service: by hand")
    );
    walk.answer(Answer::Done);
    walk.look(restarted());
    walk.later(10);
    walk.reading(405, NEW);
    assert_eq!(
        walk.look(restarted()),
        [
            "Done: restarted web.service in 2.1 s: freed 7M (need 412M → 405M); by hand",
            "end"
        ]
    );
    assert_eq!(walk.state.useless, 0);
    // A reload is judged by the same measure.
    let mut walk = Walk::settling(Deed::Reload, running());
    walk.reading(405, OLD);
    walk.look(running());
    assert_eq!(walk.state.useless, 1);
}
