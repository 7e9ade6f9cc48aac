"""The two slots: which one runs, which may run, and what is remembered of an update until it has proved itself.

Owns the boot loader's variables `kiosk_turn` (how the display hangs) and `kiosk_trial` (the slot whose first good start
is still awaited; it is in the boot loader's block because a new version may be the one that cannot open /var), and the
notes before-update.json and health.json. RAUC writes the other variables, but for the tries of a slot that was good
before. Must never mark a slot by itself: `update` and `health` decide.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Final

from drivers.durable import write_durably
from kiosk.appliance.machine.places import Places, text_of
from kiosk.operations.report import StatusReport, decode
from kiosk.process import safe_files

OTHER: Final = {"A": "B", "B": "A"}
TRIAL: Final = "kiosk_trial"
ROTATION: Final = "kiosk_turn"
_BLOCK_BYTES: Final = 1024  # GRUB's environment block, "GRUB Environment Block" in its manual
_LIMIT_S: Final = 60.0
_STATUS_LIMIT_S: Final = 60.0


def booted(places: Places) -> str | None:
    """`A` or `B`; None on a machine without slots."""
    slot = places.on_cmdline("rauc.slot")
    return slot if slot in OTHER else None


def variables(places: Places) -> dict[str, str]:
    """The boot loader's variables; empty when they cannot be read."""
    text = text_of(places.grubenv, _BLOCK_BYTES)
    lines = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {key: value for key, mark, value in lines if mark}


def trial(places: Places) -> str | None:
    """The slot whose update has not proved itself yet."""
    return variables(places).get(TRIAL) or None


def passed_over(places: Places) -> bool:
    """Whether the boot loader gave up a good version after three failed boots: power cuts, most likely."""
    block, slot = variables(places), booted(places)
    if slot is None or block.get(TRIAL):  # an update that waits for its restart is the first, too
        return False
    return block.get("ORDER", "").split()[:1] == [OTHER[slot]] and block.get(f"{OTHER[slot]}_OK") == "1"


def set_trial(places: Places, slot: str | None) -> bool:
    """Begin the trial of `slot`, or end the one that runs. False: the boot loader's block could not be written."""
    return _set(places, TRIAL, slot or "")


def set_boot_rotation(places: Places, rotation: int) -> None:
    """Rotate the boot picture as the site's display is mounted, in degrees; written only when it changes."""
    wanted = str(rotation) if rotation else ""
    if variables(places).get(ROTATION, "") != wanted:
        _set(places, ROTATION, wanted)


def _set(places: Places, name: str, value: str) -> bool:
    return edit_block(places, places.grubenv, *(("set", f"{name}={value}") if value else ("unset", name)))


def edit_block(places: Places, block: Path, *change: str) -> bool:
    """Run grub-editenv on a boot loader's `block`. False: it failed."""
    return places.call("grub-editenv", str(block), *change, limit_s=_LIMIT_S).ok


def create_block(places: Places, block: Path, slot: str, *more: str) -> bool:
    """A new block for a machine of which the version in `slot` alone is known to be good. False: it was not written."""
    other = OTHER[slot]
    fresh = (f"ORDER={slot} {other}", f"{slot}_OK=1", f"{slot}_TRY=0", f"{other}_OK=0", f"{other}_TRY=0")
    return edit_block(places, block, "create") and edit_block(places, block, "set", *fresh, *more)


def mend(places: Places, slot: str) -> bool:
    """Recreate the boot loader's block if it is damaged: GRUB boots without it, but nothing could be marked any more.

    `slot` runs. Of the other one nothing is known, so it is not OK until an update is written to it. True: it was done.
    """
    if edit_block(places, places.grubenv, "list") and "ORDER" in variables(places):
        return False
    name = variables(places).get("machine_id")  # kiosk-machine-id.service was here first
    return create_block(places, places.grubenv, slot, *([f"machine_id={name}"] if name else []))


def keep_good(places: Places, slot: str) -> bool:
    """A good slot booted well: reset its tries. False: RAUC has to mark it.

    grub-editenv, which RAUC calls, empties the block before it writes it, and this is due at every start. Here one
    figure is written in its place, as GRUB counts it: a power cut leaves the old or the new block.
    """
    try:
        with places.grubenv.open("r+b", buffering=0) as block:
            text = block.read(_BLOCK_BYTES)
            tries = re.search(rf"\n{slot}_TRY=([0-9])\n".encode("ascii"), text)
            if tries is None or f"\n{slot}_OK=1\n".encode("ascii") not in text:
                return False
            if tries[1] != b"0":
                os.pwrite(block.fileno(), b"0", tries.start(1))
                os.fsync(block.fileno())
    except OSError:
        return False
    return True


def mark(places: Places, state: str, which: str) -> bool:
    """`state`: `good`, `bad` or `active`; `which`: `booted` or `other`. False: RAUC did not do it."""
    return places.call("rauc", "status", f"mark-{state}", which, limit_s=_LIMIT_S).ok


def kiosk_status(places: Places) -> StatusReport | None:
    """`kiosk status --json` as the reception's user; None: no answer, or no site."""
    if not places.site_file.is_file():
        return None
    done = places.as_kiosk("status", "--json", "--config", str(places.site_file), limit_s=_STATUS_LIMIT_S)
    # The exit code says whether anything is wrong; the report comes either way.
    return decode(done.out)


def remember(places: Places, slot: str, version: str) -> None:
    """Note what works before an update: what was down already is no fault of the new version. Raises OSError."""
    report = kiosk_status(places) or StatusReport()
    note = {
        "slot": slot,
        "version": version,
        "from": places.version,
        "boot_id": places.boot_id,
        "reception": places.site_file.is_file() and not places.site_wrong.exists(),
    } | working(report)
    places.appliance.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(places.before_update, json.dumps(note).encode())


def read_note(file: Path) -> dict[str, Any]:
    """A note of ours, of any version; empty when there is none or it is damaged."""
    read = safe_files.json_of(file)
    return read if isinstance(read, dict) else {}


def forget(places: Places) -> None:
    """Delete the note of `remember`: no update is under way any more. Raises OSError."""
    places.before_update.unlink(missing_ok=True)


def working(report: StatusReport) -> dict[str, Any]:
    """What of a report an update is measured by: the state of each role's share, of the printer ("": not known), the
    ledgers of deliveries that were put aside as unreadable, by name, and whether there is a desk that runs.
    """
    return {
        "shares": {role: str(share.state) for role, share in report.shares.items()},
        "printer": (report.printer.state or "") if report.printer else "",
        "lost_journals": sorted(alarm.subject for alarm in report.alarms or () if alarm.code == "journal_lost"),
        "desk": report.desk is not None and report.desk.alive,
    }
