//! `memctl history`: what a unit held over time.

use crate::cli;
use crate::command::Context;
use crate::error::{Error, Result};

pub(super) fn run(_context: &Context, _options: &cli::History) -> Result<u8> {
    Err(Error::failed("memctl history is being built"))
}
