"""Delivering one file: byte for byte, exactly once, never over another file.

By copy (two shares):  fresh temporary name -> flush -> read back -> `staged` -> rename without replace -> `published`
                       -> delete the source only if it still is what was sent -> `done`.
By move (one share):   `staged` -> hash and rename through one handle -> `done`.

Each step is durable in the ledger before the next one is visible, so that a kill at any point is only a pause. A lost
answer leaves the outcome unknown; then the temporary file is the commit record: gone means renamed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from drivers.share import Exists, Missing, Share, ShareError, Unreachable
from kiosk.courier.ledger import Item, Ledger, State

TEMP_PATTERN = ".kiosk-*.tmp"
COPY_CHUNK_BYTES = 1 << 20
# A temporary file of ours that somebody else took: once may be a virus scanner, twice is a program that reads
# everything, and a third copy might be a second delivery.
TEMP_LOST_MAX = 1


class _SourceGone(Exception):
    """The source lacks the file; told apart from a destination folder that lacks itself."""


class Notices(Protocol):
    """Who is told of what happened to a file; `code` is an id of the event log."""

    def event(self, code: str, item: Item, why: str = "") -> None: ...

    def alarm(self, code: str, item: Item) -> None: ...

    def all_clear(self, item: Item) -> None: ...


@dataclass(frozen=True)
class Ends:
    """The folders of one route. `staging` is where unfinished files lie; it is on `destination`'s share."""

    source: Share
    destination: Share
    staging: Share

    @property
    def moves(self) -> bool:
        """One share: the file itself can be renamed across, and no copy is needed."""
        return self.source.reaches(self.destination)


class Deliverer:
    """Advances files of one route. Used by one thread. Every method raises ShareError for what is tried again."""

    def __init__(self, ends: Ends, ledger: Ledger, notices: Notices) -> None:
        self._ends = ends
        self._ledger = ledger
        self._notices = notices
        # Asked for a rename or move, answer unknown. What was staged before this process began is unknown as well.
        self._unknown = {item.id for item in ledger.open_items("results") + ledger.open_items("subsidies")}
        self._temps_lost: dict[int, int] = {}

    def advance(self, file: int, raw: bytes | None) -> State:
        """Do the next steps for one file and return its state; `raw`: its bytes, if they are still in memory."""
        item = self._ledger.item(file)
        if item.state == "held" and item.reason == "destination_differs" and self._name_is_free(item):
            self._set(item, "seen")
            item = self._ledger.item(file)
        if item.state == "seen":
            if self._ends.moves:
                self._set(item, "staged")
            else:
                self._stage(item, raw)
            item = self._ledger.item(file)
        if item.state == "staged":
            if item.temp:
                self._publish(item)
            else:
                self._move(item)
            item = self._ledger.item(file)
        if item.state == "published":
            self._clean(item)
        return self._ledger.item(file).state

    # -- by copy ------------------------------------------------------------------------------------------------

    def _stage(self, item: Item, raw: bytes | None) -> None:
        temp = f".kiosk-{uuid4().hex}.tmp"
        self._ledger.attempt(item, temp)
        self._unknown.discard(item.id)
        try:
            written = self._ends.staging.put(temp, self._pieces(item) if raw is None else [raw])
        except _SourceGone:
            if not self._ends.source.entries(item.name):
                self._lost_to_other(item)
            return
        if written != item.digest:
            # The source is not what was seen: its new content is another item; this one was never sent.
            self._set(item, "replaced")
            self._notices.event("file_replaced", item)
            return
        if self._ends.staging.digest(temp) != item.digest:
            return  # bytes changed on the way or on the disk: the next attempt takes a new name
        self._set(item, "staged")

    def _pieces(self, item: Item) -> Iterator[bytes]:
        try:
            yield from self._ends.source.chunks(item.name, COPY_CHUNK_BYTES)
        except Missing as error:
            raise _SourceGone from error

    def _publish(self, item: Item) -> None:
        try:
            self._rename(item)
        except Missing:
            # Only a folder that can be listed proves that the file is gone, and not the folder with it.
            if self._ends.staging.entries(item.temp):
                return
            if item.id not in self._unknown:
                self._temp_lost(item)
                return
        except Exists:
            if not self._resolve_collision(item):
                return
        self._set(item, "published")
        self._notices.event("file_published", item)

    def _rename(self, item: Item) -> None:
        try:
            self._ends.staging.rename_new(item.temp, item.name, into=self._ends.destination)
        except Unreachable:
            self._unknown.add(item.id)
            raise

    def _resolve_collision(self, item: Item) -> bool:
        """The name is taken at the destination. True: by our very bytes, so there is nothing more to send."""
        there = self._ends.destination.digest(item.name)  # Missing: taken just now; the next try renames
        if there != item.digest:
            self._hold(item, "destination_differs")
            return False
        if item.temp:
            self._ends.staging.remove(item.temp)
        return True

    def _temp_lost(self, item: Item) -> None:
        """The server says for sure that nothing was renamed, and our file is gone: somebody took or removed it."""
        lost = self._temps_lost.get(item.id, 0) + 1
        self._temps_lost[item.id] = lost
        self._notices.alarm("temp_lost", item)
        if lost > TEMP_LOST_MAX:
            self._hold(item, "temp_lost")
        else:
            self._set(item, "seen")

    def _clean(self, item: Item) -> None:
        with suppress(Missing):  # already gone, which is all that was wanted
            # False: other content under this name is not ours to delete; the watcher sees it as another item.
            self._ends.source.delete_same(item.name, item.digest)
        self._set(item, "done")
        self._notices.event("file_done", item)

    # -- by move ------------------------------------------------------------------------------------------------

    def _move(self, item: Item) -> None:
        try:
            moved = self._ends.source.move_same(item.name, item.digest, item.name, into=self._ends.destination)
        except Unreachable:
            self._unknown.add(item.id)
            raise
        except Missing:
            if self._ends.source.entries(item.name):
                return
            if item.id not in self._unknown:
                self._lost_to_other(item)
                return
            moved = True
        except Exists:
            if self._resolve_collision(item):
                self._set(item, "published")  # the same bytes are there already; only the source is left to clear
            return
        if not moved:
            self._set(item, "replaced")
            self._notices.event("file_replaced", item)
            return
        self._set(item, "done")
        self._notices.event("file_published", item)
        self._notices.event("file_done", item)

    # -- both ---------------------------------------------------------------------------------------------------

    def _name_is_free(self, item: Item) -> bool:
        return not self._ends.destination.entries(item.name)

    def _lost_to_other(self, item: Item) -> None:
        self._set(item, "lost")
        self._notices.alarm("file_lost_to_other", item)

    def _hold(self, item: Item, why: str) -> None:
        self._set(item, "held", why)
        self._notices.alarm("file_held", item)
        self._notices.event("file_held", item, why)
        if item.temp:
            try:
                self._ends.staging.remove(item.temp)
            except ShareError:
                return  # swept later

    def _set(self, item: Item, state: State, why: str = "") -> None:
        self._ledger.set_state(item, state, why)
        if state in ("published", "done"):
            self._notices.all_clear(item)
