#!/usr/bin/python3
"""Asks the server of request_leak.c, 8 times a minute in the mean of a day: least at 04:00, most at 16:00."""

import math
import urllib.request

import clock

MEAN = 8
SWING = 0.7
DAY = 1440


def due(now):
    """How many requests are due since the start: the integral of MEAN * (1 - SWING * cos(2 pi (t - 04:00) / DAY))."""
    turn = 2 * math.pi / DAY
    least = 4 * 60
    wave = math.sin(turn * (now - least)) + math.sin(turn * least)
    return MEAN * (now - SWING * wave / turn)


asked = 0
while True:
    while asked < due(clock.minutes()):
        try:
            with urllib.request.urlopen("http://127.0.0.1:8090/", timeout=10) as answer:
                assert answer.read().startswith(b"request ")
        except OSError as error:
            print(error, flush=True)
        asked += 1
    clock.wait()
