#!/usr/bin/python3
"""Holds memory, and more every second: hold MIB [MIB_PER_SECOND]."""

import sys, time
def hold(mib):
    block = bytearray(int(mib * 1048576))
    for at in range(0, len(block), 4096):
        block[at] = 1
    return block
held = [hold(float(sys.argv[1]))]
rate = float(sys.argv[2]) if len(sys.argv) > 2 else 0
print("up", flush=True)
while True:
    time.sleep(0.25)
    if rate:
        held.append(hold(rate / 4))
