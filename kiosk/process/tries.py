"""How often somebody may try a PIN or a password, and the lock-out after too many wrong ones.

The lock-out is counted on the clock that runs since the start, not on the time of day, which a dead battery or a time
server moves. A restart starts the lock-out again: switching off and on never shortens it. An attempt is counted on disk
before the secret is compared, so that a power cut in between does not give it back.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from drivers.durable import write_durably
from drivers.file_lock import lock_within
from kiosk.process.secret_hash import matches

TRIES: Final = 5
LOCK_S: Final = 15 * 60.0
LOCK_MAX_S: Final = 4 * 3600.0
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Right:
    """The secret was right."""


@dataclass(frozen=True)
class Wrong:
    """It was not; `left` tries are left before the lock."""

    left: int


@dataclass(frozen=True)
class Locked:
    """Nobody may try for `wait_s` seconds. `began`: by this try, the last wrong one; else nothing was compared."""

    wait_s: float
    began: bool = field(default=False, compare=False)


def _since_start() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class _State:
    wrong: int = 0
    locks: int = 0
    boot: str = ""
    until: float = 0.0


class Tries:
    """The tries, kept in `file`; several processes may use it. `now`: seconds since the start, whose id is `boot`.

    Raises OSError when the file cannot be written: then nothing is compared.
    """

    def __init__(self, file: Path, *, now: Callable[[], float] = _since_start, boot: str = "") -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = file
        self._lock = file.with_name(f"{file.name}.lock")
        self._now = now
        self._boot = boot or _BOOT_ID.read_text(encoding="ascii").strip()

    def locked_s(self) -> float:
        """Seconds until somebody may try; 0: now."""
        with self._held():
            return self._wait(self._read())

    def attempt(self, secret: str, kept: bytes) -> Right | Wrong | Locked:
        """Try `secret` against the record `kept`."""
        with self._held():
            state = self._read()
            if wait_s := self._wait(state):
                return Locked(wait_s)
            wrong = state.wrong + 1
            locks = state.locks + (wrong >= TRIES)
            until = self._now() + _lock_s(locks) if wrong >= TRIES else 0.0
            self._write(_State(0 if until else wrong, locks, self._boot, until))
            if matches(secret, kept):
                self._write(_State())
                return Right()
            return Locked(_lock_s(locks), began=True) if until else Wrong(TRIES - wrong)

    def forgive(self) -> None:
        """Begin the count again: who may, has given a new secret."""
        with self._held():
            self._write(_State())

    @contextmanager
    def _held(self) -> Iterator[None]:
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            lock_within(descriptor, math.inf)
            yield
        finally:
            os.close(descriptor)

    def _wait(self, state: _State) -> float:
        if not state.until:
            return 0.0
        if state.boot != self._boot:
            state = _State(state.wrong, state.locks, self._boot, self._now() + _lock_s(state.locks))
            self._write(state)
        return max(0.0, state.until - self._now())

    def _read(self) -> _State:
        try:
            fields = json.loads(self._file.read_bytes())
            return _State(int(fields["wrong"]), int(fields["locks"]), str(fields["boot"]), float(fields["until"]))
        except FileNotFoundError:
            return _State()
        except (ValueError, KeyError, TypeError):
            # A deleted or damaged count must not give more tries.
            return _State(0, 1, "", 1.0)

    def _write(self, state: _State) -> None:
        write_durably(self._file, json.dumps(vars(state)).encode())


def _lock_s(locks: int) -> float:
    """How long the lock number `locks` lasts, from 1."""
    doublings: int = min(max(locks, 1) - 1, 10)
    return min(LOCK_S * float(2**doublings), LOCK_MAX_S)
