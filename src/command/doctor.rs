//! `memctl doctor`: what is wrong on this host.

use crate::command::Context;
use crate::error::{Error, Result};

pub(super) fn run(_context: &Context) -> Result<u8> {
    Err(Error::failed("memctl doctor is being built"))
}
