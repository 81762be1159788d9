//! `cargo xtask test`: everything that must hold, from the cheapest to the
//! dearest.

use std::ffi::OsString;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use xtask::guest::Suite;
use xtask::guest::image::Image;
use xtask::{host, package, prometheus, tell};

/// What to leave out.
#[derive(Args)]
pub struct Options {
    /// Leave out the package and the guests.
    #[arg(long)]
    fast: bool,
    /// Run scenarios in guests of this suite only.
    #[arg(long)]
    suite: Option<Suite>,
    /// Run only tests whose names contain this.
    filter: Option<String>,
}

/// Runs the stages until one fails; that one to its end.
pub fn run(options: &Options) -> Result<ExitCode> {
    prepare()?;
    let stages: [(&str, &[&str]); 2] = [
        ("cargo fmt", &["fmt", "--all", "--check"]),
        (
            "cargo clippy",
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ],
        ),
    ];
    for (name, arguments) in stages {
        if !stage(name, cargo().args(arguments))? {
            return Ok(ExitCode::FAILURE);
        }
    }
    if !stage(
        "the fast tests",
        nextest("default", options).args(["--no-tests", "warn"]),
    )? {
        return Ok(ExitCode::FAILURE);
    }
    if options.fast {
        return Ok(ExitCode::SUCCESS);
    }

    let deb = package::build().context("FAIL: the package")?;
    if !stage("lintian", &mut package::lintian(&deb))? {
        return Ok(ExitCode::FAILURE);
    }
    let stoppable = package::build_stoppable()?;
    for suite in Suite::ALL {
        if options.suite.is_none_or(|only| only == suite) {
            Image::get(suite)?;
            if suite == prometheus::SUITE {
                prometheus::fetch()?;
            }
        }
    }
    let mut scenarios = nextest("vm", options);
    if let Some(suite) = options.suite {
        scenarios.arg("-E").arg(format!("test(/^{suite}::/)"));
    }
    scenarios
        .env(package::DEB, deb)
        .env(package::STOPPABLE, stoppable);
    let passed = stage("scenarios in guests", &mut scenarios)?;
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs one stage, showing what it says.
fn stage(name: &str, command: &mut Command) -> Result<bool> {
    tell::step(format_args!("{name}: {}", shown(command)));
    let start = Instant::now();
    let status = command
        .current_dir(host::repository())
        .status()
        .with_context(|| format!("cannot start {name}"))?;
    let seconds = start.elapsed().as_secs_f64();
    let verdict = if status.success() { "ok" } else { "FAIL" };
    tell::step(format_args!("{verdict}: {name} ({seconds:.1} s)"));
    Ok(status.success())
}

/// Installs what Rust's side of the tests takes.
fn prepare() -> Result<()> {
    for (component, probe) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        let mut version = cargo();
        version.args([probe, "--version"]);
        if host::run(version).is_err() {
            tell::step(format_args!("installing {component} by rustup"));
            let mut rustup = Command::new("rustup");
            rustup.args(["component", "add", component]);
            host::run(rustup)?;
        }
    }
    let mut version = cargo();
    version.args(["nextest", "--version"]);
    if host::run(version).is_err() {
        let mut install = cargo();
        install.args(["install", "cargo-nextest", "--locked"]);
        tell::step("installing cargo-nextest, which takes some minutes");
        host::run(install)?;
    }
    Ok(())
}

fn nextest(profile: &str, options: &Options) -> Command {
    let mut command = cargo();
    command.args(["nextest", "run", "--workspace", "--profile", profile]);
    command.args(&options.filter);
    command
}

/// The cargo that runs us, so that a toolchain chosen by `+name` stays.
fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    command.get_args().fold(name, |line, argument| {
        line + " " + &argument.to_string_lossy()
    })
}
