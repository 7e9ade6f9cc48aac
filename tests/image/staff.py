"""The staff socket as the page program uses it: for scenarios in which it does not matter whose finger asks."""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from typing import Any

from tests.image.machine import Machine
from tests.image.site import PIN

_SCRIPT = """import json, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect("/run/kiosk-staff/staff.sock")
lines = link.makefile("rw")
key = None
for request in map(json.loads, sys.argv[1:]):
    lines.write(json.dumps({**request, **({"key": key} if key else {})}) + "\\n")
    lines.flush()
    while True:
        line = lines.readline()
        if not line:
            sys.exit(0)
        answer = json.loads(line)
        key = answer.pop("key", key)
        print(json.dumps(answer), flush=True)
        if "ok" in answer:
            break
"""


def ask(machine: Machine, *requests: dict[str, Any], deadline_s: float = 120.0) -> list[dict[str, Any]]:
    """All answers to these requests, in order; the last of each request has "ok"."""
    machine.shell.write("/run/kiosk-proof-staff.py", _SCRIPT)
    arguments = " ".join(shlex.quote(json.dumps(request)) for request in requests)
    output = machine.shell.value(f"python3 /run/kiosk-proof-staff.py {arguments}", deadline_s)
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def ask_unlocked(machine: Machine, *requests: dict[str, Any], deadline_s: float = 120.0) -> list[dict[str, Any]]:
    """The same after the PIN; without the answer to that."""
    answers = ask(machine, {"do": "unlock", "pin": PIN}, *requests, deadline_s=deadline_s)
    assert answers[0]["ok"], answers[0]
    return answers[1:]


def ask_last(machine: Machine, request: dict[str, Any]) -> None:
    """A request after which the PC goes down, maybe before its answer is through. What follows must be looked for."""
    with suppress(AssertionError):
        ask_unlocked(machine, request)
