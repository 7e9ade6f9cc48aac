"""The threads behind a watcher: one lists the folder, one waits for the server's notices, one looks up and examines.

A listing of 100,000 old files takes a second, and a notice may not come for hours; neither may keep a patient's file
from being looked up, so each has a thread and a connection of its own. What they find goes through one inbox to the
thread that owns the watcher.

Notices make a file known at once; listings make it known at all: a notice can be lost, or a server may not offer any.
So the folder is listed every `poll_s` while a visit waits for a result or notices are not in force, and every
`relist_s` otherwise. A file that listings show and notices do not name means that notices are not to be relied on: they
are asked for anew, and if that happens again and again they count as not in force.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from drivers.share import Changes, ShareError, Unsupported
from kiosk.results.watch import Listing, Watcher

# A server that refuses notices, or whose notices do not come, may have been replaced by one that is better.
ASK_AGAIN_S = 300.0
RETRY_S = 0.5
# Each try is a logon, of which the server's log tells: not two a second for as long as the folder is missing.
RETRY_MAX_S = 8.0
# A notice may come after the listing that shows its file; not that long after.
UNNOTICED_S = 2.0
SILENT_AFTER = 3
# A visit ends with a message; a reception that died sends none. Longer than a patient is waited for.
VISIT_MAX_S = 300.0
# While a long listing is repeated, the processor is also there for others.
REST_MAX_S = 0.5
IDLE_S = 1.0
NoticeState = Literal["starting", "in_force", "refused", "silent", "down"]


class Owner(Protocol):
    """Whose lookout it is. Called from its threads; must not block on the network, but for `may_watch`."""

    def may_watch(self) -> bool:
        """Whether the folder is ours to look at; waits a moment if not."""

    def answered(self) -> None:
        """The folder was listed."""

    def listed(self, began: float, at: float) -> None:
        """A listing that ran from `began` to `at`, monotonic seconds, has been taken."""

    def failed(self, error: ShareError) -> float:
        """The share does not answer or refuses. Returns after how many seconds it is tried again."""

    def examined(self, refused: bool) -> None:
        """`refused`: the server does not let us read some of the files."""


@dataclass(frozen=True)
class _Notice:
    """`names`: as in `Changes.next`. `at`: when it came."""

    names: Mapping[str, bool]
    at: float


class Lookout:
    """`examine_once`, `list_once` and `notices_once` are one turn each, for three threads."""

    def __init__(self, watcher: Watcher, owner: Owner, relist_s: float) -> None:
        self._watcher, self._owner, self._relist_s = watcher, owner, relist_s
        self._inbox: queue.SimpleQueue[Listing | _Notice | None] = queue.SimpleQueue()
        self._wake = threading.Condition()
        self._closed = False
        self._wanted = False  # a listing, at once
        self._list_at = 0.0  # when the next listing is due
        self._began_at = float("-inf")  # the last listing
        self._taken = True
        self._answers = True  # until a listing fails
        self._visit: tuple[int, float] | None = None  # which visit waits, and until when at most
        self._changes: Changes | None = None
        self._listed_since_armed = False
        self._named: dict[str, float] = {}  # names of notices that came since the last listing began, and when
        self._unnoticed: dict[str, float] = {}  # names that a listing showed first, and when it was taken
        self._silent = 0
        self._retry_s = RETRY_S
        self._blocked_until = 0.0
        self.notices: NoticeState = "starting"

    # -- for any thread -------------------------------------------------------------------------------------------

    def visit_waits(self, visit: int) -> None:
        """List at once, and then every `poll_s` until `visit_ended`."""
        with self._wake:
            self._visit = (visit, time.monotonic() + VISIT_MAX_S)
            self._wanted = True
            self._wake.notify_all()

    def visit_ended(self, visit: int) -> None:
        with self._wake:
            if self._visit is not None and self._visit[0] == visit:
                self._visit = None

    def close(self) -> None:
        """Each turn ends soon; so does the connection for notices."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._inbox.put(None)
        self._drop_notices()

    # -- listing --------------------------------------------------------------------------------------------------

    def list_once(self) -> None:
        """Wait until a listing is due and its predecessor was taken; list."""
        with self._wake:
            while not self._closed and not (self._taken and self._is_due()):
                self._wake.wait(max(0.0, self._list_at - time.monotonic()) if self._taken else None)
            if self._closed:
                return
            self._wanted = False
        if not self._owner.may_watch():
            self._drop_notices()
            self._pause(RETRY_S)
            return
        began = time.monotonic()
        try:
            listing = self._watcher.list_folder()
        except ShareError as error:
            self._answers = False
            self._drop_notices()  # they would be waited for in vain from a server that is gone
            self._pause(self._owner.failed(error))
            return
        self._owner.answered()
        with self._wake:
            self._began_at, self._taken, self._answers = began, False, True
            self._wake.notify_all()
        self._inbox.put(listing)
        self._plan_listing(
            max(began + self._interval_s(), listing.finished + min(listing.finished - began, REST_MAX_S))
        )
        self._count_others()

    def _is_due(self) -> bool:
        return self._wanted or time.monotonic() >= self._list_at

    def _plan_listing(self, at: float) -> None:
        with self._wake:
            self._list_at = at
            self._wake.notify_all()

    def _pause(self, pause_s: float) -> None:
        """Whatever is wanted meanwhile."""
        until = time.monotonic() + pause_s
        with self._wake:
            self._wake.wait_for(lambda: self._closed, pause_s)
            self._list_at = until

    def _interval_s(self) -> float:
        return self._relist_s if self.notices == "in_force" and not self._visit_is_on() else self._watcher.folder.poll_s

    def _visit_is_on(self) -> bool:
        visit = self._visit
        return visit is not None and time.monotonic() < visit[1]

    def _count_others(self) -> None:
        """Not while a visit waits for the next listing; and who owns the folder hears of trouble by a listing."""
        if not self._wanted:
            try:
                number = self._watcher.count_others()
            except ShareError:
                return
            if number is not None:
                self._watcher.listener.others(number)

    # -- notices --------------------------------------------------------------------------------------------------

    def notices_once(self) -> None:
        """Ask for notices and pass them on for as long as they come.

        Only of a server that answers: one that has just come back must not be kept busy with further log-ons while a
        visit waits for a listing.
        """
        with self._wake:
            self._wake.wait_for(lambda: self._answers or self._closed)
        if not self._owner.may_watch():
            self._wait_closed(RETRY_S)
            return
        try:
            changes = self._watcher.share.watch()
            self._watcher.share.session_info()  # the first file that is noticed need not wait for a log-on
        except Unsupported:
            self._note_state("refused")
            self._wait_closed(ASK_AGAIN_S)
            return
        except ShareError:
            self._note_state("down")
            self._wait_closed(self._longer_pause_s())
            return
        with self._wake:
            self._changes = changes
            self._listed_since_armed = False
            self._unnoticed = {}  # another one: the thread that examines may be looking through this one
        if self._closed:
            changes.close()
            return
        self._note_state("in_force")
        try:
            while True:
                names = changes.next()
                self._retry_s = RETRY_S
                if names is None:
                    self._list_now()
                else:
                    self._inbox.put(_Notice(names, time.monotonic()))
        except ShareError:
            pass  # it was closed, or the listings find out what is wrong
        finally:
            changes.close()
        silent = self._silent >= SILENT_AFTER
        self._note_state("silent" if silent else "down")
        self._wait_closed(ASK_AGAIN_S if silent else self._longer_pause_s())

    def _longer_pause_s(self) -> float:
        """Until notices have come, ever longer. Listings go on meanwhile, every `poll_s`."""
        pause_s, self._retry_s = self._retry_s, min(2 * self._retry_s, RETRY_MAX_S)
        return pause_s

    def _note_state(self, state: NoticeState) -> None:
        """What came before must be listed, and from now on at another interval."""
        if state != self.notices:
            self.notices = state
            self._list_now()

    def _list_now(self) -> None:
        with self._wake:
            self._wanted = True
            self._wake.notify_all()

    def _drop_notices(self) -> None:
        changes, self._changes = self._changes, None
        if changes is not None:
            changes.close()

    def _wait_closed(self, timeout_s: float) -> None:
        with self._wake:
            self._wake.wait_for(lambda: self._closed, timeout_s)

    # -- looking up and examining ---------------------------------------------------------------------------------

    def examine_once(self) -> None:
        """Take what listings and notices brought, then examine for a moment."""
        self._take_all(self._wait_s())
        if self._closed or time.monotonic() < self._blocked_until:
            return
        if not self._owner.may_watch():
            # What was left unfinished is still due, and would be all the time.
            self._blocked_until = time.monotonic() + RETRY_S
            return
        try:
            self._owner.examined(self._watcher.examine())
        except ShareError as error:
            self._blocked_until = time.monotonic() + self._owner.failed(error)
        if self._watcher.wants_listing:
            self._plan_listing(min(self._list_at, self._began_at + self._watcher.folder.poll_s))

    def _wait_s(self) -> float:
        now, due = time.monotonic(), self._watcher.due_at()
        at = now + IDLE_S if due is None else max(due, self._blocked_until)
        return min(max(0.0, at - now), IDLE_S)

    def _take_all(self, wait_s: float) -> None:
        """Wait for a message, and take all that there are."""
        try:
            message = self._inbox.get(timeout=wait_s)
            while message is not None:
                self._take(message)
                message = self._inbox.get_nowait()
        except queue.Empty:
            pass
        if any(time.monotonic() - at > UNNOTICED_S for at in self._unnoticed.values()):
            self._unnoticed = {}
            self._silent += 1
            self._drop_notices()

    def _take(self, message: Listing | _Notice) -> None:
        if isinstance(message, _Notice):
            if any(name not in self._unnoticed for name in message.names):
                self._silent = 0
            for name in message.names:
                self._unnoticed.pop(name, None)
                self._named[name] = message.at
            self._watcher.noticed(message.names, message.at)
            return
        try:
            new = self._watcher.take(message)
        finally:
            with self._wake:
                self._taken = True
                self._wake.notify_all()
        if self.notices == "in_force" and not message.cut:
            if self._listed_since_armed:
                # A name may have been noticed and not yet been looked up, or the look have been refused.
                unnoticed = (sighting.name for sighting in new if sighting.name not in self._named)
                self._unnoticed.update((name, time.monotonic()) for name in unnoticed)
            self._listed_since_armed = True
        self._named = {name: at for name, at in self._named.items() if at >= message.started}
        self._owner.listed(message.started, message.finished)
