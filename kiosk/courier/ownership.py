"""Which kiosk drains a source folder: one at a time, however many are connected.

Each kiosk keeps a mark beside its unfinished files: an empty file whose name holds the source (as its server identifies
it, not as it is spelled), the kiosk, what it wants, and a beat that goes up. A kiosk that finds the source taken waits
and delivers nothing. A mark that did not change (or was missing) for a minute of our own clock, in which we could list,
is dead; no file's time and no other clock counts. Must never hold a patient's data or touch a file that is no mark.

The way to a source that is free: a `try`; a later listing without another kiosk's `own` or `try`; then `own`. Of two
that try at once each sees the other, and the greater id gives way. A mark becomes `own` or beats by a rename, which
fails if another kiosk declared us dead; a mark that another program removed is written again by a kiosk whose last beat
is recent enough.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from drivers.durable import write_durably
from drivers.share import Busy, Missing, Share, ShareError
from kiosk.process.data_folder import DataFolder

DEAD_S = 60.0
TRY_AGAIN_S = 0.2
REMOVED_MAX = 3
# Time for a copy; short for a kiosk that must find the source free, take it, and deliver from it.
UNRIVALLED_S = 0.25
# Beside `.kiosk-….tmp`, not under its pattern: kiosks of earlier versions would raise an alarm about their neighbours.
PATTERN = ".k-owner-*.tmp"
_NAME = re.compile(r"\.k-owner-([0-9a-f]{16})-([0-9a-f]{16})-(own|try|wait)-([0-9]{1,15})\.tmp")
Wish = Literal["own", "try", "wait"]
_NETWORKS = Path("/sys/class/net")
_MACHINE_ID = Path("/etc/machine-id")
_STRONGEST: tuple[Wish, ...] = ("wait", "try", "own")


def uninterrupted() -> float:
    """Seconds that also pass while the machine sleeps: a kiosk that slept must not believe that it still owns."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class Mark:
    """What the name of one mark says. `source` and `kiosk` are hashes."""

    source: str
    kiosk: str
    wish: Wish
    beat: int

    @property
    def name(self) -> str:
        return f".k-owner-{self.source}-{self.kiosk}-{self.wish}-{self.beat}.tmp"

    @staticmethod
    def of(name: str) -> Mark | None:
        found = _NAME.fullmatch(name)
        return Mark(found[1], found[2], found[3], int(found[4])) if found else None  # type: ignore[arg-type]


@dataclass
class _Other:
    """Another kiosk's mark as it was last listed, and for how many seconds it has not changed or been missing."""

    mark: Mark
    still_s: float = 0.0


@dataclass(eq=False)
class Ownership:
    """Of one route's source. `update` is for one thread, `unrivalled` for another; the rest may be asked by any."""

    route: str
    kiosk: str
    source: Share
    staging: Share
    dead_s: float = DEAD_S
    clock: Callable[[], float] = uninterrupted

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._lease_s, self._beat_s = self.dead_s * 2 / 3, self.dead_s / 6
        self._source = ""
        self._mine: Mark | None = None
        self._beat_at = 0.0
        self._read_at: float | None = None
        self._others: dict[tuple[str, str], _Other] = {}
        self._removed = 0
        self._wait_deadline = 0.0
        self._alone_at = float("inf")  # since when no other kiosk can have delivered from our source
        self._alone_known_at = 0.0

    @property
    def owns(self) -> bool:
        """Whether we may deliver: the source is ours, and our last beat so recent that no kiosk can declare us dead."""
        return self._mine is not None and self._mine.wish == "own" and self.clock() - self._beat_at < self._lease_s

    @property
    def stands_back(self) -> bool:
        """Whether another kiosk has the source."""
        return self._mine is not None and self._mine.wish == "wait"

    @property
    def shared(self) -> bool:
        """Whether another living kiosk wants the source."""
        return any(other.mark.source == self._source for other in list(self._others.values()) if self._lives(other))

    def alone(self, since: float, to: float) -> bool | None:
        """Whether no other kiosk can have delivered from the source between these two moments of the clock.

        None: not yet known, as there was no listing since. While our mark was missing another kiosk may have taken the
        source; and a mark that we found at our start proves nothing about the time before.
        """
        if self._alone_at > since:
            return False
        return True if self._alone_known_at > to else None

    def unrivalled(self, since: float) -> bool:
        """Whether no other kiosk can have delivered what was read in the source at `since`, until a moment ago.

        Not what `alone` proves of the past: in the last UNRIVALLED_S another program may have removed our mark, and a
        kiosk that never saw it may have taken the source over. For the thread that delivers; lists the marks if they
        were not listed lately, once for all files of that time. Raises ShareError.
        """
        if self.shared or self._alone_at > since:
            return False
        until = self._alone_known_at
        if until > self._alone_at:  # listed since it is ours
            until = max(until, since)
        if self.clock() - until >= UNRIVALLED_S:
            with self._lock:
                self._read_marks()
        return self._alone_at <= since and self._alone_at < self._alone_known_at

    def update(self) -> float:
        """List the marks, decide, beat. Returns in how many seconds the next update is due. Raises ShareError."""
        with self._lock:
            return self._update()

    def _update(self) -> float:
        self._know_source()
        owned = self.owns
        found = self._read_marks()
        held = found or self._mine
        wish = self._wish_for(held, found, owned)
        if found is not None and wish == found.wish and self.clock() - self._beat_at < self._beat_s:
            return self._pause_s()
        self._write_mark(held, found, wish, owned)
        return 0.0 if self._mine is None or (wish == "try" and found is None) else self._pause_s()

    def leave(self) -> None:
        """Take the mark away; after the last delivery."""
        mine, self._mine = self._mine, None
        if mine is not None:
            with suppress(ShareError):
                self.staging.remove(mine.name)

    # -- one update ---------------------------------------------------------------------------------------------

    def _know_source(self) -> None:
        """Asked each time: a server that was set up again, or a folder that was made again, is another source."""
        try:
            identity = self.source.identity()
        except ShareError:
            if self._source:
                return  # it does not answer just now; what we own we own
            raise
        source = hashlib.sha256(f"{self.route}/{identity}".encode()).hexdigest()[:16]
        if self._source not in ("", source):
            # The other kiosk may find out later than we do.
            self._wait_deadline = self.clock() + 2 * self._beat_s if self.stands_back else 0.0
            self.leave()
        self._source = source

    def _read_marks(self) -> Mark | None:
        """List all marks; returns our own."""
        marks = [mark for entry in self.staging.entries(PATTERN) if (mark := Mark.of(entry.name)) is not None]
        now = self.clock()
        # A time in which we could not list proves nothing about others: it counts as one listing.
        seen_s = min(now - self._read_at, 2 * self._beat_s) if self._read_at is not None else 0.0
        self._read_at = now
        there: dict[tuple[str, str], Mark] = {}
        for mark in sorted(marks, key=lambda each: (_STRONGEST.index(each.wish), each.beat)):
            there[mark.source, mark.kiosk] = mark
        found = there.pop((self._source, self.kiosk), None)
        self._update_others(there, seen_s)
        if found is None or self.shared:
            self._alone_at = now
        self._alone_known_at = now
        for mark in marks:
            leftover = mark.kiosk == self.kiosk and mark.source == self._source and mark != found
            other = self._others.get((mark.source, mark.kiosk))
            if leftover or (other is not None and not self._lives(other)):
                with suppress(ShareError):  # gone, or not ours to remove: it is dead all the same
                    self.staging.remove(mark.name)
        return found

    def _update_others(self, there: dict[tuple[str, str], Mark], seen_s: float) -> None:
        for key, other in list(self._others.items()):
            if there.get(key, other.mark) == other.mark:
                other.still_s += seen_s  # also while it is missing: another program may have removed it
                if key not in there and not self._lives(other):
                    del self._others[key]
        for key, mark in there.items():
            known = self._others.get(key)
            if known is None or known.mark != mark:
                self._others[key] = _Other(mark)

    def _lives(self, other: _Other) -> bool:
        return other.still_s < self.dead_s

    def _wish_for(self, held: Mark | None, found: Mark | None, owned: bool) -> Wish:
        """What our mark is to want."""
        living = [other.mark for other in self._others.values() if self._lives(other)]
        rivals = [mark for mark in living if mark.source == self._source and mark.wish != "wait"]
        if held is not None and held.wish == "own" and (found is not None or owned):
            # Two owners: only after a mark could not be seen. Who was away gives way, else the greater id.
            lost = any(mark.wish == "own" and (not owned or mark.kiosk < self.kiosk) for mark in rivals)
            return "wait" if lost else "own"
        if held is not None and held.wish == "try":
            if any(mark.wish == "own" or mark.kiosk < self.kiosk for mark in rivals):
                return "wait"
            self._removed += found is None
            # Never listed, always removed: then no kiosk's marks can be seen here.
            return "own" if not rivals and (found is not None or self._removed > REMOVED_MAX) else "try"
        return "wait" if rivals or self.clock() < self._wait_deadline else "try"

    def _write_mark(self, held: Mark | None, found: Mark | None, wish: Wish, owned: bool) -> None:
        # A new mark must not look like an earlier one of ours that another kiosk has declared dead.
        beat = held.beat + 1 if held is not None else secrets.randbelow(10**14)
        mark = Mark(self._source, self.kiosk, wish, beat)
        at = self.clock()
        try:
            if found is not None:
                self.staging.rename_new(found.name, mark.name)
            else:
                self.staging.put(mark.name, ())
        except (Missing, Busy) as error:  # Busy: a virus scanner reads it, and the next update removes it
            if wish == "own" and not owned:
                if isinstance(error, Busy):
                    raise
                self._mine = None  # another kiosk declared us dead: from the beginning
                return
            self.staging.put(mark.name, ())
        if self._mine is None or self._mine.wish != "own":
            self._alone_at = at
        self._beat_at, self._mine = at, mark

    def _pause_s(self) -> float:
        return min(TRY_AGAIN_S, self._beat_s) if self._mine is not None and self._mine.wish == "try" else self._beat_s


def kiosk_id(folder: Path) -> str:
    """The identity of a kiosk among those that share a receipt computer: 16 hex digits, random, made once and kept.

    Beside it is kept which machine it was made for, so that a spare machine with a copy of the data folder, or of the
    whole disk, is another kiosk. Network cards come and go on one machine (a late driver, an adapter, a random
    address): one that is known again is enough, or after a power cut a kiosk would wait for its own mark.

    `folder`: the courier's own. An identity that cannot be kept there (full disk) is good for this start.
    """
    path, (machine, *cards) = DataFolder(folder).kiosk_id, _machine()
    kept = (_read(path) or "").splitlines()
    if len(kept) > 1 and re.fullmatch(r"[0-9a-f]{16}", kept[0]) and kept[1] == machine:
        if not cards or not set(cards).isdisjoint(kept[2:]):
            return kept[0]
        if not kept[2:]:  # made before any card was there; without these, a copy of the disk would be taken for us
            return _keep(path, kept[0], machine, cards)
    if len(kept) == 1 and re.fullmatch(r"[0-9a-f]{32}", kept[0]):  # the form before: all of it went into the id
        known = "/".join((kept[0], *sorted(filter(None, (machine, *cards)))))
        return _keep(path, hashlib.sha256(known.encode()).hexdigest()[:16], machine, cards)
    return _keep(path, secrets.token_hex(8), machine, cards)


def _keep(path: Path, made: str, machine: str, cards: list[str]) -> str:
    with suppress(OSError):
        write_durably(path, ("\n".join((made, machine, *cards)) + "\n").encode())
    return made


def _machine() -> list[str]:
    """The machine-id, then the addresses of network cards of hardware: no two machines of one network share them."""
    cards = (_read(path) for path in _NETWORKS.glob("*/address") if (path.parent / "device").exists())
    return [_read(_MACHINE_ID) or "", *sorted({card for card in cards if card and card.strip("0:")})]


def _read(path: Path) -> str | None:
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="ascii").strip()
    return None
