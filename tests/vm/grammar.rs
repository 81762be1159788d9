//! memctl's grammar is systemd's: what the real `systemd-analyze` and real unit loading make of the same texts.

use anyhow::{Context as _, Result};
use memctl::limits::key::{Key, Value};
use memctl::units::{Memory, Span};
use xtask::guest::Suite;

use crate::server::Server;

const SPANS: [&str; 24] = [
    "5min",
    "1h 30min",
    "90",
    "1.5h",
    "2d 3h",
    "1w",
    "1month",
    "1y",
    "1M",
    "500ms",
    "20us",
    "infinity",
    "1h30m",
    "0",
    "3days",
    "2 hours",
    "1.25s",
    "",
    "1x",
    "-5",
    "5 5",
    "1e3",
    "99999999999y",
    "min",
];

const SIZES: [&str; 28] = [
    "50M", "10K", "1G", "1.5G", "1T", "100", "1000001", "4096", "80%", "12.34%", "0.5%", "100%",
    "infinity", "1G 512M", "400MB", "400 M", " 400M ", "-1", "", "1g", "0", "1E", "16E", "101%",
    "5‰", "80 %", "0x10", "1.1.",
];

/// Spans, sizes and percentages are taken, refused and understood alike.
pub fn grammar_is_systemds(suite: Suite) -> Result<()> {
    let server = Server::boot(suite)?;
    let script: String = SPANS
        .iter()
        .map(|text| {
            // "μs: 300000000", or "us:" where the locale has no Greek.
            format!(
                "systemd-analyze timespan '{text}' 2>/dev/null | sed -nE 's/^ *(μ|u)s: //p' | grep . || echo refused\n"
            )
        })
        .collect();
    let shown = server.guest.ok(script);
    assert_eq!(shown.lines().count(), SPANS.len(), "{shown}");
    for (text, theirs) in SPANS.iter().zip(shown.lines()) {
        let ours = Span::parse(text).map_or_else(|_| "refused".to_owned(), |s| s.0.to_string());
        assert_eq!(ours, theirs, "{text:?}");
    }

    // One unit a value: what the loader makes of it. What it cannot read leaves the line before in force.
    const BEFORE: u64 = 12_345_678_848;
    let unit = |at: usize| format!("size{at}.service");
    for (at, text) in SIZES.iter().enumerate() {
        server.guest.write(
            &format!("/etc/systemd/system/{}", unit(at)),
            format!("[Service]\nExecStart=/usr/bin/true\nMemoryMax={BEFORE}\nMemoryMax={text}\n"),
        );
    }
    let units: Vec<String> = (0..SIZES.len()).map(unit).collect();
    let shown = server.guest.ok(format!(
        "systemctl daemon-reload; systemctl show --property=MemoryMax --value {} | grep .",
        units.join(" ")
    ));
    let ram = server
        .guest
        .ok("awk '/^MemTotal/ { print $2 }' /proc/meminfo");
    let ram = ram.trim().parse::<u64>().context("MemTotal")? * 1024;
    for (text, theirs) in SIZES.iter().zip(shown.lines()) {
        let ours = match Key::MemoryMax.parse_value(text) {
            Ok(value) => match value {
                Value::Memory(memory) => memory.resolve(ram),
                other => panic!("{other:?} is no memory"),
            },
            // Empty resets.
            Err(_) if text.trim().is_empty() => None,
            Err(_) => Some(BEFORE),
        };
        let ours = ours.map_or_else(|| "infinity".to_owned(), |bytes| bytes.to_string());
        assert_eq!(ours, theirs, "MemoryMax={text:?}");
    }
    assert_eq!(shown.lines().count(), SIZES.len());
    assert_eq!(Memory::parse("50M").ok(), Some(Memory::Bytes(52_428_800)));
    Ok(())
}
