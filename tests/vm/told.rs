//! Services that do what they are told, and what memctl tells of them.

use std::time::Duration;

use serde_json::Value;
use xtask::guest::Script;

use crate::server::Server;

/// How long memctl is given to tell of something.
const PATIENCE: u64 = 100;

impl Server {
    /// Puts what they need into the guest: services that run `/usr/local/bin/flex NAME` hold as much as they are
    /// [told](Self::flex).
    pub fn prepare_flex(&self) {
        let guest = &self.guest;
        guest.write("/usr/local/bin/flex", include_str!("guest/flex.py"));
        guest.write(
            "/usr/local/bin/await_told",
            include_str!("guest/await_told.py"),
        );
        guest.ok("chmod +x /usr/local/bin/flex /usr/local/bin/await_told");
    }

    /// Tells services what to do: `("web", "40")`, `("web", "child 200")`.
    pub fn flex(&self, what: &[(&str, &str)]) {
        let lines = what
            .iter()
            .map(|(name, what)| format!("echo '{what}' >'/run/flex/{name}'\n"));
        self.guest.ok(lines.collect::<String>());
    }

    /// Waits until memctl has told of all these: `web.service:rule-fired:above`. What it has told of until then.
    pub fn wait_told(&self, wanted: &[&str]) -> Vec<Value> {
        let words: String = wanted.iter().map(|w| format!(" '{w}'")).collect();
        let script = Script::new(format!("await_told {PATIENCE}{words}"));
        let told = self
            .guest
            .sh(script.timeout(Duration::from_secs(PATIENCE + 20)));
        let told_of = entries(&told.stdout);
        assert!(
            told.success(),
            "{}\n{}\n{}",
            told.stderr,
            in_short(&told_of).join("\n"),
            self.guest
                .sh("journalctl -u memctl -n 40 --no-pager")
                .stdout
        );
        told_of
    }

    /// What memctl has told of, the oldest first.
    pub fn told(&self) -> Vec<Value> {
        entries(&self.done("--json log"))
    }

    /// What memctl has told of a unit, in short: `restart-done`, `restart-withheld hold`.
    pub fn told_of(&self, unit: &str) -> Vec<String> {
        let all = self.told();
        let own = all.iter().filter(|entry| entry["unit"] == unit);
        own.map(|entry| {
            let why = entry["why"].as_str().map(|why| format!(" {why}"));
            format!("{}{}", text(entry, "event"), why.unwrap_or_default())
        })
        .collect()
    }

    /// Waits until a script succeeds.
    pub fn wait_until(&self, script: &str) {
        let wait = format!(
            "for i in $(seq 300); do if {{ {script}; }} >/run/waited 2>&1; then exit 0; fi; sleep 0.3; done
             cat /run/waited; memctl log | tail -n 30; journalctl -u memctl --no-pager | tail -n 20; exit 1"
        );
        self.guest
            .ok(Script::new(wait).timeout(Duration::from_secs(PATIENCE + 20)));
    }
}

fn entries(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect()
}

/// A field of an entry; empty if it has none.
pub fn text<'v>(entry: &'v Value, field: &str) -> &'v str {
    entry[field].as_str().unwrap_or_default()
}

/// Entries for whoever reads why a test failed.
pub fn in_short(told: &[Value]) -> Vec<String> {
    told.iter()
        .map(|e| {
            format!(
                "{} {} {}",
                text(e, "time"),
                text(e, "event"),
                text(e, "message")
            )
        })
        .collect()
}

/// The first entry of a unit of this kind.
pub fn first<'v>(told: &'v [Value], unit: &str, event: &str) -> &'v Value {
    let is = |e: &&Value| e["unit"] == unit && e["event"] == event;
    told.iter()
        .find(is)
        .unwrap_or_else(|| panic!("{unit} {event}: {}", in_short(told).join("\n")))
}
