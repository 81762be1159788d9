use super::*;

fn name(text: &str) -> UnitName {
    UnitName::parse(text).expect(text)
}

#[test]
fn kinds_are_told_apart() {
    assert_eq!(name("nginx.service").kind(), NameKind::Plain);
    assert_eq!(name("worker@.service").kind(), NameKind::Template);
    assert_eq!(name("worker@a-1.service").kind(), NameKind::Instance);
    assert_eq!(name("celery-.service").kind(), NameKind::Prefix);
    assert_eq!(name("-.slice").kind(), NameKind::Plain);
    assert_eq!(name("a-b.slice").kind(), NameKind::Plain);
}

#[test]
fn what_is_no_unit_name_says_why() {
    for (text, why) in [
        ("", NameError::Empty),
        (".service", NameError::Empty),
        ("@1.service", NameError::Empty),
        ("nginx", NameError::NoType),
        ("nginx.servce", NameError::NoType),
        ("../x.service", NameError::Character('/')),
        ("a b.service", NameError::Character(' ')),
        ("a\u{1}.service", NameError::Character('\u{1}')),
        ("web*.service", NameError::Glob),
        ("a.timer", NameError::OtherType("timer".to_owned())),
        ("a--b.slice", NameError::Slice),
        ("-a.slice", NameError::Slice),
        ("a@1.slice", NameError::Slice),
    ] {
        assert_eq!(UnitName::parse(text), Err(why), "{text:?}");
    }
    assert!(UnitName::parse(&format!("{}.service", "a".repeat(247))).is_ok());
    assert!(UnitName::parse(&format!("{}.service", "a".repeat(248))).is_err());
}

#[test]
fn dropin_folders_are_asked_for_as_systemd_does() {
    assert_eq!(
        dropin_names(&name("a-b-c.service")),
        ["a-b-c.service", "a-b-.service", "a-.service", "service"]
    );
    assert_eq!(
        dropin_names(&name("a-b@1.service")),
        [
            "a-b@1.service",
            "a-b@.service",
            "a-.service",
            "a-@1.service",
            "a-@.service",
            "service"
        ]
    );
    assert_eq!(dropin_names(&name("-.slice")), ["-.slice", "slice"]);
}

#[test]
fn a_name_covers_what_its_dropins_reach() {
    assert!(name("celery-.service").covers(&name("celery-beat.service")));
    assert!(name("celery-.service").covers(&name("celery-beat@1.service")));
    assert!(!name("celery-.service").covers(&name("celery.service")));
    assert!(!name("celery-.service").covers(&name("celery-beat.slice")));
    assert!(name("w@.service").covers(&name("w@1.service")));
    assert!(!name("w@1.service").covers(&name("w@.service")));
}

#[test]
fn slices_know_their_parents() {
    assert_eq!(name("a-b.slice").parent_slice(), Some(name("a.slice")));
    assert_eq!(name("a.slice").parent_slice(), Some(name("-.slice")));
    assert_eq!(name("-.slice").parent_slice(), None);
    assert_eq!(name("a.service").parent_slice(), None);
}

#[test]
fn instances_of_a_template() {
    let template = UnitName::parse("worker@.service").expect("a template");
    let instance = |text: &str| template.instance(text).map(|unit| unit.to_string());
    assert_eq!(instance("1").as_deref(), Some("worker@1.service"));
    assert_eq!(instance("a b").as_deref(), Some("worker@a\\x20b.service"));
    assert_eq!(instance(""), None);
    assert_eq!(instance(&"x".repeat(UNIT_NAME_MAX)), None);
    let plain = UnitName::parse("web.service").expect("a name");
    assert_eq!(plain.instance("1"), None);
}
