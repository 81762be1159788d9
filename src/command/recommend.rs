//! `memctl recommend`: limits from what units held over time.

use crate::cli;
use crate::command::Context;
use crate::error::{Error, Result};

pub(super) fn run(_context: &Context, _options: &cli::Recommend) -> Result<u8> {
    Err(Error::failed("memctl recommend is being built"))
}
