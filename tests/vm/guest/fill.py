#!/usr/bin/python3
"""Takes all memory that is available and MIB more, the last of it slowly, and holds it for five seconds: fill MIB."""

import sys
import time

with open("/proc/meminfo") as file:
    available = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable")) // 1024
blocks = []
total = available + int(sys.argv[1])
for n in range(total):
    # Written to, or the kernel would give no memory for it.
    blocks.append(bytearray(b"\1") * 1048576)
    # Slow enough for the kernel to reclaim beside it: an emulated guest that is out of memory answers nobody.
    if n > total - 100:
        time.sleep(0.05)
time.sleep(5)
