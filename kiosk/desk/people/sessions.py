"""Sessions of the desk's users, in memory: a restart ends them all.

Owns the cookies (kept as hashes), the CSRF tokens, the idle lock with its tries, and the ends: at 04:00, by log-out, by
another password. Knows no account but its name and epoch.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

IDLE_S: Final = 600.0
ENDS_AT: Final = time(4)
TRIES: Final = 5
# A clock that is set back must not make a session last: it ends after a day in any case.
_LONGEST_S: Final = 24 * 3600.0
_OF_A_USER: Final = 10  # the oldest ends when there is one more
_ALL: Final = 500


@dataclass
class Kept:
    """One session. `key`: the hash of its cookie. `used_at`, `began_at`: seconds of `since_start`."""

    key: str = field(repr=False)
    name: str
    epoch: int
    address: str
    csrf: str = field(repr=False)
    ends: datetime
    began_at: float
    used_at: float
    idle: bool = False
    wrong: int = 0


class Sessions:
    """`now`: the time, aware; `since_start`: seconds that never go back; `zone`: of the site. Any thread."""

    def __init__(self, zone: ZoneInfo, now: Callable[[], datetime], since_start: Callable[[], float]) -> None:
        self._zone = zone
        self._now = now
        self._since_start = since_start
        self._lock = threading.Lock()
        self._kept: dict[str, Kept] = {}

    def begin(self, name: str, epoch: int, address: str) -> tuple[str, Kept]:
        """A cookie and its session."""
        cookie = secrets.token_urlsafe(32)
        now = self._since_start()
        kept = Kept(_key(cookie), name, epoch, address, secrets.token_urlsafe(32), self._end(), now, now)
        with self._lock:
            self._drop_ended()
            own = [each.key for each in self._kept.values() if each.name == name]
            for key in [
                *own[: max(0, len(own) + 1 - _OF_A_USER)],
                *list(self._kept)[: max(0, len(self._kept) + 1 - _ALL)],
            ]:
                self._kept.pop(key, None)
            self._kept[kept.key] = kept
        return cookie, replace(kept)

    def find(self, cookie: str, *, used: bool) -> Kept | None:
        """The session of `cookie`, None: there is none (any more). `used`: by a person, which keeps it from idling."""
        with self._lock:
            kept = self._kept.get(_key(cookie))
            if kept is None or self._is_over(kept):
                return None
            now = self._since_start()
            if now - kept.used_at >= IDLE_S:
                kept.idle = True
            if used and not kept.idle:
                kept.used_at = now
            return replace(kept)

    def is_open(self, key: str) -> bool:
        """Whether the session `key` is still there and not idle."""
        with self._lock:
            kept = self._kept.get(key)
            return kept is not None and not kept.idle and not self._is_over(kept)

    def lock(self, key: str) -> None:
        """As if the session had idled; none: nothing."""
        with self._lock:
            if key in self._kept:
                self._kept[key].idle = True

    def count_try(self, key: str) -> int | None:
        """An idle session is about to be opened: how many tries are left if this one fails. None: it was one too many,
        or there is no such session; it is ended.
        """
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            kept.wrong += 1
            if kept.wrong > TRIES:
                del self._kept[key]
                return None
            return TRIES - kept.wrong

    def open(self, key: str) -> bool:
        """An idle session goes on; False: it ended meanwhile."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or self._is_over(kept):
                return False
            kept.idle, kept.wrong, kept.used_at = False, 0, self._since_start()
            return True

    def end(self, key: str) -> None:
        """End the session `key`; none: nothing."""
        with self._lock:
            self._kept.pop(key, None)

    def end_others(self, name: str, key: str, epoch: int) -> None:
        """End the sessions of `name` but `key`, which goes on in `epoch`."""
        with self._lock:
            self._kept = {each.key: each for each in self._kept.values() if each.name != name or each.key == key}
            if key in self._kept:
                self._kept[key].epoch = epoch

    def end_all(self, name: str) -> None:
        """End the sessions of `name`."""
        with self._lock:
            self._kept = {each.key: each for each in self._kept.values() if each.name != name}

    def _is_over(self, kept: Kept) -> bool:
        return self._now() >= kept.ends or self._since_start() - kept.began_at >= _LONGEST_S

    def _drop_ended(self) -> None:
        self._kept = {each.key: each for each in self._kept.values() if not self._is_over(each)}

    def _end(self) -> datetime:
        """The next 04:00 of the site."""
        local = self._now().astimezone(self._zone)
        day = local.date() if local.time() < ENDS_AT else local.date() + timedelta(days=1)
        return datetime.combine(day, ENDS_AT, self._zone)


def same(token: str, other: str) -> bool:
    """Compare two tokens in a time that does not tell where they differ."""
    return hmac.compare_digest(token.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def _key(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()
