"""Updates of the appliance: choose a signed bundle, write it to the other slot, go back to the version before.

Owns the order of the steps: check, remember what works, begin the trial, write. Root only. Must never touch the slot
that runs, overwrite the slot to fall back to while the running one is still on trial, or restart the machine after an
installation by itself.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk.appliance.machine.places import ENVIRONMENT, Busy, Places, locked
from kiosk.appliance.update import bundle_sources, bundles, slots
from kiosk.appliance.update.bundles import NAME, Reason, Refused
from kiosk.appliance.words import line

# Of the whole: fetching, checking, writing.
_FETCHED: Final = 30
_CHECKED: Final = 40
_WRITE_LIMIT_S: Final = 1800.0
_LINE_MAX: Final = 1000
_BUSY: Final = "lready processing a different method"  # of RAUC 1.8
_PERCENT: Final = re.compile(r"\s*(\d{1,3})%")


@dataclass(frozen=True)
class Done:
    """`version` is in `slot`; the next boot starts it."""

    version: str
    slot: str


# Per cent, monotonic; then how it ended.
Steps = Iterator[int | Refused | Done]


def install(name: str, places: Places) -> Steps:
    """Install the bundle listed as `name`. The last one is Refused or Done; nothing is raised."""
    if NAME.fullmatch(name):
        yield from _alone(places, _from_stick_or_server(places, name))
    else:
        yield Refused("broken_file", "name")


def install_file(file: Path, places: Places) -> Steps:
    """As `install`, for a file of this machine."""
    yield from _alone(places, _install(places, file))


def start_previous(places: Places) -> Done | Refused:
    """Back to the version in the other slot, if it was good: the machine restarts at once."""
    try:
        with locked(places.update_lock, wait=False):
            return _start_other(places)
    except Busy:
        return Refused("busy")


def _alone(places: Places, steps: Steps) -> Steps:
    try:
        with locked(places.update_lock, wait=False):
            yield from steps
    except Busy:
        yield Refused("busy")


def _start_other(places: Places) -> Done | Refused:
    running = slots.booted(places)
    if running is not None and slots.trial(places) == slots.OTHER[running]:
        return _withdraw(places, running)
    if running is None or slots.variables(places).get(f"{slots.OTHER[running]}_OK") != "1":
        return Refused("not_good")
    # It was good once: no trial, and no fall-back to what the technician wants to leave.
    slots.forget(places)
    if slots.trial(places):
        slots.set_trial(places, None)
    if not slots.mark(places, "active", "other"):
        return Refused("failed", "rauc")
    return _restart(places, slots.OTHER[running])


def _withdraw(places: Places, running: str) -> Done | Refused:
    """The previous version still runs: the new one, which waits for its first boot, is withdrawn."""
    if not (slots.mark(places, "active", "booted") and slots.mark(places, "bad", "other")):
        return Refused("failed", "rauc")
    slots.set_trial(places, None)
    slots.forget(places)
    return _restart(places, running)


def _restart(places: Places, slot: str) -> Done | Refused:
    if not places.call("systemctl", "--no-block", "reboot", limit_s=30.0).ok:
        return Refused("failed", "reboot")
    return Done("", slot)


def main(arguments: Sequence[str]) -> int:
    """`kiosk.appliance update [FILE]`: without a file, the list. Prints progress and outcome; does not restart."""
    if len(arguments) > 1:
        sys.stderr.write("usage: update [FILE]\n")
        return 2
    if not arguments:
        for bundle in bundle_sources.list_bundles(Places()):
            sys.stdout.write(f"{bundle.name}\t{bundle.version or '-'}\t{bundle.source}\t{bundle.size}\n")
        return 0
    code = 1
    for step in install_file(Path(arguments[0]).absolute(), Places()):
        match step:
            case int(percent):
                sys.stdout.write(f"{percent} %\n")
            case Refused(reason, detail):
                sys.stdout.write(f"refused: {reason} {detail}\n{line(f'reasons.{reason}')}\n")
            case Done(version, slot):
                sys.stdout.write(f"done: {version} in slot {slot}; restart to use it\n")
                code = 0
        sys.stdout.flush()
    return code


def _from_stick_or_server(places: Places, name: str) -> Steps:
    with bundle_sources.mounted_sticks(places) as folders:
        file = next((each for each in bundle_sources.bundles_on(folders) if each.name == name), None)
        if file is not None:
            yield from _install(places, file)
            return
    yield from _from_server(places, name)


def _from_server(places: Places, name: str) -> Steps:
    file: Path | None = None
    try:
        for step in bundle_sources.download(places, name):
            match step:
                case int():
                    yield step * _FETCHED // 100
                case Refused():
                    yield step
                case Path():
                    file = step
        if file is not None:
            yield from _install(places, file)
    finally:
        with suppress(OSError):
            (places.appliance / "download" / name).unlink(missing_ok=True)


def _install(places: Places, file: Path) -> Steps:
    running = slots.booted(places)
    if running is None:
        yield Refused("not_for_this", "no slots")
        return
    if slots.trial(places) == running:
        # The other slot is what this one falls back to.
        yield Refused("busy", "the running version is still on trial")
        return
    yield _FETCHED
    info = bundles.verify(places, file)
    if isinstance(info, Refused):
        yield info
        return
    yield _CHECKED
    other = slots.OTHER[running]
    try:
        slots.remember(places, other, info.version)
    except OSError as error:
        yield Refused("no_space", os.strerror(error.errno or 0))
        return
    # Before the writing: a power cut right after it must find the trial begun.
    if not slots.set_trial(places, other):
        yield Refused("failed", "grubenv")
        return
    yield from _write(places, file, Done(info.version, other))


def _write(places: Places, file: Path, done: Done) -> Steps:
    rauc = subprocess.Popen(  # noqa: S603 - fixed program, a checked file
        [places.program("rauc"), "install", str(file)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=ENVIRONMENT,
        cwd="/",
    )
    limit = threading.Timer(_WRITE_LIMIT_S, rauc.kill)
    limit.start()
    reported, last = _CHECKED, ""
    try:
        assert rauc.stdout is not None  # noqa: S101 - by PIPE above
        while line := rauc.stdout.readline(_LINE_MAX):
            text = line.decode("utf-8", "replace")
            found = _PERCENT.match(text)
            if found is None:
                last = text if "LastError" in text or _BUSY in text else last
            elif (percent := _CHECKED + min(100, int(found[1])) * (99 - _CHECKED) // 100) > reported:
                reported = percent
                yield reported
        code = rauc.wait()
    finally:
        # RAUC's service goes on without a client; then the trial stays begun, as it must.
        limit.cancel()
        rauc.kill()
        rauc.wait()
        rauc.stdout.close() if rauc.stdout else None
    if code == 0:
        yield done
        return
    # RAUC failed. A time-out of ours, or a service that still writes for an earlier client, is none: the slot stays on
    # trial.
    if code > 0 and _BUSY not in last:
        slots.set_trial(places, None)
        with suppress(OSError):
            slots.forget(places)
    yield Refused(_reason(last), f"rauc install {code}")


def _reason(last: str) -> Reason:
    """RAUC's last error to a reason. A bundle that was verified and cannot be read now changed meanwhile."""
    if "too small" in last or "No space left" in last:
        return "no_space"
    if "Input/output error" in last or "signature" in last:
        return "tampered"
    if _BUSY in last:
        return "busy"
    return "failed"
