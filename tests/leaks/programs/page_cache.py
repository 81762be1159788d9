#!/usr/bin/python3
"""Healthy: reads the files of a folder (second argument) again and again, a quarter of a MiB a minute. They are far
larger than its MemoryHigh; what it holds beyond a few MiB is page cache."""

import os
import sys

import clock

CHUNK = 64 * 1024
CHUNKS_A_MINUTE = 4

folder = sys.argv[2]


def chunks():
    while True:
        for name in sorted(os.listdir(folder)):
            with open(f"{folder}/{name}", "rb", buffering=0) as file:
                while chunk := file.read(CHUNK):
                    yield chunk


source = chunks()
read = 0
while True:
    while read < clock.minutes() * CHUNKS_A_MINUTE:
        next(source)
        read += 1
    clock.wait()
