"""What is left behind in the receipt computer's folder: our own unfinished files, and renames that its server lost."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.share import Missing, Share, ShareError, Unreachable
from kiosk.courier.ends import Ends
from kiosk.courier.ledger import TEMP_PATTERN, Item, Ledger

RENAME_DOUBTED_H = 24  # a server that was cut off shows what it lost within a day


@dataclass(frozen=True)
class Swept:
    """`back`: published items whose temporary file is there again; `foreign`: names of unfinished files not ours."""

    back: tuple[Item, ...]
    foreign: frozenset[str]


def sweep(ends: Ends, ledger: Ledger) -> Swept:
    """Sweep unfinished files from the receipt computer's folder. Raises ShareError.

    Removes what earlier attempts of this kiosk left behind, and finds renames that the server lost in a power cut:
    Samba does not sync a rename, so a temporary file may be back although it had been published. Never touches a file
    that is not in this kiosk's ledger.
    """
    there = {entry.name for entry in ends.staging.entries(TEMP_PATTERN)}
    abandoned = ledger.abandoned_temps(ends.route)
    gone = []
    try:
        for name in abandoned:
            if name in there and not _removed(ends.staging, name):
                continue  # Busy: after a power cut of ours the server still holds the handle; next minute
            gone.append(name)
    finally:
        ledger.forget_temps(gone)
    left = there.difference(abandoned)
    sent = (ledger.sent_as(ends.route, name, RENAME_DOUBTED_H) for name in left)
    back = sorted((item for item in sent if item is not None), key=lambda item: item.id)
    # Both routes may have one staging folder.
    return Swept(tuple(back), frozenset(name for name in left if not ledger.knows_temp(name)))


def _removed(staging: Share, name: str) -> bool:
    """Whether it is gone now. Raises Unreachable."""
    try:
        staging.remove(name)
    except Missing:
        pass  # gone meanwhile
    except Unreachable:
        raise
    except ShareError:
        return False
    return True
