use std::collections::BTreeMap;

use super::*;
use crate::error::Error;
use crate::sample::Invocation;

/// Units by name, each with its properties as words.
struct World(BTreeMap<&'static str, BTreeMap<&'static str, &'static str>>);

struct Unit(BTreeMap<&'static str, &'static str>);

impl Properties for Unit {
    fn number(&mut self, name: &str) -> Option<u64> {
        self.0.remove(name)?.parse().ok()
    }
    fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).map(str::to_owned)
    }
    fn list(&mut self, name: &str) -> Vec<String> {
        let text = self.0.remove(name).unwrap_or_default();
        text.split_ascii_whitespace().map(str::to_owned).collect()
    }
    fn flag(&mut self, name: &str) -> Option<bool> {
        Some(self.0.remove(name)? == "yes")
    }
    fn has_job(&mut self) -> bool {
        self.0.contains_key("Job")
    }
    fn invocation(&mut self) -> Option<Invocation> {
        Some(Invocation(self.0.remove("InvocationID")?.parse().ok()?))
    }
}

impl World {
    fn of(units: &[(&'static str, &[(&'static str, &'static str)])]) -> Self {
        let unit = |(name, all): &(&'static str, &[(&'static str, &'static str)])| {
            (*name, all.iter().copied().collect())
        };
        Self(units.iter().map(unit).collect())
    }

    fn look(&self, name: &str) -> Result<Look, Error> {
        look(name, "running".to_owned(), &mut |name| {
            let found = self.0.get(name).cloned();
            Ok::<_, Error>(found.map(|all| Box::new(Unit(all)) as Box<dyn Properties>))
        })
    }
}

#[test]
fn what_a_restart_takes_along_is_found_on_every_level_and_once() {
    let world = World::of(&[
        (
            "web.service",
            &[
                ("ActiveState", "active"),
                ("RequiredBy", "app.service idle.service gone.service"),
                ("ConsistsOf", "app.service shop.target"),
                ("PropagatesStopTo", "helper.service"),
                ("WantedBy", "other.service"),
            ],
        ),
        (
            "app.service",
            &[
                ("ActiveState", "active"),
                ("InvocationID", "7"),
                ("BoundBy", "deep.service web.service"),
            ],
        ),
        (
            "idle.service",
            &[
                ("ActiveState", "inactive"),
                ("RequiredBy", "beyond.service"),
            ],
        ),
        ("shop.target", &[("ActiveState", "active")]),
        ("helper.service", &[("ActiveState", "active")]),
        ("deep.service", &[("ActiveState", "activating")]),
        ("beyond.service", &[("ActiveState", "active")]),
    ]);
    let look = world.look("web.service").expect("loaded");
    let found = look.dependents.iter();
    let found: Vec<String> = found.map(|d| format!("{} {}", d.unit, d.by)).collect();
    assert_eq!(
        found,
        [
            "app.service Requires",
            "deep.service BindsTo",
            "helper.service StopPropagatedFrom",
            "shop.target PartOf",
        ]
    );
    assert!(look.dependents[0].invocation.ends_with('7'));
}

#[test]
fn what_the_manager_says_of_the_unit_itself() {
    let world = World::of(&[
        (
            "web.service",
            &[
                ("LoadState", "loaded"),
                ("ActiveState", "active"),
                ("SubState", "running"),
                ("Job", "7"),
                ("Type", "notify"),
                ("CanReload", "yes"),
                ("RefuseManualStart", "yes"),
                ("StartLimitBurst", "5"),
                ("StartLimitIntervalUSec", "10000000"),
                ("NRestarts", "2"),
                ("InactiveExitTimestamp", "1790000000000000"),
                ("ActiveEnterTimestampMonotonic", "77"),
            ],
        ),
        (
            "absent.service",
            &[("LoadState", "not-found"), ("ActiveState", "inactive")],
        ),
    ]);
    let look = world.look("web.service").expect("loaded");
    assert_eq!(
        (look.active.as_str(), look.sub.as_str()),
        ("active", "running")
    );
    assert!(look.job && look.can_reload && look.refuses);
    assert_eq!(
        (look.start_limit_burst, look.start_limit_usec),
        (5, 10_000_000)
    );
    assert_eq!((look.restarts, look.active_enter_usec), (2, 77));
    assert_eq!(look.started.map(|t| t.as_second()), Some(1_790_000_000));
    for name in ["absent.service", "unknown.service"] {
        let look = world.look(name).expect("an answer");
        assert_eq!(look.active, "inactive", "{name}");
        assert_eq!(look.system, "running");
    }
}
