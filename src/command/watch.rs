//! `memctl watch`: read all units in turn and record what they hold.

use crate::cli;
use crate::command::Context;
use crate::error::{Error, Result};

pub(super) fn run(_context: &Context, _options: &cli::Watch) -> Result<u8> {
    Err(Error::failed("memctl watch is being built"))
}
