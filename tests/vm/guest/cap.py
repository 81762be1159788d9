#!/usr/bin/python3
"""A cache of its own that fills to a cap and stays there, entries replaced all the while: cap MIB [MIB_PER_SECOND].

It grows as a leak does until it is full, and then no more.
"""

import collections
import sys
import time

ENTRY = 64 * 1024

cap = int(float(sys.argv[1]) * 1048576) // ENTRY
rate = float(sys.argv[2]) if len(sys.argv) > 2 else 4.0
entries = collections.OrderedDict()
print("up", flush=True)
key = 0
while True:
    for _ in range(max(1, int(rate * 1048576 / ENTRY / 10))):
        if len(entries) >= cap:
            entries.popitem(last=False)
        # Written to, or the kernel would give no memory for it.
        entries[key] = bytearray(b"\1") * ENTRY
        key += 1
    time.sleep(0.1)
