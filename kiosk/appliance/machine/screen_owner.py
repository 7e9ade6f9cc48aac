"""What is on the screen: the reception, or one of the appliance's pages.

Owns page.json, the flag `reception`, and the change between the two programs: KMS/DRM lets one program at a time draw,
so kiosk-page.service conflicts with kiosk.service and starting one stops the other. Root only. Must never put a secret
or a patient's data on a page.

On the image kiosk-page.service is enabled and kiosk.service is not: two conflicting units in one boot would cancel each
other. `at_start` starts the reception; when even that fails, the page program stands there and says that there is no
site.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from drivers.durable import write_durably
from kiosk.appliance.machine.places import Places
from kiosk.process import moments, safe_files
from kiosk.reception.staff_door import OPEN_ON

Page = Mapping[str, Any]

# While a stick's site is tried.
CHECKING: Final[Page] = {"page": "no_site", "checking": True}
_START_LIMIT_S: Final = 20.0
_MAX_BYTES: Final = 64 * 1024
_MAX_LINES: Final = 50
# The reception writes when its screen changes, and every 10 s.
_FRESH_S: Final = 30.0
_LOOK_S: Final = 0.5
# The longest visit but for those who ask for more time again and again.
VISIT_S: Final = 240.0


def show(page: Page | None, places: Places | None = None) -> bool:
    """Put `page` on the screen, or the reception (None). True: systemd took the order; it is not waited for.

    A page that is shown already is only written anew: the page program sees the file change.
    """
    places = places or Places()
    places.run.mkdir(mode=0o755, parents=True, exist_ok=True)
    if page is not None:
        # The flag first: a reception that is restarted in between must not come back.
        places.reception.unlink(missing_ok=True)
        write(page, places)
    else:
        places.reception.touch(mode=0o644)
    unit = "kiosk.service" if page is None else "kiosk-page.service"
    done = places.call("systemctl", "--no-block", "start", unit, limit_s=_START_LIMIT_S)
    if not done.ok:
        sys.stderr.write(f"{unit} could not be started: {done.err.strip()[:200]}\n")
    return done.ok


def write(page: Page, places: Places) -> None:
    """page.json, readable for the page program."""
    write_durably(places.page, json.dumps(page, ensure_ascii=False).encode(), 0o644)


def shown(places: Places | None = None) -> dict[str, Any]:
    """The page on the screen; {"page": "reception"} while the reception has it."""
    places = places or Places()
    if places.reception.exists():
        return {"page": "reception"}
    with contextlib.suppress(OSError, ValueError), places.page.open("rb") as opened:
        read = json.loads(opened.read(_MAX_BYTES))
        if isinstance(read, dict):
            return read
    return {"page": "no_site"}


def usual(places: Places | None = None) -> dict[str, Any] | None:
    """What belongs on the screen when nothing special happens: None is the reception.

    A machine that runs from the installer's stick installs; a machine without its disk says so; without a site that
    can be used there is no reception.
    """
    places = places or Places()
    if places.on_cmdline("kiosk.installer") is not None:
        return {"page": "installer"}
    if places.var_broken.exists():
        return {"page": "recovery", "reason": _first(_lines(places.var_broken)) or "unknown"}
    if not (places.site / "site.toml").is_file():
        return {"page": "no_site"}
    wrong = _lines(places.site_wrong)
    return {"page": "no_site", "wrong": wrong} if wrong else None


def back(places: Places) -> bool:
    """A page is left: what is usual follows. True: systemd took the order.

    Not while a stick's site is tried: whoever begins a visit now would lose the network, then the screen.
    """
    if not _being_tried(places):
        return show(usual(places), places)
    ordered = show(CHECKING, places)
    # It may have ended meanwhile, with its result under our page.
    if not _being_tried(places) and shown(places) == CHECKING:
        return show(usual(places), places)
    return ordered


def _being_tried(places: Places) -> bool:
    try:
        descriptor = os.open(places.stick_lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def until_free(places: Places, limit_s: float) -> bool:
    """Wait until no visit is under way; False: one still is. A reception that does not run or hangs has none.

    What takes the screen away in the middle of a visit leaves a patient who does not know whether it is done.
    """
    due = time.monotonic() + limit_s
    while shown(places).get("page") == "reception" and _visit(places):
        if time.monotonic() > due:
            return False
        threading.Event().wait(_LOOK_S)
    return True


def _visit(places: Places) -> bool:
    try:
        told: Any = safe_files.json_of(places.reception_status)
        return moments.age_s(told) < _FRESH_S and told["screen"] not in OPEN_ON
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return False


def at_start(places: Places | None = None) -> None:
    """After `apply` at boot: the usual page or the reception."""
    show(usual(places), places)


def _lines(file: Path) -> list[str]:
    try:
        with file.open("rb") as opened:
            text = opened.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][:_MAX_LINES]


def _first(lines: Sequence[str]) -> str | None:
    return lines[0].strip() if lines else None
