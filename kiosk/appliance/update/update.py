"""Updates of the appliance: choose a signed bundle, write it to the other slot, go back to the version before.

Owns the order of the steps: check, remember what works, begin the trial, write. Root only. Must never touch the slot
that runs, overwrite the slot to fall back to while the running one is still on trial, or restart the machine after an
installation by itself.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk.appliance.machine.places import Places
from kiosk.appliance.update import bundle_sources, bundles, slots
from kiosk.appliance.update.bundle_sources import Bundle
from kiosk.appliance.update.bundles import NAME, Reason, Refused
from kiosk.words import texts

__all__ = ["Bundle", "Done", "Progress", "Refused", "install", "list_bundles", "previous", "sentence"]

# Of the whole: fetching, checking, writing.
_FETCHED: Final = 30
_CHECKED: Final = 40
_WRITE_LIMIT_S: Final = 1800.0
_LINE_MAX: Final = 1000
_BUSY: Final = "lready processing a different method"  # of RAUC 1.8
_PERCENT: Final = re.compile(r"\s*(\d{1,3})%")


@dataclass(frozen=True)
class Progress:
    """0-100, never going back."""

    percent: int


@dataclass(frozen=True)
class Done:
    """`version` lies in `slot` and starts with the next start of the machine."""

    version: str
    slot: str


def list_bundles(places: Places | None = None) -> list[Bundle]:
    """What could be installed: from sticks and from the server. Takes seconds; a server that is silent is left out."""
    return bundle_sources.listed(places or Places())


def install(name: str, places: Places | None = None) -> Iterator[Progress | Refused | Done]:
    """Install the bundle `name` of `list_bundles`. The last one is Refused or Done; nothing is raised."""
    places = places or Places()
    if not NAME.fullmatch(name):
        yield Refused("broken_file", "name")
        return
    with _alone(places) as alone:
        if not alone:
            yield Refused("busy")
            return
        with bundle_sources.stick(places) as folders:
            file = next((each for each in bundle_sources.on_sticks(folders) if each.name == name), None)
            if file is not None:
                yield from _install(places, file)
                return
        yield from _from_server(places, name)


def install_file(file: Path, places: Places | None = None) -> Iterator[Progress | Refused | Done]:
    """As `install`, for a file of this machine."""
    places = places or Places()
    with _alone(places) as alone:
        if alone:
            yield from _install(places, file)
        else:
            yield Refused("busy")


def previous(places: Places | None = None) -> Done | Refused:
    """Back to the version in the other slot, if it was good: the machine restarts at once."""
    places = places or Places()
    with _alone(places) as alone:
        running = slots.booted(places)
        if not alone:
            return Refused("busy")
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
        return _restarted(places, slots.OTHER[running])


def _withdraw(places: Places, running: str) -> Done | Refused:
    """The version before is the one that runs: the new one waits for its first start and does not get it."""
    if not (slots.mark(places, "active", "booted") and slots.mark(places, "bad", "other")):
        return Refused("failed", "rauc")
    slots.set_trial(places, None)
    slots.forget(places)
    return _restarted(places, running)


def _restarted(places: Places, slot: str) -> Done | Refused:
    if not places.call("systemctl", "--no-block", "reboot", limit_s=30.0).ok:
        return Refused("failed", "reboot")
    return Done("", slot)


def sentence(reason: Reason) -> str:
    """What staff read for a refusal."""
    return str(texts.load("technician").get("reasons", {}).get(reason, reason))


def main(arguments: Sequence[str]) -> int:
    """`kiosk.appliance update [FILE]`: without a file, the list. Says per cent and the end; does not restart."""
    if len(arguments) > 1:
        sys.stderr.write("usage: update [FILE]\n")
        return 2
    if not arguments:
        for bundle in list_bundles():
            sys.stdout.write(f"{bundle.name}\t{bundle.version or '-'}\t{bundle.source}\t{bundle.size}\n")
        return 0
    code = 1
    for step in install_file(Path(arguments[0]).absolute()):
        match step:
            case Progress(percent):
                sys.stdout.write(f"{percent} %\n")
            case Refused(reason, detail):
                sys.stdout.write(f"refused: {reason} {detail}\n{sentence(reason)}\n")
            case Done(version, slot):
                sys.stdout.write(f"done: {version} in slot {slot}; restart to use it\n")
                code = 0
        sys.stdout.flush()
    return code


@contextmanager
def _alone(places: Places) -> Iterator[bool]:
    places.run.mkdir(mode=0o755, parents=True, exist_ok=True)
    with (places.run / "update.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _from_server(places: Places, name: str) -> Iterator[Progress | Refused | Done]:
    file: Path | None = None
    try:
        for step in bundle_sources.download(places, name):
            match step:
                case int():
                    yield Progress(step * _FETCHED // 100)
                case Refused():
                    yield step
                case Path():
                    file = step
        if file is not None:
            yield from _install(places, file)
    finally:
        with suppress(OSError):
            (places.appliance / "download" / name).unlink(missing_ok=True)


def _install(places: Places, file: Path) -> Iterator[Progress | Refused | Done]:
    running = slots.booted(places)
    if running is None:
        yield Refused("not_for_this", "no slots")
        return
    if slots.trial(places) == running:
        # The other slot is what this one falls back to.
        yield Refused("busy", "the running version is still on trial")
        return
    yield Progress(_FETCHED)
    facts = bundles.judge(places, file)
    if isinstance(facts, Refused):
        yield facts
        return
    yield Progress(_CHECKED)
    other = slots.OTHER[running]
    try:
        slots.remember(places, other, facts.version)
    except OSError as error:
        yield Refused("no_space", os.strerror(error.errno or 0))
        return
    # Before the writing: a power cut right after it must find the trial begun.
    if not slots.set_trial(places, other):
        yield Refused("failed", "grubenv")
        return
    yield from _write(places, file, Done(facts.version, other))


def _write(places: Places, file: Path, done: Done) -> Iterator[Progress | Refused | Done]:
    rauc = subprocess.Popen(  # noqa: S603 - fixed program, a checked file
        [places.program("rauc"), "install", str(file)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        cwd="/",
    )
    limit = threading.Timer(_WRITE_LIMIT_S, rauc.kill)
    limit.start()
    told, last = _CHECKED, ""
    try:
        assert rauc.stdout is not None  # noqa: S101 - by PIPE above
        while line := rauc.stdout.readline(_LINE_MAX):
            text = line.decode("utf-8", "replace")
            found = _PERCENT.match(text)
            if found is None:
                last = text if "LastError" in text or _BUSY in text else last
            elif (percent := _CHECKED + min(100, int(found[1])) * (99 - _CHECKED) // 100) > told:
                told = percent
                yield Progress(told)
        code = rauc.wait()
    finally:
        # Its service goes on when nobody listens any more; then the trial stays begun, as it must.
        limit.cancel()
        rauc.kill()
        rauc.wait()
        rauc.stdout.close() if rauc.stdout else None
    if code == 0:
        yield done
        return
    # RAUC's word. When it was only we who waited too long, or its service still writes for somebody who went away, what
    # it writes is on trial.
    if code > 0 and _BUSY not in last:
        slots.set_trial(places, None)
        with suppress(OSError):
            slots.forget(places)
    yield Refused(_why(last), f"rauc install {code}")


def _why(last: str) -> Reason:
    """RAUC's last error to our word. What was judged good and cannot be read now changed under us."""
    if "too small" in last or "No space left" in last:
        return "no_space"
    if "Input/output error" in last or "signature" in last:
        return "tampered"
    if _BUSY in last:
        return "busy"
    return "failed"
