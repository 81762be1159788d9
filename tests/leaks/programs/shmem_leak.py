#!/usr/bin/python3
"""A leak that is in no process: pictures are rendered into /dev/shm for somebody else, who hangs up on a quarter of
them; those are never unlinked."""

import os
import random

import clock

PICTURES_A_MINUTE = 0.85
SIZE = 256 * 1024
KEPT = 8

folder = "/dev/shm/pictures"
os.makedirs(folder, exist_ok=True)
rendered = 0
waiting = []
while True:
    while rendered < clock.minutes() * PICTURES_A_MINUTE:
        name = f"{folder}/{rendered}"
        with open(name, "wb") as picture:
            picture.write(bytes(SIZE))
        rendered += 1
        if random.random() < 0.75:
            waiting.append(name)
        if len(waiting) > KEPT:
            os.unlink(waiting.pop(0))
    clock.wait()
