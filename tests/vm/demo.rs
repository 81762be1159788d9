//! The demonstration on every suite: the example's profile on the services it was written for.

use anyhow::Result;
use xtask::guest::{Guest, Suite};
use xtask::{demo, package};

/// Each step of the tour, checked by the kernel's files, with nobody restarted or killed; then the leak that is restarted
/// in time, and who reads it does not notice.
pub fn homework_is_limited(suite: Suite) -> Result<()> {
    let guest = Guest::boot(demo::server(suite, &package::deb()?))?;
    demo::start(&guest);
    let mut shown = Vec::new();
    demo::tour(&guest, &mut shown)
        .and_then(|()| demo::tour_of_restarts(&guest, &mut shown))
        .map_err(|error| error.context(String::from_utf8_lossy(&shown).into_owned()))
}
