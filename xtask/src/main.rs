//! `cargo xtask`: memctl's workshop.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod guests;

/// memctl's workshop: tests, guests and the demonstration.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Boot guests to work with by hand.
    #[command(subcommand)]
    Guest(guests::Command),
}

fn main() -> ExitCode {
    xtask::tell::start();
    let done = match Arguments::parse().task {
        Task::Guest(command) => guests::run(command),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
