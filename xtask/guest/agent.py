#!/usr/bin/python3
"""The host's hand in the guest.

Listens on every virtio-serial port named memctl.agent.N. A request is one
line of JSON:

    {"id": "7-1", "script": "uname -r", "timeout": 60,
     "stdin": "<base64>", "user": "admin", "env": {"K": "V"}}

of which only id, script and timeout are required; the script is run by
`bash -euo pipefail`. The answer, sent whenever the script is done (requests
do not wait for each other), is one line too:

    {"id": "7-1", "status": 0, "timed_out": false,
     "stdout": "<base64>", "stderr": "<base64>"}

At its start the agent says {"hello": "<boot id>"} on every port, by which the
host knows a reboot.

Scripts run in the agent's own cgroup and not in a unit of their own: starting
a unit would make systemd write pending limits to the kernel, and whether that
happens is what the tests want to know.
"""

import base64
import json
import os
import pwd
import signal
import subprocess
import threading
import time

PORTS = "/sys/class/virtio-ports"
PREFIX = "memctl.agent."


def port_devices():
    """The device nodes of our ports. Waits until the driver is loaded."""
    while True:
        found = []
        for entry in sorted(os.listdir(PORTS)) if os.path.isdir(PORTS) else []:
            try:
                with open(f"{PORTS}/{entry}/name") as name:
                    ours = name.read().startswith(PREFIX)
            except OSError:
                continue
            if ours and os.path.exists(f"/dev/{entry}"):
                found.append(f"/dev/{entry}")
        if found:
            return found
        time.sleep(0.1)


class Port:
    """One serial port: reads requests, answers each from its own thread."""

    def __init__(self, device):
        self.fd = os.open(device, os.O_RDWR | os.O_CLOEXEC)
        self.sending = threading.Lock()

    def send(self, message):
        # The newline in front ends whatever half a line a reset left behind.
        line = b"\n" + json.dumps(message).encode() + b"\n"
        with self.sending:
            while line:
                line = line[os.write(self.fd, line):]

    def serve(self, hello):
        threading.Thread(target=self.send, args=(hello,), daemon=True).start()
        unread = []
        while True:
            # A read gives a few kilobytes, a request may have megabytes.
            chunk = os.read(self.fd, 65536)
            if not chunk:
                # Nobody is connected on the host's side.
                unread = []
                time.sleep(0.05)
                continue
            *lines, rest = chunk.split(b"\n")
            for line in lines:
                line = b"".join(unread) + line
                unread = []
                if line.strip():
                    threading.Thread(target=self.answer, args=(line,), daemon=True).start()
            unread.append(rest)

    def answer(self, line):
        try:
            request = json.loads(line)
            identity = request["id"]
        except (ValueError, KeyError, TypeError):
            return  # half a line from before a reset
        try:
            reply = run(request)
        except Exception as error:  # the host must hear of it, whatever it is
            reply = {"status": 125, "timed_out": False, "stdout": "",
                     "stderr": base64.b64encode(f"agent: {error!r}\n".encode()).decode()}
        self.send({"id": identity, **reply})


def run(request):
    """Runs one script and gives back what it said."""
    account = pwd.getpwnam(request.get("user", "root"))
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": account.pw_dir, "USER": account.pw_name, "LOGNAME": account.pw_name,
        "SHELL": "/bin/bash", "LANG": "C.UTF-8", "TERM": "dumb",
    }
    identity = {}
    if account.pw_uid != 0:
        environment["XDG_RUNTIME_DIR"] = f"/run/user/{account.pw_uid}"
        identity = {"user": account.pw_uid, "group": account.pw_gid,
                    "extra_groups": os.getgrouplist(account.pw_name, account.pw_gid)}
    environment.update(request.get("env") or {})

    # Memory files and not pipes: a script may leave a background process
    # behind that keeps its output open. And not /run: tests fill that up.
    stdin, stdout, stderr = (os.memfd_create(name) for name in ("in", "out", "err"))
    try:
        os.write(stdin, base64.b64decode(request.get("stdin") or ""))
        os.lseek(stdin, 0, os.SEEK_SET)
        # The agent is safe from the OOM killer; what it runs must not be.
        child = subprocess.Popen(
            ["choom", "-n", "0", "--", "bash", "-euo", "pipefail", "-c", request["script"]],
            stdin=stdin, stdout=stdout, stderr=stderr, env=environment,
            cwd=account.pw_dir, start_new_session=True, **identity)
        timed_out = False
        try:
            child.wait(timeout=request["timeout"])
        except subprocess.TimeoutExpired:
            timed_out = True
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        status = child.returncode if child.returncode >= 0 else 128 - child.returncode
        return {"status": status, "timed_out": timed_out,
                "stdout": content(stdout), "stderr": content(stderr)}
    finally:
        for fd in (stdin, stdout, stderr):
            os.close(fd)


def content(fd):
    os.lseek(fd, 0, os.SEEK_SET)
    parts = []
    while part := os.read(fd, 1 << 20):
        parts.append(part)
    return base64.b64encode(b"".join(parts)).decode()


def main():
    with open("/proc/sys/kernel/random/boot_id") as boot_id:
        hello = {"hello": boot_id.read().strip()}
    threads = [threading.Thread(target=Port(device).serve, args=(hello,))
               for device in port_devices()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
