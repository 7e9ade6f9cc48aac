"""`kiosk check` with the right to read everything and no other right: requested by root, run by kiosk-check.service.

Owns the request (a file of root's), the start of the service and the reading of its answer while it is made. Must never
give the installed site's passwords to the check of another one: for a candidate the service's credentials are left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from drivers.durable import write_durably
from kiosk.appliance.machine.places import Places, locked

UNIT: Final = "kiosk-check.service"
LIMIT_S: Final = 300.0
_POLL_S: Final = 0.2
_MAX_BYTES: Final = 256 * 1024
_STOP_S: Final = 40.0


def lines(places: Places, *, print_slip: bool) -> Iterator[str]:
    """The installed site's check, line by line as it comes. Closing the iterator ends the check. Raises Busy."""
    yield from _run(places, {"config": str(places.site_file), "print": print_slip, "json": False})


def findings(places: Places, site: Path) -> list[dict[str, Any]]:
    """The check of the candidate in the folder `site`; [] when it gave no answer. Keys as Finding. Raises Busy."""
    request = {"config": str(site / "site.toml"), "print": False, "json": True, "candidate": True}
    for line in _run(places, request):
        with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
            checks = json.loads(line)["checks"]
            return [each for each in checks if {"code", "result", "message", "do"} <= each.keys()]
    return []


def main(arguments: Sequence[str]) -> int:
    """`kiosk.appliance check`: become the `kiosk check` that root asked for. `--root FOLDER`: a test's machine."""
    places = Places(Path(arguments[1])) if len(arguments) == 2 and arguments[0] == "--root" else Places()
    try:
        request = json.loads(places.check_request.read_bytes())
        command = [sys.executable, "-P", "-m", "kiosk", "check", "--config", str(request["config"])]
        command += [f"--{flag}" for flag in ("print", "json") if request.get(flag)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"no request to check anything ({type(error).__name__})\n")
        return 2
    environment = dict(os.environ)
    if request.get("candidate"):
        # A credential wins over the file beside site.toml: the old password would be tried at the new server.
        environment.pop("CREDENTIALS_DIRECTORY", None)
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own interpreter, a fixed argument list


def _run(places: Places, request: dict[str, Any]) -> Iterator[str]:
    with locked(places.run / "check.lock", wait=False):
        places.check_answer.unlink(missing_ok=True)
        write_durably(places.check_request, json.dumps(request).encode(), 0o644)
        started = subprocess.Popen(  # noqa: S603 - a fixed argument list
            [places.program("systemctl"), "start", UNIT],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield from _follow(places.check_answer, started)
        finally:
            if started.poll() is None:
                # The check deletes the probes it has made before it ends.
                places.call("systemctl", "stop", UNIT, limit_s=_STOP_S)
                started.kill()
            started.wait(_STOP_S)


def _follow(answer: Path, started: subprocess.Popen[bytes]) -> Iterator[str]:
    until = time.monotonic() + LIMIT_S
    read, rest, over = 0, b"", False
    while not over:
        with suppress(subprocess.TimeoutExpired):
            started.wait(_POLL_S)
        over = started.returncode is not None or time.monotonic() > until or read > _MAX_BYTES
        with suppress(FileNotFoundError), answer.open("rb") as opened:
            opened.seek(read)
            new = opened.read(_MAX_BYTES)
            read += len(new)
            *whole, rest = (rest + new).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")
