use std::collections::BTreeMap;

use super::*;
use crate::policy::{Memory, Seen, decide, standing};
use crate::profile::{Options, Rule, Source, check};
use crate::restart::gate::Gate;
use crate::restart::{Deed, Dependent, Done, Wish};
use crate::sample::{Bound, Source as Told};

const M: u64 = 1 << 20;

const RULES: &str = r#"
  { name = "big", above = "80%", for = "5m", action = "restart" },
  { name = "grown", grown = "+80%", age = "1h", action = "alert" },
"#;

fn rules() -> Vec<Rule> {
    let text = format!("[unit.\"web.service\"]\nMemoryHigh = \"500M\"\nrules = [{RULES}]\n");
    let source = Source::new("web", "web.toml", text.into());
    let checked = check(&source, &Options::default());
    assert!(!checked.failed(), "{:?}", checked.faults);
    checked.profile.units[0].rules.clone()
}

fn time(text: &str) -> Timestamp {
    format!("2026-11-24T{text}Z").parse().expect(text)
}

/// All that can be known of a unit.
struct Known {
    unit: UnitName,
    sample: Sample,
    ceiling: Ceiling,
    rules: Vec<Standing>,
    look: Look,
    state: UnitState,
}

impl Known {
    fn new(need: u64) -> Self {
        let unit = UnitName::parse("web.service").expect("a name");
        let now = time("10:00:00");
        let mut sample = Sample::blank(unit.clone(), now, Told::Cgroup);
        sample.memory.stat.anon = Some(need * M);
        let ceiling = Ceiling {
            bytes: 500 * M,
            unit: UnitName::parse("system.slice").expect("a name"),
            bound: Bound::High,
        };
        let rules = rules();
        let mut memory: BTreeMap<String, Memory> = BTreeMap::new();
        let seen = Seen {
            ceiling: Some(ceiling.clone()),
            since: Some(time("09:50:00")),
            ..Seen::new(&sample)
        };
        for minute in 0..3 {
            let now = time(&format!("10:0{minute}:00"));
            let _ = decide(&rules, &mut memory, &seen, now);
        }
        let rules = standing(&rules, &memory, &seen, time("10:02:30"));
        Self {
            unit,
            rules,
            ceiling,
            look: Look {
                dependents: vec![Dependent {
                    unit: "worker.service".to_owned(),
                    by: "PartOf".to_owned(),
                    invocation: String::new(),
                }],
                ..Look::default()
            },
            state: UnitState::default(),
            sample,
        }
    }

    fn explained(&self) -> Explained<'_> {
        Explained {
            unit: &self.unit,
            sample: Some(&self.sample),
            ceiling: Some(self.ceiling.clone()),
            profile: Some(Path::new("/etc/memctl/profiles.d/web.toml")),
            rules: &self.rules,
            detected: None,
            now: time("10:02:30"),
            withheld: None,
            look: Some(&self.look),
            run: None,
            state: &self.state,
            act: true,
        }
    }
}

fn text(explained: &Explained<'_>) -> String {
    lines(explained, &TimeZone::UTC, false).join("\n")
}

#[test]
fn rules_with_their_figures_and_what_is_in_the_way() {
    let mut known = Known::new(420);
    known.state.done = vec![
        Done {
            time: time("04:00:00"),
            deed: Deed::Restart,
        },
        Done {
            time: time("09:55:00"),
            deed: Deed::Reload,
        },
    ];
    let withheld = vec![Withheld {
        gate: Gate::Window,
        why: "outside of window = 02:00-05:00, which opens 02:00:00".to_owned(),
        until: Some(time("02:00:00")),
    }];
    let explained = Explained {
        withheld: Some(&withheld),
        act: false,
        ..known.explained()
    };
    let expected = "\
web.service: need 420M, ceiling 500M (MemoryHigh of system.slice)
Rules of /etc/memctl/profiles.d/web.toml, and memctl's own:

rule big → restart: holds at this reading
  above       yes  need 420M; 80% (400M of MemoryHigh=500M of system.slice)
  for              2min of 5min
  until it fires: for: 3min longer

rule grown → alert: does not hold
  grown       no   need 420M; +80% (756M, its baseline is 420M)  (336M more)
  age         no   age 12min 30s; 1h  (in 47min 30s)
  until it fires: grown: 336M more, age: in 47min 30s

memctl acts on nothing (act = false in memctl.toml).
A restart that a rule wants would be withheld now:
  window              outside of window = 02:00-05:00, which opens 02:00:00
A restart takes along: worker.service (PartOf=)
memctl has restarted it once in the last 31 days, the last time at 2026-11-24 04:00:00.";
    assert_eq!(text(&explained), expected);
}

#[test]
fn nothing_in_the_way() {
    let known = Known::new(300);
    let mut explained = known.explained();
    let none = Vec::new();
    explained.withheld = Some(&none);
    explained.look = None;
    let shown = text(&explained);
    assert!(
        shown.ends_with(
            "A restart that a rule wants would go ahead now.\n\
             systemd could not be asked: what it would say is not counted.\n\
             memctl has not restarted it in the last 31 days."
        ),
        "{shown}"
    );
}

#[test]
fn a_unit_that_does_not_run_and_one_that_no_profile_names() {
    let known = Known::new(300);
    let none = Vec::new();
    let mut explained = known.explained();
    explained.sample = None;
    explained.ceiling = None;
    explained.rules = &[];
    explained.withheld = Some(&none);
    explained.look = None;
    let shown = text(&explained);
    assert_eq!(
        shown.lines().take(2).collect::<Vec<_>>(),
        [
            "web.service does not run.",
            "/etc/memctl/profiles.d/web.toml names it; its rules are judged when it runs."
        ]
    );
    explained.profile = None;
    assert_eq!(
        text(&explained),
        "web.service does not run.\nNo profile names it: it has no rules."
    );
}

#[test]
fn a_restart_under_way() {
    let known = Known::new(300);
    let wish = Wish {
        deed: Deed::Restart,
        rules: Vec::new(),
        why: String::new(),
        ignores_window: true,
        ignores_idle: true,
    };
    let settings = crate::profile::Restart::default();
    let run = Run::new(wish, &settings, Look::default(), None, time("10:00:00"));
    let none = Vec::new();
    let mut explained = known.explained();
    explained.withheld = Some(&none);
    explained.run = Some(&run);
    let shown = text(&explained);
    assert!(shown.contains("\nA restart is under way.\n"), "{shown}");
}

#[test]
fn what_the_detector_says_with_every_reason() {
    use crate::policy::leak::{Finding, Reason, Verdict};
    let known = Known::new(420);
    let mut detected = Detected {
        verdict: Verdict {
            finding: Finding::Growing,
            is_cautious: false,
            slope: Some(1000.0),
            forecast: None,
            window: Some(6 * 3600),
        },
        reasons: ["rise", "time to the limit"]
            .map(|name| Reason {
                name,
                figure: "120M".to_owned(),
                threshold: "8M".to_owned(),
                holds: (name == "rise").then_some(true),
            })
            .to_vec(),
    };
    let shown = |detected: &Detected| {
        text(&Explained {
            detected: Some(detected),
            ..known.explained()
        })
    };
    let expected = "
leak detector: growing: it grows 3.4M an hour over 6h
  rise               yes  120M; 8M
  time to the limit  ?    120M; 8M";
    assert!(shown(&detected).contains(expected), "{}", shown(&detected));
    detected.verdict.finding = Finding::Learning;
    assert!(shown(&detected).contains("\nleak detector: learning\n"));
}
