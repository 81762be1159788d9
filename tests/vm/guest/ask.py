#!/usr/bin/python3
"""Asks a web service on this host again and again, each time by a new connection, and counts what fails.

ask PORT FILE [EVERY_MS]: FILE holds the totals as JSON, replaced as a whole: `asked`, `failed`, `why` (each reason, how
often), `longest_ms`. A request that takes longer than 60 s has failed.
"""

import json
import os
import socket
import sys
import time

port, path = int(sys.argv[1]), sys.argv[2]
every = (int(sys.argv[3]) if len(sys.argv) > 3 else 50) / 1000
totals = {"asked": 0, "failed": 0, "why": {}, "longest_ms": 0}


def ask():
    """None, or why it failed."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
            answer = b""
            while part := connection.recv(4096):
                answer += part
    except OSError as error:
        return type(error).__name__
    if not answer:
        return "nothing was answered"
    status = answer.split(b"\r\n", 1)[0].split(b" ")
    if status[1:2] != [b"200"]:
        return b" ".join(status).decode(errors="replace")
    return None if answer.endswith(b"ok\n") else "the answer was cut off"


def tell():
    with open(path + ".new", "w") as file:
        json.dump(totals, file)
    os.replace(path + ".new", path)


next_time, told = time.monotonic(), 0.0
while True:
    begun = time.monotonic()
    why = ask()
    took = int((time.monotonic() - begun) * 1000)
    totals["asked"] += 1
    totals["longest_ms"] = max(totals["longest_ms"], took)
    if why is not None:
        totals["failed"] += 1
        totals["why"][why] = totals["why"].get(why, 0) + 1
    if why is not None or time.monotonic() - told > 0.5:
        tell()
        told = time.monotonic()
    # What it fell behind it does not make up for.
    next_time = max(next_time + every, time.monotonic())
    time.sleep(max(0.0, next_time - time.monotonic()))
