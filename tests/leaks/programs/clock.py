"""Time that passes faster: FACTOR, the first argument of every program, says how many seconds a second stands for."""

import sys
import time

FACTOR = float(sys.argv[1])
_START = time.monotonic()


def minutes():
    """Minutes since the start. Programs do what is due by then: a slow machine makes them late, and not idle."""
    return (time.monotonic() - _START) * FACTOR / 60


def wait():
    """Waits half a minute."""
    time.sleep(30 / FACTOR)
