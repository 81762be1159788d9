#!/usr/bin/python3
"""Holds as many MiB as it is told, and does other things of that kind: flex NAME [MIB [SECONDS_TO_STOP]].

`/run/flex/NAME` says what to do, looked at five times a second: `40` to hold 40 MiB, `child 200` to have a child hold
them until it is killed, `file 60` to write a file of 60 MiB and read it once, `read 60` to read it again and again.
SIGHUP: down to what it began with. SIGTERM: it ends, so many seconds later.
"""

import mmap, os, signal, sys, time

name = sys.argv[1]
begin = int(sys.argv[2]) if len(sys.argv) > 2 else 1
slow = float(sys.argv[3]) if len(sys.argv) > 3 else 0
told, path = "/run/flex/" + name, "/var/tmp/flex-" + name
held = []


def hold(mib):
    while len(held) > mib:
        held.pop().close()
    while len(held) < mib:
        # Memory of its own, which goes back when it is closed; written to, or the kernel would give none for it.
        block = mmap.mmap(-1, 1 << 20)
        for at in range(0, 1 << 20, 4096):
            block[at] = 1
        held.append(block)


def child(mib):
    if os.fork() == 0:
        with open("/proc/self/oom_score_adj", "w") as f:
            f.write("1000")
        hold(mib)
        time.sleep(1000)
        os._exit(0)
    os.wait()


def file(mib):
    with open(path, "wb") as f:
        for _ in range(mib):
            f.write(os.urandom(1 << 20))
        os.fsync(f.fileno())
    read()


def read():
    with open(path, "rb") as f:
        while f.read(1 << 20):
            pass


def stop(*_):
    time.sleep(slow)
    os._exit(0)


def shrink(*_):
    with open(told, "w") as f:
        f.write(str(begin))


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGHUP, shrink)
os.makedirs("/run/flex", exist_ok=True)
shrink()
hold(begin)
print("up", flush=True)
done = ""
while True:
    with open(told) as f:
        text = f.read().strip()
    word, _, number = text.rpartition(" ")
    if word == "read" and done.startswith("read"):
        read()
    elif text and text != done:
        if word == "child":
            child(int(number))
        elif word in ("file", "read"):
            file(int(number))
        else:
            hold(int(number))
    done = text
    time.sleep(0.2)
