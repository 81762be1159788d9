#!/usr/bin/python3
"""What `cargo xtask bench` runs in the guest to measure readings.

    measure.py UNITS

Sees to it that UNITS idle services run, and measures what it costs to read all
of them once: by the watch (history included), by a bare open-read loop over the
same files, by systemctl, systemd-cgtop and a shell's loop of cat. Own processor
time, and that of PID 1 and the bus meanwhile. Prints JSON, in milliseconds.
"""

import json
import os
import resource
import subprocess
import sys
import time

GROUP = "/sys/fs/cgroup/system.slice"
# What the watch reads of each unit on a tick on which nothing moved.
FILES = ["memory.current", "memory.swap.current", "memory.peak", "memory.high", "memory.max",
         "memory.swap.max", "memory.events", "memory.events.local", "memory.pressure",
         "cpu.stat", "pids.current"]
TICKS = 30
ROUNDS = 20
# A process for each file takes minutes: so many units stand for all.
CATS = 30


def name(number):
    return f"bench-{number:04}.service"


def run(*command, **more):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **more).stdout


def start_services(units):
    for n in range(units):
        with open(f"/etc/systemd/system/{name(n)}", "w") as file:
            # memory.max is read, so the controller must be on; a limit that nobody meets.
            file.write("[Service]\nExecStart=/usr/bin/sleep infinity\nMemoryMax=100M\n")
    run("systemctl", "daemon-reload")
    for at in range(0, units, 100):
        run("systemctl", "start", *map(name, range(at, min(at + 100, units))))
    run("udevadm", "settle")


def usage(group):
    with open(f"/sys/fs/cgroup/{group}/cpu.stat") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("usage_usec")) / 1000


def managers():
    return usage("init.scope") + usage("system.slice/dbus.service")


def children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000


def ask(rounds, *command, **more):
    own, manager = children(), managers()
    for _ in range(rounds):
        run(*command, **more)
    # The bus clears up a little after the answer.
    time.sleep(0.2)
    return {"own": (children() - own) / rounds, "manager": (managers() - manager) / rounds}


def watch(units):
    os.makedirs("/etc/systemd/system/memctl.service.d", exist_ok=True)
    with open("/etc/systemd/system/memctl.service.d/bench.conf", "w") as file:
        file.write("[Service]\nExecStart=\nExecStart=/usr/bin/memctl watch --all\n")
    with open("/etc/memctl/memctl.toml", "w") as file:
        file.write('interval = "1s"\n')
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "memctl.service")
    time.sleep(5)
    own, manager = usage("system.slice/memctl.service"), managers()
    time.sleep(TICKS)
    cost = {"own": (usage("system.slice/memctl.service") - own) / TICKS,
            "manager": (managers() - manager) / TICKS}
    pid = run("systemctl", "show", "--property=MainPID", "--value", "memctl.service").strip()
    with open(f"/proc/{pid}/status") as file:
        resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    with open(f"{GROUP}/memctl.service/memory.current") as file:
        group = int(file.read()) // 1024
    run("systemctl", "stop", "memctl.service")
    database = sum(os.stat(f"/var/lib/memctl/{f}").st_size for f in os.listdir("/var/lib/memctl")) // 1024
    return cost, resident, group, database


def idle():
    """What PID 1 and the bus spend in the same time when nobody asks, a tick."""
    manager = managers()
    time.sleep(TICKS)
    return (managers() - manager) / TICKS


def main():
    units = int(sys.argv[1])
    start_services(units)
    run("systemctl", "stop", "memctl.service")
    names = [name(n) for n in range(units)]
    paths = "".join(f"{GROUP}/{unit}/{file}\n" for unit in names for file in FILES)
    ways = {}
    ways["PID 1 left alone"] = {"own": 0, "manager": idle()}
    cost, resident, group, database = watch(units)
    ways["memctl watch, a tick"] = cost
    bare = float(run("/root/bare-loop", str(ROUNDS), input=paths))
    ways["bare loop"] = {"own": bare, "manager": 0}
    ways["memctl status --all"] = ask(3, "memctl", "status", "--all", "--json")
    ways["systemctl show -p MemoryCurrent"] = ask(1, "systemctl", "show", "-p", "MemoryCurrent", *names)
    ways["systemd-cgtop -b -n1"] = ask(3, "systemd-cgtop", "-b", "-n1")
    loop = f"for unit; do cd {GROUP}/$unit; for file in {' '.join(FILES)}; do cat $file; done; done"
    cats = ask(1, "sh", "-c", loop, "sh", *names[:CATS])
    ways["loop of cat"] = {who: cost * units / min(units, CATS) for who, cost in cats.items()}
    exporter = "/opt/prometheus/prometheus-node-exporter"
    if os.path.exists(exporter):
        ways["node_exporter, systemd collector"] = scrape(exporter)
    print(json.dumps({"ways": ways, "resident_kib": resident, "cgroup_kib": group,
                      "database_kib": database, "ticks": TICKS + 5}))


def scrape(exporter):
    """A scrape of node_exporter with its systemd collector alone."""
    from urllib.request import urlopen
    unit = "bench-exporter.service"
    run("systemd-run", "--unit", unit, "--quiet", exporter, "--web.listen-address=127.0.0.1:9100",
        "--collector.disable-defaults", "--collector.systemd")
    for _ in range(100):
        try:
            urlopen("http://127.0.0.1:9100/metrics").read()
            break
        except OSError:
            time.sleep(0.2)
    own, manager = usage(f"system.slice/{unit}"), managers()
    for _ in range(3):
        urlopen("http://127.0.0.1:9100/metrics").read()
    time.sleep(0.2)
    cost = {"own": (usage(f"system.slice/{unit}") - own) / 3, "manager": (managers() - manager) / 3}
    run("systemctl", "stop", unit)
    return cost


main()
