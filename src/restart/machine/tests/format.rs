//! The state file stays readable.

use super::*;

#[test]
fn the_state_file_stays_readable() {
    let mut walk = Walk::settling(Deed::Restart, restarted());
    walk.reading(181, NEW);
    let json = serde_json::to_string_pretty(&walk.run).expect("JSON");
    assert_eq!(json, include_str!("run.json").trim_end());
    // All steps, as they are spelled.
    let steps = [
        (Step::New, r#"{"at":"new"}"#),
        (Step::Before { nth: 1 }, r#"{"at":"before","nth":1}"#),
        (Step::Again, r#"{"at":"again"}"#),
        (Step::Asked, r#"{"at":"asked"}"#),
        (
            Step::Answered {
                answer: Answer::Job("timeout".to_owned()),
                since: walk.now,
                looks: 2,
            },
            r#"{"at":"answered","answer":{"is":"job","why":"timeout"},"since":"2026-11-24T10:00:10Z","looks":2}"#,
        ),
        (
            Step::Settling {
                since: walk.now,
                looks: 0,
            },
            r#"{"at":"settling","since":"2026-11-24T10:00:10Z","looks":0}"#,
        ),
        (
            Step::Dependents {
                left: vec!["queue.service".to_owned()],
                since: walk.now,
                started: true,
            },
            r#"{"at":"dependents","left":["queue.service"],"since":"2026-11-24T10:00:10Z","started":true}"#,
        ),
        (Step::After { nth: 0 }, r#"{"at":"after","nth":0}"#),
        (Step::Judging { seen: 3 }, r#"{"at":"judging","seen":3}"#),
        (Step::Ended, r#"{"at":"ended"}"#),
    ];
    for (step, json) in steps {
        assert_eq!(serde_json::to_string(&step).expect("JSON"), json);
        assert_eq!(serde_json::from_str::<Step>(json).expect(json), step);
    }
    let read: UnitState =
        serde_json::from_str(&serde_json::to_string(&walk.state).expect("JSON")).expect("a state");
    assert_eq!(read, walk.state);
}
