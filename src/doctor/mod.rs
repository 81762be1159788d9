//! What is wrong on this host: facts are gathered thinly, findings are decided purely.
//!
//! ```text
//! root, manager → gather → Facts → checks → Report → view
//! ```
//!
//! Nothing is changed: not a file, not a unit, and the manager is asked and never told.

pub mod checks;
pub mod commands;
pub mod facts;
pub mod gather;

use crate::systemd::names::UnitName;

pub use facts::Facts;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something is wrong now: exit code 1.
    Error,
    /// A trap: nothing is wrong yet.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word for people and programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What is looked at together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// systemd, cgroups, the kernel.
    System,
    /// `memctl-generator`.
    Generator,
    /// The profiles and the record of a transaction.
    Profiles,
    /// What is in force of what the files say.
    Limits,
    /// What the units hold, and what would happen to them.
    Memory,
    /// Who reads, and the history.
    Watching,
    /// Who else acts on memory.
    Neighbours,
}

impl Area {
    /// In the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::System,
        Self::Generator,
        Self::Profiles,
        Self::Limits,
        Self::Memory,
        Self::Watching,
        Self::Neighbours,
    ];

    /// The word for people and programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Generator => "generator",
            Self::Profiles => "profiles",
            Self::Limits => "limits",
            Self::Memory => "memory",
            Self::Watching => "watching",
            Self::Neighbours => "neighbours",
        }
    }
}

/// What mends a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    /// A command for a shell, as it stands.
    Run(String),
    /// Something that no command alone can do.
    Advice(String),
}

impl Mend {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Run(text) | Self::Advice(text) => text,
        }
    }
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The same for the same kind of finding, for ever: `pending`, `cgroup-v1`.
    pub id: &'static str,
    /// Where it belongs.
    pub area: Area,
    /// How bad.
    pub severity: Severity,
    /// The unit it is about.
    pub unit: Option<UnitName>,
    /// The profile it is about.
    pub profile: Option<String>,
    /// What is so.
    pub what: String,
    /// Why that matters.
    pub why: String,
    /// What mends it.
    pub mend: Option<Mend>,
}

impl Finding {
    /// A finding of some severity.
    pub fn new(
        severity: Severity,
        area: Area,
        id: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Self {
            id,
            area,
            severity,
            unit: None,
            profile: None,
            what: what.into(),
            why: why.into(),
            mend: None,
        }
    }

    /// Says which unit.
    #[must_use]
    pub fn unit(mut self, unit: &UnitName) -> Self {
        self.unit = Some(unit.clone());
        self
    }

    /// Says which profile.
    #[must_use]
    pub fn profile(mut self, profile: Option<&str>) -> Self {
        self.profile = profile.map(str::to_owned);
        self
    }

    /// Says which command mends it.
    #[must_use]
    pub fn run(mut self, command: impl Into<String>) -> Self {
        self.mend = Some(Mend::Run(command.into()));
        self
    }

    /// Says what to do where no command alone does it.
    #[must_use]
    pub fn advise(mut self, text: impl Into<String>) -> Self {
        self.mend = Some(Mend::Advice(text.into()));
        self
    }
}

/// What came of looking at an area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Which.
    pub area: Area,
    /// What was seen, in a line; `None`: it was not looked at.
    pub saw: Option<String>,
    /// What could not be looked at, and why.
    pub unseen: Vec<String>,
}

/// What doctor has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Every area, in order.
    pub checked: Vec<Checked>,
    /// By area, the worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether something is wrong: exit code 1.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// How many findings are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let all = self.findings.iter();
        all.filter(|f| f.severity == severity).count()
    }
}

/// Decides over the facts.
#[must_use]
pub fn examine(facts: &Facts) -> Report {
    let mut findings: Vec<Finding> = checks::ALL
        .iter()
        .flat_map(|(_, check)| check(facts))
        .collect();
    findings.sort_by_key(|f| (f.area, f.severity));
    let checked = Area::ALL.into_iter().map(|area| {
        let unseen = facts.unseen.iter().filter(|u| u.area == area);
        Checked {
            area,
            saw: checks::saw(area, facts),
            unseen: unseen.map(|u| u.why.clone()).collect(),
        }
    });
    Report {
        checked: checked.collect(),
        findings,
    }
}
