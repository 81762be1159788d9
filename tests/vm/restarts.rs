//! Restarts as rules ask for them: before the limit, without failed requests where the service can do that, told in
//! the journal with their figures, and nobody else touched.

mod along;
mod wrong;

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use xtask::guest::{GuestConfig, Script, Suite};

use crate::leaky::{Totals, Web};
use crate::server::{Server, mib};

pub use along::what_goes_down_along_is_named_and_comes_back;
pub use wrong::a_restart_that_goes_wrong_is_told_and_not_repeated;

/// Three web services under gunicorn leak: behind a socket, bound to their port, and reloaded. Each
/// goes the whole way while it is asked; a cache of pages at its limit and one of its own at its cap are left alone.
pub fn a_leak_is_restarted_before_it_is_throttled(suite: Suite) -> Result<()> {
    let server = Server::with(GuestConfig::new(suite).memory_mib(1024))?;
    let guest = &server.guest;
    guest.write("/etc/memctl/memctl.toml", "interval = \"1s\"\n");
    server.profile(
        "web",
        r#"
[unit."leaky.service"]
MemoryHigh = "250M"
MemoryMax = "300M"
rules = [{ above = "40%", action = "restart" }]
[unit."leak.service"]
MemoryHigh = "250M"
MemoryMax = "300M"
rules = [{ above = "40%", action = "restart" }]
[unit."leakier.service"]
MemoryHigh = "250M"
MemoryMax = "300M"
rules = [{ above = "40%", action = "reload" }]
[unit."reader.service"]
MemoryHigh = "40M"
rules = [{ above = "80%", action = "restart" }]
[unit."cap.service"]
MemoryHigh = "100M"
rules = [
  { above = "80%", action = "restart" },
  { grown = "+50%", settle = "10s", action = "restart" },
]
"#,
    );
    server.define("reader.service", "/usr/local/bin/cache 60", "");
    server.define("cap.service", "/usr/local/bin/cap 40 8", "");
    guest.ok("systemctl daemon-reload");
    server.done("apply web.toml");
    guest.ok("systemctl reload memctl.service; systemctl start reader cap");
    server.wait_up("cap.service");
    server.wait_up("reader.service");
    let healthy = ["reader.service", "cap.service"];
    let lives = healthy.map(|unit| server.life(unit));

    for web in [Web::Socket, Web::Plain, Web::Reloaded] {
        let unit = web.unit();
        let folder = format!("/etc/systemd/system/{unit}.d");
        guest.ok(format!("mkdir -p {folder}"));
        // A cgroup's counters go with it, those of its slice stay.
        let text = format!("[Service]\nSlice={}\n", slice(web));
        guest.write(&format!("{folder}/slice.conf"), text);
        server.start_web(web, "LEAK_KIB_PER_SECOND=3072");
        server.assert_kernel(&[(unit, "memory.high", &mib(250))]);
        server.start_asking(web);
        // What the kernel charges it for, all the while.
        guest.ok(format!(
            "systemd-run --quiet --unit=record-{0} --property=StandardOutput=file:/run/record-{0} \
             bash -c 'while sleep 0.2; do cat /sys/fs/cgroup/{1}/{unit}/memory.current; done'",
            web.port(),
            slice(web)
        ));
        wait_for(&server, unit, "restart-done", 1);
        let asked = server.asked(web)?;
        guest.ok(format!("systemctl stop ask-{0} record-{0}", web.port()));
        let events = events(&server, unit);
        went_well(&server, web, &events, &asked);
        guest.ok(format!(
            "systemctl stop leaky.socket 2>/dev/null || true; systemctl stop {unit}"
        ));
    }

    for (unit, life) in healthy.iter().zip(lives) {
        assert_eq!(server.life(unit), life);
    }
    // They were what they were to be: at the limit, and with a baseline from before the cache was full.
    let group = guest.ok(
        "cd /sys/fs/cgroup/system.slice; cat reader.service/memory.current cap.service/memory.current
         grep '^high' reader.service/memory.events; memctl explain cap.service",
    );
    let mut lines = group.lines();
    let mut figure = || -> u64 {
        let line = lines.next().expect("a line");
        line.trim_start_matches("high ").parse().expect("a figure")
    };
    assert!(
        figure() > 36 << 20 && figure() > 40 << 20 && figure() > 0,
        "{group}"
    );
    for unit in healthy {
        let told = events_named(&server, unit);
        assert!(
            told.iter().all(|name| name == "applied"),
            "{unit}: {told:?}"
        );
    }
    server.assert_nobody_killed();
    Ok(())
}

/// What is to be said of one of the three.
fn went_well(server: &Server, web: Web, events: &[Value], asked: &Totals) {
    let guest = &server.guest;
    let unit = web.unit();
    println!("{}", server.done(&format!("log {unit}")));
    let all: Vec<&str> = events.iter().map(name).collect();
    let told: Vec<&str> = all
        .iter()
        .copied()
        .filter(|name| *name != "applied")
        .collect();
    // With a reload the worker is gone, and not the unit.
    assert_eq!(
        told.get(..2),
        Some(&["rule-fired", "restart-begun"][..]),
        "{events:#?}"
    );
    assert!(told.contains(&"rule-cleared"), "{told:?}");
    let high = guest.ok(format!(
        "grep -h '^high ' /sys/fs/cgroup/{0}/memory.events",
        slice(web)
    ));
    assert_eq!(high, "high 0\n", "{unit} was throttled: {told:?}");

    // In the journal of the service, explained, with its figures.
    let journal = guest.ok(format!(
        "journalctl --quiet -u {unit} -x --no-pager MEMCTL_EVENT=restart-done"
    ));
    assert!(
        journal.contains(&format!("{unit} was restarted and is up again"))
            || journal.contains(&format!("{unit} was reloaded")),
        "{journal}"
    );
    let fields = guest.ok(format!(
        "journalctl --quiet -u {unit} -o json --no-pager MEMCTL_EVENT=restart-done"
    ));
    let fields: Value =
        serde_json::from_str(fields.lines().next().expect("an entry")).expect("JSON");
    assert_eq!(fields["OBJECT_SYSTEMD_UNIT"], unit);
    let number = |field: &str| -> u64 {
        let text = fields[field]
            .as_str()
            .unwrap_or_else(|| panic!("{field}: {fields}"));
        text.parse().expect(field)
    };
    let freed = number("MEMCTL_FREED");
    let charged: Vec<u64> = guest
        .ok(format!("cat /run/record-{}", web.port()))
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect();
    // From the highest point, as the kernel had it, to the lowest thereafter; a few MiB are page cache.
    let top = charged.iter().copied().max().expect("figures");
    let at = charged
        .iter()
        .position(|figure| *figure == top)
        .expect("it");
    let low = charged[at..].iter().copied().min().expect("figures");
    assert!(top > 100 << 20 && top < 250 << 20, "{top}: {charged:?}");
    assert!(freed > 30 << 20, "{fields}");
    assert!(freed < top - low + (8 << 20), "{freed} of {top} - {low}");

    let downtime = fields["MEMCTL_DOWNTIME_USEC"]
        .as_str()
        .map(|text| text.parse::<u64>().expect("microseconds"));
    println!(
        "{suite} {unit}: {asked:?}; down {down:?} ms, freed {freed} MiB of {top} MiB",
        suite = guest.suite(),
        down = downtime.map(|usec| usec / 1000),
        freed = freed >> 20,
        top = top >> 20,
    );
    match web {
        Web::Socket | Web::Reloaded => assert_eq!(asked.failed, 0, "{asked:?}"),
        Web::Plain => assert!(asked.failed > 0, "{asked:?}"),
    }
    match web {
        Web::Reloaded => assert_eq!(downtime, None),
        Web::Socket => {
            // Who comes meanwhile waits that long, and for no more than gunicorn's worker thereafter.
            let waited = asked.longest_ms * 1000;
            assert!(
                downtime.is_some_and(|usec| usec < waited + 500_000),
                "{asked:?}"
            );
        }
        Web::Plain => {
            // Nobody listens for that time: refused at once, and asked again 50 ms later.
            let most = downtime.expect("a downtime") / 50_000 + 40;
            assert!(asked.failed <= most, "{asked:?}, {downtime:?}");
        }
    }
}

/// Each has a slice of its own, without a limit.
fn slice(web: Web) -> String {
    format!("web{}.slice", web.port())
}

/// memctl's entries of a unit, the oldest first.
fn events(server: &Server, unit: &str) -> Vec<Value> {
    let text = server.done(&format!("log {unit} --json"));
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn name(event: &Value) -> &str {
    event["event"].as_str().expect("a name")
}

fn events_named(server: &Server, unit: &str) -> Vec<String> {
    let events = events(server, unit);
    events.iter().map(|event| name(event).to_owned()).collect()
}

/// Waits until so many such events of a unit were told. One journalctl follows: in an emulated guest each start of one
/// takes a second.
fn wait_for(server: &Server, unit: &str, event: &str, count: usize) {
    server.guest.ok(Script::new(format!(
        "exec 3< <(exec timeout 150 journalctl --quiet --follow --lines=all --output=cat \
             OBJECT_SYSTEMD_UNIT={unit} MEMCTL_EVENT={event})
         reader=$!
         for i in $(seq {count}); do
             read -r line <&3 || {{
                 echo 'no {event}'; memctl log {unit}; systemctl status {unit} memctl --no-pager; exit 1
             }}
         done
         kill $reader"
    ))
    .timeout(Duration::from_secs(170)));
}
