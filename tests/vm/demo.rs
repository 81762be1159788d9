//! The demonstration's services, without memctl.

use anyhow::Result;
use xtask::demo;
use xtask::guest::{Guest, Suite};

/// gunicorn, celery's worker and beat, and redis run on a server of 906 MB and
/// scrape a page.
pub fn services_run(suite: Suite) -> Result<()> {
    let guest = Guest::boot(demo::server(suite))?;
    demo::start_services(&guest);
    for unit in [
        "homework-scraper",
        "homework-celery",
        "homework-beat",
        "redis-server",
    ] {
        guest.ok(format!("systemctl is-active {unit}.service"));
        let current = format!("/sys/fs/cgroup/system.slice/{unit}.service/memory.current");
        let bytes: u64 = guest.ok(format!("cat {current}")).trim().parse()?;
        assert!(bytes > 1 << 20, "{unit} holds {bytes} bytes");
    }
    Ok(())
}
