use super::*;

fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect(text)
}

/// A running unit that needs `anon` of `max`.
fn sample(unit: &str, anon: Option<u64>, max: Option<u64>) -> Sample {
    let mut sample = Sample::blank(name(unit), Timestamp::UNIX_EPOCH, Source::Cgroup);
    sample.memory.current = Some(1000);
    sample.memory.stat.anon = anon;
    sample.limits.high = Some(Limit::Infinity);
    sample.limits.max = Some(max.into());
    sample
}

fn reading() -> Reading {
    Reading {
        time: Timestamp::UNIX_EPOCH,
        host: None,
        faults: Vec::new(),
        samples: vec![
            sample("a.service", Some(10), Some(100)),
            sample("b.service", Some(95), Some(100)),
            sample("bare.service", None, None),
            sample("big.service", Some(900), None),
            sample("capped.slice", Some(50), Some(60)),
            sample("plain.slice", Some(50), None),
            sample("w@1.service", Some(20), None),
            sample("x.scope", Some(30), None),
        ],
    }
}

fn info(unit: &str, load: &str, active: &str) -> UnitInfo {
    UnitInfo {
        name: name(unit),
        load: load.to_owned(),
        active: active.to_owned(),
        sub: "dead".to_owned(),
        description: String::new(),
    }
}

fn shown(choice: &Watched, listed: Option<&[UnitInfo]>) -> Vec<String> {
    let rows = rows(
        &reading(),
        listed,
        choice,
        &Sparks::new(),
        &[],
        &BTreeMap::new(),
    );
    rows.into_iter().map(|r| r.unit.to_string()).collect()
}

#[test]
fn the_nearest_to_its_ceiling_comes_first_then_the_neediest() {
    assert_eq!(
        shown(&Watched::Services, None),
        [
            "b.service",
            "a.service",
            "big.service",
            "w@1.service",
            "bare.service"
        ]
    );
}

#[test]
fn slices_are_among_all_if_they_limit_something() {
    let all = shown(&Watched::All, None);
    assert!(all.contains(&"capped.slice".to_owned()), "{all:?}");
    assert!(all.contains(&"x.scope".to_owned()), "{all:?}");
    assert!(!all.contains(&"plain.slice".to_owned()), "{all:?}");
    let named = Watched::Names(vec![name("plain.slice")]);
    assert_eq!(shown(&named, None), ["plain.slice"]);
}

#[test]
fn names_reach_instances_and_are_shown_though_they_do_not_run() {
    let names = ["w@.service", "gone.service", "b.service"].map(name);
    let choice = Watched::Names(names.to_vec());
    assert_eq!(
        shown(&choice, None),
        ["b.service", "w@1.service", "gone.service"]
    );
    let listed = [
        info("w@2.service", "loaded", "failed"),
        info("w@3.service", "loaded", "inactive"),
        info("other.service", "loaded", "failed"),
        info("gone.service", "not-found", "inactive"),
    ];
    let rows = rows(
        &reading(),
        Some(&listed),
        &choice,
        &Sparks::new(),
        &[],
        &BTreeMap::new(),
    );
    let states: Vec<_> = rows
        .iter()
        .map(|r| (r.unit.as_str(), r.state.as_ref().map(|s| s.active.as_str())))
        .collect();
    assert_eq!(
        states,
        [
            ("b.service", None),
            ("w@1.service", None),
            ("gone.service", Some("inactive")),
            ("w@2.service", Some("failed")),
        ]
    );
}

#[test]
fn what_failed_is_among_the_services() {
    let listed = [info("dead.service", "loaded", "failed")];
    let services = shown(&Watched::Services, Some(&listed));
    assert_eq!(services.last().map(String::as_str), Some("dead.service"));
}

#[test]
fn near_is_nine_tenths() {
    let rows = rows(
        &reading(),
        None,
        &Watched::Services,
        &Sparks::new(),
        &[],
        &BTreeMap::new(),
    );
    let near: Vec<&str> = rows
        .iter()
        .filter(|r| r.is_near())
        .map(|r| r.unit.as_str())
        .collect();
    assert_eq!(near, ["b.service"]);
    assert_eq!(rows[0].share(), Some(0.95));
    assert!(rows[2].is_free() && !rows[0].is_free());
}
