#!/usr/bin/python3
"""Healthy: writes a log (second argument), 0.1 MiB a minute, that nobody rotates. What it holds beyond a few MiB is the
page cache of that file, written back or not yet."""

import sys

import clock

LINES_A_MINUTE = 500

with open(sys.argv[2], "a", encoding="utf-8") as log:
    written = 0
    while True:
        while written < clock.minutes() * LINES_A_MINUTE:
            written += 1
            log.write(f"{clock.minutes():10.2f} worker[{written % 7}]: request {written:08} answered: {'ok ' * 50}\n")
        log.flush()
        clock.wait()
