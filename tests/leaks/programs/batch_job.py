#!/usr/bin/python3
"""Healthy: little all day, and much during two jobs, each in a process of its own: the night's at 02:00 for an hour and
a half, the evening's at 20:00 for three quarters. A job reads rows for two thirds of its time, works on them, and
ends."""

import os

import clock

DAY = 1440
# From when, how long (minutes), how many rows.
JOBS = [(120, 90, 60_000), (1200, 45, 35_000)]

ROW = 1000

held = [b"\1" * ROW for _ in range(8_000)]


def job(begin, length, count):
    rows = []
    while (passed := clock.minutes() - begin) < length:
        while len(rows) < min(1, passed / (length * 2 / 3)) * count:
            rows.append(b"\1" * ROW)
        clock.wait()


number = 0
while True:
    day, which = divmod(number, len(JOBS))
    begin, length, count = JOBS[which]
    begin += day * DAY
    if clock.minutes() >= begin:
        child = os.fork()
        if child == 0:
            job(begin, length, count)
            os._exit(0)
        os.waitpid(child, 0)
        number += 1
    clock.wait()
