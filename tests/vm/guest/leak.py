"""A web application that leaks, for gunicorn: `gunicorn leak:app`.

LEAK_KIB_PER_REQUEST and LEAK_KIB_PER_SECOND, in the environment, say how much; 0 if not given. Each worker leaks on its
own. SLOW_MS: how long a request takes.
"""

import os
import threading
import time

PER_REQUEST = int(os.environ.get("LEAK_KIB_PER_REQUEST", "0"))
PER_SECOND = int(os.environ.get("LEAK_KIB_PER_SECOND", "0"))
SLOW = int(os.environ.get("SLOW_MS", "0")) / 1000

kept = []


def leak(kib):
    # Written to, or the kernel would give no memory for it.
    if kib:
        kept.append(bytearray(b"\1") * (kib * 1024))


def leak_on():
    while True:
        time.sleep(0.25)
        leak(PER_SECOND // 4)


# gunicorn imports it in the worker, after the fork that would end a thread.
if PER_SECOND:
    threading.Thread(target=leak_on, daemon=True).start()


def app(environ, start_response):
    leak(PER_REQUEST)
    time.sleep(SLOW)
    body = b"ok\n"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
