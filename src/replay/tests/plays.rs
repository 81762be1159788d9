//! What rules would have done.

use super::*;
use crate::policy::leak::Finding;
use crate::sample::{Bound, Limit};

const RESTART: &str = "rules = [{ above = \"100M\", action = \"restart\" }]";

fn with(settings: &str) -> Given {
    given(&format!("{RESTART}\nrestart = {{ {settings} }}"))
}

#[test]
fn a_rule_fires_is_told_once_and_clears() {
    let alert = given("rules = [{ above = \"100M\", action = \"alert\" }]");
    let trace = minutes([50, 101, 150, 99, 96, 94, 101]);
    assert_eq!(
        told(&trace, &alert),
        ["1 fired above", "5 cleared above", "6 fired above"]
    );
    let five = given("rules = [{ above = \"100M\", for = \"5min\", action = \"alert\" }]");
    assert_eq!(told(&minutes([101; 10]), &five), ["5 fired above"]);
}

#[test]
fn a_restart_is_made_again_after_its_cooldown_and_only_so_often() {
    // Half an hour, three times a day, if the profile does not say.
    assert_eq!(
        told(&minutes([150; 24 * 60 + 40]), &given(RESTART)),
        [
            "0 fired above restart",
            "30 done above restart",
            "60 done above restart",
            "1440 done above restart",
            "1470 done above restart",
        ]
    );
    assert_eq!(
        told(&minutes([150; 100]), &with("limit = \"1/1d\"")),
        ["0 fired above restart"]
    );
}

#[test]
fn a_window_withholds_it_until_it_opens() {
    // The trace begins at 22:14.
    let window = with("window = \"23:00-23:30 UTC\", jitter = \"0\"");
    assert_eq!(
        told(&minutes([150; 60]), &window),
        ["0 fired above not: window", "46 done above restart"]
    );
    let ignores = given(
        "rules = [{ above = \"100M\", action = \"restart\", ignore = [\"window\"] }]\n\
         restart = { window = \"23:00-23:30 UTC\" }",
    );
    assert_eq!(told(&minutes([150]), &ignores), ["0 fired above restart"]);
}

#[test]
fn what_is_withheld_for_another_reason_is_told_again() {
    let window = with("window = \"22:14-22:40 UTC\", jitter = \"0\", cooldown = \"20min\"");
    let trace = minutes((0..50).map(|minute| if minute == 5 { 50 } else { 150 }));
    assert_eq!(
        told(&trace, &window),
        [
            "0 fired above restart",
            "5 cleared above",
            "6 fired above not: cooldown",
            "20 done above restart",
            "40 withheld above not: window",
        ]
    );
}

#[test]
fn the_strongest_of_several_acts_and_all_are_told() {
    let both = given(
        "rules = [{ above = \"100M\", action = \"alert\" }, { name = \"b\", above = \"120M\", action = \"restart\" }]",
    );
    assert_eq!(
        told(&minutes([110, 130]), &both),
        ["0 fired above", "1 fired b restart"]
    );
    let idle = with("idle = \"cpu < 5% for 30s\"");
    assert_eq!(
        told(&minutes([150; 90]), &idle),
        ["0 fired above not: idle"]
    );
    let reclaims = given("rules = [{ above = \"100M\", action = \"reclaim\" }]");
    assert_eq!(
        told(&minutes([150; 90]), &reclaims),
        ["0 fired above reclaim"]
    );
}

#[test]
fn a_new_invocation_is_a_new_start() {
    let rules = given("rules = [{ grown = \"+50%\", settle = \"0\", action = \"alert\" }]");
    let rows = [(100, "a"), (160, "a"), (160, "b"), (170, "b"), (250, "b")];
    let rows = rows
        .iter()
        .zip(0..)
        .map(|((need, start), row)| format!("{},{},{start}\n", 1_700_000_040 + row * 60, need * M));
    let trace = format!("time,anon,invocation\n{}", rows.collect::<String>());
    assert_eq!(
        told(&trace, &rules),
        ["1 fired grown", "2 cleared grown", "4 fired grown"]
    );
}

#[test]
fn limits_are_those_of_the_trace_and_else_of_the_profile() {
    let given = given(
        "MemoryMax = \"200M\"\nMemoryHigh = \"180M\"\nrules = [{ above = \"50%\", action = \"alert\" }]",
    );
    assert_eq!(given.limits.max, Some(Limit::Bytes(200 * M)));
    let host = host();
    let mut player = Player::new(&given, &host);
    let mut ceiling = |high: Option<Limit>, max: Option<Limit>, other: Option<u64>| {
        let reading = Reading {
            high,
            max,
            ceiling: other,
            ..Reading::blank(Timestamp::UNIX_EPOCH)
        };
        player.take(&reading);
        player.ceiling().map(|c| (c.bytes / M, c.bound))
    };
    assert_eq!(ceiling(None, None, None), Some((180, Bound::High)));
    let of = |mib: u64| Some(Limit::Bytes(mib * M));
    assert_eq!(ceiling(of(90), None, None), Some((90, Bound::High)));
    assert_eq!(
        ceiling(Some(Limit::Infinity), of(300), None),
        Some((300, Bound::Max))
    );
    assert_eq!(
        ceiling(Some(Limit::Infinity), Some(Limit::Infinity), None),
        None
    );
    // A slice's, which the history knows.
    assert_eq!(ceiling(None, None, Some(50 * M)), Some((50, Bound::Max)));
    assert_eq!(ceiling(None, None, Some(500 * M)), Some((180, Bound::High)));
}

#[test]
fn a_share_of_ram_wants_to_know_how_much_that_is() {
    let text = "[unit.\"a.service\"]\nMemoryMax = \"50%\"\nrules = [{ above = \"50%\", action = \"alert\" }]\n";
    let checked = check(
        &Source::new("a", "a.toml", text.into()),
        &Options::default(),
    );
    let installed = Installed {
        profile: checked.profile,
        path: "a.toml".into(),
        hash: String::new(),
    };
    let unit = UnitName::parse("a.service").expect("a name");
    let of = |ram| Given::of(std::slice::from_ref(&installed), &unit, ram).expect("named");
    assert_eq!(of(None).shares.len(), 1);
    let known = of(Some(400 * M));
    assert_eq!(
        (known.shares.len(), known.limits.max),
        (0, Some(Limit::Bytes(200 * M)))
    );
    assert_eq!(told(&minutes([101]), &known), ["0 fired above"]);
    let other = UnitName::parse("b.service").expect("a name");
    assert_eq!(Given::of(&[installed], &other, None), None);
}

#[test]
fn own_rules_of_every_unit_are_left_out_and_need_is_not_made_of_current() {
    let given = given("MemoryMax = \"100M\"\nrules = [{ above = \"50M\", action = \"alert\" }]");
    assert_eq!(given.rules.len(), 1);
    let trace = minutes([99; 10]).replace("time,current,anon", "time,current,x");
    assert_eq!(told(&trace, &given), [""; 0]);
    let of_current =
        super::given("rules = [{ above = \"50M\", of = \"current\", action = \"alert\" }]");
    assert_eq!(told(&trace, &of_current), ["0 fired above"]);
}

/// Of the detector itself its own tests tell; here it is only asked whether it is fed and believed.
#[test]
fn a_leak_is_found_before_the_limit_and_a_steady_unit_is_none() {
    let given = given("MemoryMax = \"400M\"\nrules = [{ leak = true, action = \"restart\" }]");
    let steady = minutes((0..4 * 1440).map(|minute| 200 + minute % 7));
    assert_eq!(told(&steady, &given), [""; 0]);
    let leak = minutes((0..4 * 1440).map(|minute| 100 + minute / 19));
    let played = play(leak.as_bytes(), std::slice::from_ref(&given), &host());
    let first = &played.lines.first().expect("it is found").told;
    assert_eq!((first.what, first.is_done), (What::Fired, true));
    assert_eq!(first.trend.finding, Finding::Leak);
    assert!(first.headroom() > Some(0.2), "{first:?}");
    assert!(first.why.starts_with("leak: it grows "), "{}", first.why);
}

#[test]
fn two_profiles_are_judged_side_by_side() {
    let sides = [
        given(RESTART),
        given("rules = [{ above = \"140M\", action = \"alert\" }]"),
    ];
    let played = play(minutes([110, 150]).as_bytes(), &sides, &host());
    let told: Vec<_> = played
        .lines
        .iter()
        .map(|line| (line.side, line.time.as_str()))
        .collect();
    assert_eq!(told, [(0, "1700000040"), (1, "1700000100")]);
}

#[test]
fn it_is_played_until_a_time() {
    let given = given("rules = [{ above = \"100M\", for = \"5min\", action = \"alert\" }]");
    let trace = minutes([110; 10]);
    let at = |second: i64| {
        let until = Timestamp::from_second(second).expect("a time");
        let host = host();
        let found = play_until(trace.as_bytes(), &given, &host, until).expect("no faults");
        found.map(|(player, time)| {
            let (rules, ..) = player.standing().expect("it has read something");
            (time, rules[0].lasting.clone().unwrap_or_default())
        })
    };
    assert_eq!(at(1_700_000_039), None);
    let (time, lasting) = at(1_700_000_199).expect("a reading");
    assert_eq!(
        (time.as_str(), lasting.as_str()),
        ("1700000160", "2min of 5min")
    );
    let (time, lasting) = at(i64::from(u32::MAX)).expect("the last one");
    assert_eq!((time.as_str(), lasting.as_str()), ("1700000580", ""));
}

#[test]
fn the_history_s_finest_points_are_played() {
    use crate::history::{Figures, Grain, Point, Spread};
    use crate::sample::{Source as Told, Start};
    let point = |grain, second: i64| Point {
        time: Timestamp::from_second(second).expect("a time"),
        grain,
        readings: 6,
        start: Start::default(),
        source: Told::Cgroup,
        current: Some(Spread {
            min: 1,
            max: 3,
            last: 2,
        }),
        need: None,
        last: Figures {
            anon: Some(5),
            ceiling: Some(9),
            oom_kill: Some(1),
            ..Figures::default()
        },
        restarts: 0,
        oom_kills: 0,
        highs: 0,
    };
    let series = |grain, step: usize, from: i64, until: i64| -> Vec<Point> {
        (from..until)
            .step_by(step)
            .map(|second| point(grain, second))
            .collect()
    };
    let hours = series(Grain::Hours, 3600, 0, 4 * 3600);
    let minutes = series(Grain::Minutes, 60, 7200, 4 * 3600);
    let raw = series(Grain::Raw, 10, 10_800, 4 * 3600);
    let found = readings(&hours, &minutes, &raw);
    assert_eq!(found.len(), 2 + 60 + 360);
    assert!(found.is_sorted_by_key(|reading| reading.time));
    assert_eq!(
        (found[0].memory.current, found[0].ceiling),
        (Some(2), Some(9))
    );
    assert_eq!(
        (found[0].memory.need(), found[0].events.oom_kill),
        (Some(5), Some(1))
    );
    assert_eq!(readings(&[], &[], &[]), []);

    // Where the finer one begins in the middle of an hour, that hour's last reading is of later.
    let minutes = series(Grain::Minutes, 60, 7200 + 17 * 60, 3 * 3600);
    let found = readings(&hours, &minutes, &[]);
    assert_eq!(found[1].time.as_second(), 7200);
    assert_eq!(found[2].time.as_second(), 7200 + 18 * 60);
    assert_eq!(found.len(), 2 + 43);
}

#[test]
fn a_rule_that_nothing_is_known_for_is_named() {
    let given = given(
        "MemoryMax = \"400M\"\nrules = [\n  { event = \"oom\", action = \"alert\" },\n  \
         { above = \"50%\", action = \"alert\" },\n  { age = \"1h\", action = \"alert\" },\n]",
    );
    let blind = |trace: &str| {
        let played = play(trace.as_bytes(), std::slice::from_ref(&given), &host());
        assert!(played.faults.is_empty(), "{:?}", played.faults);
        played.blind.into_iter().collect::<Vec<_>>()
    };
    let known = |rule: &str, missing: &str| (rule.to_owned(), missing.to_owned());
    assert_eq!(
        blind("time,current\n0,5\n60,5\n"),
        [
            known("above", "its need is not known"),
            known("event", "memory.events is not known"),
        ]
    );
    assert_eq!(
        blind("time,anon\n0,5\n60,5\n"),
        [known("event", "memory.events is not known")]
    );
}

#[test]
fn a_summary_keeps_the_first_of_each_and_how_often() {
    let given = given(
        "MemoryMax = \"400M\"\nrestart = { cooldown = \"2min\", limit = \"9/1d\" }\n\
         rules = [{ above = \"50%\", action = \"restart\" }]",
    );
    let lines = (0..12).map(|n| format!("{},{}\n", n * 60, 300 * M));
    let text = format!("time,anon\n{}", lines.collect::<String>());
    let played = play(text.as_bytes(), std::slice::from_ref(&given), &host());
    let done = played.lines.iter().filter(|line| line.told.is_done).count();
    assert!(done > 2, "{:?}", played.lines);
    let first = played.lines[0].clone();
    let summed = played.summed_up().lines;
    assert_eq!(
        summed,
        [Line {
            times: done,
            ..first
        }]
    );
}

#[test]
fn a_header_alone_is_no_recording() {
    let given = given("rules = [{ age = \"1h\", action = \"alert\" }]");
    let played = play(&b"time,anon\n"[..], std::slice::from_ref(&given), &host());
    let told: Vec<String> = played.faults.told.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["there is no reading under the header"]);
}

/// At the very reading at which it is made, a restart is not withheld by having been made.
#[test]
fn what_is_done_at_a_reading_does_not_forbid_it() {
    let given = given("MemoryMax = \"400M\"\nrules = [{ above = \"50%\", action = \"restart\" }]");
    let host = host();
    let mut player = Player::new(&given, &host);
    let at = |minute: i64| {
        let mut reading = Reading::blank(Timestamp::from_second(minute * 60).expect("a time"));
        reading.memory.stat.anon = Some(300 * M);
        reading
    };
    assert!(player.take(&at(1)).iter().any(|told| told.is_done));
    assert_eq!(player.withheld(), []);
    player.take(&at(2));
    assert_eq!(player.withheld().len(), 1);
}
