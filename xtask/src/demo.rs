//! The demonstration: a small server with a homework scraper of gunicorn, a
//! celery worker, celery beat and redis, and memctl at work on it.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::Result;

use crate::guest::{Guest, GuestConfig, Script, Suite};
use crate::{host, package, tell};

/// What the small server has.
const MEMORY_MIB: u32 = 906;

/// What is shown, as an administrator would type it.
const SHOWN: &[&str] = &[
    "free --mega",
    "systemctl list-units --no-pager --no-legend 'homework-*' redis-server.service",
];

/// Boots the server and shows memctl on it, on standard output.
pub fn run() -> Result<()> {
    let deb = match package::deb() {
        Ok(deb) => deb,
        Err(_) => package::build()?,
    };
    tell::step(format_args!(
        "booting a server of {MEMORY_MIB} MB with Debian 13"
    ));
    let guest = Guest::boot(server(Suite::Trixie).file(deb, "/root/memctl.deb"))?;
    tell::step("installing memctl, starting gunicorn, celery and redis");
    guest.ok("dpkg --install /root/memctl.deb");
    start_services(&guest);
    for command in SHOWN {
        show(&guest, command)?;
    }
    Ok(())
}

/// The server, with the homework scraper's files in it.
pub fn server(suite: Suite) -> GuestConfig {
    let files = host::repository().join("xtask/demo");
    let mut config = GuestConfig::new(suite).memory_mib(MEMORY_MIB);
    for name in ["app.py", "tasks.py"] {
        config = config.file(files.join(name), format!("/srv/homework/{name}"));
    }
    for unit in ["scraper", "celery", "beat"] {
        let unit = format!("homework-{unit}.service");
        config = config.file(files.join(&unit), format!("/etc/systemd/system/{unit}"));
    }
    config.file(
        files.join("redis.conf"),
        "/etc/systemd/system/redis-server.service.d/socket.conf",
    )
}

/// Starts the homework scraper and waits until it has scraped a page.
pub fn start_services(guest: &Guest) {
    const START: &str = "
systemctl daemon-reload
systemctl start redis-server homework-scraper homework-celery homework-beat
page='import urllib.request as u; print(u.urlopen(\"http://127.0.0.1:8000\").read().decode())'
until python3 -c \"$page\" | grep '^[1-9]'; do sleep 1; done
";
    guest.ok(Script::new(START).timeout(Duration::from_secs(180)));
}

/// Runs a command in the guest and shows it as if it had been typed there.
fn show(guest: &Guest, command: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\n# {command}")?;
    let output = guest.sh(format!("{{ {command}\n}} 2>&1"));
    out.write_all(&output.raw)?;
    if !output.success() {
        writeln!(out, "[exit status {}]", output.status)?;
    }
    Ok(())
}
