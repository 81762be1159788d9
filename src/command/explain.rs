//! `memctl explain UNIT`.
use crate::cli;
use crate::command::Context;
use crate::error::Result;
pub(super) fn run(_: &Context, _: &cli::Explain) -> Result<u8> {
    Ok(0)
}
