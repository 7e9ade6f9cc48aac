"""Whether the ledger knows a file, how a complete one is entered, and when one that is held may go on.

What was delivered once is never sent again. What is held waits for a person, and nobody's only copy is given up: a file
that is held when its source is gone keeps its temporary file. Must never change a file.
"""

from __future__ import annotations

from typing import Literal

from drivers.share import Digest
from kiosk.courier.ends import Ends
from kiosk.courier.ledger import Item, Ledger, RouteName
from kiosk.courier.ledger import Subsidy as SubsidyState
from kiosk.results.sightings import Sighting

# Why a file is held. The name is taken at the destination, by other bytes:
DIFFERS = "destination_differs"
# It lies whole at the destination, not yet shown, but is gone from the source, and another kiosk may have delivered it:
SOURCE_GONE = "source_gone"
# `seen`, `staged`: it goes on from there. `withdrawn`: a person took it from the source. `lost`: the copy is gone too.
Verdict = Literal["held", "seen", "staged", "withdrawn", "lost"]


def was_sent(history: list[Item], item: Item | None = None) -> bool:
    """Whether the receipt computer has got, or is about to get, a file of this name other than `item`."""
    others = [each for each in history if item is None or each.id != item.id]
    return any(each.state not in ("lost", "replaced") and each.reason != "other_content" for each in others)


def admit(ledger: Ledger, route: RouteName, name: str, digest: Digest, request: str, subsidy: SubsidyState) -> Item:
    """Enter a complete file into the ledger.

    A name and content that were delivered before mean that the server lost our delete: it is deleted again, never sent
    again. A known name with other content is held: the receipt computer must not get two files of one name.
    """
    history = ledger.of_name(route, name)
    for item in reversed(history):
        if item.digest == digest:
            _open_again(ledger, item, name, history)
            return ledger.item(item.id)
    sent = [item for item in history if item.state not in ("lost", "replaced") and not ledger.replace_unsent(item)]
    held = "other_content" if sent else ""
    return ledger.add(route, name, digest, request=request, subsidy=subsidy, held=held)


def is_news(ledger: Ledger, route: RouteName, sighting: Sighting, digest: Digest) -> bool:
    """Whether the ledger lacked this content when it was first offered. To be called before `admit`.

    An offer may enter it and then fail at the next statement; the file is offered again, and is still news to the
    patient who waits.
    """
    if sighting.news != digest and all(item.digest != digest for item in ledger.of_name(route, sighting.name)):
        sighting.news = digest
    return sighting.news == digest


def _open_again(ledger: Ledger, item: Item, name: str, history: list[Item]) -> None:
    if item.state in ("done", "lost", "replaced") and item.name != name:
        ledger.set_spelling(item, name)
    if item.state == "done":
        ledger.set_state(item, "published")
    elif item.state in ("lost", "replaced"):
        if was_sent(history, item):  # other bytes were sent under this name meanwhile
            ledger.set_state(item, "held", "other_content")
        else:
            ledger.set_state(item, "seen")


def taken_by_other(ledger: Ledger, route: RouteName, name: str) -> bool:
    """Whether a file that vanished unread is a loss: not if the ledger has it, because we may have deleted it."""
    return all(item.state in ("lost", "replaced") for item in ledger.of_name(route, name))


def reconsidered(item: Item, ends: Ends, ledger: Ledger) -> Verdict:
    """Whether a person has been here. Raises ShareError."""
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
