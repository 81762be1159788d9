//! Profiles that change while units are watched, and whom they mean.

use super::host::{ABOVE, installed, profile};
use super::*;
use crate::kernel::root::Root;
use crate::scope::Scope;
use crate::units::Span;
use crate::watch::charge::Charges;

const ALERT: &str = r#"{ name = "big", above = "300M", action = "alert" }"#;

#[test]
fn rules_of_the_same_name_remember_and_others_are_over() {
    let host = Host::new(
        r#"{ name = "big", above = "300M", action = "alert" }, { name = "huge", above = "350M", action = "alert" }"#,
        "",
    );
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(20);
    assert_eq!(line.told().len(), 2);
    assert_eq!(line.agent.in_short(), ["2 rules hold"]);
    line.agent.follow(vec![installed(
        "web",
        &profile("web.service", ALERT, "MemoryMax = \"1G\""),
    )]);
    line.pass(20);
    assert_eq!(
        line.told(),
        ["rule-cleared web.service"],
        "the other is told already"
    );
    assert_eq!(line.agent.in_short(), ["1 rule holds"]);

    // No profile names it any more.
    line.agent.follow(Vec::new());
    line.pass(20);
    assert_eq!(line.told(), ["rule-cleared web.service"]);
    assert!(line.agent.in_short().is_empty());
    assert!(!host.file().exists(), "nothing is left to remember");
}

#[test]
fn what_no_rule_wants_any_more_is_not_done() {
    let host = Host::new(
        ABOVE,
        "[unit.\"web.service\".restart]\nwindow = \"11:00-12:00\"\njitter = \"0\"\n",
    );
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(60);
    line.agent.follow(Vec::new());
    line.pass(4000);
    assert_eq!(line.jobs(), [""; 0]);

    // Nor while the last one is being judged.
    let host = Host::new(ABOVE, "[unit.\"web.service\".restart]\ncooldown = \"1s\"\n");
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(60);
    line.agent.follow(Vec::new());
    line.pass(600);
    assert_eq!(line.jobs(), ["restarting web.service"]);
}

#[test]
fn units_that_are_gone_are_over_and_in_the_end_forgotten() {
    let host = Host::new(ALERT, "");
    let mut line = host.start(Host::at("10:00:00"));
    line.need("web.service", 400).pass(20);
    assert_eq!(line.told(), ["rule-fired web.service"]);
    host.pid1.borrow_mut().unit("web.service").active = "inactive";
    line.pass(60);
    assert_eq!(line.told(), ["rule-cleared web.service"]);
    assert!(line.agent.in_short().is_empty());
    assert!(
        host.file().exists(),
        "its counters count for the next start"
    );
    for _ in 0..25 {
        line.now += jiff::SignedDuration::from_hours(1);
        line.tick();
    }
    assert!(!host.file().exists());
    assert!(line.agent.units.is_empty());
    assert_eq!(line.told(), [""; 0]);
}

#[test]
fn a_hold_outlives_the_unit() {
    let host = Host::new(ALERT, "");
    let hold = |state: &mut crate::state::UnitState| {
        state.hold = Some(crate::state::Hold {
            since: Host::at("09:00:00"),
            until: None,
            by: None,
        });
    };
    host.store()
        .change(&unit("web.service"), hold)
        .expect("written");
    host.pid1.borrow_mut().unit("web.service").active = "inactive";
    let mut line = host.start(Host::at("10:00:00"));
    for _ in 0..1000 {
        line.now += jiff::SignedDuration::from_hours(1);
        line.tick();
    }
    assert!(host.state().hold.is_some());
}

#[test]
fn a_template_a_prefix_and_the_unit_itself() {
    let profiles = [
        installed(
            "a",
            "[unit.\"shop-.service\"]\nrules = [{ name = \"prefix\", above = \"1M\", action = \"alert\" }]\nrestart = { cooldown = \"3h\", limit = \"9/1d\", jitter = \"1h\" }\n",
        ),
        installed(
            "b",
            "[unit.\"shop-worker@.service\"]\nrules = [{ name = \"template\", above = \"1M\", action = \"restart\" }]\nrestart = { cooldown = \"2h\", limit = \"5/1d\" }\n",
        ),
        installed(
            "c",
            "[unit.\"shop-worker@1.service\"]\nMemoryMax = \"1G\"\nrestart = { cooldown = \"1h\" }\n",
        ),
    ];
    let charges = Charges::new(&profiles);
    let of = |name: &str| {
        let charge = charges.of(&unit(name))?;
        let own: Vec<String> = charge
            .rules
            .iter()
            .filter(|rule| !rule.name.starts_with("built-in:"))
            .map(|rule| rule.name.clone())
            .collect();
        let builtin = charge.rules.len() - own.len();
        let file = charge.profile.file_name()?.to_str()?.to_owned();
        Some((own, builtin, file, charge.restart))
    };
    let hours = |n: u64| Some(Span::seconds(n * 3600));

    let (own, builtin, file, restart) = of("shop-worker@1.service").expect("a charge");
    assert_eq!(
        (own, file.as_str()),
        (vec!["template".to_owned()], "c.toml")
    );
    assert!(builtin > 0, "it has limits");
    assert_eq!((restart.cooldown, restart.jitter), (hours(1), hours(1)));
    assert_eq!(restart.limit.map(|l| l.count), Some(5));

    let (own, _, file, restart) = of("shop-worker@2.service").expect("a charge");
    assert_eq!(
        (own, file.as_str()),
        (vec!["template".to_owned()], "b.toml")
    );
    assert_eq!(restart.cooldown, hours(2));

    let (own, _, file, restart) = of("shop-front.service").expect("a charge");
    assert_eq!((own, file.as_str()), (vec!["prefix".to_owned()], "a.toml"));
    assert_eq!(
        (restart.cooldown, restart.limit.map(|l| l.count)),
        (hours(3), Some(9))
    );
    assert!(of("shop.service").is_none());
}

#[test]
fn another_profile_or_unit_file_is_another_fingerprint() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = Root::open_running(dir.path()).expect("open");
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        std::fs::write(path, text).expect("write");
    };
    let of = |text: &str| {
        let profiles = [installed("web", text)];
        let charge = Charges::new(&profiles).of(&unit("web@1.service"));
        charge
            .expect("a charge")
            .fingerprint(&root, &Scope::System, &unit("web@1.service"))
    };
    let text = profile("web@.service", ABOVE, "");
    let first = of(&text);
    assert_eq!(of(&text), first);
    assert_ne!(
        of(&profile("web@.service", ALERT, "")),
        first,
        "another profile"
    );
    let mut last = first;
    for path in [
        "usr/lib/systemd/system/web@.service",
        "etc/systemd/system/web@1.service.d/override.conf",
        "etc/systemd/system/web@.service.d/override.conf",
    ] {
        write(path, "[Service]\n");
        let now = of(&text);
        assert_ne!(now, last, "{path}");
        last = now;
    }
    // By each reload.
    let ours = Scope::System.generator_dir();
    let ours = ours.strip_prefix("/").expect("absolute");
    write(
        ours.join("web@.service.d/00-memctl-template.conf")
            .to_str()
            .expect("UTF-8"),
        "[Service]\n",
    );
    write("etc/systemd/system/other.service", "[Service]\n");
    assert_eq!(of(&text), last);
}
