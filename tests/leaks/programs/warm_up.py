#!/usr/bin/python3
"""Healthy: compiles a page's template when it is first asked for, and keeps it with what it rendered. Most requests
are for the same few hundred pages: half of what it ever holds is there within an hour or two, and then it grows with
the logarithm of time."""

import random

import clock

REQUESTS_A_MINUTE = 20
# The odds of a page fall by a factor of e from each page to the one this far below it.
SCALE = 150
RENDERED = 56 * 1024

pages = {}
asked = 0
while True:
    while asked < clock.minutes() * REQUESTS_A_MINUTE:
        asked += 1
        page = int(random.expovariate(1 / SCALE))
        if page not in pages:
            source = f"def render(user):\n    return f'page {page} for {{user}}'\n"
            pages[page] = (compile(source, f"page-{page}", "exec"), b"\1" * RENDERED)
    clock.wait()
