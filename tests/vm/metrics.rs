//! Metrics: the kernel's own figures, as Debian's promtool, node_exporter and Prometheus read them.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;
use xtask::guest::{Guest, GuestConfig, Suite};
use xtask::{host, prometheus};

use crate::server::{Server, mib};

const UNIT: &str = r"odd\x2dweb.service";
/// Its `unit` label, as the text format has it.
const LABEL: &str = r#"{unit="odd\\x2dweb.service"}"#;
const FOLDER: &str = "/var/lib/prometheus/node-exporter";
const FILE: &str = "/var/lib/prometheus/node-exporter/memctl.prom";

/// Metrics equal the kernel's files on every suite; where Debian's Prometheus is at hand it has the last word.
pub fn prometheus_reads_them(suite: Suite) -> Result<()> {
    let mut config = GuestConfig::new(suite);
    let judged = suite == prometheus::SUITE;
    if judged {
        let examples = host::repository().join("examples");
        config = prometheus::bring(config)?.file(examples, "/root/examples");
    }
    let server = Server::with(config)?;
    services(&server);
    server.guest.ok(format!("systemctl freeze '{UNIT}'"));
    let figures = are_the_kernels(&server);
    starts_are_told(&server, &figures);
    what_stands_is_told(&server);
    is_written_whole(&server);
    if judged {
        let guest = &server.guest;
        tools_find_no_fault(guest);
        let read = node_exporter_takes_it_along(guest);
        prometheus_answers(guest, &read);
    }
    Ok(())
}

/// A service and its limits, and another that was killed for want of memory beside it.
fn services(server: &Server) {
    server.define(UNIT, "/usr/local/bin/hold 30", "Slice=shop-web.slice");
    server.define(
        "killed.service",
        "/usr/local/bin/hold 100",
        "Restart=no\nSlice=shop-web.slice",
    );
    server
        .guest
        .ok(format!("systemctl daemon-reload; systemctl start '{UNIT}'"));
    server.wait_up(UNIT);
    server.profile(
        "shop",
        "[unit.'odd\\x2dweb.service']\nMemoryHigh = \"150M\"\nMemoryMax = \"200M\"\nCPUQuota = \"90%\"\n\
         [unit.\"killed.service\"]\nMemoryMax = \"40M\"\n",
    );
    server.done("apply shop.toml");
    server.guest.ok("systemctl start killed.service
         for i in $(seq 100); do systemctl is-failed killed.service && exit; sleep 0.2; done");
}

/// The figures of a text by their series.
fn figures(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, figure) = line.rsplit_once(' ').expect(line);
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            // node_exporter sorts labels.
            let mut labels: Vec<&str> = labels.trim_end_matches('}').split(',').collect();
            labels.sort_unstable();
            let series = format!("{name}{{{}}}", labels.join(","));
            (series, figure.parse().expect(line))
        })
        .collect()
}

/// What memctl tells of a frozen unit is what its files say.
fn are_the_kernels(server: &Server) -> BTreeMap<String, f64> {
    let files = server.guest.ok(format!(
        "cd /sys/fs/cgroup$(systemctl show --property=ControlGroup --value '{UNIT}')
         kernel() {{
             grep . memory.current memory.peak memory.swap.current memory.high memory.max pids.current
             sed 's/^/stat /' memory.stat; sed 's/^/event /' memory.events; sed 's/^/cpu /' cpu.stat
             sed 's/^/pressure /' memory.pressure
         }}
         for i in $(seq 20); do
             kernel >/tmp/before; memctl metrics >/tmp/metrics; kernel >/tmp/after
             if cmp --quiet /tmp/before /tmp/after; then cat /tmp/before; exit; fi
             sleep 0.5
         done; echo 'it does not keep still'; exit 1"
    ));
    let text = String::from_utf8(server.guest.read("/tmp/metrics")).expect("UTF-8");
    let told = figures(&text);
    let kernel = |start: &str| -> f64 {
        let line = files.lines().find_map(|line| line.strip_prefix(start));
        let figure = line.and_then(|rest| rest.parse().ok());
        figure.unwrap_or_else(|| panic!("no {start} in\n{files}"))
    };
    let unit = |family: &str| format!("memctl_unit_{family}{LABEL}");
    let of = |family: &str, label: &str| unit(family).replace('{', &format!("{{{label},"));
    let stat = |kind: &str| kernel(&format!("stat {kind} "));
    let need: f64 = [
        "anon",
        "shmem",
        "slab_unreclaimable",
        "kernel_stack",
        "pagetables",
        "percpu",
        "sock",
    ]
    .into_iter()
    .map(stat)
    .sum();
    let (_, full) = files.split_once("pressure full ").expect("pressure");
    let (_, full) = full.trim().rsplit_once("total=").expect("a total");
    let mut expected = vec![
        (unit("resident_need_bytes"), need),
        (unit("need_bytes"), need + kernel("memory.swap.current:")),
        (unit("memory_current_bytes"), kernel("memory.current:")),
        (unit("memory_peak_bytes"), kernel("memory.peak:")),
        (unit("memory_high_bytes"), kernel("memory.high:")),
        (unit("memory_max_bytes"), kernel("memory.max:")),
        (unit("ceiling_bytes"), kernel("memory.high:")),
        (unit("tasks"), kernel("pids.current:")),
        (unit("cpu_seconds_total"), kernel("cpu usage_usec ") / 1e6),
        (
            unit("memory_pressure_full_seconds_total"),
            full.parse::<f64>().expect(full) / 1e6,
        ),
    ];
    for kind in ["anon", "file", "slab_reclaimable", "pagetables"] {
        let series = of("memory_stat_bytes", &format!("kind=\"{kind}\""));
        expected.push((series, stat(kind)));
    }
    for event in ["high", "max", "oom_kill"] {
        let series = of("memory_events_total", &format!("event=\"{event}\""));
        expected.push((series, kernel(&format!("event {event} "))));
    }
    for (series, figure) in expected {
        assert_eq!(
            told.get(&series),
            Some(&figure),
            "{series}\n{files}\n{text}"
        );
    }
    // The service that was killed has taken its counters along, its slices keep theirs.
    let gone = "memctl_unit_info{unit=\"killed.service\"";
    assert!(!text.contains(gone), "{text}");
    for slice in ["shop.slice", "shop-web.slice"] {
        let kills =
            format!("memctl_unit_memory_events_total{{event=\"oom_kill\",unit=\"{slice}\"}}");
        assert_eq!(told.get(&kills), Some(&1.0), "{kills}\n{text}");
    }
    told
}

/// The start is when systemd says that the unit was started, and no earlier or later one.
fn starts_are_told(server: &Server, told: &BTreeMap<String, f64>) {
    let series = format!("memctl_unit_start_time_seconds{LABEL}");
    let start = told.get(&series).expect("a start");
    let begun = server.guest.ok(format!(
        "date --date=\"$(systemctl show --timestamp=us+utc --property=InactiveExitTimestamp --value '{UNIT}')\" +%s.%6N"
    ));
    let begun: f64 = begun.trim().parse().expect("a time");
    assert!((start - begun).abs() < 2.0, "{start} is not {begun}");
}

/// What is on disk and not in force: by hand, without a reload.
fn what_stands_is_told(server: &Server) {
    let limits = |pending: f64, overridden: f64| {
        let text = server.done("metrics");
        let told = figures(&text);
        let is = |name: &str| told.get(&format!("{name}{{}}")).copied();
        assert_eq!(is("memctl_pending_units"), Some(pending), "{text}");
        assert_eq!(is("memctl_overridden_limits"), Some(overridden), "{text}");
        assert_eq!(is("memctl_withheld_limits"), Some(0.0), "{text}");
        assert_eq!(is("memctl_read_faults"), Some(0.0), "{text}");
        assert_eq!(is("memctl_profiles"), Some(1.0), "{text}");
        assert_eq!(is("memctl_profile_faults"), Some(0.0), "{text}");
    };
    limits(0.0, 0.0);
    let drop_in = format!("/etc/systemd/system/{UNIT}.d/50-more.conf");
    server.guest.write(&drop_in, "[Service]\nMemoryMax=300M\n");
    limits(1.0, 1.0);
    server.guest.ok(format!("rm '{drop_in}'"));
    server.assert_kernel(&[(UNIT, "memory.max", &mib(200))]);
}

/// `-o`: only into a folder that is there, for everybody to read, and nothing beside it.
fn is_written_whole(server: &Server) {
    let guest = &server.guest;
    let told = server.refused(&format!("metrics -o {FILE}"), 1);
    assert!(told.contains(FOLDER), "{told}");
    server.refused("metrics --json", 2);
    let ticks = "memctl metrics | sed -n 's/^memctl_last_tick_timestamp_seconds //p'";
    let ticks = guest.ok(format!(
        "systemctl stop memctl.service; date +%s; memctl watch --once; {ticks}; date +%s.%N"
    ));
    let times: Vec<f64> = ticks.lines().map(|t| t.parse().expect(t)).collect();
    assert!(times.len() == 3 && times.is_sorted(), "{ticks}");
    let listed = guest.ok(format!(
        "mkdir -p {FOLDER}; umask 077; memctl metrics -o {FILE}; memctl metrics -o {FILE}
         ls -A {FOLDER}; stat --format=%a {FILE}"
    ));
    assert_eq!(listed, "memctl.prom\n644\n");
    // An ordinary user reads the same.
    let own = "memctl metrics | grep -c '^memctl_unit_need_bytes'";
    let theirs = guest.ok(xtask::guest::Script::new(own).user("admin"));
    assert_eq!(guest.ok(own), theirs);
}

fn tools_find_no_fault(guest: &Guest) {
    let said = guest.ok(
        "/opt/prometheus/promtool check metrics </var/lib/prometheus/node-exporter/memctl.prom 2>&1",
    );
    assert_eq!(said, "");
    let said = guest.ok("cd /root/examples/prometheus
         /opt/prometheus/promtool check rules --lint=all --lint-fatal memctl.rules.yml
         /opt/prometheus/promtool test rules memctl.rules.test.yml");
    assert!(said.contains("rules found"), "{said}");
}

/// node_exporter tells each of our figures, and none that we do not; gives what it told.
fn node_exporter_takes_it_along(guest: &Guest) -> BTreeMap<String, f64> {
    let text = guest.ok(format!(
        "/opt/prometheus/prometheus-node-exporter --web.listen-address=127.0.0.1:9100 \\
             --collector.disable-defaults --collector.textfile \\
             --collector.textfile.directory={FOLDER} >/tmp/node.log 2>&1 &
         for i in $(seq 100); do
             python3 -c 'import urllib.request as r; print(r.urlopen(\"http://127.0.0.1:9100/metrics\").read().decode())' \\
                 2>/dev/null && exit
             sleep 0.2
         done; cat /tmp/node.log; exit 1"
    ));
    let ours = String::from_utf8(guest.read(FILE)).expect("UTF-8");
    for head in ours.lines().filter(|line| line.starts_with("# TYPE")) {
        assert!(text.lines().any(|line| line == head), "{head}\n{text}");
    }
    let text = text.trim_end();
    let mut read = figures(text);
    assert_eq!(read.get("node_textfile_scrape_error{}"), Some(&0.0));
    read.retain(|series, _| series.starts_with("memctl_"));
    assert_eq!(read, figures(&ours));
    read
}

/// What asks Prometheus: expressions on standard input, a JSON list; the answers likewise.
const ASK: &str = r#"
import json, sys, time, urllib.parse, urllib.request
def get(path, **query):
    url = "http://127.0.0.1:9090/api/v1/" + path + "?" + urllib.parse.urlencode(query)
    return json.load(urllib.request.urlopen(url))["data"]
deadline = time.monotonic() + 50
while True:
    try:
        health = [rule["health"] for group in get("rules")["groups"] for rule in group["rules"]]
        if get("query", query="count_over_time(memctl_build_info[1h]) > 2")["result"] and "unknown" not in health:
            break
    except OSError:
        pass
    if time.monotonic() > deadline:
        sys.exit("Prometheus has read nothing")
    time.sleep(0.5)
answers = [get("query", query=expression)["result"] for expression in json.load(sys.stdin)]
json.dump({"answers": answers, "rules": get("rules")["groups"], "alerts": get("alerts")["alerts"]}, sys.stdout)
"#;

/// Prometheus has read what node_exporter told; the rules and the dashboard's expressions are evaluated on it.
fn prometheus_answers(guest: &Guest, read: &BTreeMap<String, f64>) {
    guest.write(
        "/root/prometheus.yml",
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n\
         rule_files: [/root/examples/prometheus/memctl.rules.yml]\n\
         scrape_configs: [{job_name: node, static_configs: [{targets: ['127.0.0.1:9100']}]}]\n",
    );
    guest.write("/root/ask.py", ASK);
    guest.ok(
        "cd /root; /opt/prometheus/prometheus --config.file=prometheus.yml --storage.tsdb.path=/tmp/tsdb \\
             --web.listen-address=127.0.0.1:9090 >/tmp/prometheus.log 2>&1 &",
    );
    let dashboard = host::repository().join("examples/grafana/memctl.json");
    let dashboard = std::fs::read_to_string(dashboard).expect("the dashboard");
    let dashboard: Value = serde_json::from_str(&dashboard).expect("JSON");
    let mut expressions = vec![format!("memctl_unit_need_bytes{LABEL}")];
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().expect("targets") {
            let expression = target["expr"].as_str().expect("an expression");
            let filled = [
                ("$instance", ".*"),
                ("$unit", ".*"),
                ("$__rate_interval", "1m"),
            ]
            .into_iter()
            .fold(expression.to_owned(), |e, (name, value)| {
                e.replace(name, value)
            });
            expressions.push(filled);
        }
    }
    let question = serde_json::to_vec(&expressions).expect("JSON");
    let ask =
        xtask::guest::Script::new("python3 /root/ask.py || { cat /tmp/prometheus.log; exit 1; }");
    let answer = guest.ok(ask.stdin(question));
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let answers = answer["answers"].as_array().expect("answers");

    let need = answers[0][0]["value"][1].as_str().expect("a figure");
    let kernels = read.get(&format!("memctl_unit_need_bytes{LABEL}"));
    assert_eq!(need.parse().ok().as_ref(), kernels);
    for (expression, answer) in expressions.iter().zip(answers) {
        // Nothing happens to a frozen unit.
        let quiet = expression.ends_with("> 0");
        let some = answer.as_array().is_some_and(|found| !found.is_empty());
        assert!(some || quiet, "{expression} has no answer");
    }
    let groups = answer["rules"].as_array().expect("groups");
    let rules: Vec<&Value> = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().expect("rules"))
        .collect();
    assert!(rules.len() >= 12, "{rules:?}");
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    // Nothing is wrong here, and the watch has just recorded a reading.
    assert_eq!(answer["alerts"], serde_json::json!([]));
}
