"""Delivering one file: byte for byte, exactly once, never over another file.

By copy (two shares):  fresh temporary name -> flush -> read back -> `staged` -> rename without replace -> `published`
                       -> delete the source only if it still is what was sent -> `done`.
By move (one share):   `staged` -> hash and rename through one handle -> `done`.

Each step is durable in the ledger before the next one is visible, so that a kill at any point is only a pause. A lost
answer leaves the outcome unknown; then the temporary file is the commit record: gone means renamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

from drivers.share import Exists, Full, Missing, Refused, ShareError, Unreachable
from kiosk.courier.alarms import Notices
from kiosk.courier.ends import Ends
from kiosk.courier.ledger import FileId, Item, Ledger, State, was_sent
from kiosk.courier.ownership import uninterrupted

TEMP_PATTERN = ".kiosk-*.tmp"
# A temporary file of ours that another program took: once may be a virus scanner, twice is a program that reads
# everything, and a third copy might be a second delivery.
TEMP_LOST_MAX = 1
# Why a file is held. The name is taken at the destination, by other bytes:
DIFFERS = "destination_differs"
# It lies whole at the destination, not yet shown, but is gone from the source, and another kiosk may have delivered it:
SOURCE_GONE = "source_gone"
# Why an item that had been sent is `staged` again: we deleted its source ourselves.
RESENT = "resent"
RENAME_DOUBTED_H = 24  # a server that was cut off shows what it lost within a day


class _SourceGone(Exception):
    """The source lacks the file, as distinct from a destination folder that is missing."""


@dataclass(eq=False)
class Deliverer:
    """Advances files of one route. For one thread. Every method raises ShareError for what is to be tried again.

    `owns`: whether the source is still ours alone; called right before a file becomes visible at the destination.
    `alone`: whether no other kiosk can have delivered from it between two moments; None: not yet known.
    """

    ends: Ends
    ledger: Ledger
    notices: Notices
    owns: Callable[[], bool] = lambda: True
    alone: Callable[[float, float], bool | None] = lambda since, to: True

    def __post_init__(self) -> None:
        self._gone: dict[FileId, float] = {}  # when the source of what is staged was found gone
        # A rename or move was asked for; it may have been done without the ledger saying so yet. What was staged before
        # this process began is unknown as well.
        self._unknown = {item.id for item in self.ledger.open_items("results") + self.ledger.open_items("subsidies")}
        self._collided: set[FileId] = set()  # the same bytes were there already, and the ledger does not say so yet
        self._temps_lost: dict[FileId, int] = {}
        self._unused: dict[FileId, str] = {}
        self._written: dict[FileId, str] = {}  # temporary files that are whole but not yet read back

    def advance(self, file: FileId, raw: bytes | None, since: float = 0.0) -> State:
        """Do the next steps for one file and return its state. `raw`: its bytes, if still in memory.

        `since`: the moment (`uninterrupted`) since which the file is known.
        """
        item = self.ledger.item(file)
        if item.state == "held":
            self._reconsider(item)
            item = self.ledger.item(file)
        if item.state == "seen":
            if not self.ends.moves:
                self._stage(item, raw)
            elif self.ledger.begin_move(item):
                self._unknown.discard(file)
            item = self.ledger.item(file)
        if item.state == "staged":
            if item.temp:
                self._publish(item, since)
            else:
                self._move(item)
            item = self.ledger.item(file)
        if item.state == "published":
            self._clean(item)
        state = self.ledger.item(file).state
        if state in ("done", "lost", "replaced"):
            self._unknown.discard(file)
            self._collided.discard(file)
            for kept in (self._temps_lost, self._written, self._unused, self._gone):
                kept.pop(file, None)
        return state

    def send_again(self, item: Item) -> None:
        """The temporary file of a published item is back: the server lost the rename."""
        # It may vanish again while we rename; that must never look as if it had not been sent.
        self._unknown.add(item.id)
        self.ledger.set_state(item, "staged", RESENT)
        self.notices.event("file_resent", item)

    # -- by copy ------------------------------------------------------------------------------------------------

    def _stage(self, item: Item, raw: bytes | None) -> None:
        if self._written.get(item.id) != item.temp:
            self._write(item, raw)
            item = self.ledger.item(item.id)
            if self._written.get(item.id) != item.temp:
                return
        try:
            # Busy: a virus scanner reads it. Then the same file is read back later; a new one would only be scanned
            # again.
            there = self.ends.staging.digest(item.temp)
        except Missing:
            del self._written[item.id]
            self._temp_lost(item)
            return
        del self._written[item.id]
        if there == item.digest:
            self._set(item, "staged")
        # else bytes changed on the way or on the disk: the next attempt takes a new name

    def _write(self, item: Item, raw: bytes | None) -> None:
        # A name that the server refused to create is used again: a day of refusals must not fill the ledger.
        temp = self._unused.pop(item.id, "")
        if not temp or temp != item.temp:
            temp = f".kiosk-{uuid4().hex}.tmp"
            if not self.ledger.attempt(item, temp):
                return
        self._unknown.discard(item.id)
        try:
            written = self.ends.staging.put(temp, self._pieces(item) if raw is None else [raw])
        except (Refused, Full):
            self._unused[item.id] = temp  # if something is left there after all, the next try meets Exists
            raise
        except _SourceGone:
            if not self.ends.source.entries(item.name):
                self._lost_to_other(self.ledger.item(item.id))
            return
        if written == item.digest:
            self._written[item.id] = temp
            return
        # The source is not what was seen: its new content is another item; this one was never sent.
        self._replaced(self.ledger.item(item.id))

    def _pieces(self, item: Item) -> Iterator[bytes]:
        try:
            yield from self.ends.source.chunks(item.name)
        except Missing as error:
            raise _SourceGone from error

    def _publish(self, item: Item, since: float) -> None:
        if item.id not in self._collided and (self._other_may_have_delivered(item, since) or not self.owns()):
            return
        try:
            if item.id not in self._collided:
                self._rename(item)
        except Missing:
            # Only a folder that can be listed proves that the file is gone, not the folder with it.
            if self.ends.staging.entries(item.temp):
                return
            if item.id not in self._unknown:
                self._temp_lost(item)
                return
        except Exists:
            if not self._settle_collision(item):
                return
            self._collided.add(item.id)
        collided = item.id in self._collided
        # After a collision the temporary file is abandoned in the same step: a sweep that found it later would take
        # it for a rename that was lost, and send it again.
        self._set(item, "published", abandon=collided)
        if collided:
            self._remove_temp(item)
        self.notices.event("file_published", item)

    def _other_may_have_delivered(self, item: Item, since: float) -> bool:
        """Whether not to publish: the source lacks the file, and another kiosk may have delivered it from there.

        If there was no other kiosk, ours may be the only copy left, whatever emptied the folder: it is published. Of
        what was known before this process began that can never be proved: another may have come and gone meanwhile.
        """
        if item.reason == RESENT:
            return False
        left = [entry for entry in self.ends.source.entries(item.name) if entry.name == item.name]
        if left and (left[0].size == item.digest.size or item.id in self._unknown):
            return False
        if not self.ends.staging.entries(item.temp):
            return False  # we renamed it, or it was taken: the rename that fails tells which
        gone_at = self._gone.setdefault(item.id, uninterrupted())
        if (alone := self.alone(since, gone_at) if self.owns() else None) is False:
            self._set(item, "held", SOURCE_GONE, abandon=False)
            self.notices.alarm("file_lost_to_other", item)
            self.notices.event("file_held", item, SOURCE_GONE)
        return not alone

    def _rename(self, item: Item) -> None:
        try:
            self.ends.staging.rename_new(item.temp, item.name, into=self.ends.destination)
        except (Unreachable, Full):  # Full: a local disk renames, and may then find no room to sync the folder
            self._unknown.add(item.id)
            raise
        # A ledger that fails now must not make it look as if the file had been taken before it was sent.
        self._unknown.add(item.id)

    def _settle_collision(self, item: Item) -> bool:
        """The name is taken at the destination. True: by our very bytes: nothing is to be sent; else it is held."""
        there = self.ends.destination.digest(item.name)  # Missing: taken just now; the next try renames
        if there != item.digest:
            self._hold(item, DIFFERS)
            return False
        return True

    def _temp_lost(self, item: Item) -> None:
        """Nothing was renamed, that is certain, and our file is gone: another program took or removed it."""
        lost = self._temps_lost.get(item.id, 0) + 1
        if lost > TEMP_LOST_MAX:
            self._hold(item, "temp_lost")
        else:
            self._set(item, "seen")
        self._temps_lost[item.id] = lost
        self.notices.alarm("temp_lost", item)

    def _clean(self, item: Item) -> None:
        with suppress(Missing):  # already gone, which is all that was wanted
            # False: other content under this name is not ours to delete; the watcher sees it as another item.
            self.ends.source.delete_same(item.name, item.digest)
        self._set(item, "done")
        self.notices.event("file_done", item)

    # -- by move ------------------------------------------------------------------------------------------------

    def _move(self, item: Item) -> None:
        if item.id in self._collided:
            self._set(item, "published")
            return
        if not self.owns():
            return
        try:
            moved = self.ends.source.move_same(item.name, item.digest, item.name, into=self.ends.destination)
        except (Unreachable, Full):
            self._unknown.add(item.id)
            raise
        except Missing:
            if self.ends.source.entries(item.name):
                return
            if item.id not in self._unknown:
                self._lost_to_other(item)
                return
            moved = True
        except Exists:
            if self._settle_collision(item):
                self._collided.add(item.id)
                self._set(item, "published")  # the same bytes are there already; only the source is left to clear
            return
        if not moved:
            self._replaced(item)
            return
        self._unknown.add(item.id)  # as after a rename
        self._set(item, "done")
        self.notices.event("file_published", item)
        self.notices.event("file_done", item)

    # -- both ---------------------------------------------------------------------------------------------------

    def _reconsider(self, item: Item) -> None:
        """A held file goes on where it was once a person has cleared its way; nobody's only copy is given up."""
        there = self.ends.source.entries(item.name)
        if item.temp:
            back = any(entry.size == item.digest.size for entry in there)
            if not back and not self.ends.staging.entries(item.temp):
                self._lost_to_other(item)  # a person has made use of the copy, or a program ate it
                return
            goes_on = self._is_free(item) if item.reason == DIFFERS else back
        elif not there:  # a person took it from the source
            self._set(item, "lost", "withdrawn")
            self.notices.event("file_lost_to_other", item, "withdrawn")
            return
        elif item.reason == DIFFERS:
            goes_on = self._is_free(item)
        else:
            history = self.ledger.of_name(item.route, item.name)
            goes_on = item.reason == "other_content" and not was_sent(history, item)
        if goes_on:
            self._unknown.discard(item.id)  # a copy that is gone now does not mean that we renamed it
            self._gone.pop(item.id, None)
            self._set(item, "staged" if item.temp else "seen")
            self.notices.all_clear(item)

    def _is_free(self, item: Item) -> bool:
        return not self.ends.destination.entries(item.name)

    def _replaced(self, item: Item) -> None:
        self._set(item, "replaced")
        self.notices.event("file_replaced", item)

    def _lost_to_other(self, item: Item) -> None:
        self._set(item, "lost")
        self.notices.alarm("file_lost_to_other", item)

    def _hold(self, item: Item, why: str) -> None:
        keep = why == DIFFERS and bool(item.temp) and not self.ends.source.entries(item.name)
        self._set(item, "held", why, abandon=not keep)
        self.notices.alarm("file_held", item)
        self.notices.event("file_held", item, why)
        if not keep:
            self._remove_temp(item)

    def _remove_temp(self, item: Item) -> None:
        if item.temp:
            with suppress(ShareError):  # the sweep knows it
                self.ends.staging.remove(item.temp)

    def _set(self, item: Item, state: State, why: str = "", *, abandon: bool | None = None) -> None:
        self.ledger.set_state(item, state, why, abandon=abandon)
        if state in ("published", "done", "lost", "replaced"):
            self.notices.all_clear(item)


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
