//! `cargo xtask`: memctl's workshop.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::guest::Suite;

mod guests;
mod test;

/// memctl's workshop: tests, guests and the demonstration.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check and test everything: format, lints, fast tests, the package, and
    /// the scenarios in guests. Stops at the first of these that fails.
    Test(test::Options),
    /// Show memctl at work on a small server of 906 MB.
    Demo,
    /// Measure what memctl costs, beside what one would do without it; takes
    /// some minutes for each suite.
    Bench {
        /// Only this.
        #[arg(long, value_enum)]
        of: Option<xtask::bench::Subject>,
        /// In a guest of this suite; may be given several times.
        #[arg(long, default_value = "trixie")]
        suite: Vec<Suite>,
        /// How often each change of limits is measured.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// Record real programs, leaking and healthy ones, in a guest, and write
    /// the fixtures of tests/leaks; takes 24 minutes, which stand for a day.
    Record {
        /// How many minutes of the programs' time; a second takes each.
        #[arg(long, default_value_t = 1440)]
        minutes: u32,
        /// Only make the fixtures anew, of what was recorded last.
        #[arg(long)]
        again: bool,
    },
    /// Build the Debian package and print where it is.
    Deb,
    /// Boot guests to work with by hand.
    #[command(subcommand)]
    Guest(guests::Command),
}

fn main() -> ExitCode {
    xtask::tell::start();
    let done = match Arguments::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Demo => xtask::demo::run().map(|()| ExitCode::SUCCESS),
        Task::Bench { of, suite, rounds } => {
            xtask::bench::run(of, &suite, rounds).map(|()| ExitCode::SUCCESS)
        }
        Task::Record { minutes, again } => {
            xtask::record::run(minutes, again).map(|()| ExitCode::SUCCESS)
        }
        Task::Deb => xtask::package::build().map(|deb| {
            println!("{}", deb.display());
            ExitCode::SUCCESS
        }),
        Task::Guest(command) => guests::run(command),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
