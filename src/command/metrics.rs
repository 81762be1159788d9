//! `memctl metrics`: the last readings for Prometheus.

use crate::cli;
use crate::command::Context;
use crate::error::{Error, Result};

pub(super) fn run(_context: &Context, _options: &cli::Metrics) -> Result<u8> {
    Err(Error::failed("memctl metrics is being built"))
}
