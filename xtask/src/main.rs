//! xtask
use xtask::guest::{Guest, GuestConfig, Suite};

fn main() -> anyhow::Result<()> {
    for suite in Suite::ALL {
        xtask::tell::step("start");
        let guest = Guest::boot(GuestConfig::new(suite))?;
        xtask::tell::step("up");
        println!("{}", guest.ok("uname -a; systemctl list-units --failed; systemd-analyze; systemd-analyze blame | head -30;  systemctl list-units | cat; cat /proc/uptime"));
        xtask::tell::step("ran");
        println!("{}", guest.systemd_version());
        xtask::tell::step("ran");
        guest.reboot();
        xtask::tell::step("rebooted");
    }
    Ok(())
}
