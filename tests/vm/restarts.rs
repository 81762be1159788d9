//! Restarts as rules ask for them: before the limit, without failed requests where the service can do that, told in
//! the journal with their figures, and nobody else touched.

mod along;
mod shutdown;
mod wrong;

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use serde_json::Value;
use xtask::guest::{GuestConfig, Script, Suite};

use crate::leaky::{Totals, Web};
use crate::server::{Server, mib};

pub use along::what_goes_down_along_is_named_and_comes_back;
pub use shutdown::a_shutdown_is_not_delayed;
pub use wrong::a_restart_that_goes_wrong_is_told_and_not_repeated;

/// Writes what the kernel charges services for, twice a second: `time unit anon`.
const RECORD: &str = "#!/usr/bin/python3
import sys, time
while True:
    time.sleep(0.5)
    for unit in sys.argv[1:]:
        try:
            with open(f'/sys/fs/cgroup/web.slice/{unit}/memory.stat') as stat:
                print(time.time(), unit, stat.readline().split()[1], flush=True)
        except OSError:
            pass
";

/// Three web services under gunicorn leak: behind a socket, bound to their port, and reloaded. Each goes the whole way
/// while it is asked; a cache of pages at its limit and one of its own at its cap are left alone.
pub fn a_leak_is_restarted_before_it_is_throttled(suite: Suite) -> Result<()> {
    let server = Server::with(GuestConfig::new(suite).memory_mib(1024))?;
    let guest = &server.guest;
    guest.write("/etc/memctl/memctl.toml", "interval = \"1s\"\n");
    let leaking: String = WEBS
        .map(|web| {
            let action = match web {
                Web::Reloaded => "reload",
                Web::Socket | Web::Plain => "restart",
            };
            format!(
                "[unit.\"{}\"]\nMemoryHigh = \"250M\"\nMemoryMax = \"300M\"\n\
                 rules = [{{ above = \"30%\", action = \"{action}\" }}]\n",
                web.unit()
            )
        })
        .concat();
    server.profile(
        "web",
        &format!(
            r#"{leaking}
[unit."reader.service"]
MemoryHigh = "40M"
rules = [{{ above = "80%", action = "restart" }}]
[unit."cap.service"]
MemoryHigh = "100M"
rules = [
  {{ above = "80%", action = "restart" }},
  {{ grown = "+50%", settle = "10s", action = "restart" }},
]
"#
        ),
    );
    server.define("reader.service", "/usr/local/bin/cache 60", "");
    server.define("cap.service", "/usr/local/bin/cap 40 2", "");
    guest.ok("systemctl daemon-reload");
    server.done("apply web.toml");
    guest.ok("systemctl reload memctl.service; systemctl start reader cap");
    server.wait_up("cap.service");
    server.wait_up("reader.service");
    let healthy = ["reader.service", "cap.service"];
    let lives = healthy.map(|unit| server.life(unit));

    guest.write("/usr/local/bin/record", RECORD);
    guest.ok(format!(
        "chmod +x /usr/local/bin/record
         systemd-run --quiet --unit=record --property=StandardOutput=file:/run/record \
             /usr/local/bin/record {}",
        WEBS.map(Web::unit).join(" ")
    ));
    for web in WEBS {
        // A cgroup's counters go with it, those of its slice stay.
        let folder = format!("/etc/systemd/system/{}.d", web.unit());
        guest.ok(format!("mkdir -p {folder}"));
        guest.write(
            &format!("{folder}/slice.conf"),
            "[Service]\nSlice=web.slice\n",
        );
        server.start_web(web, "LEAK_KIB_PER_SECOND=1536");
        server.assert_kernel(&[(web.unit(), "memory.high", &mib(250))]);
        server.start_asking(web);
    }
    for web in WEBS {
        wait_for(&server, web.unit(), "restart-done", 1);
    }
    let high =
        guest.ok("systemctl stop record; grep '^high ' /sys/fs/cgroup/web.slice/memory.events");
    assert_eq!(high, "high 0\n");
    for web in WEBS {
        let asked = server.asked(web)?;
        guest.ok(format!("systemctl stop ask-{}", web.port()));
        went_well(&server, web, &asked);
    }

    for (unit, life) in healthy.iter().zip(lives) {
        assert_eq!(server.life(unit), life);
        let told = events_named(&server, unit);
        assert!(
            told.iter().all(|name| name == "applied"),
            "{unit}: {told:?}"
        );
    }
    // They were what they were to be: full.
    let figures = guest.ok(
        "cd /sys/fs/cgroup/system.slice; cat reader.service/memory.current cap.service/memory.current
         awk '/^high /{print $2}' reader.service/memory.events",
    );
    let figures: Vec<u64> = figures
        .lines()
        .map(|line| line.parse().expect("a figure"))
        .collect();
    assert!(
        figures[0] > 36 << 20 && figures[1] > 40 << 20 && figures[2] > 0,
        "{figures:?}"
    );
    server.assert_nobody_killed();
    Ok(())
}

/// All of them.
const WEBS: [Web; 3] = [Web::Socket, Web::Plain, Web::Reloaded];

/// What is to be said of one of the three.
fn went_well(server: &Server, web: Web, asked: &Totals) {
    let guest = &server.guest;
    let unit = web.unit();
    let events = events(server, unit);
    // One unit of a host at a time: while another one's turn is.
    let told: Vec<&str> = events
        .iter()
        .filter(|event| event["why"] != "busy")
        .map(name)
        .collect();
    assert_eq!(
        told.get(..3),
        Some(&["applied", "rule-fired", "restart-begun"][..]),
        "{events:#?}"
    );
    let (begun, done) = (
        find(&events, "restart-begun"),
        find(&events, "restart-done"),
    );

    // In the journal of the service itself, explained, with its figures.
    let journal = guest.ok(format!(
        "journalctl --quiet -u {unit} -x --no-pager MEMCTL_EVENT=restart-done"
    ));
    for wanted in [
        &format!("Subject: {unit} was restarted or reloaded, and is up"),
        "A restart hides a leak and does not mend it",
    ] {
        assert!(journal.contains(wanted), "{journal}");
    }
    let entry = guest.ok(format!(
        "journalctl --quiet -u {unit} -o json --no-pager MEMCTL_EVENT=restart-done"
    ));
    let entry: Value = serde_json::from_str(entry.lines().next().expect("an entry")).expect("JSON");
    assert_eq!(entry["OBJECT_SYSTEMD_UNIT"], unit);
    let number = |field: &str| -> Option<u64> {
        let text = entry[field].as_str()?;
        Some(text.parse().expect(field))
    };

    // What was freed is what the kernel says: the last figure before the one moment less the last one before the other.
    let freed = number("MEMCTL_FREED").expect("what was freed");
    let recorded = guest.ok(format!("grep ' {unit} ' /run/record"));
    let charged = |event: &Value| -> u64 {
        let time: Timestamp = event["time"]
            .as_str()
            .and_then(|t| t.parse().ok())
            .expect("a time");
        let mut before = recorded.lines().filter_map(|line| {
            let mut fields = line.split(' ');
            let at: f64 = fields.next()?.parse().ok()?;
            let anon: u64 = fields.nth(1)?.parse().ok()?;
            (at <= time.as_duration().as_secs_f64()).then_some(anon)
        });
        before.next_back().expect("a figure")
    };
    let kernels = charged(begun).saturating_sub(charged(done));
    let downtime = number("MEMCTL_DOWNTIME_USEC");
    println!(
        "{} {unit}: {asked:?}; down {:?} ms; freed {} MiB, by the kernel {} MiB; {}",
        guest.suite(),
        downtime.map(|usec| usec / 1000),
        freed >> 20,
        kernels >> 20,
        done["message"],
    );
    assert!(
        freed > 0 && freed.abs_diff(kernels) < 10 << 20,
        "{freed} {kernels}"
    );

    match web {
        Web::Socket => {
            assert_eq!(asked.failed, 0, "{asked:?}");
            // Who comes meanwhile waits.
            let waited = asked.longest_ms * 1000;
            let downtime = downtime.expect("a downtime");
            assert!(downtime < waited + 500_000, "{asked:?}");
        }
        Web::Plain => {
            // Nobody listens for that time: who comes is refused, and comes again 50 ms later.
            let downtime = downtime.expect("a downtime");
            let most = downtime / 50_000 + 40;
            assert!((1..=most).contains(&asked.failed), "{asked:?}");
            assert!(
                asked.why.contains_key("ConnectionRefusedError"),
                "{asked:?}"
            );
        }
        Web::Reloaded => {
            assert_eq!(asked.failed, 0, "{asked:?}");
            assert_eq!(downtime, None);
        }
    }
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

/// The first event of that name.
fn find<'e>(events: &'e [Value], wanted: &str) -> &'e Value {
    let found = events.iter().find(|event| name(event) == wanted);
    found.unwrap_or_else(|| panic!("no {wanted}: {events:#?}"))
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
