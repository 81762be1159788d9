#!/usr/bin/python3
"""A leak: each order is appended to a list that nobody empties. Every hour a report copies the last hour's orders, and
lets go of them."""

import random

import clock

ORDERS_A_MINUTE = 43

orders = []
report = None
while True:
    now = clock.minutes()
    while len(orders) < now * ORDERS_A_MINUTE:
        note = "x" * random.randint(500, 1500)
        orders.append({"number": len(orders), "at": now, "note": note})
    if now % 60 < 5 and report is None:
        report = [order["note"].upper() for order in orders if order["at"] > now - 60]
    elif now % 60 >= 5:
        report = None
    clock.wait()
