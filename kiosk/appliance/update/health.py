"""Whether the version that runs may stay: after every start, once.

Owns the decision. A version on trial (just installed) must show its screen and do what worked before the update; if it
does not in time, the machine goes back to the other slot. A version that was good before is never left because of a
share, a printer or a courier: its screen is enough, so that three starts on a bad day do not bring the older one back.
Must never restart the machine for a slot that is not on trial.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from drivers.durable import write_durably
from kiosk.appliance.machine import screen_owner
from kiosk.appliance.machine.event_log import StaffLog
from kiosk.appliance.machine.places import Places
from kiosk.appliance.update import slots
from kiosk.operations.report import StatusReport
from kiosk.process.systemd import STEP_S

WAIT_S: Final = 600.0
WAIT_NAME: Final = "KIOSK_HEALTH_S"  # a drop-in of a test
_POLL_S: Final = 5.0
_DRAWN_S: Final = 3.0 * STEP_S  # a reception's start: its program, its window, its first picture
PAGE_UNIT: Final = "kiosk-page.service"
_CALL_S: Final = 30.0
_WORDS_MAX: Final = 20


def find_lost(before: Mapping[str, Any], report: StatusReport | None) -> list[str]:
    """What worked before the update and does not now, as words. `before`: as `slots.remember` wrote it; may be empty.

    `report`: of `kiosk status --json`; None: no answer, which is a fault where there was a reception.
    """
    if not before.get("reception"):
        return []
    if report is None:
        return ["status"]
    words = []
    if not report.courier.alive:
        words.append("courier")
    now = slots.working(report)
    lost = set(now["lost_journals"]) - {str(each) for each in _as_list(before.get("lost_journals"))}
    # Not known (delivery missing) is as bad as lost: the ledger could not be read.
    if lost or report.delivery is None:
        words.append("journal")
    then = before.get("shares")
    for role, state in sorted(then.items() if isinstance(then, Mapping) else ()):
        if state == "ok" and now["shares"].get(str(role)) != "ok":
            words.append(f"share_{role}")
    if before.get("printer") == "ready" and now["printer"] != "ready":
        words.append("printer")
    if before.get("desk") is True and not now["desk"]:
        words.append("desk")
    return words


def find_missing(places: Places, *, on_trial: bool) -> list[str]:
    """Words for all that is still missing; [] is good."""
    before = slots.read_note(places.before_update) if on_trial else {}
    reception = before.get("reception") is True or places.reception.exists()
    words = []
    if not _active(places, "kiosk.service" if reception else PAGE_UNIT):
        words.append("screen")
    if on_trial and places.var_broken.exists():
        words.append("var")
    if on_trial and not words:
        words = find_lost(before, slots.kiosk_status(places) if before.get("reception") else None)
    return words


def confirm(places: Places, wait_s: float) -> bool:
    """Wait until the slot is good and mark it so in the boot loader; False: not in time. Needs a booted slot."""
    slot = str(slots.booted(places))
    if slots.mend(places, slot):
        _log(places, "boot_block_mended", where=slot)
    on_trial = slots.trial(places) == slot
    _report_fall_back(places, slot)
    if slots.passed_over(places) and slots.read_note(places.health).get("slot") != slot:
        _log(places, "other_slot_started", where=slot)
    until = time.monotonic() + wait_s
    tick = threading.Event()
    while words := find_missing(places, on_trial=on_trial):
        # A technician's page has the reception's screen: the reception cannot be checked meanwhile, nor while it
        # starts afterwards.
        if _held_by_a_person(places, words):
            until = max(until, time.monotonic() + min(wait_s, _DRAWN_S))
        elif time.monotonic() >= until:
            _not_good(places, slot, words, on_trial=on_trial)
            return False
        tick.wait(min(_POLL_S, wait_s / 10))
    kept = not on_trial and slots.keep_good(places, slot)
    if not kept and not slots.mark(places, "good", "booted"):
        sys.stderr.write("the slot is good, but RAUC did not mark it\n")
        return False
    _write_verdict(places, {"slot": slot, "good": True, "missing": []})
    if on_trial:
        # In this order: a power cut in between repeats the trial of a version that is good.
        slots.set_trial(places, None)
        with suppress(OSError):
            slots.forget(places)
        _log(places, "update_good", where=slot)
    return True


def _held_by_a_person(places: Places, words: list[str]) -> bool:
    return (
        words == ["screen"]
        and screen_owner.current_page(places).get("page") == "technician"
        and _active(places, PAGE_UNIT)
    )


def _not_good(places: Places, slot: str, words: list[str], *, on_trial: bool) -> None:
    sys.stderr.write(f"slot {slot} did not become good: {' '.join(words)}\n")
    _write_verdict(places, {"slot": slot, "good": False, "missing": words})
    if not on_trial:
        return
    with suppress(OSError):
        before = slots.read_note(places.before_update)
        write_durably(places.before_update, json.dumps(before | {"missing": words[:_WORDS_MAX]}).encode())
    _log(places, "update_not_good", where=slot, what=" ".join(words)[:200])
    if not slots.mark(places, "bad", "booted"):
        # Still on trial: kiosk-fallback.service, started by our failure, goes back without RAUC.
        sys.stderr.write("RAUC did not mark the slot bad\n")
        return
    slots.set_trial(places, None)
    # The screen may work, with a patient in front of it. The rest of the unit's time-out is enough.
    screen_owner.wait_until_free(places, screen_owner.VISIT_S)
    places.call("systemctl", "--no-block", "reboot", limit_s=_CALL_S)


def _report_fall_back(places: Places, slot: str) -> None:
    """The version before runs again although an update was installed: logged once, with the reason."""
    before = slots.read_note(places.before_update)
    if not before or before.get("slot") == slot or before.get("boot_id") == places.boot_id:
        return  # no update, the update itself, or it waits for the restart
    words = [str(word) for word in _as_list(before.get("missing"))]
    _log(places, "update_fell_back", where=slot, what=" ".join(words)[:200] or "did_not_start")
    # After three failed boots it would still be offered as a good version.
    if before.get("slot") == slots.OTHER[slot]:
        slots.mark(places, "bad", "other")
    with suppress(OSError):
        slots.forget(places)
    if slots.trial(places):
        slots.set_trial(places, None)


def _active(places: Places, unit: str) -> bool:
    return places.call("systemctl", "is-active", "--quiet", unit, limit_s=_CALL_S).ok


def _as_list(value: object) -> list[object]:
    return value[:_WORDS_MAX] if isinstance(value, list) else []


def _write_verdict(places: Places, verdict: dict[str, Any]) -> None:
    verdict |= {"at": round(time.time()), "version": places.version}
    with suppress(OSError):  # a broken /var is a fault of its own
        places.appliance.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(places.health, json.dumps(verdict).encode())


def _log(places: Places, event: str, **fields: str) -> None:
    sys.stderr.write(f"{event}: {' '.join(fields.values())}\n")
    # Logging must never stop a fall-back: not a full disk, not a list of events without this one.
    with suppress(OSError, ValueError), closing(StaffLog(places)) as log:
        log.write(event, **fields)


def main(arguments: Sequence[str]) -> int:
    """`kiosk.appliance health [--root FOLDER]`."""
    places = Places(Path(arguments[1])) if len(arguments) == 2 and arguments[0] == "--root" else Places()
    if slots.booted(places) is None:
        return 0  # a plain PC or the installer's stick
    return 0 if confirm(places, float(os.environ.get(WAIT_NAME, WAIT_S))) else 1
