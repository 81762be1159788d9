//! `memctl completions SHELL`.

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::error::Result;
use crate::view::out::print;

pub(super) fn run(shell: clap_complete::Shell) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "memctl", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}
