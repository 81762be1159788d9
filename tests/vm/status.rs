//! `status` tells what the kernel's files say, to root and to others; and by D-Bus alone what systemd says, marked so.

use anyhow::Result;
use xtask::guest::{GuestConfig, Script, Suite};

use crate::server::Server;

/// Compares `status --json` with the kernel's files, read before and after it: where those are the same, the figures
/// in between must be, too. `compare.py SOURCE UNIT…`
const COMPARE: &str = r#"
import json, os, subprocess, sys, time

def words(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

def read(path):
    try:
        with open(path) as f:
            return f.read().strip()
    except FileNotFoundError:
        return None

def flat(text, keys):
    pairs = dict(line.split() for line in text.splitlines())
    return {key: int(pairs[key]) for key in keys if key in pairs}

STAT = ("anon file shmem file_dirty slab_reclaimable slab_unreclaimable kernel_stack pagetables percpu "
        "sock").split()
NEED = "anon shmem slab_unreclaimable kernel_stack pagetables percpu sock".split()
EVENTS = "low high max oom oom_kill oom_group_kill".split()

def stalls(text):
    found = {}
    for line in text.splitlines():
        kind, *rest = line.split()
        pairs = dict(pair.split("=") for pair in rest)
        found[kind] = {k: round(float(pairs[k]) / 100, 4) for k in ("avg10", "avg60", "avg300")}
        found[kind]["total_usec"] = int(pairs["total"])
    return found

def kernel(group):
    def file(name, how):
        text = read(group + "/" + name)
        return None if text is None else how(text)
    limit = lambda text: [None if text == "max" else int(text)]
    unit = {
        "current": file("memory.current", int),
        "peak": file("memory.peak", int),
        "swap": file("memory.swap.current", int),
        "stat": file("memory.stat", lambda t: flat(t, STAT)),
        "events": file("memory.events", lambda t: flat(t, EVENTS)),
        "events_local": file("memory.events.local", lambda t: flat(t, EVENTS)),
        "pressure": file("memory.pressure", stalls),
        "tasks": file("pids.current", int),
    }
    cpu = flat(read(group + "/cpu.stat"), ["usage_usec", "throttled_usec"])
    unit["cpu_usec"] = cpu["usage_usec"]
    unit["cpu_throttled_usec"] = cpu.get("throttled_usec")
    limits = {key: file("memory." + name, limit)
              for key, name in (("high", "high"), ("max", "max"), ("swap_max", "swap.max"))}
    limits = {key: value[0] for key, value in limits.items() if value is not None}
    unit["limits"] = limits or None
    if unit["stat"]:
        unit["resident"] = sum(unit["stat"][key] for key in NEED)
        unit["need"] = unit["resident"] + (unit["swap"] or 0)
    unit["start"] = {"inode": os.stat(group).st_ino}
    return {key: value for key, value in unit.items() if value is not None}

KEYS = ("current peak swap stat events events_local pressure tasks cpu_usec cpu_throttled_usec limits "
        "resident need start").split()
# What systemd tells of it: 252 knows neither peak nor swap.
BUS = "current tasks cpu_usec limits".split()

source, units = sys.argv[1], sys.argv[2:]
groups, starts = {}, {}
for unit in units:
    shown = words(["systemctl", "show", "--property=ControlGroup,InvocationID", unit])
    shown = dict(line.split("=", 1) for line in shown.splitlines())
    groups[unit] = "/sys/fs/cgroup" + shown["ControlGroup"]
    starts[unit] = shown["InvocationID"]

left = set(units)
for attempt in range(40):
    before = {unit: kernel(groups[unit]) for unit in left}
    told = json.loads(words(["memctl", "status", "--json", "--source", source, *sorted(left)]))
    after = {unit: kernel(groups[unit]) for unit in left}
    assert told["v"] == 1 and told["faults"] == [], told
    assert told["source"] == source, told
    for unit in told["units"]:
        name = unit["unit"]
        if before[name] != after[name]:
            continue
        expected = before[name]
        assert unit["source"] == source and unit["state"] == "active", unit
        assert unit["start"].pop("invocation") == starts[name], unit
        if source == "dbus":
            assert not {"need", "resident", "stat", "pressure", "share"} & unit.keys(), unit
            keys = [key for key in BUS if key in expected]
            keys += [extra for extra in ("peak", "swap") if extra in unit]
            # systemd tells nothing of the memory of a slice whose DisableControllers= names it; the kernel does.
            if name == "bare.slice" and "current" not in unit:
                keys.remove("current")
        else:
            keys = KEYS
        for found in unit.get("pressure", {}).values():
            found.update({k: round(found[k], 4) for k in ("avg10", "avg60", "avg300")})
        got = {key: unit[key] for key in keys if key in unit}
        wanted = {key: expected[key] for key in keys if key in expected}
        assert got == wanted, f"{name}:\n{got}\n{wanted}"
        left.discard(name)
    if not left:
        break
    time.sleep(0.3)
assert not left, f"never still: {left}"
print("equal:", *sorted(units))
"#;

/// A service whose processes are in cgroups of its own, below the unit's.
const DELEGATED: &str = r#"#!/bin/sh
group=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)
mkdir "$group/main" "$group/worker"
echo $$ > "$group/main/cgroup.procs"
echo +memory > "$group/cgroup.subtree_control"
/usr/local/bin/hold 10 &
echo $! > "$group/worker/cgroup.procs"
exec /usr/local/bin/hold 5
"#;

const UNITS: [&str; 7] = [
    "plain.service",
    "tight.service",
    "nest.service",
    "batch.slice",
    "batch-job.service",
    "bare.slice",
    "nomem.service",
];

/// Service, slice, delegated unit, unit without a memory controller, unit in swap: figure by figure as the kernel has
/// it, for root and an ordinary user; by D-Bus what systemd knows. Units come and go meanwhile.
pub fn status_is_the_kernels(suite: Suite) -> Result<()> {
    let server = Server::with(GuestConfig::new(suite).memory_mib(1024).swap_mib(512))?;
    let guest = &server.guest;
    guest.write("/usr/local/bin/nest", DELEGATED);
    guest.write("/root/compare.py", COMPARE);
    guest.write(
        "/etc/systemd/system/batch.slice",
        "[Slice]\nMemoryMax=50M\n",
    );
    guest.write(
        "/etc/systemd/system/bare.slice",
        "[Slice]\nDisableControllers=memory\n",
    );
    let sleep = "/usr/bin/sleep infinity";
    let hold = |mib: u32| format!("/usr/local/bin/hold {mib}");
    server.define(
        "plain.service",
        &hold(20),
        "MemoryHigh=60M\nMemoryMax=70M\nMemorySwapMax=5M",
    );
    server.define("tight.service", &hold(40), "MemoryHigh=30M");
    server.define(
        "nest.service",
        "/usr/local/bin/nest",
        "Delegate=yes\nMemoryMax=90M",
    );
    server.define("batch-job.service", &hold(15), "Slice=batch.slice");
    server.define("nomem.service", sleep, "Slice=bare.slice");
    server.define("flicker.service", sleep, "");
    guest.ok(
        "chmod +x /usr/local/bin/nest; cp /root/compare.py /usr/local/bin
         systemctl daemon-reload
         systemctl start plain tight nest batch-job nomem",
    );
    for unit in ["plain", "tight", "nest", "batch-job"] {
        server.wait_up(&format!("{unit}.service"));
    }
    // The slice's children freeze with it.
    guest.ok(
        "for unit in system.slice/plain.service system.slice/tight.service system.slice/nest.service \
             batch.slice bare.slice; do
             echo 1 > /sys/fs/cgroup/$unit/cgroup.freeze
         done",
    );
    let units = UNITS.join(" ");
    let compare = |source: &str| format!("python3 /usr/local/bin/compare.py {source} {units}");
    let told = guest.ok(compare("cgroup"));
    assert!(told.starts_with("equal: bare.slice"), "{told}");
    guest.ok(Script::new(compare("cgroup")).user("admin"));
    guest.ok(compare("dbus"));
    guest.ok(Script::new(compare("dbus")).user("admin"));
    as_tables(&server);

    // Units that vanish while they are read are no faults.
    guest.ok(
        "(for i in $(seq 8); do systemctl start flicker; systemctl stop flicker; done) & loop=$!
         : > /root/looks
         while kill -0 $loop 2> /dev/null; do memctl status --all --json >> /root/looks; done
         memctl status --all --json --source dbus >> /root/looks
         python3 -c 'import json
looks = [json.loads(line) for line in open(\"/root/looks\")]
assert len(looks) > 3, len(looks)
assert all(look[\"faults\"] == [] for look in looks), [look[\"faults\"] for look in looks]
names = [unit[\"unit\"] for unit in looks[0][\"units\"]]
assert \"batch.slice\" in names and \"bare.slice\" not in names and \"init.scope\" in names, names'",
    );
    Ok(())
}

/// What people read.
fn as_tables(server: &Server) {
    // How much of it the kernel left in RAM differs from run to run: no more of it may go.
    server.guest.ok(
        "cd /sys/fs/cgroup/system.slice/tight.service
         cat memory.swap.current >memory.swap.max; awk '/^anon /{print $2}' memory.stat >memory.high",
    );
    // The unit in need of more than it may have in RAM, by its mark; ceilings of slices by their owner.
    let table = server.done("status plain tight batch-job nest.service");
    let line = |unit: &str| {
        let line = table.lines().find(|l| l.contains(unit));
        line.unwrap_or_else(|| panic!("{unit}: {table}")).to_owned()
    };
    assert!(line("tight.service").starts_with('!'), "{table}");
    assert!(line("tight.service").contains("high "), "{table}");
    assert!(line("batch-job.service").contains("batch.slice"), "{table}");
    assert!(table.contains("! = "), "{table}");

    // What memctl.service records is the last hour.
    server.guest.ok(
        "for i in $(seq 25); do memctl status plain tight | grep -q 'LAST HOUR' && exit; sleep 1; done
         systemctl status memctl; exit 1",
    );

    let page = server.done("status nest");
    let processes = page
        .lines()
        .filter(|line| line.contains("/usr/local/bin/hold"));
    assert_eq!(processes.count(), 2, "of the cgroups below it, too: {page}");
    assert!(page.contains("90M, its own MemoryMax"), "{page}");

    // Where cgroupfs cannot be read, D-Bus it is, and why.
    let hidden = "mount -t tmpfs none /sys/fs/cgroup; memctl status plain tight";
    let table = server.guest.ok(format!("unshare --mount sh -c '{hidden}'"));
    assert!(table.contains("Source: systemd over D-Bus"), "{table}");
    assert!(table.contains("cgroupfs cannot be read"), "{table}");
    assert!(
        table.contains("60M"),
        "MemoryHigh of plain.service: {table}"
    );

    let told = server.refused("status plian", 2);
    assert!(told.contains("perhaps plain.service?"), "{told}");
}
