//! Ctrl-C and SIGTERM in the middle of a change: noted, and heeded where nothing is half-done.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::error::{Error, Result};

/// From now on these signals only set the flag.
///
/// # Errors
/// The handlers cannot be set.
pub fn catch() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&flag))
            .map_err(|e| Error::failed(format!("cannot handle signals: {e}")))?;
    }
    Ok(flag)
}
