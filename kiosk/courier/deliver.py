"""Delivering one file: byte for byte, exactly once, never over another file.

By copy (two shares):  `seen`, with a temporary name -> create, write, flush and read back in one call -> `staged` ->
                       rename without replace -> `published` -> delete the source only if it still is what was sent ->
                       `done`.
By move (one share):   `staged` -> hash and rename through one handle -> `done`.

Each step is durable in the ledger before the next one is visible, so that a kill at any point is only a pause. A lost
answer leaves the outcome unknown; then the temporary file is the commit record: gone means renamed.

Why two commits before the rename are enough. The row of `seen` holds the temporary name before a file of that name
exists: whatever a kill leaves there is known as ours, counts as tried after a start, and is swept. The row of `staged`
says that the file of that name is whole, and only for that name and only if the row still is `seen`: what the watcher
replaced meanwhile is not renamed. Only from then on does a temporary file that is gone mean that it was renamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from drivers.share import Exists, Full, Missing, Refused, ShareError, Unreachable
from kiosk.courier.alarms import Notices
from kiosk.courier.ends import Ends
from kiosk.courier.ledger import FileId, Item, Ledger, State, new_temp, was_sent
from kiosk.courier.ownership import uninterrupted

# A temporary file of ours that another program took: once may be a virus scanner, twice is a program that reads
# everything, and a third copy might be a second delivery.
TEMP_LOST_MAX = 1
# Why a file is held. The name is taken at the destination, by other bytes:
DIFFERS = "destination_differs"
# It lies whole at the destination, not yet shown, but is gone from the source, and another kiosk may have delivered it:
SOURCE_GONE = "source_gone"
# Why an item that had been sent is `staged` again: we deleted its source ourselves.
RESENT = "resent"


class _SourceGone(Exception):
    """The source lacks the file, as distinct from a destination folder that is missing."""


@dataclass(eq=False)
class Deliverer:
    """Advances files of one route. For one thread. Every method raises ShareError for what is to be tried again.

    `owns`: whether the source is still ours alone; called right before a file becomes visible at the destination.
    `alone`: whether no other kiosk can have delivered from it between two moments; None: not yet known. `unrivalled`:
    the same of the time from a moment until now, but for the very last; False also where it is not known.
    """

    ends: Ends
    ledger: Ledger
    notices: Notices
    owns: Callable[[], bool] = lambda: True
    alone: Callable[[float, float], bool | None] = lambda since, to: True
    unrivalled: Callable[[float], bool] = lambda since: True

    def __post_init__(self) -> None:
        self._gone: dict[FileId, float] = {}  # when the source of what is staged was found gone
        # Temporary names under which a file of ours may lie. Of an attempt before this process began nothing is known.
        self._tried = self.ledger.open_temps()
        # A rename or move was asked for; it may have been done without the ledger saying so yet. What was staged before
        # this process began is unknown as well.
        self._unknown = set(self._tried)
        self._collided: set[FileId] = set()  # the same bytes were there already, and the ledger does not say so yet
        self._temps_lost: dict[FileId, int] = {}

    def advance(self, file: FileId, raw: bytes | None, since: float = 0.0) -> State:
        """Do the next steps for one file and return its state. `raw`: its bytes, if still in memory.

        `since`: the moment (`uninterrupted`) since which the file is known.
        """
        item = self.ledger.item(file)
        if item.state == "held":
            self._reconsider(item)
            item = self.ledger.item(file)
        if item.state == "seen" and self.ends.moves:
            if self.ledger.begin_move(item, tried=bool(self._tried.get(file))):
                self._unknown.discard(file)
            item = self.ledger.item(file)
        was_read = False
        if item.state == "seen":
            item = self._stage(item, raw) or self.ledger.item(file)
            was_read = raw is not None
        if item.state == "staged":
            if item.temp:
                self._publish(item, since, was_read=was_read)
            else:
                self._move(item)
            item = self.ledger.item(file)
        if item.state == "published":
            self._clean(item)
        state = self.ledger.item(file).state
        if state in ("done", "lost", "replaced"):
            self._unknown.discard(file)
            self._collided.discard(file)
            for kept in (self._temps_lost, self._tried, self._gone):
                kept.pop(file, None)
        return state

    def send_again(self, item: Item) -> None:
        """The temporary file of a published item is back: the server lost the rename."""
        # It may vanish again while we rename; that must never look as if it had not been sent.
        self._unknown.add(item.id)
        self.ledger.set_state(item, "staged", RESENT)
        self.notices.event("file_resent", item)

    # -- by copy ------------------------------------------------------------------------------------------------

    def _stage(self, item: Item, raw: bytes | None) -> Item | None:
        """Write the copy. Returns the item with its copy; None: there is none, and the ledger says why."""
        # A name that the server refused to create is used again: a day of refusals must not fill the ledger.
        if not item.temp or self._tried.get(item.id) == item.temp:
            temp = new_temp()
            if not self.ledger.attempt(item, temp):
                return None
            item = replace(item, temp=temp)
        self._tried[item.id] = item.temp
        self._unknown.discard(item.id)
        try:
            written = self.ends.staging.put(item.temp, self._pieces(item) if raw is None else [raw])
        except (Refused, Full):
            del self._tried[item.id]  # if something is left there after all, the next try meets Exists
            raise
        except _SourceGone:
            if not self.ends.source.entries(item.name):
                self._end_unsent(item, self._lost_to_other)
            return None
        if written != item.digest:
            # The source is not what was seen: its new content is another item; this one was never sent.
            self._end_unsent(item, self._replaced)
            return None
        return replace(item, state="staged", reason="") if self.ledger.stage(item) else None

    def _end_unsent(self, item: Item, end: Callable[[Item], None]) -> None:
        """Unless the watcher has ended it meanwhile."""
        now = self.ledger.item(item.id)
        if now.state == "seen":
            end(now)

    def _pieces(self, item: Item) -> Iterator[bytes]:
        try:
            yield from self.ends.source.chunks(item.name)
        except Missing as error:
            raise _SourceGone from error

    def _publish(self, item: Item, since: float, *, was_read: bool = False) -> None:
        if item.id not in self._collided:
            # What the watcher read in the source at `since` is not looked for there once more if no other kiosk can
            # have delivered it meanwhile: only that is asked by it. Either answer is true of the moment at which it was
            # given; what another kiosk does after that is up to `owns`.
            if not (was_read and self.unrivalled(since)) and self._other_may_have_delivered(item, since):
                return
            if not self.owns():
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
