"""What is on the screen: the reception, or one of the appliance's pages.

Owns page.json, the flag `reception`, and the change between the two programs: KMS/DRM lets one program at a time draw,
so kiosk-page.service conflicts with kiosk.service and starting one stops the other. Root only. Must never put a secret
or a patient's data on a page.

On the image kiosk-page.service is enabled and kiosk.service is not: two conflicting units in one boot would cancel each
other. `show_usual` starts the reception; when even that fails, the page program stands there and says that there is no
site.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from drivers.durable import write_durably
from kiosk.appliance.machine.places import Busy, Places, locked, text_of
from kiosk.process import json_values, safe_files
from kiosk.reception import run_status
from kiosk.reception.staff_door import OPEN_ON

Page = Mapping[str, Any]

# While a stick's site is tried.
CHECKING: Final[Page] = {"page": "no_site", "checking": True}
_START_LIMIT_S: Final = 20.0
_MAX_LINES: Final = 50
# The reception writes when its screen changes, and every 10 s.
_FRESH_S: Final = 30.0
_POLL_S: Final = 0.5
# Longer than any visit whose patient does not keep asking for more time.
VISIT_S: Final = 240.0


def show(page: Page | None, places: Places) -> bool:
    """Put `page` on the screen, or the reception (None). True: systemd accepted the job, which is not waited for.

    A page that is on the screen already is only rewritten: the page program sees the file change.
    """
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


def current_page(places: Places) -> dict[str, Any]:
    """The page on the screen as in page.json; {"page": "reception"} while the reception has the screen."""
    if places.reception.exists():
        return {"page": "reception"}
    read = safe_files.json_of(places.page)
    return read if isinstance(read, dict) else {"page": "no_site"}


def usual_page(places: Places) -> dict[str, Any] | None:
    """What belongs on the screen when nothing special happens: None is the reception.

    A machine that runs from the installer's stick installs; a machine without its disk says so; without a site that
    can be used there is no reception.
    """
    if places.is_installer:
        return {"page": "installer"}
    if places.var_broken.exists():
        return {"page": "recovery", "reason": next(iter(_read_lines(places.var_broken)), "unknown").strip()}
    if not places.site_file.is_file():
        return {"page": "no_site"}
    wrong = _read_lines(places.site_wrong)
    return {"page": "no_site", "wrong": wrong} if wrong else None


def show_usual(places: Places) -> bool:
    """The usual page or the reception: at boot after `apply`, and after everything special."""
    return show(usual_page(places), places)


def leave_page(places: Places) -> bool:
    """Leave a page for the usual one. True: systemd accepted the job.

    Not while a stick's site is tried: a visit that begins now would lose the network, then the screen.
    """
    if not _being_tried(places):
        return show_usual(places)
    ordered = show(CHECKING, places)
    # It may have ended meanwhile, with its result under our page.
    if not _being_tried(places) and current_page(places) == CHECKING:
        return show_usual(places)
    return ordered


def _being_tried(places: Places) -> bool:
    try:
        with locked(places.stick_lock, wait=False):
            return False
    except Busy:
        return True


def wait_until_free(places: Places, limit_s: float) -> bool:
    """Wait until no visit is under way; False: one still is. A reception that does not run or hangs has none.

    A patient whose screen is taken away in the middle of a visit does not know whether it is done.
    """
    due = time.monotonic() + limit_s
    while current_page(places).get("page") == "reception" and _visit_under_way(places):
        if time.monotonic() > due:
            return False
        threading.Event().wait(_POLL_S)
    return True


def _visit_under_way(places: Places) -> bool:
    status = run_status.read(places.data)
    return status.screen is not None and status.screen not in OPEN_ON and json_values.age_s(vars(status)) < _FRESH_S


def _read_lines(file: Path) -> list[str]:
    return [line for line in text_of(file).splitlines() if line.strip()][:_MAX_LINES]
