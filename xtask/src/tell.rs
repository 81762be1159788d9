//! Progress lines on standard error, each with the time since the start.

use std::fmt::Display;
use std::sync::OnceLock;
use std::time::Instant;

static START: OnceLock<Instant> = OnceLock::new();

/// Starts the clock, which else starts with the first line.
pub fn start() {
    START.get_or_init(Instant::now);
}

/// Says what is being done now.
pub fn step(what: impl Display) {
    let elapsed = START.get_or_init(Instant::now).elapsed();
    eprintln!("[{:6.1}s] {what}", elapsed.as_secs_f64());
}
