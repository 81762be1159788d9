#!/usr/bin/python3
"""Healthy: a cache of answers that throws out the least recently used one once it is full. Keys are asked for by
Zipf's law, so it fills ever slower; it is full after some hours."""

import bisect
import collections
import itertools
import random

import clock

REQUESTS_A_MINUTE = 20
CAP = 6_500
ANSWER = 7000

odds = list(itertools.accumulate(rank**-0.9 for rank in range(1, 40_001)))
cache = collections.OrderedDict()
asked = 0
while True:
    while asked < clock.minutes() * REQUESTS_A_MINUTE:
        asked += 1
        key = bisect.bisect(odds, random.random() * odds[-1])
        if key in cache:
            cache.move_to_end(key)
            continue
        cache[key] = b"\1" * ANSWER
        if len(cache) > CAP:
            cache.popitem(last=False)
    clock.wait()
