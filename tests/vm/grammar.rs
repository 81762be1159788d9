//! memctl's grammar is systemd's: what the real `systemd-analyze` and real unit loading make of the same texts.

use anyhow::{Context as _, Result};
use memctl::kernel::host::Host;
use memctl::limits::key::Key;
use memctl::limits::level::{Level, expected};
use memctl::units::{Memory, Span};
use xtask::guest::Suite;

use crate::server::Server;

const SPANS: [&str; 24] = [
    "5min", "1h 30min", "90", "1.5h", "2d 3h", "1w", "1month", "1y", "1M", "500ms", "20us", "infinity", "1h30m",
    "0", "3days", "2 hours", "1.25s", "", "1x", "-5", "5 5", "1e3", "99999999999y", "min",
];

const SIZES: [&str; 28] = [
    "50M", "10K", "1G", "1.5G", "1T", "100", "1000001", "4096", "80%", "12.34%", "0.5%", "100%", "infinity", "1G 512M",
    "400MB", "400 M", " 400M ", "-1", "", "1g", "0", "1E", "16E", "101%", "5‰", "80 %", "0x10", "1.1.",
];

/// Spans, sizes and percentages are taken, refused and understood alike.
pub fn grammar_is_systemds(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    for text in SPANS {
        let output = server.guest.sh(
            xtask::guest::Script::new("systemd-analyze timespan \"$SPAN\" | sed -n 's/ *μs: //p'").env("SPAN", text),
        );
        let theirs: Option<u64> = output.stdout.trim().parse().ok().filter(|_| output.success());
        let ours = Span::parse(text).ok().map(|span| span.0);
        assert_eq!(ours, theirs, "{text:?}: {}", output.stderr);
    }

    // One unit a value: what ends up in the property, whatever the loader says of it.
    let unit = |at: usize| format!("size{at}.service");
    for (at, text) in SIZES.iter().enumerate() {
        server.guest.write(
            &format!("/etc/systemd/system/{}", unit(at)),
            format!("[Service]\nExecStart=/usr/bin/sleep infinity\nMemoryMax=12345678848\nMemoryMax={text}\n"),
        );
    }
    server.guest.ok("systemctl daemon-reload; systemctl start $(cd /etc/systemd/system; ls size*.service)");
    let meminfo = server.guest.ok("awk '/^MemTotal/ { print $2 }' /proc/meminfo");
    let host = Host {
        ram: meminfo.trim().parse::<u64>().context("MemTotal")? * 1024,
        swap: 0,
        page: 4096,
        tasks: 0,
    };
    for (at, text) in SIZES.iter().enumerate() {
        let theirs = server.kernel(&unit(at), "memory.max");
        let ours = match Key::MemoryMax.parse_value(text) {
            Ok(value) => expected(Key::MemoryMax, &value, &host),
            // Empty resets; what systemd cannot read leaves the line before in force.
            Err(_) if text.is_empty() => Some(Level::Unlimited),
            Err(_) => Some(Level::Bytes(12_345_678_848)),
        };
        let ours = match ours {
            Some(Level::Bytes(n)) => n.to_string(),
            _ => "max".to_owned(),
        };
        assert_eq!(ours, theirs, "MemoryMax={text:?}");
    }
    assert_eq!(Memory::parse("50M").ok(), Some(Memory::Bytes(52_428_800)));
    Ok(())
}
