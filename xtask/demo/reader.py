"""Reads the feed ten times a second, each time by a new connection, and counts what fails."""

import time
import urllib.request

read = failed = 0
while True:
    try:
        with urllib.request.urlopen("http://127.0.0.1:8001", timeout=60) as answer:
            answer.read()
        read += 1
    except OSError as error:
        failed += 1
        print(error, flush=True)
    with open("/run/homework-reader/totals", "w") as file:
        file.write(f"{read} pages read, {failed} failed\n")
    time.sleep(0.1)
