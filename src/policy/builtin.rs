//! The rules that a unit has by itself.

use super::condition::is_judged;
use crate::profile::rule::{
    Action, Base, Condition, Event, EventRate, Holds, Metric, Rule, Scope, Threshold,
};
use crate::units::Span;

/// From which share of its ceiling on a unit is near it, in hundredths of a percent: as `status` has it.
const NEAR_LIMIT: u32 = 90_00;
/// How long it must be that near: a peak is none.
const LASTS: Span = Span::seconds(120);

/// A rule that a unit has by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuiltIn {
    /// A process of it was killed.
    OomKill,
    /// It is throttled at MemoryHigh with no way out.
    Stalled,
    /// It is near its limit.
    NearLimit,
}

impl BuiltIn {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OomKill, Self::Stalled, Self::NearLimit];

    /// The rule's name; none in a profile can have a colon.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OomKill => "built-in:oom_kill",
            Self::Stalled => "built-in:stalled",
            Self::NearLimit => "built-in:near_limit",
        }
    }

    /// The rule of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }

    fn condition(self) -> Condition {
        match self {
            Self::OomKill => Condition::Event(EventRate {
                event: Event::OomKill,
                rate: None,
            }),
            Self::Stalled => Condition::Stalled,
            Self::NearLimit => Condition::Above(Threshold::Share {
                hundredths: NEAR_LIMIT,
                of: Base::Ceiling,
            }),
        }
    }

    /// Whether a rule of the profile looks after that.
    fn is_minded(self, rule: &Rule) -> bool {
        let minds = |condition: &Condition| match (self, condition) {
            (Self::OomKill, Condition::Event(asked)) => asked.event == Event::OomKill,
            (Self::Stalled, Condition::Stalled) | (Self::NearLimit, Condition::Above(_)) => true,
            _ => false,
        };
        // One that never fires looks after nothing.
        is_judged(rule) && rule.conditions.iter().any(minds)
    }

    fn rule(self) -> Rule {
        Rule {
            name: self.name().to_owned(),
            at: 0..0,
            conditions: vec![self.condition()],
            of_ceiling: Vec::new(),
            holds: match self {
                Self::NearLimit => Holds::For(LASTS),
                Self::OomKill | Self::Stalled => Holds::Once,
            },
            settle: None,
            metric: Metric::Need,
            scope: Scope::Unit,
            ignores_window: false,
            ignores_idle: false,
            action: Action::Alert,
            repeat: None,
        }
    }
}

/// The alerts that a unit has by itself, where no rule of its own has such a condition: OOM kills and a standstill,
/// and, with limits of its profile, that it is near them.
#[must_use]
pub fn built_in(limited: bool, own: &[Rule]) -> Vec<Rule> {
    let all = BuiltIn::ALL.into_iter();
    all.filter(|rule| limited || *rule != BuiltIn::NearLimit)
        .filter(|rule| !own.iter().any(|own| rule.is_minded(own)))
        .map(BuiltIn::rule)
        .collect()
}
