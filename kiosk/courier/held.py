"""What is held waits for a person; whether one has been here.

Nobody's only copy is given up: a file that is held when its source is gone keeps its temporary file. Must only look.
"""

from __future__ import annotations

from typing import Literal

from kiosk.courier.admission import was_sent
from kiosk.courier.ends import Ends
from kiosk.courier.ledger import Item, Ledger

# Why a file is held. The name is taken at the destination, by other bytes:
DIFFERS = "destination_differs"
# It lies whole at the destination, not yet shown, but is gone from the source, and another kiosk may have delivered it:
SOURCE_GONE = "source_gone"
# `seen`, `staged`: it goes on from there. `withdrawn`: a person took it from the source. `lost`: the copy is gone too.
Verdict = Literal["held", "seen", "staged", "withdrawn", "lost"]


def reconsidered(item: Item, ends: Ends, ledger: Ledger) -> Verdict:
    """Raises ShareError."""
    there = ends.source.entries(item.name)
    if item.temp:
        back = any(entry.size == item.digest.size for entry in there)
        if not back and not ends.staging.entries(item.temp):
            return "lost"  # a person has made use of it, or a program ate it
        return "staged" if (_is_free(item, ends) if item.reason == DIFFERS else back) else "held"
    if not there:
        return "withdrawn"
    if item.reason == DIFFERS:
        return "seen" if _is_free(item, ends) else "held"
    sent = item.reason != "other_content" or was_sent(ledger.of_name(item.route, item.name), item)
    return "held" if sent else "seen"


def _is_free(item: Item, ends: Ends) -> bool:
    return not ends.destination.entries(item.name)
