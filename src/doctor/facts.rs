//! Everything that doctor has seen, and what it could not see.

mod unit;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::doctor::Area;
use crate::limits::key::Key;
use crate::limits::totals::Totals;
use crate::systemd::files::Origin;
use crate::systemd::names::UnitName;

pub use unit::{Unit, Word};

/// Everything seen.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// A user's own manager was looked at.
    pub user: bool,
    /// The image that was looked at; `None`: the running system.
    pub image: Option<PathBuf>,
    /// When.
    pub now: Timestamp,
    /// The kernel, systemd, what all of it runs in.
    pub system: System,
    /// `memctl-generator`.
    pub generator: Generator,
    /// The profiles.
    pub profiles: Profiles,
    /// What is in force.
    pub limits: Limits,
    /// The units that run, those of the profiles, and their slices.
    pub units: Vec<Unit>,
    /// Swap of the machine, in bytes.
    pub swap: Option<u64>,
    /// What takes readings.
    pub watching: Watching,
    /// Units that act on memory too, and are active.
    pub neighbours: Option<Vec<String>>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// Where it belongs.
    pub area: Area,
    /// What, and why not.
    pub why: String,
}

/// The kernel, systemd, what all of it runs in.
#[derive(Debug, Clone, Default)]
pub struct System {
    /// systemd is the init system (`/run/systemd/system` is there, as `sd_booted(3)` has it), or the user's manager
    /// runs. `None` for an image.
    pub booted: Option<bool>,
    /// Its version as it tells it.
    pub version: Option<String>,
    /// The version's number.
    pub major: Option<u32>,
    /// Which cgroups there are; `None` for an image.
    pub cgroups: Option<Hierarchy>,
    /// The controllers of the manager's own cgroup.
    pub controllers: Vec<String>,
    /// Those of them that it passes on to its units.
    pub passed_on: Vec<String>,
    /// cgroupfs is mounted read-only here.
    pub read_only: bool,
    /// The kernel keeps pressure figures.
    pub pressure: Option<bool>,
    /// The kernel's command line.
    pub cmdline: String,
    /// The Windows subsystem for Linux.
    pub wsl: Option<Wsl>,
    /// Which container this is.
    pub container: Option<String>,
    /// `DefaultMemoryAccounting=`, where it is said.
    pub default_accounting: Option<Said>,
}

/// The cgroups of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hierarchy {
    /// cgroup v2 alone.
    Unified,
    /// cgroup v1 for the controllers, v2 for systemd's own book-keeping.
    Hybrid,
    /// cgroup v1.
    Legacy,
    /// None is mounted.
    None,
}

/// The Windows subsystem for Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wsl {
    /// `/etc/wsl.conf` says `[boot] systemd=true`.
    pub asks_for_systemd: bool,
}

/// A word in a file of systemd's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What.
    pub value: String,
    /// Where.
    pub origin: Origin,
}

/// `memctl-generator`.
#[derive(Debug, Clone, Default)]
pub struct Generator {
    /// Where it belongs.
    pub belongs: PathBuf,
    /// The file that systemd finds.
    pub found: Option<GeneratorFile>,
    /// What came of running it; `None`: it was not run.
    pub run: Option<Run>,
    /// The drop-ins that it made otherwise than those in systemd's folder are; `None`: not compared.
    pub differing: Option<Vec<PathBuf>>,
    /// How many drop-ins of memctl's are in systemd's folder.
    pub dropins: usize,
}

/// The generator's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratorFile {
    /// Its path.
    pub path: PathBuf,
    /// It is a link to `/dev/null`, or empty: switched off.
    pub masked: bool,
    /// It may be executed.
    pub executable: bool,
}

/// One run of the generator into a temporary folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub end: End,
    /// What it said.
    pub said: Vec<String>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With 0.
    Good,
    /// Otherwise: "exit status: 1".
    Bad(String),
    /// It did not even begin.
    NotStarted(String),
    /// It was still at it, and was ended.
    TooLong,
}

/// The profiles.
#[derive(Debug, Clone, Default)]
pub struct Profiles {
    /// Every profile on the search path.
    pub files: Vec<ProfileFile>,
    /// Files and folders that cannot be used at all.
    pub problems: Vec<(PathBuf, String)>,
    /// Records of unfinished transactions.
    pub records: Vec<PathBuf>,
    /// Why a record cannot be understood.
    pub damaged: Option<String>,
    /// Another memctl is at work just now.
    pub at_work: bool,
    /// They were looked at.
    pub seen: bool,
}

/// A profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileFile {
    /// Its name.
    pub name: String,
    /// The file that counts.
    pub path: PathBuf,
    /// It is switched off.
    pub masked: bool,
    /// How many units it names.
    pub units: usize,
    /// How many rules it has.
    pub rules: usize,
    /// What is wrong with it.
    pub faults: Vec<ProfileFault>,
}

/// A fault of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileFault {
    /// It is no mere warning.
    pub error: bool,
    /// The line, from 1.
    pub line: usize,
    /// What.
    pub message: String,
}

/// What is in force of what the files say.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// They were looked at.
    pub seen: bool,
    /// On disk, not in the kernel.
    pub pending: Vec<Pending>,
    /// Another line than the profile's has the last word.
    pub overridden: Vec<Overridden>,
    /// Waits for a unit's next start.
    pub withheld: Vec<Withheld>,
    /// What it all adds up to.
    pub totals: Totals,
    /// What the history tells of fresh starts.
    pub starts: Vec<FreshStart>,
    /// Where systemd and the kernel tell different figures.
    pub disagreements: Vec<Disagreement>,
}

/// A figure of a unit of which systemd and the kernel tell different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// The unit.
    pub unit: UnitName,
    /// What each says.
    pub what: String,
}

/// A limit that the kernel does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The unit.
    pub unit: UnitName,
    /// The directive.
    pub key: Key,
    /// What the kernel has.
    pub kernel: String,
    /// What the files say.
    pub files: String,
    /// A profile reaches the unit.
    pub ours: bool,
}

/// A limit of a profile that somebody else's line overrides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overridden {
    /// The unit.
    pub unit: UnitName,
    /// The directive.
    pub key: Key,
    /// What that line says.
    pub value: String,
    /// What the profile says.
    pub wanted: String,
    /// The line.
    pub by: Origin,
}

/// A limit that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// The unit.
    pub unit: UnitName,
    /// The directive.
    pub key: Key,
    /// What waits.
    pub wanted: String,
    /// What the kernel has meanwhile.
    pub kernel: String,
}

/// What a unit needed soon after a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshStart {
    /// The unit.
    pub unit: UnitName,
    /// The most that it needed, in bytes.
    pub need: u64,
    /// When that was.
    pub time: Timestamp,
}

/// What takes readings.
#[derive(Debug, Clone, Default)]
pub struct Watching {
    /// The unit that watches: the service or the timer; `None` inside: neither. `None`: nobody could be asked.
    pub by: Option<Option<&'static str>>,
    /// One of them is installed.
    pub installed: bool,
    /// The last reading in the history.
    pub last: Option<Timestamp>,
    /// Why the history cannot be read.
    pub unreadable: Option<String>,
    /// Histories that were set aside.
    pub aside: Vec<PathBuf>,
    /// The folder of state.
    pub state: PathBuf,
    /// Why nothing can be written there.
    pub unwritable: Option<String>,
    /// Files of settings with what is wrong in them.
    pub settings: Vec<(PathBuf, Vec<ProfileFault>)>,
}

impl Facts {
    /// The facts of nothing yet.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            ..Self::default()
        }
    }

    /// Notes that something could not be looked at.
    pub fn cannot_see(&mut self, area: Area, why: impl Into<String>) {
        let why = why.into();
        self.unseen.push(Unseen { area, why });
    }

    /// Whether systemd runs here and may be asked about units.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.system.booted == Some(true)
    }

    /// Whether units can be read from the kernel.
    #[must_use]
    pub fn readable(&self) -> bool {
        let memory = self.system.controllers.iter().any(|c| c == "memory");
        self.runs() && self.system.cgroups == Some(Hierarchy::Unified) && memory
    }

    /// The unit of a name.
    #[must_use]
    pub fn unit(&self, name: &UnitName) -> Option<&Unit> {
        self.units.iter().find(|unit| &unit.name == name)
    }
}
