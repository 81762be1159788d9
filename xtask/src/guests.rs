//! `cargo xtask guest`: guests to work with by hand.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use xtask::guest::background::{self, attach};
use xtask::guest::image::Image;
use xtask::guest::{GuestConfig, Output, Script, Suite};
use xtask::tell;

/// What to do with guests.
#[derive(Subcommand)]
pub enum Command {
    /// Build the images of guests that are not built yet.
    Build {
        /// Which ones; all if none is named.
        suites: Vec<Suite>,
    },
    /// Boot a guest that stays in the background until it is stopped.
    Start(Start),
    /// Run a command in the background guest; its exit status becomes ours.
    ///
    /// One argument is a script for bash; several are a command and its
    /// arguments.
    Run(Run),
    /// Copy a file into the background guest.
    Put {
        /// Which guest.
        suite: Suite,
        /// The file on this machine.
        file: PathBuf,
        /// The file in the guest.
        target: String,
    },
    /// Copy a file out of the background guest.
    Get {
        /// Which guest.
        suite: Suite,
        /// The file in the guest.
        file: String,
        /// The file on this machine.
        target: PathBuf,
    },
    /// Reboot the background guest and wait until it is up again.
    Reboot {
        /// Which guest.
        suite: Suite,
        /// Reset it as by a power failure instead.
        #[arg(long)]
        hard: bool,
    },
    /// Tell which background guests are running, and where their files are.
    Status,
    /// End the background guest and throw it away.
    Stop {
        /// Which ones; all if none is named.
        suites: Vec<Suite>,
    },
}

/// How to boot a background guest.
#[derive(Args)]
pub struct Start {
    /// Which guest.
    suite: Suite,
    /// Its memory in MiB.
    #[arg(long, default_value_t = 1024)]
    memory: u32,
    /// How many processors it has.
    #[arg(long, default_value_t = 1)]
    cpus: u32,
    /// Its swap space in MiB; none if not given.
    #[arg(long)]
    swap: Option<u32>,
    /// A file or folder to put into it, as HOST:GUEST.
    #[arg(long, value_name = "HOST:GUEST", value_parser = file_pair)]
    file: Vec<(PathBuf, PathBuf)>,
}

/// A command for a background guest.
#[derive(Args)]
pub struct Run {
    /// Which guest.
    suite: Suite,
    /// Run it as this user; `admin` is an ordinary one.
    #[arg(long)]
    user: Option<String>,
    /// Read our standard input to its end and pass it on.
    #[arg(long)]
    stdin: bool,
    /// Kill it after so many seconds.
    #[arg(long, default_value_t = 300)]
    timeout: u64,
    /// The command.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<String>,
}

/// Does it.
pub fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Build { suites } => {
            for suite in or_all(suites) {
                Image::get(suite)?;
            }
        }
        Command::Start(options) => println!("{}", start(options)?.display()),
        Command::Run(options) => return execute(options),
        Command::Put {
            suite,
            file,
            target,
        } => attach(suite)?.link.put(&file, &target)?,
        Command::Get {
            suite,
            file,
            target,
        } => {
            let content = attach(suite)?.link.read(&file)?;
            std::fs::write(&target, content)
                .with_context(|| format!("cannot write {}", target.display()))?;
        }
        Command::Reboot { suite, hard } => {
            let link = attach(suite)?.link;
            let state = if hard { link.crash() } else { link.reboot() };
            tell::step(format_args!("{suite}: up, {}", state?));
        }
        Command::Status => {
            for suite in Suite::ALL {
                match background::status(suite)? {
                    Some(folder) => println!("{suite:10} running in {}", folder.display()),
                    None => println!("{suite:10} not running"),
                }
            }
        }
        Command::Stop { suites } => {
            for suite in or_all(suites) {
                background::stop(suite)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn start(options: Start) -> Result<PathBuf> {
    let mut config = GuestConfig::new(options.suite)
        .memory_mib(options.memory)
        .cpus(options.cpus);
    if let Some(mib) = options.swap {
        config = config.swap_mib(mib);
    }
    for (host, guest) in options.file {
        config = config.file(host, guest);
    }
    background::start(&config)
}

fn execute(options: Run) -> Result<ExitCode> {
    let mut script = match options.command.as_slice() {
        [text] => Script::new(text),
        words => Script::words(words),
    };
    script = script.timeout(Duration::from_secs(options.timeout));
    if let Some(user) = &options.user {
        script = script.user(user);
    }
    if options.stdin {
        let mut input = Vec::new();
        io::stdin().read_to_end(&mut input)?;
        script = script.stdin(input);
    }
    let Output {
        status,
        raw,
        stderr,
        timed_out,
        ..
    } = attach(options.suite)?.link.run(&script)?;
    io::stdout().write_all(&raw)?;
    io::stderr().write_all(stderr.as_bytes())?;
    if timed_out {
        eprintln!("error: killed after {} s", options.timeout);
    }
    Ok(ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX)))
}

fn or_all(suites: Vec<Suite>) -> Vec<Suite> {
    if suites.is_empty() {
        Suite::ALL.to_vec()
    } else {
        suites
    }
}

fn file_pair(text: &str) -> Result<(PathBuf, PathBuf), String> {
    match text.split_once(':') {
        Some((host, guest)) if guest.starts_with('/') => Ok((host.into(), guest.into())),
        _ => Err("must be HOST:GUEST with an absolute path in the guest".to_owned()),
    }
}
