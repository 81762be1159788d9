#!/usr/bin/python3
"""Waits until memctl has told of things, N times if so asked: await_told SECONDS [N*]UNIT:EVENT[:RULE]...

Prints every entry of memctl's as a line of JSON; status 1 if one of them did not come.
"""

import json, select, subprocess, sys, time

end = time.monotonic() + float(sys.argv[1])
wanted = sys.argv[2:]
log = subprocess.Popen(["memctl", "--json", "log", "--follow", "--lines", "1000"], stdout=subprocess.PIPE)
lines, rest = [], b""


def missing():
    told = [(e.get("unit") or "", e["event"], e.get("rule") or "") for e in map(json.loads, lines)]

    def is_told(want):
        count, _, want = want.rpartition("*")
        want = want.split(":", 2)
        return sum(all(w in ("", t) for w, t in zip(want, entry)) for entry in told) >= int(count or 1)

    return [want for want in wanted if not is_told(want)]


while missing() and (left := end - time.monotonic()) > 0:
    if select.select([log.stdout], [], [], left)[0]:
        rest += log.stdout.read1()
        *new, rest = rest.split(b"\n")
        lines += new
log.kill()
sys.stdout.write("".join(line.decode() + "\n" for line in lines))
if missing():
    sys.exit("not told: " + ", ".join(missing()))
