#!/usr/bin/python3
"""What `cargo xtask bench` runs in the guest.

    measure.py UNITS ROUNDS PROFILED

Sees to it that UNITS services run and measures ROUNDS times, one after the
other, so that a busy host slows all of them alike: a bare daemon-reload, plan
and apply of a profile for all of them, a reload with that in force, remove, and
the loop of set-property that does the same. Then the generator with a profile
of PROFILED units, beside a program that does nothing. Prints JSON: seconds as
lists, in the order they were measured.
"""

import glob
import json
import os
import shutil
import subprocess
import sys
import time

GENERATOR = "/usr/lib/systemd/system-generators/memctl-generator"
INSTALLED = "/etc/memctl/profiles.d/bench.toml"
LIMITS = {"MemoryHigh": "100M", "MemoryMax": "120M", "CPUQuota": "50%", "TasksMax": "100"}
IN_KERNEL = {"memory.high": "104857600", "memory.max": "125829120",
             "cpu.max": "50000 100000", "pids.max": "100"}
GENERATOR_RUNS = 15


def name(number):
    return f"bench-{number:04}.service"


def profile(units):
    """A profile that spells the limits out for each unit."""
    value = {k: v if v.isdigit() else f'"{v}"' for k, v in LIMITS.items()}
    lines = "".join(f"{k} = {v}\n" for k, v in value.items())
    return "".join(f'[unit."{name(n)}"]\n{lines}\n' for n in range(units))


def run(*command, **more):
    """Runs a command that must succeed; gives the seconds it took."""
    # Without close_fds Python starts it by vfork, which costs the same however large Python is.
    with open("/run/bench.log", "w+") as log:
        start = time.monotonic()
        code = subprocess.run(command, stdout=log, stderr=log, close_fds=False, **more).returncode
        seconds = time.monotonic() - start
        if code != 0:
            log.seek(0)
            sys.exit(f"{' '.join(command)[:200]} ended with {code}:\n{log.read()}")
    return seconds


def start_services(units):
    for n in range(units):
        with open(f"/etc/systemd/system/{name(n)}", "w") as file:
            file.write("[Service]\nExecStart=/usr/bin/sleep infinity\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", *map(name, range(units)))
    run("udevadm", "settle")


def check(units, limited):
    """All units are limited in the kernel, or none is: what was measured did its work."""
    for n in range(units):
        for file, value in IN_KERNEL.items():
            path = f"/sys/fs/cgroup/system.slice/{name(n)}/{file}"
            deadline = time.monotonic() + 10
            while True:
                # A controller that nobody asks for is off, and its files are gone.
                found = open(path).read().strip() if os.path.exists(path) else None
                if (found == value) == limited:
                    break
                # set-property answers before systemd has written to the kernel.
                if time.monotonic() > deadline:
                    sys.exit(f"{path} is {found}, limited: {limited}")
                time.sleep(0.1)


def loop(units):
    """What an administrator without memctl would type."""
    limits = " ".join(f"{k}={v}" for k, v in LIMITS.items())
    script = f'for unit; do systemctl set-property "$unit" {limits} || exit; done'
    return run("sh", "-c", script, "sh", *map(name, range(units)))


def forget_loop(units):
    for path in glob.glob("/etc/systemd/system.control/bench-*.d"):
        shutil.rmtree(path)
    run("systemctl", "daemon-reload")
    # On systemd 257 a reload does not reach the kernel; the start of any unit makes it so.
    run("systemd-run", "--wait", "--quiet", "true")
    check(units, False)


def measure_limits(units, rounds):
    with open("/root/bench.toml", "w") as file:
        file.write(profile(units))
    times = {key: [] for key in ("reload", "plan", "apply", "reload_limited", "remove", "loop")}
    for _ in range(rounds):
        times["reload"].append(run("systemctl", "daemon-reload"))
        times["plan"].append(run("memctl", "plan", "/root/bench.toml"))
        times["apply"].append(run("memctl", "apply", "/root/bench.toml"))
        check(units, True)
        times["reload_limited"].append(run("systemctl", "daemon-reload"))
        times["remove"].append(run("memctl", "remove", "bench"))
        check(units, False)
        times["loop"].append(loop(units))
        check(units, True)
        forget_loop(units)
    return times


def peak(*command):
    """The largest resident size in KiB. A child's count begins with what its parent holds, so by a small parent."""
    found = subprocess.run(("busybox", "time", "-v", *command), stderr=subprocess.PIPE, text=True, check=True)
    return next(int(line.split(":")[1]) for line in found.stderr.splitlines() if "Maximum resident" in line)


def measure_generator(units):
    with open(INSTALLED, "w") as file:
        file.write(profile(units))
    folders = [f"/run/bench-out/{name}" for name in ("normal", "early", "late")]
    times = {"nothing": [], "generator": []}
    peaks = {}
    for kind, program in (("nothing", "/usr/bin/true"), ("generator", GENERATOR)):
        peaks[kind] = peak(program, *folders)
    for _ in range(GENERATOR_RUNS):
        times["nothing"].append(run("/usr/bin/true", *folders))
        shutil.rmtree("/run/bench-out", ignore_errors=True)
        for folder in folders:
            os.makedirs(folder)
        times["generator"].append(run(GENERATOR, *folders))
        written = len(glob.glob(f"{folders[0]}/*/00-memctl.conf"))
        if written != units:
            sys.exit(f"{written} drop-ins for {units} units")
    os.unlink(INSTALLED)
    return times, peaks


def main():
    units, rounds, profiled = map(int, sys.argv[1:])
    start_services(units)
    limits = measure_limits(units, rounds)
    generator, peaks = measure_generator(profiled)
    print(json.dumps({"limits": limits, "generator": generator, "peak_kib": peaks}))


main()
