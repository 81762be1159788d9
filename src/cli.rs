//! What can be typed. No logic.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Memory profiles for systemd services: limits that are really in the kernel.
///
/// A profile is a TOML file that gives systemd units memory, CPU and task limits. `memctl apply` checks it,
/// makes sure that no running service would be killed by it, installs it, and confirms in the kernel's own
/// files that the limits are in force.
#[derive(Debug, Parser)]
#[command(name = "memctl", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit status: 0 done, 1 failed and rolled back, 2 usage or bad profile, \
3 not permitted, 4 plan --check found changes, 5 rolled back in part.\n\
See memctl(1), memctl.profile(5)."
)]
pub struct Cli {
    /// Options of every verb.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options of every verb.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Talk to your own service manager (systemd --user) instead of PID 1
    #[arg(long, global = true)]
    pub user: bool,
    /// Work on the system image in DIR; nothing running is asked or changed
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "user")]
    pub root: Option<PathBuf>,
    /// Print JSON instead of tables
    #[arg(long, global = true)]
    pub json: bool,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Put profiles in force, now and at every boot
    ///
    /// Checks the profiles, plans, refuses what would kill or stall a running service, makes room, installs,
    /// reloads systemd once, confirms the limits in the kernel's files, and rolls everything back if anything
    /// failed. Without PROFILE: everything that is installed.
    Apply(Apply),
    /// Show what apply would change, and touch nothing
    Plan(Plan),
    /// Take profiles away; what they limited gets its own limits back
    Remove(Remove),
    /// List the profiles, where they are and whether they count
    Profiles,
    /// Check profiles and report every fault
    Verify(Verify),
    /// Write a profile's drop-ins below a folder, for images
    Render(Render),
    /// Show what units hold, against their limits
    ///
    /// Without UNIT: the units of the installed profiles; if there are none, every service. Sorted by how near each
    /// is to its ceiling: the least of its MemoryHigh and MemoryMax and those of its slices.
    Status(Status),
    /// Show what a unit held over time
    History(History),
    /// Show what memctl did and why: its entries in the journal
    ///
    /// Without UNIT: those of all units and of the host, the oldest first.
    Log(Log),
    /// Print the last readings for Prometheus
    Metrics(Metrics),
    /// Propose limits, from what units held over time
    ///
    /// Prints a profile; each figure carries its reason as a comment. Nothing is changed.
    Recommend(Recommend),
    /// Look for what is wrong on this host
    Doctor,
    /// Read all units in turn, record what they hold, and act as the rules say
    Watch(Watch),
    /// Show a unit's rules with their figures, and what keeps each from firing
    Explain(Explain),
    /// Show what a unit's rules would have done on recordings of it
    ///
    /// Reads traces, CSV files with a header, and judges each reading as memctl watch would have. With --since it is
    /// the unit's own history that is replayed.
    Replay(Replay),
    /// Restart a service gracefully, the way rules do
    ///
    /// Asks first whether it may: holds, protected units, what goes down with it, and its start limit forbid it.
    /// Waits until it is alive again, and tells what was freed and how long it was down.
    Restart(Restart),
    /// Have memctl leave units alone: nothing is restarted, reloaded or reclaimed
    Hold(Hold),
    /// End a hold; units that were given up because restarts do not help get their chance again
    Release(Release),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Bring the kernel to where the unit files are; memctl's units call it after reloads and starts
    #[command(hide = true)]
    Realize,
    /// Leave behind what running units cannot do without; the package calls it before it is removed
    #[command(hide = true)]
    Withdraw,
}

/// Which profiles.
#[derive(Debug, Clone, Args)]
pub struct Profiles {
    /// Profile files; `-` is standard input
    #[arg(value_name = "PROFILE", value_hint = clap::ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// The name of the profile that comes on standard input
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Until the next boot only: install under /run
    #[arg(long)]
    pub runtime: bool,
    /// These profiles and no others: remove what else is installed
    #[arg(long, requires = "files")]
    pub prune: bool,
}

/// What to do with a running unit that holds more than its new limits.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Tight {
    /// Restart units that hold too much for their new limits, gracefully, before applying
    #[arg(long)]
    pub restart: bool,
    /// Let the limits of units that hold too much for them wait until those start anew
    #[arg(long)]
    pub next_start: bool,
}

/// `memctl apply`.
#[derive(Debug, Args)]
pub struct Apply {
    /// Which.
    #[command(flatten)]
    pub profiles: Profiles,
    /// How.
    #[command(flatten)]
    pub tight: Tight,
    /// Only show what would change
    #[arg(long)]
    pub dry_run: bool,
    /// Leave out faulty profiles, apply the others
    #[arg(long, conflicts_with = "prune")]
    pub keep_going: bool,
}

/// `memctl plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// Which.
    #[command(flatten)]
    pub profiles: Profiles,
    /// Exit with 4 if something would change
    #[arg(long)]
    pub check: bool,
}

/// `memctl remove`.
#[derive(Debug, Args)]
pub struct Remove {
    /// Names of installed profiles
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
    /// How.
    #[command(flatten)]
    pub tight: Tight,
    /// Only show what would change
    #[arg(long)]
    pub dry_run: bool,
}

/// `memctl status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Which units; one alone is shown in detail
    #[arg(value_name = "UNIT")]
    pub units: Vec<String>,
    /// Every service and scope that runs, and slices with limits of their own
    #[arg(short, long, conflicts_with = "units")]
    pub all: bool,
    /// Read again and again, every 2 seconds, until interrupted
    #[arg(short, long)]
    pub follow: bool,
    /// Whom to ask; cgroupfs where it can be read, else systemd over D-Bus, if not given
    #[arg(long, value_enum)]
    pub source: Option<From>,
}

/// Whom to ask for readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum From {
    /// The kernel's files
    Cgroup,
    /// systemd: less is known, and PID 1 pays for it
    Dbus,
}

/// `memctl history`.
#[derive(Debug, Args)]
pub struct History {
    /// Which unit
    #[arg(value_name = "UNIT")]
    pub unit: String,
    /// From when: a span back from now (7d), or a time ("2026-11-24 10:00", RFC 3339, today, yesterday)
    #[arg(long, value_name = "TIME", default_value = "1d")]
    pub since: String,
    /// Until when; now, if not given
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// How fine; by the length of the time, if not given
    #[arg(long, value_enum)]
    pub resolution: Option<Resolution>,
    /// Print CSV, as `memctl replay` reads it
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// How fine a history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Resolution {
    /// Every reading
    Raw,
    /// A minute each
    Minutes,
    /// An hour each
    Hours,
}

/// `memctl log`.
#[derive(Debug, Args)]
pub struct Log {
    /// Of which units; a template (worker@.service) or a prefix (celery-.service) means all of its units
    #[arg(value_name = "UNIT")]
    pub units: Vec<String>,
    /// The one entry with this alert id
    #[arg(long, value_name = "ID", conflicts_with_all = ["units", "since", "until", "lines", "follow"])]
    pub event: Option<String>,
    /// Go on with what is yet to come, until interrupted
    #[arg(short, long, conflicts_with = "until")]
    pub follow: bool,
    /// From when: a span back from now (7d), or a time ("2026-11-24 10:00", RFC 3339, today, yesterday)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Until when
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only the last N
    #[arg(short = 'n', long, value_name = "N")]
    pub lines: Option<u32>,
}

/// `memctl metrics`.
#[derive(Debug, Args)]
pub struct Metrics {
    /// Replace FILE in one step instead of printing: for node_exporter's textfile collector
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// `memctl recommend`.
#[derive(Debug, Args)]
pub struct Recommend {
    /// Which units; all that the history knows, if none is named
    #[arg(value_name = "UNIT")]
    pub units: Vec<String>,
}

/// `memctl watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// One reading, then end: for a timer
    #[arg(long)]
    pub once: bool,
    /// Every service, scope and slice, not only those of the profiles
    #[arg(short, long)]
    pub all: bool,
    /// Decide as always and print what would be done; do, record and remember nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `memctl restart`.
#[derive(Debug, Args)]
pub struct Restart {
    /// Which service
    #[arg(value_name = "UNIT")]
    pub unit: String,
}

/// `memctl hold`.
#[derive(Debug, Args)]
pub struct Hold {
    /// Which units
    #[arg(value_name = "UNIT", required_unless_present = "all")]
    pub units: Vec<String>,
    /// The whole host
    #[arg(short, long, conflicts_with = "units")]
    pub all: bool,
    /// For how long (2h, "1d 12h"); until it is released, if not given
    #[arg(long = "for", value_name = "TIME")]
    pub span: Option<String>,
}

/// `memctl release`.
#[derive(Debug, Args)]
pub struct Release {
    /// Which units
    #[arg(value_name = "UNIT", required_unless_present = "all")]
    pub units: Vec<String>,
    /// The whole host
    #[arg(short, long, conflicts_with = "units")]
    pub all: bool,
}

/// `memctl explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// Which unit
    #[arg(value_name = "UNIT")]
    pub unit: String,
}

/// `memctl replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// Traces, `-` is standard input; with --since the unit whose own history it is
    #[arg(value_name = "TRACE|UNIT", required = true, value_hint = clap::ValueHint::FilePath)]
    pub traces: Vec<PathBuf>,
    /// The profile with the rules: a file, or the name of an installed one
    #[arg(short, long, value_name = "PROFILE", value_hint = clap::ValueHint::FilePath)]
    pub profile: Option<PathBuf>,
    /// The unit that the traces are of; that of the profile, if it has but one
    #[arg(short, long, value_name = "UNIT")]
    pub unit: Option<String>,
    /// Replay the unit's own history, from then on: a span back from now (7d), or a time
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Until when; now, if not given
    #[arg(long, value_name = "TIME", requires = "since")]
    pub until: Option<String>,
    /// The memory of the machine that was recorded, where the profile has shares of it
    #[arg(long, value_name = "SIZE")]
    pub ram: Option<String>,
    /// Show beside it what another profile's rules would have done
    #[arg(long, value_name = "PROFILE", conflicts_with = "explain", value_hint = clap::ValueHint::FilePath)]
    pub compare: Option<PathBuf>,
    /// Show how every rule and the leak detector stood at that time of the one trace
    #[arg(long, value_name = "TIME")]
    pub explain: Option<String>,
}

/// `memctl verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Profile files; `-` is standard input. Without any: everything that is installed
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// The name of the profile that comes on standard input
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// `memctl render`.
#[derive(Debug, Args)]
pub struct Render {
    /// Profile files; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = clap::ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// The name of the profile that comes on standard input
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The folder that gets UNIT.d/00-memctl.conf and so on
    #[arg(short, long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub output: PathBuf,
}
