//! `memctl`: parse, dispatch, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use memctl::cli::Cli;
use memctl::{command, view};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match command::run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            if error.is_verbatim() {
                view::out::tell(error.message().trim_end());
            } else {
                view::out::tell(&format!("memctl: {error}"));
            }
            ExitCode::from(error.kind().exit_code())
        }
    }
}
