//! Whatever is read, whenever: nothing panics, and what is told makes sense.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const ALL: [&str; 12] = [
    r#"above = "80%", action = "restart""#,
    r#"name = "max", above = "80% MemoryMax", for = "2min", repeat = "1min""#,
    r#"name = "pss", above = "100M", of = "pss", for = "2 of 3""#,
    r#"name = "set", above = "100M", settle = "1h""#,
    r#"grown = "+80%""#,
    r#"name = "swap", grown = "+1M", of = "swap", settle = "0", action = "reclaim""#,
    r#"age = "1h", repeat = "30s""#,
    r#"event = "oom_kill""#,
    r#"name = "rate", event = "high > 10/1min", for = "1 of 2""#,
    r#"name = "slow", event = "high > 10/10y""#,
    r#"pressure = "full 40% 1s", action = "reload""#,
    "stalled = true",
];

/// Often small, sometimes wild.
fn figure() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        1 => Just(None),
        1 => Just(Some(u64::MAX)),
        1 => Just(Some(u64::MAX - 255)),
        6 => (0..600u64).prop_map(|mib| Some(mib * M)),
        2 => (0..20u64).prop_map(Some),
    ]
}

#[derive(Debug, Clone)]
struct Step {
    seconds: i64,
    figures: Vec<Option<u64>>,
    start: u64,
    flags: u8,
    avg: u32,
}

fn step() -> impl Strategy<Value = Step> {
    let seconds = prop_oneof![
        8 => 0..200i64,
        2 => -100_000..100_000i64,
        1 => Just(9_000_000_000i64),
        1 => Just(-9_000_000_000i64),
    ];
    (
        seconds,
        proptest::collection::vec(figure(), 12),
        1..4u64,
        any::<u8>(),
        prop_oneof![0..10_001u32, Just(u32::MAX)],
    )
        .prop_map(|(seconds, figures, start, flags, avg)| Step {
            seconds,
            figures,
            start,
            flags,
            avg,
        })
}

fn apply(unit: &mut Line, step: &Step) {
    let offset = SignedDuration::from_secs(step.seconds);
    unit.now = unit.now.saturating_add(offset).expect("a time");
    let f = &step.figures;
    let bit = |n: u8| step.flags >> n & 1 == 1;
    unit.sample.start = if bit(0) {
        start(step.start)
    } else {
        Start::default()
    };
    unit.sample.memory.stat.anon = f[0];
    unit.sample.memory.stat.shmem = f[1];
    unit.sample.memory.current = f[2];
    unit.sample.memory.swap = f[3];
    unit.sample.limits.high = f[4].map(Limit::Bytes);
    unit.sample.limits.max = f[5].map(Limit::Bytes);
    unit.sample.limits.swap_max = f[6].map(Limit::Bytes);
    unit.sample.events.high = f[7];
    unit.sample.events.oom_kill = f[8];
    unit.swap_free = f[9];
    unit.ram = f[10];
    unit.pss = f[11];
    unit.oom_killed = bit(1);
    unit.since = bit(2).then_some(unit.now.saturating_sub(offset).unwrap_or(unit.now));
    unit.before = bit(3).then_some(unit.now);
    unit.ceiling = f[5].filter(|_| bit(4)).map(|bytes| Ceiling {
        bytes,
        unit: super::unit("shop.slice"),
        bound: if bit(5) { Bound::High } else { Bound::Max },
    });
    let stall = Stall {
        avg10: step.avg,
        total: f[7].unwrap_or(0),
        ..Stall::default()
    };
    unit.sample.pressure = bit(6).then_some(Psi {
        some: stall,
        full: bit(5).then_some(stall),
    });
    if bit(7) {
        unit.reload();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn told_and_cleared_take_turns(steps in proptest::collection::vec(step(), 1..60)) {
        let mut unit = line(&ALL);
        let mut told: BTreeMap<String, bool> = BTreeMap::new();
        for step in &steps {
            apply(&mut unit, step);
            unit.standing();
            unit.read();
            for news in &unit.last.news {
                let told = told.entry(news.rule.clone()).or_default();
                prop_assert_eq!(*told, news.change != Change::Fired, "{:?}", news);
                *told = news.change != Change::Cleared;
                prop_assert!(!news.why.is_empty());
            }
            for (rule, memory) in &unit.memory {
                let told = told.get(rule).copied().unwrap_or_default();
                prop_assert_eq!(memory.latched.is_some(), told);
            }
            if let Some(want) = &unit.last.want {
                prop_assert!(want.rules.iter().all(|rule| unit.memory[rule].latched.is_some()));
            }
            prop_assert!(unit.saved().len() < 20_000);
            // What is saved is what counts.
            let saved = unit.memory.clone();
            unit.reload();
            prop_assert!(unit.memory == saved);
            unit.memory = saved;
        }
    }

    #[test]
    fn the_daemon_and_the_timer_say_the_same(
        needs in proptest::collection::vec(prop_oneof![0..200u64, 90..110u64], 60..300),
        skipped in proptest::collection::vec(0..40usize, 0..6),
    ) {
        let texts = [
            r#"name = "two", above = "100M", for = "2min", repeat = "2min", action = "restart""#,
            r#"name = "five", above = "60M", for = "5min""#,
            r#"name = "some", above = "100M", for = "3 of 5", action = "reclaim""#,
            r#"name = "old", above = "50M", age = "4min", for = "3 of 4""#,
            r#"name = "set", above = "50M", settle = "3min", for = "2 of 2""#,
        ];
        let (mut daemon, mut timer) = (line(&texts), line(&texts));
        for (n, need) in needs.iter().enumerate() {
            // Both are away for whole minutes.
            if !skipped.contains(&(n / 6)) {
                let at_ten_seconds = daemon.need(*need);
                if n % 6 == 0 {
                    prop_assert_eq!(timer.reload().need(*need), at_ten_seconds, "{}", n);
                } else {
                    prop_assert_eq!(&daemon.last.news, &vec![], "{}", n);
                }
            }
            daemon.wait(10);
            timer.wait(10);
        }
    }

    #[test]
    fn whatever_stands_in_the_file_is_taken(text in "[01x]{0,9}", at in -10_000_000_000i64..10_000_000_000) {
        let time = Timestamp::from_second(at).expect("a time");
        let json = format!(
            r#"{{"latched":{{"since":"{time}","told":"{time}"}},"unsure":"{time}",
                "start":{{"invocation":"{text}","seen":"{time}"}},
                "lasting":{{"since":"{time}","last":"{time}","held":"{text}"}},
                "events":{{"counter":null,"time":"{time}","gains":[{{"time":"{time}","count":18446744073709551615}}]}},
                "throttled":{{"counter":18446744073709551615,"gained":"{time}"}},
                "baseline":{{"from":"{time}","readings":[1]}}}}"#
        );
        let memory: Memory = serde_json::from_str(&json).expect("JSON");
        let mut unit = line(&ALL);
        unit.memory = unit.rules.iter().map(|r| (r.name.clone(), memory.clone())).collect();
        for _ in 0..3 {
            unit.read();
            unit.wait(60);
        }
    }
}
