#!/usr/bin/python3
"""Writes a file and reads it again and again, so that it fills the page cache: cache MIB."""

import os, sys, time
path = "/var/tmp/cache-" + str(os.getpid())
with open(path, "wb") as f:
    for _ in range(int(sys.argv[1])):
        f.write(os.urandom(1048576))
    os.fsync(f.fileno())
print("up", flush=True)
while True:
    with open(path, "rb") as f:
        while f.read(1048576):
            pass
    time.sleep(10)
