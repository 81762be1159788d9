//! Whatever comes, in whatever order.

use proptest::prelude::*;

use super::*;

fn looks() -> impl Strategy<Value = Look> {
    let active = prop::sample::select(vec![
        "active",
        "inactive",
        "failed",
        "activating",
        "deactivating",
        "odd",
    ]);
    let invocation = prop::sample::select(vec![OLD, NEW, NEWER, ""]);
    let result = prop::sample::select(vec!["success", "exit-code", "start-limit-hit", ""]);
    let system = prop::sample::select(vec!["running", "stopping"]);
    (active, invocation, result, system, any::<[bool; 2]>()).prop_map(
        |(active, invocation, result, system, [job, dependent])| {
            let mut look = look(active, "sub", result, invocation);
            look.job = job;
            look.system = system.to_owned();
            if dependent {
                with_dependent(look)
            } else {
                look
            }
        },
    )
}

fn inputs() -> impl Strategy<Value = Input> {
    let unit = || {
        prop::sample::select(vec!["a.service", "z.service", "queue.service"])
            .prop_map(str::to_owned)
    };
    let result = || prop_oneof![Just(Ok(())), Just(Err("no".to_owned()))];
    let answer = prop_oneof![
        Just(Answer::Done),
        prop::sample::select(vec!["failed", "canceled"]).prop_map(|r| Answer::Job(r.to_owned())),
        Just(Answer::Refused("no".to_owned())),
        Just(Answer::Unknown("no".to_owned())),
    ];
    let glance = prop::sample::select(vec!["active", "inactive", "failed", "activating"]).prop_map(
        |active| Glance {
            active: active.to_owned(),
            result: String::new(),
            job: false,
        },
    );
    prop_oneof![
        2 => Just(Input::Begin),
        2 => (unit(), result()).prop_map(|(unit, result)| Input::Started { unit, result }),
        1 => looks().prop_map(|look| Input::Gated(Ok(Box::new(look)))),
        2 => answer.prop_map(Input::Answer),
        4 => looks().prop_map(|look| Input::Looked(Box::new(look))),
        1 => (unit(), glance).prop_map(|(unit, glance)| Input::Glanced { unit, glance }),
        2 => (prop::option::of(0..500 * MIB), prop::sample::select(vec![OLD, NEW, ""]))
            .prop_map(|(need, invocation)| Input::Reading { need, start: start(invocation) }),
        3 => Just(Input::Tick),
        1 => Just(Input::Resumed),
        1 => Just(Input::Rebooted),
    ]
}

proptest! {
    #[test]
    fn pid_1_is_asked_once_at_most(
        reload: bool,
        begun: bool,
        helpers: [bool; 2],
        inputs in prop::collection::vec((inputs(), -100i64..400), 1..60),
    ) {
        let name = |name: &str| vec![UnitName::parse(name).expect("a name")];
        let settings = profile::Restart {
            before: helpers[0].then(|| name("a.service")),
            after: helpers[1].then(|| name("z.service")),
            ..profile::Restart::default()
        };
        let deed = if reload { Deed::Reload } else { Deed::Restart };
        let mut walk = Walk::new(deed, &settings, with_dependent(running()));
        let (mut asked, mut done) = (0, 0);
        let mut ends = 0;
        let begin = begun.then_some((Input::Begin, 0));
        for (input, seconds) in begin.into_iter().chain(inputs) {
            walk.later(seconds);
            let kept = serde_json::to_string(&walk.run).expect("JSON");
            prop_assert_eq!(&serde_json::from_str::<Run>(&kept).expect("a run"), &walk.run);
            let over = walk.run.step == Step::Ended;
            let due = walk.run.due(walk.now);
            prop_assert!(due.is_none_or(|due| due > walk.now), "a loop that waits for it would spin");
            let lines = walk.feed(input);
            asked += lines.iter().filter(|line| matches!(line.as_str(), "restart" | "reload")).count();
            done += lines.iter().filter(|line| line.starts_with("Done")).count();
            ends += usize::from(!over && walk.run.step == Step::Ended);
            prop_assert!(!over || lines.iter().all(|line| line == "end"), "after the end: {:?}", lines);
        }
        prop_assert!(asked <= 1 && done <= asked && ends <= 1);
        prop_assert!(walk.state.done.len() <= asked, "counted without being asked");
    }
}
