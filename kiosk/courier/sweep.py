"""Sweeping unfinished files from the receipt computer's folder, once a minute.

Removes what earlier attempts of this kiosk left behind, and finds renames that the server lost in a power cut: Samba
does not sync a rename, so a temporary file may be back although it had been published. Must never touch a file that is
not in this kiosk's ledger.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.share import Missing, ShareError, Unreachable
from kiosk.courier.deliver import TEMP_PATTERN
from kiosk.courier.ends import Ends
from kiosk.courier.ledger import Item, Ledger

RENAME_DOUBTED_H = 24  # a server that was cut off shows what it lost within a day


@dataclass(frozen=True)
class Swept:
    """`back`: published items whose temporary file is there again; `foreign`: names of unfinished files not ours."""

    back: tuple[Item, ...]
    foreign: frozenset[str]


def sweep(ends: Ends, ledger: Ledger) -> Swept:
    """One round. Raises ShareError."""
    there = {entry.name for entry in ends.staging.entries(TEMP_PATTERN)}
    abandoned = ledger.abandoned_temps(ends.route)
    sent = ledger.sent_since(ends.route, RENAME_DOUBTED_H)
    for name in abandoned:
        if name in there:
            try:
                ends.staging.remove(name)
            except Missing:
                pass  # gone meanwhile
            except Unreachable:
                raise
            except ShareError:
                continue  # Busy: after a power cut of ours the server still holds the handle; next minute
        ledger.forget_temp(name)
    # Both routes may have one staging folder.
    foreign = frozenset(name for name in there.difference(abandoned) if not ledger.knows_temp(name))
    return Swept(tuple(item for item in sent if item.temp in there), foreign)
