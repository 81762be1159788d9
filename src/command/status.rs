//! `memctl status`: what units hold, against their limits.

use crate::cli;
use crate::command::Context;
use crate::error::{Error, Result};

pub(super) fn run(_context: &Context, _options: &cli::Status) -> Result<u8> {
    Err(Error::failed("memctl status is being built"))
}
